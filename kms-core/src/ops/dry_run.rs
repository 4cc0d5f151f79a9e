//! Requests that only ask whether they would succeed.
//!
//! A dry run never succeeds: it ends in `DryRunOperation` where the request would have been carried
//! out, is charged and logged like any other, and changes nothing (AWS KMS Developer Guide, Testing your
//! permissions).

use super::Request;

macro_rules! with_dry_runs {
    ($($operation:ident)*) => {
        impl Request {
            /// Whether it is a dry run.
            pub fn is_dry_run(&self) -> bool {
                match self {
                    $(Request::$operation(request) => request.dry_run,)*
                    _ => false,
                }
            }

            /// Whether it is to be a dry run; none for the operations that have no dry runs.
            pub fn dry_run_mut(&mut self) -> Option<&mut bool> {
                match self {
                    $(Request::$operation(request) => Some(&mut request.dry_run),)*
                    _ => None,
                }
            }
        }
    };
}

with_dry_runs! {
    CreateGrant Decapsulate Decrypt DeriveSharedSecret Encapsulate Encrypt GenerateDataKey
    GenerateDataKeyPair GenerateDataKeyPairWithoutPlaintext GenerateDataKeyWithoutPlaintext GenerateMac
    ReEncrypt RetireGrant RevokeGrant Sign Verify VerifyMac
}

#[cfg(test)]
mod tests {
    use crate::error::ErrorCode;
    use crate::name::KeyId;
    use crate::ops::{Operation, Request, encrypt, list_keys};

    #[test]
    fn the_operations_with_dry_runs_are_those_of_the_model() {
        let by_member = |operation: &&Operation| operation.request_members().contains(&"DryRun");
        let by_error =
            |operation: &&Operation| operation.info().errors.contains(&ErrorCode::DryRunOperation);
        let members: Vec<_> = Operation::ALL.iter().filter(by_member).collect();
        let errors: Vec<_> = Operation::ALL.iter().filter(by_error).collect();
        assert_eq!(members, errors);
        let listed = include_str!("dry_run.rs").split("with_dry_runs! {\n").nth(1).unwrap();
        let listed: Vec<_> = listed.split('}').next().unwrap().split_whitespace().collect();
        assert_eq!(members.iter().map(|operation| operation.name()).collect::<Vec<_>>(), listed);
    }

    #[test]
    fn a_request_becomes_a_dry_run_if_there_is_one() {
        let mut request: Request =
            encrypt::Request::new(KeyId::single_region([1; 16]), *b"x").into();
        assert!(!request.is_dry_run());
        *request.dry_run_mut().unwrap() = true;
        assert!(request.is_dry_run());
        let mut listing: Request = list_keys::Request::default().into();
        assert!(listing.dry_run_mut().is_none() && !listing.is_dry_run());
    }
}
