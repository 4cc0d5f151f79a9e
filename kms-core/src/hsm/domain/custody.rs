//! What has to outlive the process that HSMs are simulated in: their identities, and the keys of their
//! domain's operators. A real HSM keeps the one in its tamper-proof memory and people keep the others
//! in safes; here they leave this module only sealed under the root key.

use super::identity::HsmIdentity;
use super::order::OperatorKey;
use super::quorum::OperatorRole;
use super::signing::SigningKey;
use crate::crypto::{CryptoBackend, CryptoFailure, SecretBytes};
use crate::env::Random;
use crate::hsm::RootKey;
use crate::name::RegionName;
use crate::record::{Reader, Record, Writer, lists, record};

const LABEL: &[u8] = b"keyquake custody 1";

/// The secrets of a Region's domain that are not in its token.
#[derive(Clone, Debug)]
pub struct Custody {
    /// The HSMs.
    pub hsms: Vec<HsmIdentity>,
    /// Who commands the domain.
    pub operators: Vec<OperatorKey>,
}

/// An operator's key as it lies in a custody: its role and its material.
struct KeptOperator(OperatorRole, SecretBytes);

/// An HSM as it lies there: its private agreement key and its signing key.
struct KeptHsm(SecretBytes, SecretBytes);

record!(pair KeptOperator);
record!(pair KeptHsm);
lists!(Vec of KeptOperator, Vec of KeptHsm);

impl Custody {
    /// Everything, sealed for a Region.
    pub fn seal(
        &self,
        region: RegionName,
        root: &RootKey,
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Vec<u8> {
        let hsm = |hsm: &HsmIdentity| {
            let private = SecretBytes::from(hsm.private().to_vec());
            KeptHsm(private, material(hsm.signing()))
        };
        let operator = |key: &OperatorKey| KeptOperator(key.role(), material(key.signing()));
        let mut out = Writer::default();
        self.hsms.iter().map(hsm).collect::<Vec<_>>().write(&mut out);
        self.operators.iter().map(operator).collect::<Vec<_>>().write(&mut out);
        root.seal(LABEL, region.as_str().as_bytes(), out.bytes(), backend, random)
    }

    /// What was sealed for a Region.
    ///
    /// # Errors
    /// When it was not, or under another root key.
    pub fn open(
        sealed: &[u8],
        region: RegionName,
        root: &RootKey,
        backend: &dyn CryptoBackend,
    ) -> Result<Custody, CryptoFailure> {
        let bytes = root.open(LABEL, region.as_str().as_bytes(), sealed, backend)?;
        let mut input = Reader::new(bytes.as_bytes());
        let hsms: Vec<KeptHsm> = Record::read(&mut input).ok_or(CryptoFailure)?;
        let operators: Vec<KeptOperator> = Record::read(&mut input).ok_or(CryptoFailure)?;
        if !input.is_empty() {
            return Err(CryptoFailure);
        }
        let hsm = |KeptHsm(private, signing)| HsmIdentity::restore(&private, signing, backend);
        let operator = |KeptOperator(role, material)| {
            Ok(OperatorKey::of(role, SigningKey::from_material(material, backend)?))
        };
        let hsms = hsms.into_iter().map(hsm).collect::<Result<_, CryptoFailure>>()?;
        let operators =
            operators.into_iter().map(operator).collect::<Result<_, CryptoFailure>>()?;
        Ok(Custody { hsms, operators })
    }

    /// The key of the service hosts.
    pub fn host(&self) -> Option<&OperatorKey> {
        self.operators.iter().find(|key| key.role() == OperatorRole::ServiceHost)
    }
}

fn material(key: &SigningKey) -> SecretBytes {
    SecretBytes::from(key.material().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{Production, SecretKey};
    use crate::local::SeededRandom;

    fn contains(haystack: &[u8], needle: &[u8]) -> bool {
        haystack.windows(needle.len()).any(|window| window == needle)
    }

    #[test]
    fn what_is_sealed_comes_back_and_shows_nothing() {
        let (backend, random) = (Production::default(), &mut SeededRandom::new(1));
        let region = RegionName::parse("us-east-1").unwrap();
        let hsms: Vec<_> = (0..2).map(|_| HsmIdentity::generate(&backend, random)).collect();
        let role = OperatorRole::ServiceHost;
        let operators = vec![OperatorKey::generate(role, &backend, random).unwrap()];
        let custody = Custody { hsms, operators };
        let root = RootKey::new(SecretKey::new([7; 32]));
        let sealed = custody.seal(region, &root, &backend, random);
        let opened = Custody::open(&sealed, region, &root, &backend).unwrap();
        assert_eq!(opened.hsms.len(), custody.hsms.len());
        for (opened, kept) in opened.hsms.iter().zip(&custody.hsms) {
            assert_eq!((opened.member(), opened.private()), (kept.member(), kept.private()));
            assert!(!contains(&sealed, kept.private()));
            assert!(!contains(&sealed, kept.signing().material()));
        }
        assert_eq!(opened.operators[0].operator(), custody.operators[0].operator());
        assert_eq!(opened.host().unwrap().role(), role);
        let other = RootKey::new(SecretKey::new([8; 32]));
        assert_eq!(Custody::open(&sealed, region, &other, &backend).err(), Some(CryptoFailure));
        let elsewhere = RegionName::parse("eu-west-1").unwrap();
        assert_eq!(Custody::open(&sealed, elsewhere, &root, &backend).err(), Some(CryptoFailure));
        for cut in [0, 20, sealed.len() - 1] {
            assert!(Custody::open(&sealed[..cut], region, &root, &backend).is_err());
        }
    }
}
