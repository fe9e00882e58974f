//! Where the server listens, and what stands before it.

use core::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

use super::ConfigError;

/// Where the server listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port.
    pub address: SocketAddr,
    /// Address and port for operators alone, in plain HTTP: `/metrics`, and what else the server has. Absent, there are no metrics.
    pub operations: Option<SocketAddr>,
    /// The certificate chain in PEM, leaf first. Without one the server speaks plain HTTP, and only on loopback addresses or to `proxy`.
    pub certificate: Option<PathBuf>,
    /// The certificate's private key in PEM.
    pub key: Option<PathBuf>,
    /// The host name on which client certificates are asked for: the server tells by SNI. With `mtls_address`, the host and port by which
    /// clients reach that address.
    pub mtls_host: Option<String>,
    /// A second address and port, on which client certificates are always asked for, instead of a host name of their own.
    pub mtls_address: Option<SocketAddr>,
    /// Which cipher suites TLS 1.2 offers; those of TLS 1.3 are always all.
    pub ciphers: Ciphers,
    /// Authorities in PEM that vouch for clients' certificates: for `tls_client_auth`.
    pub client_authorities: Option<PathBuf>,
    /// A proxy in front that ends TLS.
    pub proxy: Option<Proxy>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 8443)),
            operations: None,
            certificate: None,
            key: None,
            mtls_host: None,
            mtls_address: None,
            ciphers: Ciphers::default(),
            client_authorities: None,
            proxy: None,
        }
    }
}

impl Listen {
    /// Whether a client that asks for this host name (SNI) is asked for a certificate on the first address.
    pub(crate) fn is_mtls_name(&self, name: Option<&str>) -> bool {
        self.mtls_address.is_none() && name.is_some_and(|name| self.mtls_host.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name)))
    }

    pub(super) fn judge(&self) -> Result<(), ConfigError> {
        let wrong = |what: &str| Err(ConfigError::new("listen", what));
        if self.certificate.is_some() != self.key.is_some() {
            return wrong("certificate and key belong together");
        }
        if self.certificate.is_none() && !self.address.ip().is_loopback() && self.proxy.is_none() {
            return wrong("without a certificate the address must be a loopback address, or there must be a proxy");
        }
        if self.mtls_address.is_some() && (self.certificate.is_none() || self.mtls_host.is_none()) {
            return wrong("mtls_address needs a certificate, and mtls_host to say how clients reach it");
        }
        Ok(())
    }
}

/// Cipher suites of TLS 1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ciphers {
    /// ECDHE with AES-GCM or ChaCha20-Poly1305 (BCP 195, FAPI 2.0 section 5.2.2).
    #[default]
    Fapi2,
    /// ECDHE with RSA and AES-GCM alone (FAPI 1.0 Part 2 section 8.5): the server's certificate must have an RSA key.
    Fapi1,
}

/// A proxy that ends TLS and passes the client's certificate on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proxy {
    /// From where its connections come; from elsewhere the header is refused.
    pub peers: Vec<IpAddr>,
    /// The header with the certificate.
    pub certificate_header: String,
    /// How it is written: `client-cert` (RFC 9440) or `escaped-pem` (nginx's `$ssl_client_escaped_cert`).
    #[serde(default)]
    pub certificate_format: CertificateFormat,
}

/// How a proxy writes a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateFormat {
    /// RFC 9440.
    #[default]
    ClientCert,
    /// PEM with percent escapes.
    EscapedPem,
}
