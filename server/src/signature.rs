//! AWS Signature Version 4, the verifying half: who sent a request, and to which Region.
//!
//! The client libraries sign and do not verify, so this is ours; the published test suite of the
//! algorithm holds it to theirs. Source: IAM User Guide, "AWS Signature Version 4 for API requests".
//! Names and statuses of refusals: AWS KMS API, Common Errors.

use crate::identity::{Identities, Identity};
use aws_lc_rs::{constant_time, digest, hmac};
use hyper::HeaderMap;
use hyper::http::request::Parts;
use kms_core::Timestamp;
use kms_core::env::Caller;
use kms_core::name::RegionName;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kms";
/// How far the clocks of client and server may be apart.
const SKEW: Duration = Duration::from_secs(300);
/// The headers without whose signature a request could be made to mean something else.
const MUST_BE_SIGNED: [&str; 2] = ["host", "x-amz-date"];
/// One more of them, when it is there: a request without it means nothing, and is told so.
const TARGET: &str = "x-amz-target";

/// Why a request is not known to come from anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not signed.
    MissingAuthenticationToken,
    /// The signature lacks a part; which.
    IncompleteSignature(String),
    /// The signature is not right; how.
    InvalidSignature(String),
    /// Nobody has that access key, or that session token.
    UnrecognizedClient,
    /// The session has ended.
    ExpiredToken,
}

impl Refusal {
    /// The name in the `__type` member of the body.
    pub fn name(&self) -> &'static str {
        match self {
            Refusal::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Refusal::IncompleteSignature(_) => "IncompleteSignatureException",
            Refusal::InvalidSignature(_) => "InvalidSignatureException",
            Refusal::UnrecognizedClient => "UnrecognizedClientException",
            Refusal::ExpiredToken => "ExpiredTokenException",
        }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        403
    }

    /// What it says to the caller.
    pub fn message(&self) -> &str {
        match self {
            Refusal::MissingAuthenticationToken => "Missing Authentication Token",
            Refusal::IncompleteSignature(why) | Refusal::InvalidSignature(why) => why,
            Refusal::UnrecognizedClient => "The security token included in the request is invalid.",
            Refusal::ExpiredToken => "The security token included in the request is expired",
        }
    }
}

/// A request whose sender is known.
#[derive(Debug)]
pub struct Authenticated {
    /// The sender.
    pub caller: Arc<Caller>,
    /// The Region the request is for.
    pub region: RegionName,
}

/// Verifies the signature of a request.
///
/// # Errors
/// Why nobody is known to have sent it.
pub fn verify(
    parts: &Parts,
    body: &[u8],
    identities: &Identities,
    now: Timestamp,
) -> Result<Authenticated, Refusal> {
    let header = text(&parts.headers, "authorization");
    let authorization = Authorization::parse(header.ok_or(Refusal::MissingAuthenticationToken)?)?;
    let identity = identities.get(authorization.access_key).ok_or(Refusal::UnrecognizedClient)?;
    check_session(&parts.headers, identity, now)?;
    authorization.check_signed_headers(&parts.headers)?;
    let date = text(&parts.headers, "x-amz-date").unwrap_or_default();
    authorization.check_date(date, now)?;
    let region = authorization.region()?;
    let canonical = canonical_request(parts, &authorization.signed_headers, body);
    let to_sign = authorization.string_to_sign(date, &canonical);
    let key = authorization.signing_key(identity.secret.as_str());
    let signature = from_hex(authorization.signature).unwrap_or_default();
    // Compares in constant time.
    hmac::verify(&key, to_sign.as_bytes(), &signature).map_err(|_| {
        invalid(
            "The request signature we calculated does not match the signature you provided. Check \
             your AWS Secret Access Key and signing method. Consult the service documentation for \
             details.",
        )
    })?;
    Ok(Authenticated { caller: identity.caller.clone(), region })
}

fn check_session(headers: &HeaderMap, identity: &Identity, now: Timestamp) -> Result<(), Refusal> {
    match (&identity.session, text(headers, "x-amz-security-token")) {
        (None, None) => Ok(()),
        (Some(session), Some(token)) => {
            let (known, given) = (session.token.as_str().as_bytes(), token.as_bytes());
            constant_time::verify_slices_are_equal(known, given)
                .map_err(|_| Refusal::UnrecognizedClient)?;
            match session.ends {
                Some(ends) if ends <= now => Err(Refusal::ExpiredToken),
                _ => Ok(()),
            }
        }
        _ => Err(Refusal::UnrecognizedClient),
    }
}

/// The header `Authorization`, taken apart.
#[derive(Debug)]
struct Authorization<'a> {
    access_key: &'a str,
    /// Date, Region, service and the word `aws4_request`.
    scope: [&'a str; 4],
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    fn parse(header: &'a str) -> Result<Authorization<'a>, Refusal> {
        let fields = header.strip_prefix(ALGORITHM).map(str::trim_start).unwrap_or_default();
        let field = |name: &str| {
            let fields = fields.split(',').map(str::trim);
            let mut found = fields.filter_map(|field| field.strip_prefix(name)?.strip_prefix('='));
            found.next().ok_or_else(|| {
                let lacks = format!("Authorization header requires '{name}' parameter.");
                Refusal::IncompleteSignature(lacks)
            })
        };
        let (credential, signed) = (field("Credential")?, field("SignedHeaders")?);
        let parts: Vec<&str> = credential.split('/').collect();
        let [access_key, scope @ ..] = &parts[..] else { return Err(bad_credential()) };
        let scope = scope.try_into().map_err(|_| bad_credential())?;
        let signed_headers = signed.split(';').collect();
        Ok(Authorization { access_key, scope, signed_headers, signature: field("Signature")? })
    }

    fn check_signed_headers(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let target = headers.contains_key(TARGET).then_some(&TARGET);
        let mut must_be = MUST_BE_SIGNED.iter().chain(target);
        let unsigned = must_be.find(|name| !self.signed_headers.contains(name));
        let absent = self.signed_headers.iter().find(|name| !headers.contains_key(**name));
        match unsigned.or(absent) {
            Some(name) => Err(invalid(&format!(
                "'{name}' must be a header of the request and a 'SignedHeader' in the AWS \
                 Authorization."
            ))),
            None => Ok(()),
        }
    }

    fn check_date(&self, date: &str, now: Timestamp) -> Result<(), Refusal> {
        let signed = parse_date(date).ok_or_else(|| {
            let wanted = "Date must be in ISO-8601 'basic format'. Got";
            Refusal::IncompleteSignature(format!("{wanted} '{date}'."))
        })?;
        if !date.starts_with(self.scope[0]) || self.scope[0].len() != 8 {
            return Err(invalid(
                "Date in Credential scope does not match the date of the request.",
            ));
        }
        if now.since(signed) > SKEW {
            return Err(invalid(&format!("Signature expired: {date} is now earlier than {now}.")));
        }
        if signed.since(now) > SKEW {
            return Err(invalid(&format!(
                "Signature not yet current: {date} is later than {now}."
            )));
        }
        Ok(())
    }

    fn region(&self) -> Result<RegionName, Refusal> {
        let [_, region, service, end] = self.scope;
        if service != SERVICE {
            return Err(invalid("Credential should be scoped to correct service: 'kms'."));
        }
        if end != "aws4_request" {
            return Err(invalid(
                "Credential should be scoped with a valid terminator: 'aws4_request'.",
            ));
        }
        RegionName::parse(region)
            .ok_or_else(|| invalid("Credential should be scoped to a valid region."))
    }

    fn string_to_sign(&self, date: &str, canonical: &str) -> String {
        let scope = self.scope.join("/");
        format!("{ALGORITHM}\n{date}\n{scope}\n{}", sha256_hex(canonical.as_bytes()))
    }

    fn signing_key(&self, secret: &str) -> hmac::Key {
        let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
        self.scope.iter().fold(first, |key, part| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
        })
    }
}

/// The request in the one spelling that both sides hash.
fn canonical_request(parts: &Parts, signed: &[&str], body: &[u8]) -> String {
    let (method, path) = (&parts.method, parts.uri.path());
    let mut query: Vec<_> =
        parts.uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).collect();
    query.sort_unstable();
    let mut text = format!("{method}\n{path}\n{}\n", query.join("&"));
    for name in signed {
        let values = parts.headers.get_all(*name).iter().map(|value| {
            let value = String::from_utf8_lossy(value.as_bytes());
            value.split_ascii_whitespace().collect::<Vec<_>>().join(" ")
        });
        text += &format!("{name}:{}\n", values.collect::<Vec<_>>().join(","));
    }
    text + &format!("\n{}\n{}", signed.join(";"), sha256_hex(body))
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// `20150830T123600Z`.
fn parse_date(text: &str) -> Option<Timestamp> {
    let date = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok()?;
    let seconds = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
    u64::try_from(seconds).ok().map(Timestamp::from_seconds)
}

fn sha256_hex(bytes: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, bytes);
    digest.as_ref().iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    };
    pairs.map(byte).collect()
}

fn invalid(why: &str) -> Refusal {
    Refusal::InvalidSignature(why.to_owned())
}

fn bad_credential() -> Refusal {
    let wanted = "'<access key>/YYYYMMDD/<Region>/kms/aws4_request'";
    Refusal::IncompleteSignature(format!(
        "Credential must have exactly 5 slash-delimited elements, {wanted}."
    ))
}

#[cfg(test)]
mod tests;
