//! Clients' certificates: what their holder is called (RFC 8705 section 2).

use core::net::IpAddr;

use base64ct::{Base64, Encoding as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;

use crate::client::MetadataError;
use crate::config::CertificateFormat;

/// The names of a client's metadata, of which exactly one must be there.
pub(crate) struct Names<'a> {
    pub(crate) subject_dn: Option<&'a str>,
    pub(crate) dns: Option<&'a str>,
    pub(crate) uri: Option<&'a str>,
    pub(crate) ip: Option<&'a str>,
    pub(crate) email: Option<&'a str>,
}

/// What a certificate must say.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SubjectRule {
    /// Its subject, name for name.
    Subject(Box<Name>),
    /// One of its alternative names.
    Dns(String),
    Uri(String),
    Ip(IpAddr),
    Email(String),
}

impl SubjectRule {
    pub(crate) fn of(names: &Names<'_>) -> Result<Self, MetadataError> {
        let wrong = MetadataError::new;
        match (names.subject_dn, names.dns, names.uri, names.ip, names.email) {
            (Some(dn), None, None, None, None) => match dn.parse() {
                Ok(name) => Ok(Self::Subject(Box::new(name))),
                Err(_) => Err(wrong("tls_client_auth_subject_dn", "must be a distinguished name (RFC 4514)")),
            },
            (None, Some(dns), None, None, None) => Ok(Self::Dns(dns.to_owned())),
            (None, None, Some(uri), None, None) => Ok(Self::Uri(uri.to_owned())),
            (None, None, None, Some(ip), None) => {
                ip.parse().map(Self::Ip).map_err(|_| wrong("tls_client_auth_san_ip", "must be an address"))
            }
            (None, None, None, None, Some(email)) => Ok(Self::Email(email.to_owned())),
            _ => Err(wrong("tls_client_auth_subject_dn", "or exactly one tls_client_auth_san member is needed (RFC 8705 section 2.1.2)")),
        }
    }

    /// Whether a certificate, in DER, says it.
    pub(crate) fn admits(&self, certificate: &[u8]) -> bool {
        let Ok(certificate) = Certificate::from_der(certificate) else { return false };
        if let Self::Subject(name) = self {
            return same_name(certificate.tbs_certificate().subject(), name);
        }
        let Ok(Some((_, SubjectAltName(names)))) = certificate.tbs_certificate().get_extension::<SubjectAltName>() else { return false };
        names.iter().any(|name| match (self, name) {
            (Self::Dns(own), GeneralName::DnsName(name)) => name.as_str().eq_ignore_ascii_case(own),
            (Self::Uri(own), GeneralName::UniformResourceIdentifier(name)) => name.as_str() == own,
            (Self::Email(own), GeneralName::Rfc822Name(name)) => name.as_str() == own,
            (Self::Ip(IpAddr::V4(own)), GeneralName::IpAddress(name)) => name.as_bytes() == own.octets(),
            (Self::Ip(IpAddr::V6(own)), GeneralName::IpAddress(name)) => name.as_bytes() == own.octets(),
            _ => false,
        })
    }
}

/// Whether two names are the same, whichever string types they are written in: attribute for attribute, in order, case and runs of white
/// space not counting (RFC 5280 section 7.1).
fn same_name(one: &Name, other: &Name) -> bool {
    let spelled = |name: &Name| -> Vec<Vec<(String, String)>> {
        let folded = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
        let attribute = |set: &x509_cert::name::RelativeDistinguishedName| {
            let mut attributes: Vec<_> =
                set.iter().map(|attribute| (attribute.oid.to_string(), folded(&text_of(&attribute.value)))).collect();
            attributes.sort();
            attributes
        };
        name.iter_rdn().map(attribute).collect()
    };
    spelled(one) == spelled(other)
}

/// A string value without its type; anything else as its bytes in hex.
fn text_of(value: &x509_cert::der::asn1::Any) -> String {
    use x509_cert::der::Tag::{Ia5String, PrintableString, TeletexString, Utf8String};
    use x509_cert::der::Tagged as _;
    match (value.tag(), core::str::from_utf8(value.value())) {
        (Utf8String | PrintableString | Ia5String | TeletexString, Ok(text)) => text.to_owned(),
        _ => value.value().iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

/// The SHA-256 of each certificate in a JWK Set's `x5c`, the first of each key; `None` where there is none.
pub(crate) fn registered(jwks: Option<&Value>) -> Option<Vec<[u8; 32]>> {
    let keys = jwks?.get("keys")?.as_array()?;
    let hash = |key: &Value| {
        let der = Base64::decode_vec(key.get("x5c")?.get(0)?.as_str()?).ok()?;
        Certificate::from_der(&der).ok()?;
        Some(<[u8; 32]>::from(Sha256::digest(&der)))
    };
    let hashes: Vec<_> = keys.iter().filter_map(hash).collect();
    if hashes.is_empty() { None } else { Some(hashes) }
}

/// The DER of a certificate as a proxy writes it.
pub(crate) fn der_of(field: &[u8], format: CertificateFormat) -> Option<Vec<u8>> {
    let text = core::str::from_utf8(field).ok()?;
    match format {
        CertificateFormat::ClientCert => Base64::decode_vec(text.strip_prefix(':')?.strip_suffix(':')?).ok(),
        CertificateFormat::EscapedPem => {
            let text = percent_encoding::percent_decode_str(text).decode_utf8().ok()?;
            pem::parse(text.as_bytes()).ok().map(pem::Pem::into_contents)
        }
    }
}
