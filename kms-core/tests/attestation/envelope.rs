//! The recipient's side of an envelope, step by step as the AWS Nitro Enclaves SDK goes through it,
//! with another library than the one that made it.

use aws_lc_rs::cipher::{AES_256, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey};
use aws_lc_rs::iv::FixedLength;
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, PrivateDecryptingKey};

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const INTEGER: u8 = 0x02;
const OCTETS: u8 = 0x04;
const NAME: u8 = 0x06;
const ENVELOPED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x03];
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
const RSAES_OAEP: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07];
const AES_256_CBC: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x01, 0x2a];
const SHA_256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];

/// What an envelope is made of.
pub(crate) struct Opened {
    key: Vec<u8>,
    iv: [u8; 16],
    content: Vec<u8>,
}

impl Opened {
    pub(crate) fn parse(envelope: &[u8]) -> Opened {
        let [(SEQUENCE, envelope)] = parts(envelope)[..] else { panic!("one sequence") };
        let [(NAME, ENVELOPED_DATA), (0xa0, data)] = parts(envelope)[..] else { panic!("a name") };
        let [(SEQUENCE, data)] = parts(data)[..] else { panic!("one sequence") };
        let [(INTEGER, [2]), (SET, recipients), (SEQUENCE, content)] = parts(data)[..] else {
            panic!("version 2 with recipients and content")
        };
        let [(SEQUENCE, recipient)] = parts(recipients)[..] else { panic!("one recipient") };
        let [(INTEGER, [2]), (0x80, identifier), (SEQUENCE, how), (OCTETS, key)] =
            parts(recipient)[..]
        else {
            panic!("a recipient by the identifier of its key")
        };
        assert_eq!(identifier.len(), 20);
        let [(NAME, RSAES_OAEP), (SEQUENCE, hashes)] = parts(how)[..] else { panic!("OAEP") };
        assert_eq!(hashes.windows(SHA_256.len()).filter(|at| *at == SHA_256).count(), 2);
        let [(NAME, DATA), (SEQUENCE, how), (0x80, content)] = parts(content)[..] else {
            panic!("encrypted data")
        };
        let [(NAME, AES_256_CBC), (OCTETS, iv)] = parts(how)[..] else { panic!("AES-256-CBC") };
        Opened { key: key.into(), iv: iv.try_into().expect("a block"), content: content.into() }
    }

    pub(crate) fn open(mut self, recipient: PrivateDecryptingKey) -> Vec<u8> {
        let recipient = OaepPrivateDecryptingKey::new(recipient).expect("a key");
        let mut key = vec![0; recipient.min_output_size()];
        let key =
            recipient.decrypt(&OAEP_SHA256_MGF1SHA256, &self.key, &mut key, None).expect("a key");
        let key = UnboundCipherKey::new(&AES_256, key).expect("256 bits");
        let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).expect("a key");
        let context = DecryptionContext::Iv128(FixedLength::from(self.iv));
        key.decrypt(&mut self.content, context).expect("the content").to_vec()
    }
}

/// The elements of some DER, each with its tag, one after another.
pub(crate) fn parts(mut der: &[u8]) -> Vec<(u8, &[u8])> {
    let mut found = Vec::new();
    while let [tag, first, rest @ ..] = der {
        let (length, rest) = match first {
            0..0x80 => (usize::from(*first), rest),
            _ => {
                let (length, rest) = rest.split_at(usize::from(first & 0x7f));
                (length.iter().fold(0, |sum, byte| (sum << 8) | usize::from(*byte)), rest)
            }
        };
        let (value, rest) = rest.split_at(length);
        found.push((*tag, value));
        der = rest;
    }
    found
}
