//! Where requests go: an address that speaks HTTP/1.1, and who signs them.

use super::credentials::Credentials;
use hyper::Uri;
use std::fmt;
use std::time::Duration;

/// A KMS behind HTTP.
#[derive(Clone, Debug)]
pub struct Endpoint {
    host: String,
    port: u16,
    /// Who signs.
    pub credentials: Credentials,
    /// Keep-alive connections of each thread, so as many calls may be under way; at least one.
    pub connections: usize,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

impl Endpoint {
    /// The endpoint of a URL such as `http://127.0.0.1:4599`.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn new(url: &str, credentials: Credentials) -> Result<Endpoint, String> {
        let wanted = "an endpoint looks like http://127.0.0.1:4599";
        let uri: Uri =
            url.parse().map_err(|error| format!("{url:?} is no URL ({error}): {wanted}"))?;
        match uri.scheme_str() {
            Some("http") => {}
            Some("https") => {
                return Err(format!(
                    "{url}: there is no TLS here; {wanted}, or put a proxy between"
                ));
            }
            _ => return Err(format!("{url:?}: {wanted}")),
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(format!("{url}: the service has but the path /; {wanted}"));
        }
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("{url:?} names no host: {wanted}"))?.to_owned();
        let port = uri.port_u16().unwrap_or(80);
        let (connections, timeout) = (1, Duration::from_secs(10));
        Ok(Endpoint { host, port, credentials, connections, timeout })
    }

    /// Host and port, to connect to.
    pub(super) fn address(&self) -> (&str, u16) {
        // Brackets belong to the URL and not to the address.
        (self.host.trim_matches(['[', ']']), self.port)
    }

    /// The header `Host`.
    pub(super) fn host(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}:{}", self.host, self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::super::credentials::Credential;
    use super::*;

    fn endpoint(url: &str) -> Result<Endpoint, String> {
        Endpoint::new(url, Credentials::of(Credential::new("a", "b", None)))
    }

    #[test]
    fn urls_are_taken_apart() {
        let shown = |url| endpoint(url).map(|endpoint| endpoint.to_string());
        assert_eq!(shown("http://localhost"), Ok("http://localhost:80".to_owned()));
        assert_eq!(shown("http://[::1]:4599/"), Ok("http://[::1]:4599".to_owned()));
        assert_eq!(endpoint("http://[::1]:4599").unwrap().address(), ("::1", 4599));
    }

    #[test]
    fn what_is_no_endpoint_is_said_with_what_would_be() {
        for (url, expected) in [
            ("https://kms.us-east-1.amazonaws.com", "no TLS"),
            ("127.0.0.1:4599", "looks like http://127.0.0.1:4599"),
            ("http://host/path", "but the path /"),
            ("ht!tp://", "looks like"),
        ] {
            let said = endpoint(url).unwrap_err();
            assert!(said.contains(expected), "{url}: {said}");
        }
    }
}
