//! The bytes of what is asked of the service, and of what it says.

use super::Sink;
use crate::history::{Got, Target, Wanted};
use kms_core::name::KeyArn;

impl Sink<'_> {
    pub(super) fn wanted(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::CreateKey { multi_region, policy } => {
                self.tag(0);
                self.flag(*multi_region);
                self.maybe(policy.as_ref(), |sink, (policy, _)| sink.digest(*policy));
            }
            Wanted::CreatePair { multi_region } => {
                self.tag(47);
                self.flag(*multi_region);
            }
            Wanted::Plain { operation, key } => {
                self.about(48, key);
                self.text(operation);
            }
            Wanted::Other { operation } => {
                self.tag(49);
                self.text(operation);
            }
            Wanted::CreateExternalKey => self.tag(40),
            Wanted::CreateKeyToImport { multi_region } => {
                self.tag(41);
                self.flag(*multi_region);
            }
            Wanted::DescribeKey { key } => self.about(1, key),
            Wanted::ListKeys => self.tag(2),
            Wanted::EnableKey { key } => self.about(3, key),
            Wanted::DisableKey { key } => self.about(4, key),
            Wanted::ScheduleKeyDeletion { key, days } => {
                self.about(5, key);
                self.number(u64::from(*days));
            }
            Wanted::CancelKeyDeletion { key } => self.about(6, key),
            Wanted::CreateAlias { alias, key } => {
                self.about(7, key);
                self.text(alias);
            }
            Wanted::UpdateAlias { alias, key } => {
                self.about(8, key);
                self.text(alias);
            }
            Wanted::DeleteAlias { alias } => {
                self.tag(9);
                self.text(alias);
            }
            Wanted::ListAliases { key } => {
                self.tag(10);
                self.maybe(key.as_ref(), Self::target);
            }
            other => self.wanted_of_keys(other),
        }
    }

    fn wanted_of_keys(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::EnableKeyRotation { key, days } => {
                self.about(16, key);
                self.number(u64::from(*days));
            }
            Wanted::DisableKeyRotation { key } => self.about(17, key),
            Wanted::GetKeyRotationStatus { key } => self.about(18, key),
            Wanted::RotateKeyOnDemand { key } => self.about(19, key),
            Wanted::ListKeyRotations { key, materials } => {
                self.about(20, key);
                self.flag(*materials);
            }
            Wanted::GetKeyPolicy { key } => self.about(25, key),
            // The words follow from the policy.
            Wanted::PutKeyPolicy { key, policy, .. } => {
                self.about(26, key);
                self.digest(*policy);
            }
            Wanted::ReplicateKey { key, region } => {
                self.about(27, key);
                self.maybe(*region, Self::region);
            }
            Wanted::UpdatePrimaryRegion { key, region } => {
                self.about(28, key);
                self.maybe(*region, Self::region);
            }
            other => self.wanted_of_grants(other),
        }
    }

    fn wanted_of_grants(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::CreateGrant { key, grantee, operations, name, constrained } => {
                self.about(21, key);
                self.text(grantee);
                self.list(operations.iter(), |sink, operation| sink.text(operation));
                self.maybe(name.as_deref(), Self::text);
                self.flag(*constrained);
            }
            Wanted::ListGrants { key } => self.about(22, key),
            Wanted::RetireGrant { grant, by_token } => {
                self.tag(23);
                self.maybe(*grant, Self::grant);
                self.flag(*by_token);
            }
            Wanted::RevokeGrant { key, grant } => {
                self.about(24, key);
                self.maybe(*grant, Self::grant);
            }
            other => self.wanted_of_data(other),
        }
    }

    fn wanted_of_data(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::Encrypt { key, plaintext, context } => {
                self.about(11, key);
                self.digest(*plaintext);
                self.digest(*context);
            }
            Wanted::Decrypt { blob, key, context } => {
                self.tag(12);
                self.digest(*blob);
                self.maybe(key.as_ref(), Self::target);
                self.digest(*context);
            }
            Wanted::ReEncrypt { blob, source, source_context, key, context } => {
                self.about(13, key);
                self.digest(*blob);
                self.maybe(source.as_ref(), Self::target);
                self.digest(*source_context);
                self.digest(*context);
            }
            Wanted::GenerateDataKey { key, bytes, context, plaintext } => {
                self.about(14, key);
                self.number(u64::from(*bytes));
                self.digest(*context);
                self.flag(*plaintext);
            }
            Wanted::GenerateDataKeyPair { key, context, plaintext } => {
                self.about(42, key);
                self.digest(*context);
                self.flag(*plaintext);
            }
            Wanted::GenerateRandom { bytes } => {
                self.tag(15);
                self.number(u64::from(*bytes));
            }
            other => self.wanted_of_imports(other),
        }
    }

    fn wanted_of_imports(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::GetParametersForImport { key, fits } => {
                self.about(43, key);
                self.flag(*fits);
            }
            Wanted::ImportKeyMaterial { key, token, wrapped, stays, expires, new, material } => {
                self.about(44, key);
                self.digest(*token);
                self.digest(*wrapped);
                self.flag(*stays);
                self.maybe(*expires, Self::time);
                self.maybe(*new, Self::flag);
                self.maybe(*material, Self::material);
            }
            Wanted::DeleteImportedKeyMaterial { key, material } => {
                self.about(45, key);
                self.maybe(*material, Self::material);
            }
            other => self.wanted_of_pairs(other),
        }
    }

    fn wanted_of_pairs(&mut self, wanted: &Wanted) {
        match wanted {
            Wanted::Prove { key, mac, message } => {
                self.about(29, key);
                self.flag(*mac);
                self.digest(*message);
            }
            Wanted::Check { key, mac, message, proof } => {
                self.about(30, key);
                self.flag(*mac);
                self.digest(*message);
                self.digest(*proof);
            }
            Wanted::GetPublicKey { key } => self.about(31, key),
            Wanted::Encapsulate { key } => self.about(32, key),
            Wanted::Decapsulate { key, blob } => {
                self.about(33, key);
                self.digest(*blob);
            }
            Wanted::DeriveSharedSecret { key, peer } => {
                self.about(34, key);
                self.digest(*peer);
            }
            // Every other wish is written by one of the functions that lead here.
            _ => {}
        }
    }

    fn about(&mut self, tag: u8, key: &Target) {
        self.tag(tag);
        self.target(key);
    }

    pub(super) fn got(&mut self, got: &Got) {
        match got {
            Got::Created { key } => self.answered(0, key),
            Got::Described { key, state, material, deletion } => {
                self.answered(1, key);
                self.text(state.as_str());
                self.maybe(*material, Self::material);
                self.maybe(*deletion, Self::time);
            }
            Got::Scheduled { key, state, deletion } => {
                self.answered(2, key);
                self.text(state.as_str());
                self.maybe(*deletion, Self::time);
            }
            Got::Sealed { key, blob, draw, plaintext } => {
                self.answered(3, key);
                self.digest(*blob);
                self.maybe(*draw, Self::digest);
                self.maybe(*plaintext, Self::digest);
            }
            Got::Opened { key, plaintext, material } => {
                self.answered(4, key);
                self.digest(*plaintext);
                self.maybe(*material, Self::material);
            }
            Got::Resealed { source, key, blob, draw } => {
                self.answered(5, source);
                self.arn(key);
                self.digest(*blob);
                self.maybe(*draw, Self::digest);
            }
            other => self.got_rest(other),
        }
    }

    fn got_rest(&mut self, got: &Got) {
        match got {
            Got::Granted { grant } => {
                self.tag(6);
                self.grant(*grant);
            }
            Got::Rotation { enabled, days } => {
                self.tag(7);
                self.flag(*enabled);
                self.maybe(*days, |sink, days| sink.number(days.into()));
            }
            Got::Policy { policy } => {
                self.tag(8);
                self.digest(*policy);
            }
            Got::Listed { items, complete } => {
                self.tag(9);
                self.number(u64::from(*items));
                self.flag(*complete);
            }
            Got::Replicated { replica } => self.answered(10, replica),
            Got::Random { bytes } => {
                self.tag(11);
                self.number(u64::from(*bytes));
            }
            Got::Done => self.tag(12),
            Got::Proved { key, proof } => {
                self.answered(13, key);
                self.digest(*proof);
            }
            Got::Genuine { key } => self.answered(14, key),
            Got::PublicKey { key, public } => {
                self.answered(15, key);
                self.digest(*public);
            }
            Got::Encapsulated { key, secret, blob } => {
                self.answered(16, key);
                self.digest(*secret);
                self.digest(*blob);
            }
            Got::SharedSecret { key, secret } => {
                self.answered(17, key);
                self.digest(*secret);
            }
            Got::ImportParameters { key, token, until } => {
                self.answered(18, key);
                self.digest(*token);
                self.time(*until);
            }
            Got::OfMaterial { key, material } => {
                self.answered(19, key);
                self.maybe(*material, Self::material);
            }
            Got::Created { .. }
            | Got::Described { .. }
            | Got::Scheduled { .. }
            | Got::Sealed { .. }
            | Got::Opened { .. }
            | Got::Resealed { .. } => {}
        }
    }

    fn answered(&mut self, tag: u8, key: &KeyArn) {
        self.tag(tag);
        self.arn(key);
    }
}
