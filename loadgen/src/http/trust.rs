//! TLS: whom an endpoint of `https` has to be certified by.

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::sync::Arc;

/// The certificates that an endpoint's own has to lead up to.
#[derive(Clone, Copy, Debug)]
pub enum Roots<'p> {
    /// Those that the system trusts.
    System,
    /// Those of a text in PEM, and no others.
    Pem(&'p [u8]),
}

impl Roots<'_> {
    /// How TLS is spoken to an endpoint: HTTP/1.1 over TLS 1.2 or 1.3.
    ///
    /// # Errors
    /// When there is no certificate, or one that cannot be read.
    pub(super) fn client(self) -> Result<Arc<ClientConfig>, String> {
        let mut roots = RootCertStore::empty();
        match self {
            Roots::System => {
                // Systems carry certificates that nobody can read; the others do.
                let found = rustls_native_certs::load_native_certs();
                roots.add_parsable_certificates(found.certs);
                if roots.is_empty() {
                    return Err("the system has no root certificates".to_owned());
                }
            }
            Roots::Pem(text) => {
                for certificate in CertificateDer::pem_slice_iter(text) {
                    let certificate = certificate.map_err(|error| format!("{error}"))?;
                    roots.add(certificate).map_err(|error| format!("{error}"))?;
                }
                if roots.is_empty() {
                    return Err("it has no certificate in PEM".to_owned());
                }
            }
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut client = builder.with_root_certificates(roots).with_no_client_auth();
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Arc::new(client))
    }
}
