//! What was sealed can be opened, for as long as its key lives.

use super::attempts::{Answer, Attempt};
use super::key_log::{is_pending, material_of, state_of};
use super::{Context, Entry, Finding, Oracle, OracleInfo, Seen, Violation};
use crate::history::{Changed, Digest, Event, Got, Source, Target, Wanted};
use crate::recent::Recent;
use kms_core::env::{RequestId, Timestamp};
use kms_core::error::ErrorCode;
use kms_core::key::KeyState;
use kms_core::name::{KeyArn, KeyId, MaterialId};

const INFO: OracleInfo = OracleInfo {
    name: "ciphertext-durability",
    doc: "Every ciphertext a client was given opens to its plaintext wherever and whenever its key \
          is on.",
    needs: &[Source::Client, Source::Host, Source::Journal],
};

/// The line in the table.
pub(super) const ENTRY: Entry = Entry { info: INFO, new: || Box::new(Durability::new()) };

/// How many ciphertexts are remembered.
const REMEMBERED: usize = 1 << 19;

struct Durability {
    blobs: Recent<Digest, Blob>,
    /// What each plaintext is, once anybody has seen it, by the first ciphertext of it.
    plaintexts: Recent<Digest, Digest>,
    judged: u64,
    violations: Vec<Violation>,
}

/// A ciphertext that a client has.
#[derive(Clone, Copy)]
struct Blob {
    key: KeyId,
    /// Unknown when several hosts answered one attempt.
    material: Option<MaterialId>,
    context: Digest,
    /// The ciphertext that was made of its plaintext first.
    origin: Digest,
}

/// A wish to open a ciphertext.
struct Opening<'a> {
    blob: Digest,
    named: Option<&'a Target>,
    context: Digest,
}

impl Oracle for Durability {
    fn info(&self) -> OracleInfo {
        INFO
    }

    fn record(&mut self, seen: Seen<'_>, _: &Context<'_>) {
        match &seen.record.event {
            Event::Answered { request, .. } => self.answered(seen, *request),
            Event::Returned { request, got: Ok(got) } => self.returned(seen, *request, got),
            _ => {}
        }
    }

    fn finish(&mut self, _: &Context<'_>) -> Finding {
        let violations = std::mem::take(&mut self.violations);
        let detail = vec![("ciphertexts", self.blobs.ever())];
        Finding { judged: self.judged, detail, violations }
    }
}

impl Durability {
    fn new() -> Durability {
        let (blobs, plaintexts) = (Recent::new(REMEMBERED), Recent::new(REMEMBERED));
        Durability { blobs, plaintexts, judged: 0, violations: Vec::new() }
    }

    /// Judges a refusal to open.
    fn answered(&mut self, seen: Seen<'_>, request: RequestId) {
        let Some(attempt) = seen.known.attempts.get(request) else { return };
        let Some(opening) = opening(&attempt.facts.wanted) else { return };
        let Some((blob, answer)) = self.blobs.get(&opening.blob).zip(attempt.answers.last()) else {
            return;
        };
        self.judged += 1;
        let refused = match answer.error {
            Some(code @ (ErrorCode::InvalidCiphertext | ErrorCode::IncorrectKey)) => code,
            _ => return,
        };
        if must_open(seen, (attempt, answer), &opening, blob) {
            let message = format!(
                "a ciphertext of {} came to {refused} in {} at position {}, though the key was on",
                blob.key, attempt.region, answer.position
            );
            self.violations.push(seen.violates(INFO.name, message));
        }
    }

    fn returned(&mut self, seen: Seen<'_>, request: RequestId, got: &Got) {
        let Some(attempt) = seen.known.attempts.get(request) else { return };
        match (got, &attempt.facts.wanted) {
            (Got::Sealed { key, blob, .. }, Wanted::Encrypt { plaintext, context, .. }) => {
                self.keep((seen, request), *key, *blob, *context, Some(*plaintext));
            }
            (Got::Sealed { key, blob, plaintext, .. }, Wanted::GenerateDataKey { context, .. }) => {
                self.keep((seen, request), *key, *blob, *context, *plaintext);
            }
            (Got::Resealed { key, blob, .. }, Wanted::ReEncrypt { blob: from, context, .. }) => {
                let Some(source) = self.blobs.get(from).copied() else { return };
                self.keep_as((seen, request), *key, *blob, *context, source.origin);
            }
            (Got::Opened { plaintext, .. }, Wanted::Decrypt { blob, .. }) => {
                self.opened(seen, *blob, *plaintext);
            }
            _ => {}
        }
    }

    fn keep(
        &mut self,
        from: (Seen<'_>, RequestId),
        key: KeyArn,
        blob: Digest,
        context: Digest,
        plaintext: Option<Digest>,
    ) {
        if let Some(plaintext) = plaintext {
            self.plaintexts.insert(blob, plaintext);
        }
        self.keep_as(from, key, blob, context, blob);
    }

    fn keep_as(
        &mut self,
        from: (Seen<'_>, RequestId),
        key: KeyArn,
        blob: Digest,
        context: Digest,
        origin: Digest,
    ) {
        let material = sealed_with(from, key);
        self.blobs.insert(blob, Blob { key: key.id, material, context, origin });
    }

    fn opened(&mut self, seen: Seen<'_>, blob: Digest, plaintext: Digest) {
        let Some(blob) = self.blobs.get(&blob) else { return };
        match self.plaintexts.get(&blob.origin) {
            None => drop(self.plaintexts.insert(blob.origin, plaintext)),
            Some(known) if *known == plaintext => {}
            Some(_) => {
                let message = format!("a ciphertext of {} opened to another plaintext", blob.key);
                self.violations.push(seen.violates(INFO.name, message));
            }
        }
    }
}

/// Whether the right context was given, the right key named if any, and the key was on and had the
/// material, as the host that decided had heard.
fn must_open(
    seen: Seen<'_>,
    (attempt, answer): (&Attempt, &Answer),
    opening: &Opening<'_>,
    blob: &Blob,
) -> bool {
    let named = match opening.named {
        None => true,
        Some(Target::Key { id, .. }) => *id == blob.key,
        Some(_) => false,
    };
    let Some(past) = seen.known.keys.past((attempt.region, blob.key)) else { return false };
    let Some(now) = past.at(answer.position) else { return false };
    let on = matches!(state_of(now), Some(KeyState::Enabled | KeyState::Updating))
        && !has_expired(now, answer.now);
    let had = |material| {
        let heard = past.up_to(answer.position);
        heard.iter().any(|version| material_of(&version.value) == Some(material))
    };
    let holds = blob.material.is_none_or(|material| had(material) || is_pending(now));
    named && on && holds && opening.context == blob.context
}

/// Whether an imported material of a key has expired, which a host knows before it is erased.
fn has_expired(key: &Changed, now: Timestamp) -> bool {
    let Changed::Key { imports: Some(imports), .. } = key else { return false };
    imports.belonging.iter().any(|held| held.expires.is_some_and(|at| at <= now))
}

/// The material that was current where and when the ciphertext was made.
fn sealed_with((seen, request): (Seen<'_>, RequestId), key: KeyArn) -> Option<MaterialId> {
    let past = seen.known.keys.past((key.region, key.id))?;
    let answers = &seen.known.attempts.get(request)?.answers;
    let mut good = answers.iter().filter(|answer| answer.error.is_none());
    let material = |answer: &Answer| material_of(past.at(answer.position)?);
    let first = good.next().and_then(material);
    first.filter(|_| good.all(|answer| material(answer) == first))
}

fn opening(wanted: &Wanted) -> Option<Opening<'_>> {
    match wanted {
        Wanted::Decrypt { blob, key, context } => {
            Some(Opening { blob: *blob, named: key.as_ref(), context: *context })
        }
        Wanted::ReEncrypt { blob, source, source_context, .. } => {
            Some(Opening { blob: *blob, named: source.as_ref(), context: *source_context })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::scene::{MATERIAL, Scene, arn, key_id, key_in, sealed};

    const CONTEXT: Digest = Digest(5);

    /// A ciphertext that a client has.
    fn sealed_one() -> Scene {
        let mut scene = Scene::new();
        let key = Target::Key { region: None, id: key_id() };
        scene.at(1).created(1);
        scene.call(2, Wanted::Encrypt { key, plaintext: Digest(1), context: CONTEXT });
        scene.answer(2, None);
        scene.returned(2, sealed(7));
        scene
    }

    fn decrypt(scene: &mut Scene, context: Digest, error: Option<ErrorCode>) -> Vec<Violation> {
        scene.call(3, Wanted::Decrypt { blob: Digest(7), key: None, context });
        scene.answer(3, error);
        scene.judge(&ENTRY).violations
    }

    #[test]
    fn what_opens_is_fine() {
        let mut scene = sealed_one();
        assert_eq!(decrypt(&mut scene, CONTEXT, None), []);
        let opened = Got::Opened { key: arn(), plaintext: Digest(1), material: Some(MATERIAL) };
        scene.returned(3, opened);
        let finding = scene.judge(&ENTRY);
        assert_eq!((finding.judged, finding.violations), (1, vec![]));
    }

    #[test]
    fn what_does_not_open_is_lost() {
        for code in [ErrorCode::InvalidCiphertext, ErrorCode::IncorrectKey] {
            assert_eq!(decrypt(&mut sealed_one(), CONTEXT, Some(code)).len(), 1);
        }
    }

    #[test]
    fn another_plaintext_is_as_bad() {
        let mut scene = sealed_one();
        decrypt(&mut scene, CONTEXT, None);
        let opened = Got::Opened { key: arn(), plaintext: Digest(2), material: Some(MATERIAL) };
        scene.returned(3, opened);
        assert_eq!(scene.judge(&ENTRY).violations.len(), 1);
    }

    #[test]
    fn the_wrong_context_opens_nothing() {
        let refused = Some(ErrorCode::InvalidCiphertext);
        assert_eq!(decrypt(&mut sealed_one(), Digest(6), refused), []);
    }

    #[test]
    fn a_key_that_is_off_may_refuse() {
        let mut scene = sealed_one();
        scene.task(vec![key_in(KeyState::Disabled)]);
        assert_eq!(decrypt(&mut scene, CONTEXT, Some(ErrorCode::InvalidCiphertext)), []);
        scene.task(vec![key_in(KeyState::Enabled)]);
        let refused = Some(ErrorCode::InvalidCiphertext);
        assert_eq!(decrypt(&mut scene, CONTEXT, refused).len(), 1);
    }

    #[test]
    fn without_hosts_there_is_no_judgement() {
        let mut scene = Scene::new();
        scene.at(1).created(1);
        scene.cannot_judge(&ENTRY, Source::Host);
    }
}
