//! What has to outlive the process that an HSM is simulated in: its identity, and the keys of its
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
use crate::record::{Reader, Record, Writer, lists};

const LABEL: &[u8] = b"keyquake custody 1";

/// The secrets of a Region's domain that are not in its token.
#[derive(Clone, Debug)]
pub struct Custody {
    /// The HSM.
    pub hsm: HsmIdentity,
    /// Who commands the domain.
    pub operators: Vec<OperatorKey>,
}

/// A signing key as it lies in a custody: what it is of, and its material.
struct Kept(OperatorRole, SecretBytes);

impl Record for Kept {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
        self.1.write(out);
    }

    fn read(input: &mut Reader<'_>) -> Option<Kept> {
        Some(Kept(Record::read(input)?, Record::read(input)?))
    }
}
lists!(Vec of Kept);

impl Custody {
    /// Everything, sealed for a Region.
    pub fn seal(
        &self,
        region: RegionName,
        root: &RootKey,
        backend: &dyn CryptoBackend,
        random: &mut dyn Random,
    ) -> Vec<u8> {
        let keep = |key: &OperatorKey| Kept(key.role(), material(key.signing()));
        let mut out = Writer::default();
        self.hsm.private().write(&mut out);
        material(self.hsm.signing()).write(&mut out);
        self.operators.iter().map(keep).collect::<Vec<_>>().write(&mut out);
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
        let private = Record::read(&mut input).ok_or(CryptoFailure)?;
        let signing = Record::read(&mut input).ok_or(CryptoFailure)?;
        let kept: Vec<Kept> = Record::read(&mut input).ok_or(CryptoFailure)?;
        if !input.is_empty() {
            return Err(CryptoFailure);
        }
        let hsm = HsmIdentity::restore(private, signing, backend)?;
        let operator = |Kept(role, material)| {
            Ok(OperatorKey::of(role, SigningKey::from_material(material, backend)?))
        };
        let operators = kept.into_iter().map(operator).collect::<Result<_, CryptoFailure>>()?;
        Ok(Custody { hsm, operators })
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
        let hsm = HsmIdentity::generate(&backend, random);
        let role = OperatorRole::ServiceHost;
        let operators = vec![OperatorKey::generate(role, &backend, random).unwrap()];
        let custody = Custody { hsm, operators };
        let root = RootKey::new(SecretKey::new([7; 32]));
        let sealed = custody.seal(region, &root, &backend, random);
        let opened = Custody::open(&sealed, region, &root, &backend).unwrap();
        assert_eq!(opened.hsm.member(), custody.hsm.member());
        assert_eq!(opened.hsm.private(), custody.hsm.private());
        assert_eq!(opened.operators[0].operator(), custody.operators[0].operator());
        assert_eq!(opened.host().unwrap().role(), role);
        assert!(!contains(&sealed, custody.hsm.private()));
        assert!(!contains(&sealed, custody.hsm.signing().material()));
        let other = RootKey::new(SecretKey::new([8; 32]));
        assert_eq!(Custody::open(&sealed, region, &other, &backend).err(), Some(CryptoFailure));
        let elsewhere = RegionName::parse("eu-west-1").unwrap();
        assert_eq!(Custody::open(&sealed, elsewhere, &root, &backend).err(), Some(CryptoFailure));
        for cut in [0, 20, sealed.len() - 1] {
            assert!(Custody::open(&sealed[..cut], region, &root, &backend).is_err());
        }
    }
}
