//! TLS by files.

use super::{ServerError, settings::TlsFiles};
use rustls::{
    ServerConfig,
    crypto::ring::default_provider,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_rustls::TlsAcceptor;

/// The reason why the content of a file is of no use. `rustls` speaks of a peer, and names no file.
#[derive(Debug, thiserror::Error)]
enum Unusable {
    #[error("there is no certificate in it")]
    NoCertificate,
    #[error("the certificate in it is damaged")]
    Certificate,
    #[error("there is no private key in it")]
    NoKey,
    #[error("the key in it is not that of the certificate in `{}`", .0.display())]
    OtherKey(PathBuf),
}

pub(super) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ServerError> {
    let unusable =
        |path: &Path, source: Box<dyn std::error::Error + Send + Sync>| ServerError::Tls {
            path: path.to_owned(),
            source,
        };
    let certificates: Vec<_> = CertificateDer::pem_file_iter(&files.certificates)
        .and_then(Iterator::collect)
        .map_err(|error| unusable(&files.certificates, error.into()))?;
    if certificates.is_empty() {
        let source = Unusable::NoCertificate.into();
        return Err(unusable(&files.certificates, source));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| match error {
        pem::Error::NoItemsFound => unusable(&files.key, Unusable::NoKey.into()),
        error => unusable(&files.key, error.into()),
    })?;
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            config
                .with_no_client_auth()
                .with_single_cert(certificates, key)
        })
        .map_err(|error| match error {
            rustls::Error::InvalidCertificate(_) => {
                unusable(&files.certificates, Unusable::Certificate.into())
            }
            rustls::Error::InconsistentKeys(_) => {
                let source = Unusable::OtherKey(files.certificates.clone());
                unusable(&files.key, source.into())
            }
            error => unusable(&files.key, error.into()),
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}
