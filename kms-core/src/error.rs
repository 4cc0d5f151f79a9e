//! What the API answers when it does not answer: one code list, one error type.
//!
//! Names and HTTP statuses follow the AWS KMS API reference (service model 2014-11-01 and its common
//! errors page). Everything that can go wrong in the core ends as one of these; crypto failure is a
//! unit struct of its own and is mapped here, never described to a caller.

use std::borrow::Cow;
use std::fmt;

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident $name:literal $status:literal,)*) => {
        /// The kind of an error; the wire name carries the suffix `Exception`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $code,)* }

        impl ErrorCode {
            /// Every code, in declaration order.
            pub const ALL: &'static [ErrorCode] = &[$(ErrorCode::$code,)*];

            /// The name in the `__type` member of an error body.
            pub fn wire_name(self) -> &'static str {
                match self { $(ErrorCode::$code => $name,)* }
            }

            /// The HTTP status the error travels with.
            pub fn http_status(self) -> u16 {
                match self { $(ErrorCode::$code => $status,)* }
            }
        }
    };
}

codes! {
    /// The caller may not do this (not modelled, common error).
    AccessDenied "AccessDeniedException" 400,
    /// The alias, or the replica in that Region, is already there.
    AlreadyExists "AlreadyExistsException" 400,
    /// The cluster, or one related to it, is behind another custom key store.
    CloudHsmClusterInUse "CloudHsmClusterInUseException" 400,
    /// The cluster lacks HSMs, subnets or open ports.
    CloudHsmClusterInvalidConfiguration "CloudHsmClusterInvalidConfigurationException" 400,
    /// The cluster has not been initialised and activated.
    CloudHsmClusterNotActive "CloudHsmClusterNotActiveException" 400,
    /// No such cluster in this account and Region.
    CloudHsmClusterNotFound "CloudHsmClusterNotFoundException" 400,
    /// The cluster has no backup history in common with the present one.
    CloudHsmClusterNotRelated "CloudHsmClusterNotRelatedException" 400,
    /// An automatic rotation is running or due within twenty minutes.
    Conflict "ConflictException" 400,
    /// The custom key store still has keys.
    CustomKeyStoreHasCmks "CustomKeyStoreHasCMKsException" 400,
    /// The connection of the custom key store does not allow the operation.
    CustomKeyStoreInvalidState "CustomKeyStoreInvalidStateException" 400,
    /// Another custom key store has the name.
    CustomKeyStoreNameInUse "CustomKeyStoreNameInUseException" 400,
    /// No such custom key store.
    CustomKeyStoreNotFound "CustomKeyStoreNotFoundException" 400,
    /// A dependency did not answer in time; the caller may retry.
    DependencyTimeout "DependencyTimeoutException" 500,
    /// The key is disabled.
    Disabled "DisabledException" 400,
    /// The request would have succeeded, but `DryRun` was set.
    DryRunOperation "DryRunOperationException" 400,
    /// The import token is older than a day.
    ExpiredImportToken "ExpiredImportTokenException" 400,
    /// The key named is not the key that made the ciphertext.
    IncorrectKey "IncorrectKeyException" 400,
    /// The key material is not valid for the key, or not the one that was expected.
    IncorrectKeyMaterial "IncorrectKeyMaterialException" 400,
    /// The cluster was initialised with another certificate.
    IncorrectTrustAnchor "IncorrectTrustAnchorException" 400,
    /// The alias name is not permitted.
    InvalidAliasName "InvalidAliasNameException" 400,
    /// The ARN is malformed or not valid for this operation.
    InvalidArn "InvalidArnException" 400,
    /// The ciphertext, or its encryption context, is not what it was.
    InvalidCiphertext "InvalidCiphertextException" 400,
    /// No such grant on this key.
    InvalidGrantId "InvalidGrantIdException" 400,
    /// The grant token was not made here.
    InvalidGrantToken "InvalidGrantTokenException" 400,
    /// The import token was not made here, or for another key.
    InvalidImportToken "InvalidImportTokenException" 400,
    /// The key's usage or algorithm does not fit the operation.
    InvalidKeyUsage "InvalidKeyUsageException" 400,
    /// The pagination marker was not made by this list.
    InvalidMarker "InvalidMarkerException" 400,
    /// The service failed; the caller may retry.
    KmsInternal "KMSInternalException" 500,
    /// The MAC is not of this message, or not by this key.
    KmsInvalidMac "KMSInvalidMacException" 400,
    /// The signature is not of this message, or not by this key.
    KmsInvalidSignature "KMSInvalidSignatureException" 400,
    /// The key's state does not allow the operation.
    KmsInvalidState "KMSInvalidStateException" 400,
    /// The key's material cannot be reached now; the caller may retry.
    KeyUnavailable "KeyUnavailableException" 500,
    /// A resource quota is used up.
    LimitExceeded "LimitExceededException" 400,
    /// The policy document is not one that can be stored.
    MalformedPolicyDocument "MalformedPolicyDocumentException" 400,
    /// No such key, alias or policy.
    NotFound "NotFoundException" 400,
    /// The body is not the JSON the operation takes (not modelled).
    Serialization "SerializationException" 400,
    /// A tag is not acceptable.
    Tag "TagException" 400,
    /// A request quota is used up for this interval (not modelled).
    Throttling "ThrottlingException" 400,
    /// No operation of that name (not modelled, common error).
    UnknownOperation "UnknownOperationException" 404,
    /// The operation does not support this kind of key.
    UnsupportedOperation "UnsupportedOperationException" 400,
    /// A member breaks a constraint (not modelled).
    Validation "ValidationException" 400,
    /// The external key is for another KMS key of the store.
    XksKeyAlreadyInUse "XksKeyAlreadyInUseException" 400,
    /// The external key is not an enabled AES-256 key for encryption and decryption.
    XksKeyInvalidConfiguration "XksKeyInvalidConfigurationException" 400,
    /// The proxy knows no such external key.
    XksKeyNotFound "XksKeyNotFoundException" 400,
    /// The proxy refuses the credential.
    XksProxyIncorrectAuthenticationCredential "XksProxyIncorrectAuthenticationCredentialException" 400,
    /// The proxy has nothing at that path.
    XksProxyInvalidConfiguration "XksProxyInvalidConfigurationException" 400,
    /// The proxy answers what cannot be understood.
    XksProxyInvalidResponse "XksProxyInvalidResponseException" 400,
    /// A store of the other kind of connectivity has the endpoint.
    XksProxyUriEndpointInUse "XksProxyUriEndpointInUseException" 400,
    /// Another store has endpoint and path.
    XksProxyUriInUse "XksProxyUriInUseException" 400,
    /// The proxy cannot be reached, or no key manager behind it serves.
    XksProxyUriUnreachable "XksProxyUriUnreachableException" 400,
    /// Another store has the endpoint service.
    XksProxyVpcEndpointServiceInUse "XksProxyVpcEndpointServiceInUseException" 400,
    /// The endpoint service is not what the KMS needs.
    XksProxyVpcEndpointServiceInvalidConfiguration "XksProxyVpcEndpointServiceInvalidConfigurationException" 400,
    /// No such endpoint service, or the KMS may not connect to it.
    XksProxyVpcEndpointServiceNotFound "XksProxyVpcEndpointServiceNotFoundException" 400,
}

impl ErrorCode {
    /// This code with a message.
    pub fn says(self, message: impl Into<Cow<'static, str>>) -> Error {
        Error { code: self, message: Some(message.into()) }
    }

    /// This code without a message; four exceptions carry none on the wire.
    pub fn silent(self) -> Error {
        Error { code: self, message: None }
    }

    /// The code of that name on the wire.
    pub fn parse(name: &str) -> Option<ErrorCode> {
        ErrorCode::ALL.iter().copied().find(|code| code.wire_name() == name)
    }

    /// Whether the service is at fault, so that an SDK retries by itself.
    pub fn is_server_fault(self) -> bool {
        self.http_status() >= 500
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.wire_name())
    }
}

/// An answer that is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Which error.
    pub code: ErrorCode,
    /// What it says to the caller; of why an authorization failed, the kind of policy at most.
    pub message: Option<Cow<'static, str>>,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.message {
            Some(message) => write!(f, "{}: {message}", self.code),
            None => write!(f, "{}", self.code),
        }
    }
}

impl std::error::Error for Error {}

/// What every fallible function of the core returns.
pub type Result<T> = std::result::Result<T, Error>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_three_modelled_errors_are_server_faults() {
        let faults: Vec<_> =
            ErrorCode::ALL.iter().filter(|code| code.is_server_fault()).copied().collect();
        assert_eq!(
            faults,
            [ErrorCode::DependencyTimeout, ErrorCode::KmsInternal, ErrorCode::KeyUnavailable]
        );
    }

    #[test]
    fn every_code_is_an_exception_on_the_wire() {
        for code in ErrorCode::ALL {
            assert!(code.wire_name().ends_with("Exception"), "{code:?}");
        }
    }
}
