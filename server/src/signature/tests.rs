//! The published vectors of the algorithm, and what is refused.

use super::*;
use hyper::Request;

const IDENTITIES: &str = r#"
    [[identity]]
    access_key = "AKIDEXAMPLE"
    secret_key = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
    principal = "arn:aws:iam::444455556666:user/example"

    [[identity]]
    access_key = "ASIAEXAMPLE"
    secret_key = "secret"
    principal = "arn:aws:iam::444455556666:user/session"
    session_token = "the token"
    session_ends = "2015-08-30T12:40:00Z"
"#;

const DATE: &str = "20150830T123600Z";
/// 2015-08-30T12:36:00Z.
const NOW: Timestamp = Timestamp::from_seconds(1_440_938_160);

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).unwrap().into_parts().0
}

fn authorization<'a>(access_key: &'a str, service: &'a str, signed: &'a str) -> Authorization<'a> {
    Authorization {
        access_key,
        scope: ["20150830", "us-east-1", service, "aws4_request"],
        signed_headers: signed.split(';').collect(),
        signature: "",
    }
}

fn signature(
    authorization: &Authorization<'_>,
    secret: &str,
    parts: &Parts,
    body: &[u8],
) -> String {
    let canonical = canonical_request(parts, &authorization.signed_headers, body);
    let to_sign = authorization.string_to_sign(DATE, &canonical);
    let tag = hmac::sign(&authorization.signing_key(secret), to_sign.as_bytes());
    tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A name, a target, the headers, and what the suite says of them.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str, &'a str);

/// The AWS Signature Version 4 test suite: the cases whose path needs no normalisation, as every
/// path of this service.
#[test]
fn the_published_vectors_come_out() {
    let (host, date) = (("host", "example.amazonaws.com"), ("x-amz-date", DATE));
    let form = ("content-type", "application/x-www-form-urlencoded");
    let cases: [Case<'_>; 6] = [
        // get-vanilla
        (
            "GET",
            "/",
            &[host, date],
            "",
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
        ),
        // get-vanilla-query-order-key-case
        (
            "GET",
            "/?Param2=value2&Param1=value1",
            &[host, date],
            "",
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
        ),
        // get-header-value-trim
        (
            "GET",
            "/",
            &[host, ("my-header1", " value1"), ("my-header2", " \"a   b   c\""), date],
            "",
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
        ),
        // post-vanilla
        (
            "POST",
            "/",
            &[host, date],
            "",
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
        ),
        // post-header-key-sort
        (
            "POST",
            "/",
            &[host, ("my-header1", "value1"), date],
            "",
            "c5410059b04c1ee005303aed430f6e6645f61f4dc9e1461ec8f8916fdf18852c",
        ),
        // post-x-www-form-urlencoded
        (
            "POST",
            "/",
            &[form, host, date],
            "Param1=value1",
            "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
        ),
    ];
    for (method, uri, headers, body, expected) in cases {
        let signed = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
        let authorization = authorization("AKIDEXAMPLE", "service", &signed);
        let secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
        let parts = parts(method, uri, headers);
        assert_eq!(signature(&authorization, secret, &parts, body.as_bytes()), expected, "{uri}");
    }
}

/// A request to this service, signed rightly and then changed.
struct Sent {
    access_key: &'static str,
    secret: &'static str,
    service: &'static str,
    signed: &'static str,
    headers: Vec<(&'static str, &'static str)>,
    body: &'static [u8],
    now: Timestamp,
}

impl Default for Sent {
    fn default() -> Sent {
        Sent {
            access_key: "AKIDEXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            service: "kms",
            signed: "host;x-amz-date;x-amz-target",
            headers: vec![
                ("host", "localhost"),
                ("x-amz-date", DATE),
                ("x-amz-target", "TrentService.ListKeys"),
            ],
            body: b"{}",
            now: NOW,
        }
    }
}

impl Sent {
    fn verified(&self) -> Result<Authenticated, Refusal> {
        let authorization = authorization(self.access_key, self.service, self.signed);
        let signature =
            signature(&authorization, self.secret, &parts("POST", "/", &self.headers), b"{}");
        let scope = authorization.scope.join("/");
        let (key, signed) = (self.access_key, self.signed);
        let header = format!(
            "{ALGORITHM} Credential={key}/{scope}, SignedHeaders={signed}, Signature={signature}"
        );
        let headers = [&self.headers[..], &[("authorization", header.as_str())]].concat();
        self.verify(&headers)
    }

    fn verify(&self, headers: &[(&str, &str)]) -> Result<Authenticated, Refusal> {
        let mut identities = Identities::development();
        identities.add(IDENTITIES).unwrap();
        verify(&parts("POST", "/", headers), self.body, &identities, self.now)
    }

    fn refused(&self) -> (&'static str, String) {
        let refusal = self.verified().expect_err("refused");
        (refusal.name(), refusal.message().to_owned())
    }
}

#[test]
fn a_right_signature_names_caller_and_region() {
    let authenticated = Sent::default().verified().unwrap();
    assert_eq!(authenticated.region.as_str(), "us-east-1");
    assert_eq!(authenticated.caller.principal.as_str(), "arn:aws:iam::444455556666:user/example");
}

#[test]
fn what_is_not_signed_rightly_is_refused() {
    let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
    let earlier = Timestamp::from_seconds(1_440_938_160 - 301);
    for (sent, name, expected) in [
        (
            Sent { secret: "wrong", ..Sent::default() },
            "InvalidSignatureException",
            "does not match",
        ),
        (Sent { body: b"{ }", ..Sent::default() }, "InvalidSignatureException", "does not match"),
        (Sent { service: "s3", ..Sent::default() }, "InvalidSignatureException", "service: 'kms'"),
        (
            Sent { signed: "host;x-amz-date", ..Sent::default() },
            "InvalidSignatureException",
            "'x-amz-target' must be",
        ),
        (
            Sent { signed: "host;x-amz-date;x-amz-other;x-amz-target", ..Sent::default() },
            "InvalidSignatureException",
            "'x-amz-other' must be",
        ),
        (
            Sent { now: NOW.after(minutes(6)), ..Sent::default() },
            "InvalidSignatureException",
            "expired",
        ),
        (Sent { now: earlier, ..Sent::default() }, "InvalidSignatureException", "not yet current"),
        (
            Sent { access_key: "AKIDNOBODY", ..Sent::default() },
            "UnrecognizedClientException",
            "invalid",
        ),
    ] {
        let (got, message) = sent.refused();
        assert_eq!(got, name, "{message}");
        assert!(message.contains(expected), "{message}");
    }
    assert!(Sent { now: NOW.after(minutes(5)), ..Sent::default() }.verified().is_ok());
}

/// What is asked for is no matter of the signature: without a target it is no known operation.
#[test]
fn a_target_has_to_be_signed_when_there_is_one() {
    let mut without = Sent { signed: "host;x-amz-date", ..Sent::default() };
    without.headers.retain(|(name, _)| *name != "x-amz-target");
    without.verified().unwrap();
    without.headers.push(("x-amz-target", "TrentService.ListKeys"));
    assert_eq!(without.refused().0, "InvalidSignatureException");
}

#[test]
fn a_session_needs_its_token_while_it_lasts() {
    let session = |token: Option<&'static str>, now| {
        let mut sent = Sent { access_key: "ASIAEXAMPLE", secret: "secret", now, ..Sent::default() };
        sent.headers.extend(token.map(|token| ("x-amz-security-token", token)));
        sent.verified()
    };
    assert!(session(Some("the token"), NOW).is_ok());
    assert_eq!(session(None, NOW).unwrap_err(), Refusal::UnrecognizedClient);
    assert_eq!(session(Some("another"), NOW).unwrap_err(), Refusal::UnrecognizedClient);
    let late = NOW.after(Duration::from_secs(241));
    assert_eq!(session(Some("the token"), late).unwrap_err(), Refusal::ExpiredToken);
}

#[test]
fn what_is_no_signature_is_told_apart() {
    let sent = Sent::default();
    let with = |header: &str| {
        let headers = [&sent.headers[..], &[("authorization", header)]].concat();
        sent.verify(&headers).unwrap_err().name()
    };
    assert_eq!(sent.verify(&sent.headers).unwrap_err(), Refusal::MissingAuthenticationToken);
    for header in [
        "Basic dGVzdDp0ZXN0",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host",
    ] {
        assert_eq!(with(header), "IncompleteSignatureException", "{header}");
    }
}
