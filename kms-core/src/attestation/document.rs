//! What an attestation document says, taken apart strictly: every field of a known name, of the right
//! kind and within its limits, none twice and none beside them (AWS Nitro Enclaves User Guide,
//! "Verifying the root of trust"; Amazon EC2 User Guide, "Validate a NitroTPM Attestation Document").

use crate::policy::Pairs;
use ciborium::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// The longest certificate and the longest public key, in bytes.
const LONGEST_KEY: usize = 1024;
/// The longest user data and the longest nonce, in bytes.
const LONGEST_DATA: usize = 512;
/// How many registers there are at most.
const REGISTERS: usize = 32;

/// Where what is attested runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Platform {
    Enclave,
    NitroTpm,
}

/// A document of which nothing is proven.
#[derive(Debug)]
pub(super) struct Document {
    module: String,
    platform: Platform,
    registers: BTreeMap<u8, Vec<u8>>,
    /// Who signed it, X.509 in DER.
    pub(super) certificate: Vec<u8>,
    /// Who vouches for that, the root first.
    pub(super) bundle: Vec<Vec<u8>>,
    /// What to encrypt for, SubjectPublicKeyInfo in DER.
    pub(super) public_key: Option<Vec<u8>>,
}

impl Document {
    pub(super) fn parse(payload: &[u8]) -> Option<Document> {
        let mut rest = payload;
        let value: Value = ciborium::from_reader(&mut rest).ok()?;
        let mut fields = fields(value).filter(|_| rest.is_empty())?;
        let mut take = |name: &str| fields.remove(name);
        let module = text(take("module_id")?).filter(|id| !id.is_empty())?;
        text(take("digest")?).filter(|digest| digest == "SHA384")?;
        unsigned(&take("timestamp")?).filter(|time| *time > 0)?;
        let (platform, registers) = match (take("pcrs"), take("nitrotpm_pcrs")) {
            (Some(registers), None) => (Platform::Enclave, registers),
            (None, Some(registers)) => (Platform::NitroTpm, registers),
            _ => return None,
        };
        let document = Document {
            module,
            platform,
            registers: self::registers(registers)?,
            certificate: bytes(take("certificate")?, 1, LONGEST_KEY)?,
            bundle: bundle(take("cabundle")?)?,
            public_key: optional(take("public_key"), 1, LONGEST_KEY)?,
        };
        optional(take("user_data"), 0, LONGEST_DATA)?;
        optional(take("nonce"), 0, LONGEST_DATA)?;
        fields.is_empty().then_some(document)
    }

    /// What conditions may ask for: each register in lower-case hexadecimal, and of an enclave the
    /// hash of its image, which is the first of them.
    pub(super) fn values(&self) -> Pairs {
        let prefix = match self.platform {
            Platform::Enclave => "PCR",
            Platform::NitroTpm => "NitroTPMPCR",
        };
        let all = self.registers.iter();
        let mut values: Pairs =
            all.map(|(index, value)| (format!("{prefix}{index}"), hexadecimal(value))).collect();
        if let (Platform::Enclave, Some(image)) = (self.platform, self.registers.get(&0)) {
            values.insert("ImageSha384".to_owned(), hexadecimal(image));
        }
        values
    }

    /// What AWS CloudTrail shows of it in `additionalEventData.recipient`: the module, the image of an
    /// enclave, and some of the registers (AWS KMS Developer Guide, "Monitoring requests for Nitro
    /// enclaves"; "Monitoring requests for NitroTPM").
    pub(super) fn recorded(&self) -> Pairs {
        let shown: &[(u8, &str)] = match self.platform {
            Platform::Enclave => &[
                (0, "EnclaveImageDigest"),
                (1, "EnclavePCR1"),
                (2, "EnclavePCR2"),
                (3, "EnclavePCR3"),
                (4, "EnclavePCR4"),
                (8, "EnclavePCR8"),
            ],
            Platform::NitroTpm => &[
                (4, "NitroTPMPCR4"),
                (7, "NitroTPMPCR7"),
                (8, "NitroTPMPCR8"),
                (9, "NitroTPMPCR9"),
                (16, "NitroTPMPCR16"),
                (23, "NitroTPMPCR23"),
            ],
        };
        let registers = shown.iter().filter_map(|(index, name)| {
            self.registers.get(index).map(|value| (*name, hexadecimal(value)))
        });
        let all = std::iter::once(("ModuleId", self.module.clone())).chain(registers);
        all.map(|(name, value)| (format!("attestationDocument{name}"), value)).collect()
    }
}

fn fields(value: Value) -> Option<BTreeMap<String, Value>> {
    let Value::Map(entries) = value else { return None };
    let mut fields = BTreeMap::new();
    for (name, value) in entries {
        if fields.insert(text(name)?, value).is_some() {
            return None;
        }
    }
    Some(fields)
}

fn registers(value: Value) -> Option<BTreeMap<u8, Vec<u8>>> {
    let Value::Map(entries) = value else { return None };
    let mut registers = BTreeMap::new();
    for (index, value) in entries {
        let index = u8::try_from(unsigned(&index)?).ok()?;
        let value = bytes(value, 32, 64).filter(|value| [32, 48, 64].contains(&value.len()))?;
        if usize::from(index) >= REGISTERS || registers.insert(index, value).is_some() {
            return None;
        }
    }
    (!registers.is_empty()).then_some(registers)
}

fn bundle(value: Value) -> Option<Vec<Vec<u8>>> {
    let Value::Array(certificates) = value else { return None };
    let certificates = certificates.into_iter().map(|value| bytes(value, 1, LONGEST_KEY));
    certificates.collect::<Option<Vec<_>>>().filter(|certificates| !certificates.is_empty())
}

/// A field that may be left out, or be null.
fn optional(value: Option<Value>, least: usize, most: usize) -> Option<Option<Vec<u8>>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(value) => bytes(value, least, most).map(Some),
    }
}

fn bytes(value: Value, least: usize, most: usize) -> Option<Vec<u8>> {
    value.into_bytes().ok().filter(|bytes| (least..=most).contains(&bytes.len()))
}

fn text(value: Value) -> Option<String> {
    value.into_text().ok()
}

fn unsigned(value: &Value) -> Option<u64> {
    value.as_integer().and_then(|number| u64::try_from(number).ok())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut digits, byte| {
        let _ = write!(digits, "{byte:02x}");
        digits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    type Fields = Vec<(Value, Value)>;

    fn complete() -> Fields {
        let registers = vec![(0.into(), Value::Bytes(vec![0xab; 48]))];
        let certificate = Value::Bytes(vec![1]);
        [
            ("module_id", "i-1-enc2".into()),
            ("digest", "SHA384".into()),
            ("timestamp", 1.into()),
            ("pcrs", Value::Map(registers)),
            ("certificate", certificate.clone()),
            ("cabundle", Value::Array(vec![certificate])),
            ("public_key", Value::Null),
            ("user_data", Value::Bytes(Vec::new())),
        ]
        .map(|(name, value)| (Value::from(name), value))
        .into()
    }

    fn parse(fields: Fields) -> Option<Document> {
        let mut payload = Vec::new();
        ciborium::into_writer(&Value::Map(fields), &mut payload).unwrap();
        Document::parse(&payload)
    }

    fn with(name: &str, value: Value) -> Fields {
        let mut fields = complete();
        match fields.iter_mut().find(|(found, _)| found.as_text() == Some(name)) {
            Some((_, found)) => *found = value,
            None => fields.push((name.into(), value)),
        }
        fields
    }

    fn without(name: &str) -> Fields {
        complete().into_iter().filter(|(found, _)| found.as_text() != Some(name)).collect()
    }

    #[test]
    fn the_registers_are_told_by_platform() {
        let enclave = parse(complete()).unwrap().values();
        let names: Vec<&str> = enclave.keys().map(String::as_str).collect();
        assert_eq!(names, ["ImageSha384", "PCR0"]);
        assert_eq!(enclave["PCR0"], "ab".repeat(48));
        let mut fields = without("pcrs");
        let registers = vec![(4.into(), Value::Bytes(vec![1; 48]))];
        fields.push(("nitrotpm_pcrs".into(), Value::Map(registers)));
        let machine = parse(fields).unwrap().values();
        assert_eq!(machine.keys().collect::<Vec<_>>(), ["NitroTPMPCR4"]);
    }

    #[test]
    fn every_field_has_its_kind_and_its_limits() {
        let of = |length: usize| Value::Bytes(vec![1; length]);
        let register = |index: i32, length| Value::Map(vec![(index.into(), of(length))]);
        for (name, good, bad) in [
            ("module_id", "i".into(), Value::from("")),
            ("digest", "SHA384".into(), "SHA256".into()),
            ("timestamp", 1.into(), 0.into()),
            ("timestamp", 1.into(), (-1).into()),
            ("pcrs", register(31, 32), register(32, 32)),
            ("pcrs", register(0, 64), register(0, 65)),
            ("pcrs", register(0, 48), register(-1, 48)),
            ("pcrs", register(0, 48), register(0, 47)),
            ("pcrs", register(0, 48), Value::Map(Vec::new())),
            ("certificate", of(1024), of(1025)),
            ("certificate", of(1), of(0)),
            ("cabundle", Value::Array(vec![of(1024)]), Value::Array(vec![of(1025)])),
            ("cabundle", Value::Array(vec![of(1)]), Value::Array(Vec::new())),
            ("public_key", of(1024), of(1025)),
            ("public_key", Value::Null, "text".into()),
            ("user_data", of(512), of(513)),
            ("nonce", of(0), of(513)),
        ] {
            assert!(parse(with(name, good)).is_some(), "{name}");
            assert!(parse(with(name, bad.clone())).is_none(), "{name}: {bad:?}");
        }
    }

    #[test]
    fn nothing_is_missing_twice_or_beside_the_rest() {
        for name in ["module_id", "digest", "timestamp", "pcrs", "certificate", "cabundle"] {
            assert!(parse(without(name)).is_none(), "{name}");
        }
        let mut twice = complete();
        twice.push(("digest".into(), "SHA384".into()));
        assert!(parse(twice).is_none());
        assert!(parse(with("other", 1.into())).is_none());
        let both = with("nitrotpm_pcrs", Value::Map(vec![(0.into(), Value::Bytes(vec![1; 48]))]));
        assert!(parse(both).is_none());
        let one = (Value::from(0), Value::Bytes(vec![1; 48]));
        assert!(parse(with("pcrs", Value::Map(vec![one.clone(), one]))).is_none());
        let mut payload = Vec::new();
        ciborium::into_writer(&Value::Map(complete()), &mut payload).unwrap();
        payload.push(0);
        assert!(Document::parse(&payload).is_none());
    }
}
