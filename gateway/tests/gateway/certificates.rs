//! A certificate authority of the tests' own.

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

pub(crate) struct Authority(CertifiedIssuer<'static, KeyPair>);

/// A leaf certificate with its key, in PEM and DER.
pub(crate) struct Leaf {
    pub(crate) certificate_pem: String,
    pub(crate) certificate: Vec<u8>,
    pub(crate) key_pem: String,
    pub(crate) key: Vec<u8>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority"))
    }

    pub(crate) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(crate) fn der(&self) -> Vec<u8> {
        self.0.der().to_vec()
    }

    pub(crate) fn leaf(&self, name: &str) -> Leaf {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.0).expect("a certificate");
        Leaf {
            certificate_pem: certificate.pem(),
            certificate: certificate.der().to_vec(),
            key_pem: key.serialize_pem(),
            key: key.serialize_der(),
        }
    }
}
