//! AWS Signature Version 4, the signing half, made for many requests a second: the key of a day and
//! Region is derived once, and all text is built in two buffers that stay.
//!
//! Source: IAM User Guide, "AWS Signature Version 4 for API requests".

use super::credentials::Credential;
use aws_lc_rs::{digest, hmac};
use hyper::header::HeaderValue;
use kms_core::name::RegionName;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// How long `20150830` is.
const DAY: usize = 8;

/// A moment as signatures name it: `20150830T123600Z`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Date {
    seconds: u64,
    text: String,
    value: HeaderValue,
}

impl Date {
    /// The date of a moment in seconds since 1970.
    pub fn of(seconds: u64) -> Date {
        let moment = i64::try_from(seconds).ok().and_then(|s| jiff::Timestamp::from_second(s).ok());
        let text = moment.unwrap_or_default().strftime("%Y%m%dT%H%M%SZ").to_string();
        // Digits and two letters are always a value.
        let value = HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""));
        Date { seconds, text, value }
    }

    /// The date now.
    pub fn now() -> Date {
        Date::of(seconds())
    }

    /// Follows the clock; the text is made anew only when the second is another.
    pub fn follow(&mut self) {
        if self.seconds != seconds() {
            *self = Date::now();
        }
    }

    /// The header `x-amz-date`.
    pub fn value(&self) -> &HeaderValue {
        &self.value
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A request as far as its signature covers it.
#[derive(Clone, Copy, Debug)]
pub struct Signed<'a> {
    /// The method.
    pub method: &'a str,
    /// The path, normalised.
    pub path: &'a str,
    /// The headers, names in lower case and in order, values trimmed. `x-amz-date` is among them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// Signs the requests of one access key.
pub struct Signer {
    credential: Credential,
    service: &'static str,
    keys: BTreeMap<RegionName, Key>,
    canonical: String,
    to_sign: String,
}

/// The key of a day and Region, and the texts that go with it.
struct Key {
    key: hmac::Key,
    /// `20150830/us-east-1/kms/aws4_request`.
    scope: String,
}

impl Signer {
    /// A signer of requests to a service.
    pub fn new(credential: Credential, service: &'static str) -> Signer {
        Signer {
            credential,
            service,
            keys: BTreeMap::new(),
            canonical: String::new(),
            to_sign: String::new(),
        }
    }

    /// The token that goes into the header `x-amz-security-token`, where there is one.
    pub fn token(&self) -> Option<&str> {
        self.credential.token()
    }

    /// The header `Authorization` of a request.
    pub fn sign(&mut self, region: RegionName, date: &Date, request: &Signed<'_>) -> String {
        let date = date.as_str();
        let Signer { credential, service, keys, canonical, to_sign } = self;
        let fresh = |key: &Key| key.scope.starts_with(&date[..DAY]);
        if !keys.get(&region).is_some_and(fresh) {
            keys.insert(region, Key::derive(credential.secret(), &date[..DAY], region, service));
        }
        let Key { key, scope } = &keys[&region];
        canonical.clear();
        write_canonical(canonical, request);
        to_sign.clear();
        for part in [ALGORITHM, "\n", date, "\n", scope, "\n"] {
            to_sign.push_str(part);
        }
        push_hex(to_sign, digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref());
        let tag = hmac::sign(key, to_sign.as_bytes());
        let mut header = String::with_capacity(320);
        for part in [ALGORITHM, " Credential=", credential.access_key(), "/", scope] {
            header.push_str(part);
        }
        header.push_str(", SignedHeaders=");
        push_names(&mut header, request);
        header.push_str(", Signature=");
        push_hex(&mut header, tag.as_ref());
        header
    }
}

impl Key {
    fn derive(secret: &str, day: &str, region: RegionName, service: &str) -> Key {
        let parts = [day, region.as_str(), service, "aws4_request"];
        let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
        let key = parts.iter().fold(first, |key, part| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
        });
        Key { key, scope: parts.join("/") }
    }
}

/// The request in the one spelling that both sides hash; it has no query.
fn write_canonical(text: &mut String, request: &Signed<'_>) {
    for part in [request.method, "\n", request.path, "\n\n"] {
        text.push_str(part);
    }
    for (name, value) in request.headers {
        for part in [name, ":", value, "\n"] {
            text.push_str(part);
        }
    }
    text.push('\n');
    push_names(text, request);
    text.push('\n');
    push_hex(text, digest::digest(&digest::SHA256, request.body).as_ref());
}

fn push_names(text: &mut String, request: &Signed<'_>) {
    for (number, (name, _)) in request.headers.iter().enumerate() {
        if number > 0 {
            text.push(';');
        }
        text.push_str(name);
    }
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 15)].into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2015-08-30T12:36:00Z, the moment of the test suite.
    const MOMENT: u64 = 1_440_938_160;
    const TOKEN: &str = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";

    fn signer() -> Signer {
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        Signer::new(Credential::new("AKIDEXAMPLE", secret, None), "service")
    }

    fn region(name: &str) -> RegionName {
        RegionName::parse(name).unwrap()
    }

    /// The AWS Signature Version 4 test suite, the cases without a query.
    #[test]
    fn the_published_vectors_come_out() {
        let (host, date) = (("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"));
        let form = ("content-type", "application/x-www-form-urlencoded");
        let custom = ("my-header1", "value1");
        let token = ("x-amz-security-token", TOKEN);
        type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);
        let cases: [Case<'_>; 5] = [
            // get-vanilla
            (
                "GET",
                &[host, date],
                "",
                "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
            ),
            // post-vanilla
            (
                "POST",
                &[host, date],
                "",
                "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
            ),
            // post-header-key-sort
            (
                "POST",
                &[host, custom, date],
                "",
                "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
            ),
            // post-x-www-form-urlencoded
            (
                "POST",
                &[form, host, date],
                "Param1=value1",
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
            // post-sts-header-before
            (
                "POST",
                &[host, date, token],
                "",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead",
            ),
        ];
        let mut signer = signer();
        for (method, headers, body, expected) in cases {
            let signed = Signed { method, path: "/", headers, body: body.as_bytes() };
            let header = signer.sign(region("us-east-1"), &Date::of(MOMENT), &signed);
            let names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
            let names = names.join(";");
            assert_eq!(
                header,
                format!(
                    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                     SignedHeaders={names}, Signature={expected}"
                )
            );
        }
    }

    #[test]
    fn another_day_or_region_has_another_key() {
        let mut signer = signer();
        let signed = Signed { method: "POST", path: "/", headers: &[("host", "h")], body: b"" };
        let mut sign = |name, moment| signer.sign(region(name), &Date::of(moment), &signed);
        let first = sign("us-east-1", MOMENT);
        let next_day = sign("us-east-1", MOMENT + 86_400);
        assert!(next_day.contains("/20150831/us-east-1/"), "{next_day}");
        assert!(sign("eu-west-1", MOMENT).contains("/20150830/eu-west-1/"));
        assert_eq!(sign("us-east-1", MOMENT), first);
    }

    #[test]
    fn a_date_follows_the_clock() {
        let mut date = Date::of(MOMENT);
        assert_eq!(date.as_str(), "20150830T123600Z");
        date.follow();
        assert!(date.as_str() > "2025");
    }
}
