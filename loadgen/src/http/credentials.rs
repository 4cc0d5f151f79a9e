//! Who signs: access keys, and the principals of the scenario that they stand for.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// An access key.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    access_key: String,
    secret: String,
    token: Option<String>,
}

/// Secrets are not shown.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Credential").field(&self.access_key).finish()
    }
}

impl Credential {
    /// An access key with its secret and, for temporary credentials, its session token.
    pub fn new(access_key: &str, secret: &str, token: Option<&str>) -> Credential {
        let (access_key, secret) = (access_key.to_owned(), secret.to_owned());
        Credential { access_key, secret, token: token.map(str::to_owned) }
    }

    pub(super) fn access_key(&self) -> &str {
        &self.access_key
    }

    pub(super) fn secret(&self) -> &str {
        &self.secret
    }

    pub(super) fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }
}

/// The credentials of a load: those of listed principals, and one for everybody else.
#[derive(Clone, Debug)]
pub struct Credentials {
    usual: Credential,
    listed: BTreeMap<String, Credential>,
}

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    identity: Vec<Listed>,
}

/// As `keyquake serve` lists identities; what else it says of them is for the server.
#[derive(Deserialize)]
struct Listed {
    access_key: String,
    secret_key: String,
    principal: String,
    session_token: Option<String>,
}

impl Credentials {
    /// One credential for everybody.
    pub fn of(usual: Credential) -> Credentials {
        Credentials { usual, listed: BTreeMap::new() }
    }

    /// Adds those of a TOML text in the form that `keyquake serve --identities` reads.
    ///
    /// # Errors
    /// What is wrong with the text, and where.
    pub fn add(&mut self, text: &str) -> Result<(), String> {
        let file: File = toml::from_str(text).map_err(|error| error.to_string())?;
        for one in file.identity {
            let token = one.session_token.as_deref();
            let credential = Credential::new(&one.access_key, &one.secret_key, token);
            self.listed.insert(one.principal, credential);
        }
        Ok(())
    }

    /// The credential listed for a principal.
    pub fn listed(&self, principal: &str) -> Option<&Credential> {
        self.listed.get(principal)
    }

    /// The credential of everybody who is not listed.
    pub fn usual(&self) -> &Credential {
        &self.usual
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_principals_have_keys_of_their_own() {
        let mut all = Credentials::of(Credential::new("test", "secret", None));
        let text =
            "[[identity]]\naccess_key = 'A'\nsecret_key = 's'\nprincipal = 'arn'\npolicies = []";
        all.add(text).unwrap();
        assert_eq!(all.listed("arn"), Some(&Credential::new("A", "s", None)));
        assert_eq!(all.listed("other"), None);
        assert!(all.add("[[identity]]\naccess_key = 'A'").unwrap_err().contains("secret_key"));
        assert!(!format!("{all:?}").contains("secret"));
    }
}
