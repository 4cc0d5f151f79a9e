//! What is timed: every algorithm with every kind of key it is for, and the requests that use it.
//!
//! A case has a name like a path, `sign/ECC_NIST_P256/ECDSA_SHA_256/RAW`, so that patterns with `*`
//! choose among them. `request/` in front of the same name is the whole request around it.

use kms_core::algorithm::MessageType;
use kms_core::crypto::Algorithm;
use kms_core::key::KeySpec;
use std::fmt;

/// The sizes of what is encrypted with a symmetric key, in bytes.
const SIZES: [usize; 2] = [32, 4096];

/// How much of a service is around an algorithm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    /// The library alone, with a parsed key.
    Library,
    /// A request from decision through the HSM to the answer.
    Request,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Encrypt; with a symmetric key as a request does it, with a key derived for the message.
    Encrypt,
    /// The reverse.
    Decrypt,
    /// Sign.
    Sign,
    /// Verify what was signed.
    Verify,
    /// Authenticate a message.
    Mac,
    /// Agree on a secret.
    Agree,
    /// Encapsulate a secret.
    Encapsulate,
    /// The reverse.
    Decapsulate,
    /// Make a key: as a request, a data key or a pair of them.
    Generate,
    /// Draw random bytes.
    Random,
}

/// One thing to time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// The library or the request.
    pub layer: Layer,
    /// What is done.
    pub deed: Deed,
    /// With which kind of key.
    pub spec: Option<KeySpec>,
    /// By which algorithm.
    pub algorithm: Option<Algorithm>,
    /// With how many bytes.
    pub bytes: usize,
}

impl Case {
    /// Every case that there is, whoever can do it.
    pub fn all() -> Vec<Case> {
        let library: Vec<Case> = KeySpec::ALL.iter().flat_map(|spec| Case::of(*spec)).collect();
        let random = Case::new(Deed::Random, None, None, 32);
        let library = library.into_iter().chain([random]);
        let cases: Vec<Case> = library.collect();
        let requests = cases.iter().filter(|case| case.has_request());
        let requests = requests.map(|case| Case { layer: Layer::Request, ..*case });
        cases.iter().copied().chain(requests).collect()
    }

    /// The cases whose names fit one of the patterns, in which `*` is any text; all without a pattern.
    ///
    /// # Errors
    /// When a pattern fits nothing.
    pub fn chosen(patterns: &[String]) -> Result<Vec<Case>, String> {
        let all = Case::all();
        let useless = |pattern: &&String| !all.iter().any(|case| fits(pattern, &case.to_string()));
        if let Some(pattern) = patterns.iter().find(useless) {
            return Err(format!(
                "no operation is called {pattern}; names look like encrypt/SYMMETRIC_DEFAULT/32B or \
                 request/sign/RSA_2048/*, and `*` stands for any text"
            ));
        }
        let wanted = |case: &Case| {
            let name = case.to_string();
            patterns.is_empty() || patterns.iter().any(|pattern| fits(pattern, &name))
        };
        Ok(all.into_iter().filter(wanted).collect())
    }

    fn new(deed: Deed, spec: Option<KeySpec>, algorithm: Option<Algorithm>, bytes: usize) -> Case {
        Case { layer: Layer::Library, deed, spec, algorithm, bytes }
    }

    /// What a kind of key is for, and its making.
    fn of(spec: KeySpec) -> Vec<Case> {
        let mut cases = Vec::new();
        for algorithm in spec.algorithms() {
            let (deeds, sizes): (&[Deed], &[usize]) = match algorithm {
                Algorithm::Encryption(_) if spec == KeySpec::SymmetricDefault => {
                    (&[Deed::Encrypt, Deed::Decrypt], &SIZES)
                }
                Algorithm::Encryption(_) => (&[Deed::Encrypt, Deed::Decrypt], &[32]),
                Algorithm::Signing(..) => (&[Deed::Sign, Deed::Verify], &[32]),
                Algorithm::Mac(_) => (&[Deed::Mac], &[32]),
                Algorithm::KeyAgreement => (&[Deed::Agree], &[32]),
                Algorithm::Encapsulation => (&[Deed::Encapsulate, Deed::Decapsulate], &[32]),
            };
            for deed in deeds {
                let case = |bytes| Case::new(*deed, Some(spec), Some(algorithm), bytes);
                cases.extend(sizes.iter().copied().map(case));
            }
        }
        cases.push(Case::new(Deed::Generate, Some(spec), None, 0));
        cases
    }

    /// Whether a request does this and nothing else. What is signed as a digest costs the service what
    /// the message itself does.
    pub(super) fn has_request(&self) -> bool {
        match (self.deed, self.algorithm) {
            (Deed::Generate, _) => {
                self.spec == Some(KeySpec::SymmetricDefault) || self.pair().is_some()
            }
            (_, Some(Algorithm::Signing(_, kind))) => kind == MessageType::Raw,
            _ => true,
        }
    }

    /// The data key pair of that kind, where there is one.
    pub(super) fn pair(&self) -> Option<kms_core::wire::DataKeyPairSpec> {
        kms_core::wire::DataKeyPairSpec::parse(self.spec?.as_str())
    }

    fn verb(&self) -> &'static str {
        match self.deed {
            Deed::Encrypt => "encrypt",
            Deed::Decrypt => "decrypt",
            Deed::Sign => "sign",
            Deed::Verify => "verify",
            Deed::Mac => "mac",
            Deed::Agree => "agree",
            Deed::Encapsulate => "encapsulate",
            Deed::Decapsulate => "decapsulate",
            Deed::Generate => "generate",
            Deed::Random => "random",
        }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.layer == Layer::Request {
            f.write_str("request/")?;
        }
        f.write_str(self.verb())?;
        if let Some(spec) = self.spec {
            write!(f, "/{spec}")?;
        }
        match self.algorithm {
            Some(Algorithm::Encryption(_)) if self.spec == Some(KeySpec::SymmetricDefault) => {
                write!(f, "/{}B", self.bytes)
            }
            Some(Algorithm::Encryption(algorithm)) => write!(f, "/{algorithm}"),
            Some(Algorithm::Signing(algorithm, kind)) => write!(f, "/{algorithm}/{kind}"),
            None if self.deed == Deed::Random => write!(f, "/{}B", self.bytes),
            Some(Algorithm::Mac(_) | Algorithm::KeyAgreement | Algorithm::Encapsulation) | None => {
                Ok(())
            }
        }
    }
}

/// Whether a name fits a pattern in which `*` is any text.
pub(super) fn fits(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_are_distinct_and_hold_every_algorithm() {
        let all = Case::all();
        let names: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
        assert_eq!(names.len(), all.len());
        for spec in KeySpec::ALL {
            for algorithm in spec.algorithms() {
                let held =
                    |case: &&Case| case.spec == Some(*spec) && case.algorithm == Some(algorithm);
                assert!(all.iter().any(|case| held(&case)), "{spec} {algorithm:?}");
            }
        }
        for name in [
            "encrypt/SYMMETRIC_DEFAULT/4096B",
            "request/decrypt/SYMMETRIC_DEFAULT/32B",
            "sign/ECC_NIST_P256/ECDSA_SHA_256/DIGEST",
            "generate/RSA_4096",
            "mac/HMAC_384",
            "random/32B",
        ] {
            assert!(names.contains(name), "{name}");
        }
        assert!(!names.contains("request/sign/ECC_NIST_P256/ECDSA_SHA_256/DIGEST"));
    }

    #[test]
    fn patterns_choose() {
        assert!(fits("sign/*", "sign/RSA_2048/X/RAW") && fits("*RAW", "sign/RSA_2048/X/RAW"));
        assert!(fits("s*/RSA*X*", "sign/RSA_2048/X/RAW") && fits("sign", "sign"));
        assert!(!fits("sign", "sign/RSA_2048") && !fits("*/sign*", "sign/RSA"));
        assert!(!fits("a*a", "a"));
        let chosen = Case::chosen(&["request/mac/*".to_owned()]).unwrap();
        assert_eq!(chosen.len(), 4);
        assert!(Case::chosen(&["mack/*".to_owned()]).unwrap_err().contains("mack/*"));
    }
}
