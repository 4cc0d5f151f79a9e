//! Fingerprints: which root certificates a Region trusts.

use sha2::{Digest, Sha256};
use std::fmt;

/// SHA-256 of a certificate in DER.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The root of the AWS Nitro Attestation PKI, as AWS publishes it (AWS Nitro Enclaves User Guide,
    /// "Verifying the root of trust", <https://docs.aws.amazon.com/enclaves/latest/user/verify-root.html>).
    pub const AWS_NITRO_ENCLAVES: Fingerprint = Fingerprint([
        0x64, 0x1a, 0x03, 0x21, 0xa3, 0xe2, 0x44, 0xef, 0xe4, 0x56, 0x46, 0x31, 0x95, 0xd6, 0x06,
        0x31, 0x7e, 0xd7, 0xcd, 0xcc, 0x3c, 0x17, 0x56, 0xe0, 0x98, 0x93, 0xf3, 0xc6, 0x8f, 0x79,
        0xbb, 0x5b,
    ]);

    /// The fingerprint of a certificate.
    pub fn of(certificate: &[u8]) -> Fingerprint {
        Fingerprint(Sha256::digest(certificate).into())
    }

    /// Reads 64 hexadecimal digits, with or without colons between the bytes.
    pub fn parse(text: &str) -> Option<Fingerprint> {
        let digits: String = match text.contains(':') {
            true if text.split(':').all(|byte| byte.len() == 2) => text.split(':').collect(),
            true => return None,
            false => text.to_owned(),
        };
        let hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        if digits.len() != 64 || !hexadecimal {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&digits[at..at + 2], 16).ok()?;
        }
        Some(Fingerprint(bytes))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, byte) in self.0.iter().enumerate() {
            let colon = if at == 0 { "" } else { ":" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_read_again_and_nothing_else_is() {
        let published = "64:1A:03:21:A3:E2:44:EF:E4:56:46:31:95:D6:06:31:7E:D7:CD:CC:3C:17:56:E0:98:\
                         93:F3:C6:8F:79:BB:5B";
        assert_eq!(Fingerprint::AWS_NITRO_ENCLAVES.to_string(), published);
        for text in [published.to_owned(), published.replace(':', "").to_lowercase()] {
            assert_eq!(Fingerprint::parse(&text), Some(Fingerprint::AWS_NITRO_ENCLAVES));
        }
        let short = &published[3..];
        let split = published.replacen(':', "", 1);
        for bad in ["", "64", short, &split, &published.replace('6', "g"), &"é".repeat(32)] {
            assert_eq!(Fingerprint::parse(bad), None, "{bad}");
        }
    }
}
