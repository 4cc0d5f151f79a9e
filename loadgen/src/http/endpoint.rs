//! Where requests go: an address that speaks HTTP/1.1, over TLS or not, and who signs them.

use super::credentials::Credentials;
use super::trust::Roots;
use hyper::Uri;
use rustls::ClientConfig;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// A KMS behind HTTP.
#[derive(Clone, Debug)]
pub struct Endpoint {
    host: String,
    port: u16,
    tls: Option<Arc<ClientConfig>>,
    /// Who signs.
    pub credentials: Credentials,
    /// Keep-alive connections of each thread, so as many calls may be under way; at least one.
    pub connections: usize,
    /// How long an answer is waited for.
    pub timeout: Duration,
}

impl Endpoint {
    /// The endpoint of a URL such as `http://127.0.0.1:4599`; one of `https` is certified by `roots`.
    ///
    /// # Errors
    /// What is wrong with it, and what would be right.
    pub fn new(url: &str, credentials: Credentials, roots: Roots<'_>) -> Result<Endpoint, String> {
        let wanted = "an endpoint looks like http://127.0.0.1:4599";
        let uri: Uri =
            url.parse().map_err(|error| format!("{url:?} is no URL ({error}): {wanted}"))?;
        let secure = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(format!("{url:?}: {wanted}")),
        };
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(format!("{url}: the service has but the path /; {wanted}"));
        }
        let host = uri.host().filter(|host| !host.is_empty());
        let host = host.ok_or_else(|| format!("{url:?} names no host: {wanted}"))?.to_owned();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let port = match authority.rsplit('@').next().and_then(|at| at.strip_prefix(&host)) {
            None | Some("") => usual_port(secure),
            Some(named) => uri.port_u16().filter(|port| *port > 0).ok_or_else(|| {
                format!("{url}: {:?} is no port; ports are 1 to 65535", named.trim_matches(':'))
            })?,
        };
        let tls = secure.then(|| roots.client()).transpose()?;
        let (connections, timeout) = (1, Duration::from_secs(10));
        Ok(Endpoint { host, port, tls, credentials, connections, timeout })
    }

    /// Host and port, to connect to.
    pub(super) fn address(&self) -> (&str, u16) {
        // Brackets belong to the URL and not to the address.
        (self.host.trim_matches(['[', ']']), self.port)
    }

    /// How TLS is spoken to it, where it is.
    pub(super) fn tls(&self) -> Option<&Arc<ClientConfig>> {
        self.tls.as_ref()
    }

    /// The header `Host`, which is silent about the usual port.
    pub(super) fn host(&self) -> String {
        match self.port == usual_port(self.tls.is_some()) {
            true => self.host.clone(),
            false => format!("{}:{}", self.host, self.port),
        }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

fn usual_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

#[cfg(test)]
mod tests {
    use super::super::credentials::Credential;
    use super::*;

    const NOBODY: Roots<'_> = Roots::Pem(b"");

    fn endpoint(url: &str) -> Result<Endpoint, String> {
        Endpoint::new(url, Credentials::of(Credential::new("a", "b", None)), NOBODY)
    }

    #[test]
    fn urls_are_taken_apart() {
        let shown = |url| endpoint(url).map(|endpoint| endpoint.to_string());
        assert_eq!(shown("http://localhost"), Ok("http://localhost:80".to_owned()));
        assert_eq!(shown("http://[::1]:4599/"), Ok("http://[::1]:4599".to_owned()));
        assert_eq!(endpoint("http://[::1]:4599").unwrap().address(), ("::1", 4599));
        assert_eq!(shown("http://[::1]"), Ok("http://[::1]:80".to_owned()));
        let host = |url| endpoint(url).unwrap().host();
        assert_eq!(host("http://kms.example:80"), "kms.example");
        assert_eq!(host("http://kms.example:443"), "kms.example:443");
    }

    #[test]
    fn what_is_no_endpoint_is_said_with_what_would_be() {
        for (url, expected) in [
            ("https://kms.us-east-1.amazonaws.com", "no certificate in PEM"),
            ("127.0.0.1:4599", "looks like http://127.0.0.1:4599"),
            ("http://host/path", "but the path /"),
            ("ht!tp://", "looks like"),
            // These were taken for port 80.
            ("http://127.0.0.1:99999", "\"99999\" is no port"),
            ("http://[::1]:65536/", "\"65536\" is no port"),
            ("http://127.0.0.1:0", "ports are 1 to 65535"),
        ] {
            let said = endpoint(url).unwrap_err();
            assert!(said.contains(expected), "{url}: {said}");
        }
    }
}
