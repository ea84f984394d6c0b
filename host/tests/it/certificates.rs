//! Certificates for servers of the tests.

use libtest_mimic::Failed;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
};
use std::{fs, path::Path};
use tempfile::TempDir;

/// A directory with an authority, a certificate from it for 127.0.0.1, and another authority.
pub fn certificates() -> Result<TempDir, Failed> {
    let directory = tempfile::tempdir()?;
    let write = |name: &str, text: String| fs::write(Path::join(directory.path(), name), text);
    let ca = authority()?;
    let key = KeyPair::generate()?;
    let mut server = CertificateParams::new(vec!["127.0.0.1".to_owned()])?;
    server.use_authority_key_identifier_extension = true;
    write("ca.pem", ca.pem())?;
    write("other.pem", authority()?.pem())?;
    write("server.pem", server.signed_by(&key, &ca)?.pem())?;
    write("server.key", key.serialize_pem())?;
    Ok(directory)
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, Failed> {
    let mut parameters = CertificateParams::new(Vec::new())?;
    // OpenSSL takes a certificate for self-signed if its issuer has its own name.
    let name = &mut parameters.distinguished_name;
    name.push(DnType::CommonName, "an authority of the tests");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Python 3.13 refuses an authority that does not say what its key is for.
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(CertifiedIssuer::self_signed(
        parameters,
        KeyPair::generate()?,
    )?)
}
