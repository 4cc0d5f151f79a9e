//! The errors of a proxy, and what each of them means to whoever called the KMS: one table.
//!
//! On cryptographic operations all of them are `KMSInvalidState`, with the cause in the message.
//! Source: AWS KMS External Key Store Proxy API Specification 1.0.3, Error messages; AWS KMS
//! Developer Guide, "Troubleshooting external key stores". Where the two leave a cell open, it says
//! what its neighbours say.

use crate::error::ErrorCode;
use crate::key_store::{ConnectionErrorCode, Fault};

macro_rules! errors {
    ($($error:ident $name:literal $status:literal $store:ident $key:ident $connection:ident,)*) => {
        /// An error of the proxy API, without the suffix `Exception`.
        #[allow(missing_docs)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum ProxyError { $($error,)* }

        impl ProxyError {
            /// Every error of the API.
            pub const ALL: &'static [ProxyError] = &[$(ProxyError::$error,)*];

            /// The member `errorName`.
            pub fn name(self) -> &'static str {
                match self { $(ProxyError::$error => $name,)* }
            }

            /// The HTTP status it travels with.
            pub fn status(self) -> u16 {
                match self { $(ProxyError::$error => $status,)* }
            }

            fn on_creating_store(self) -> ErrorCode {
                match self { $(ProxyError::$error => ErrorCode::$store,)* }
            }

            fn on_creating_key(self) -> ErrorCode {
                match self { $(ProxyError::$error => ErrorCode::$key,)* }
            }

            fn on_connecting(self) -> ConnectionErrorCode {
                match self { $(ProxyError::$error => ConnectionErrorCode::$connection,)* }
            }
        }
    };
}

errors! {
    Validation "ValidationException" 400
        XksProxyInvalidResponse CustomKeyStoreInvalidState XksProxyInvalidResponse,
    InvalidState "InvalidStateException" 400
        XksProxyInvalidResponse XksKeyInvalidConfiguration XksProxyInvalidResponse,
    InvalidCiphertext "InvalidCiphertextException" 400
        XksProxyInvalidResponse CustomKeyStoreInvalidState XksProxyInvalidResponse,
    InvalidKeyUsage "InvalidKeyUsageException" 400
        XksProxyInvalidResponse XksKeyInvalidConfiguration XksProxyInvalidResponse,
    AuthenticationFailed "AuthenticationFailedException" 401
        XksProxyIncorrectAuthenticationCredential CustomKeyStoreInvalidState InvalidCredentials,
    AccessDenied "AccessDeniedException" 403
        XksProxyInvalidResponse CustomKeyStoreInvalidState XksProxyAccessDenied,
    KeyNotFound "KeyNotFoundException" 404
        XksProxyInvalidResponse XksKeyNotFound XksProxyInvalidResponse,
    InvalidUriPath "InvalidUriPathException" 404
        XksProxyInvalidConfiguration CustomKeyStoreInvalidState XksProxyInvalidConfiguration,
    Throttling "ThrottlingException" 429
        XksProxyUriUnreachable CustomKeyStoreInvalidState XksProxyNotReachable,
    Internal "InternalException" 500
        XksProxyInvalidResponse CustomKeyStoreInvalidState XksProxyInvalidResponse,
    UnsupportedOperation "UnsupportedOperationException" 501
        XksProxyInvalidResponse CustomKeyStoreInvalidState XksProxyInvalidResponse,
    DependencyTimeout "DependencyTimeoutException" 503
        XksProxyUriUnreachable CustomKeyStoreInvalidState XksProxyNotReachable,
}

impl ProxyError {
    /// The error of that name.
    pub fn parse(name: &str) -> Option<ProxyError> {
        ProxyError::ALL.iter().copied().find(|error| error.name() == name)
    }
}

/// What CreateCustomKeyStore and UpdateCustomKeyStore answer.
pub fn on_creating_store(fault: Fault) -> ErrorCode {
    match fault {
        Fault::Proxy(error) => error.on_creating_store(),
        Fault::Unreachable | Fault::Tls | Fault::TimedOut => ErrorCode::XksProxyUriUnreachable,
        _ => ErrorCode::XksProxyInvalidResponse,
    }
}

/// What CreateKey answers.
pub fn on_creating_key(fault: Fault) -> ErrorCode {
    match fault {
        Fault::Proxy(error) => error.on_creating_key(),
        _ => ErrorCode::CustomKeyStoreInvalidState,
    }
}

/// What a store that cannot be connected shows.
pub fn on_connecting(fault: Fault) -> ConnectionErrorCode {
    match fault {
        Fault::Proxy(error) => error.on_connecting(),
        Fault::Unreachable => ConnectionErrorCode::XksProxyNotReachable,
        Fault::Tls => ConnectionErrorCode::XksProxyInvalidTlsConfiguration,
        Fault::TimedOut => ConnectionErrorCode::XksProxyTimedOut,
        Fault::LogIn(code) => code,
        _ => ConnectionErrorCode::XksProxyInvalidResponse,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_statuses_are_those_of_the_specification() {
        let table: Vec<_> =
            ProxyError::ALL.iter().map(|error| (error.status(), error.name())).collect();
        assert_eq!(table.len(), 12);
        for error in ProxyError::ALL {
            assert_eq!(ProxyError::parse(error.name()), Some(*error));
        }
        assert!(table.contains(&(401, "AuthenticationFailedException")));
        assert!(table.is_sorted_by_key(|(status, _)| *status));
        assert_eq!(ProxyError::parse("KMSInternalException"), None);
    }
}
