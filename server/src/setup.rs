//! A working server from nothing: configuration, keys, and certificates of an authority of its own.

use core::net::SocketAddr;
use std::path::Path;

use counterfoil::UnixTime;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};

use crate::config::ConfigError;
use crate::issue::{SigningKeys, write_private};
use crate::secret::Secret;

/// What `init` is told.
#[derive(Clone, Debug)]
pub struct Init {
    /// The issuer identifier.
    pub issuer: String,
    /// Where to listen.
    pub address: SocketAddr,
    /// The host name that asks for certificates.
    pub mtls_host: String,
}

/// Writes `counterfoil.toml` and all that it names into a folder. What is there already stays.
///
/// # Errors
/// When there is a configuration already, or the folder cannot be written.
pub fn init(folder: &Path, told: &Init, now: UnixTime) -> Result<(), ConfigError> {
    let file = folder.join("counterfoil.toml");
    if file.exists() {
        return Err(ConfigError::new(file.display().to_string(), "is there already"));
    }
    let after = told.issuer.strip_prefix("https://").ok_or_else(|| ConfigError::new("--issuer", "must be an https URL"))?;
    let host = after.split(['/', ':']).next().unwrap_or_default();
    std::fs::create_dir_all(folder.join("tls")).map_err(|error| ConfigError::new(folder.display().to_string(), error))?;
    SigningKeys::create(&folder.join("keys"), now)?;
    write_private(&folder.join("nonce.secret"), Secret::new().as_str().as_bytes())?;
    certificates(&folder.join("tls"), host, &told.mtls_host).map_err(|error| ConfigError::new("certificates", error))??;
    let text = include_str!("../templates/counterfoil.toml")
        .replace("@issuer@", &told.issuer)
        .replace("@address@", &told.address.to_string())
        .replace("@mtls_host@", &told.mtls_host);
    crate::config::Config::parse(&text)?;
    std::fs::write(&file, text).map_err(|error| ConfigError::new(file.display().to_string(), error))
}

/// An authority, and by it a certificate for both host names. Good for a first look; a real server has a real one.
fn certificates(folder: &Path, host: &str, mtls_host: &str) -> Result<Result<(), ConfigError>, rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "Counterfoil's own authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut leaf = CertificateParams::new(vec![host.to_owned(), mtls_host.to_owned()])?;
    leaf.distinguished_name.push(DnType::CommonName, host);
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &authority)?;
    let write = || {
        write_private(&folder.join("authority.pem"), authority.pem().as_bytes())?;
        write_private(&folder.join("authority.key"), authority.key().serialize_pem().as_bytes())?;
        write_private(&folder.join("server.pem"), certificate.pem().as_bytes())?;
        write_private(&folder.join("server.key"), key.serialize_pem().as_bytes())
    };
    Ok(write())
}
