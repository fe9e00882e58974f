//! The application: two clients of the server, one with a certificate and one with a DPoP key, and a gateway that asks on the API's behalf.

use std::fs;
use std::path::{Path, PathBuf};

use counterfoil_server::secret::Secret;
use rcgen::{CertificateParams, DistinguishedName, DnType, Issuer, KeyPair};
use serde_json::{Value, json};

use crate::key::{Key, hash};
use crate::report::short;
use crate::wire::{Answer, Call, Fault, Wire, text_of};

/// What a token is bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Holder {
    /// The client's certificate (RFC 8705), by which it also authenticates.
    Mtls,
    /// A key of its own (RFC 9449); it authenticates by signed assertions.
    Dpop,
}

impl Holder {
    pub(crate) const ALL: [Self; 2] = [Self::Mtls, Self::Dpop];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Mtls => "mTLS",
            Self::Dpop => "DPoP",
        }
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Mtls => "mtls",
            Self::Dpop => "dpop",
        }
    }

    /// As a token response and an `Authorization` header call it.
    pub(crate) const fn scheme(self) -> &'static str {
        match self {
            Self::Mtls => "Bearer",
            Self::Dpop => "DPoP",
        }
    }
}

/// What a client gets of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The whole (RFC 9068).
    Jwt,
    /// A reference.
    Phantom,
    /// The signature.
    Split,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Jwt, Self::Phantom, Self::Split];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Jwt => "JWT",
            Self::Phantom => "phantom",
            Self::Split => "split",
        }
    }

    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Phantom => "phantom",
            Self::Split => "split",
        }
    }
}

/// Makes keys and certificates in a folder, by the authority that `counterfoil-server init` made there.
pub(crate) struct Registrar<'a> {
    folder: &'a Path,
    authority: Issuer<'static, KeyPair>,
}

impl<'a> Registrar<'a> {
    pub(crate) fn new(folder: &'a Path) -> Result<Self, Fault> {
        let key = KeyPair::from_pem(&fs::read_to_string(folder.join("tls/authority.key"))?)?;
        let mut named = CertificateParams::default();
        named.distinguished_name.push(DnType::CommonName, "Counterfoil's own authority");
        Ok(Self { folder, authority: Issuer::new(named, key) })
    }

    /// A certificate with its key; gives who presents it.
    pub(crate) fn certify(&self, name: &str) -> Result<Wire, Fault> {
        let mut certificate = CertificateParams::default();
        certificate.distinguished_name = DistinguishedName::new();
        certificate.distinguished_name.push(DnType::OrganizationName, "Demo");
        certificate.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate()?;
        let files = [self.folder.join(format!("{name}.pem")), self.folder.join(format!("{name}.key"))];
        fs::write(&files[0], certificate.signed_by(&key, &self.authority)?.pem())?;
        fs::write(&files[1], key.serialize_pem())?;
        Wire::new(&authority(self.folder), Some((&files[0], &files[1])))
    }
}

pub(crate) fn authority(folder: &Path) -> PathBuf {
    folder.join("tls/authority.pem")
}

/// A client of the server, with all that it holds.
pub(crate) struct Party {
    pub(crate) id: String,
    pub(crate) holder: Holder,
    /// With the client's certificate, if it has one.
    pub(crate) wire: Wire,
    /// What a client without a certificate has in its place.
    keys: Option<Keys>,
}

struct Keys {
    assertion: Key,
    proof: Key,
}

impl Party {
    pub(crate) fn new(folder: &Path, registrar: &Registrar<'_>, holder: Holder) -> Result<Self, Fault> {
        let id = format!("app-{}", holder.path());
        let key = |name: &str| Key::create(&folder.join(format!("{id}.{name}.key")));
        let (wire, keys) = match holder {
            Holder::Mtls => (registrar.certify(&id)?, None),
            Holder::Dpop => (Wire::new(&authority(folder), None)?, Some(Keys { assertion: key("assertion")?, proof: key("proof")? })),
        };
        Ok(Self { id, holder, wire, keys })
    }

    /// As `counterfoil-server client add` takes it.
    pub(crate) fn metadata(&self, redirect_uri: &str) -> Value {
        let mut metadata = json!({
            "client_id": self.id,
            "client_name": format!("Demo application ({})", self.holder.name()),
            "application_type": "native",
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code"],
        });
        match &self.keys {
            None => {
                metadata["token_endpoint_auth_method"] = json!("tls_client_auth");
                metadata["tls_client_auth_subject_dn"] = json!(format!("CN={},O=Demo", self.id));
                metadata["tls_client_certificate_bound_access_tokens"] = json!(true);
            }
            Some(keys) => {
                let mut jwk = keys.assertion.jwk();
                jwk["alg"] = json!("ES256");
                metadata["token_endpoint_auth_method"] = json!("private_key_jwt");
                metadata["jwks"] = json!({ "keys": [jwk] });
                metadata["dpop_bound_access_tokens"] = json!(true);
            }
        }
        metadata
    }

    /// An endpoint by its name in the server's metadata: with a certificate, on the host name that asks for one (RFC 8705 section 5).
    fn endpoint<'a>(&self, metadata: &'a Value, name: &str) -> Result<&'a str, Fault> {
        let aliases = metadata.get("mtls_endpoint_aliases").filter(|_| self.keys.is_none());
        text_of(aliases.unwrap_or(metadata), name)
    }

    /// A form to an endpoint, with the client's authentication and the proof of what it holds.
    fn authenticated(&self, metadata: &Value, endpoint: &str, form: &[(&str, &str)]) -> Result<Call, Fault> {
        let url = self.endpoint(metadata, endpoint)?;
        let mut form = form.to_vec();
        form.push(("client_id", &self.id));
        let Some(keys) = &self.keys else { return Ok(Call::post(url, &form)) };
        let assertion = keys.assertion.assertion(&self.id, text_of(metadata, "issuer")?)?;
        form.push(("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
        form.push(("client_assertion", &assertion));
        Ok(Call::post(url, &form).with("dpop", keys.proof.proof("POST", url, None)?))
    }

    /// Pushes an authorization request (RFC 9126) for a token that is good at `resource`.
    pub(crate) async fn push(&self, metadata: &Value, asked: &Asked, redirect_uri: &str) -> Result<(Call, Answer), Fault> {
        let form = [
            ("response_type", "code"),
            ("redirect_uri", redirect_uri),
            ("scope", "accounts"),
            ("resource", &asked.resource),
            ("state", &asked.state),
            ("code_challenge", &hash(&asked.verifier)),
            ("code_challenge_method", "S256"),
        ];
        let call = self.authenticated(metadata, "pushed_authorization_request_endpoint", &form)?;
        let answer = self.wire.send(&call).await?;
        Ok((call, answer))
    }

    /// Redeems a code.
    pub(crate) async fn redeem(&self, metadata: &Value, asked: &Asked, code: &str, redirect_uri: &str) -> Result<(Call, Answer), Fault> {
        let form =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", redirect_uri), ("code_verifier", &asked.verifier)];
        let call = self.authenticated(metadata, "token_endpoint", &form)?;
        let answer = self.wire.send(&call).await?;
        Ok((call, answer))
    }

    /// A request of the API, and the proof that went with it.
    pub(crate) fn present(&self, url: &str, token: &str) -> Result<(Call, Option<String>), Fault> {
        let call = Call::get(url).with("authorization", format!("{} {token}", self.holder.scheme()));
        let Some(keys) = &self.keys else { return Ok((call, None)) };
        let proof = keys.proof.proof("GET", url, Some(token))?;
        Ok((call.with("dpop", proof.clone()), Some(proof)))
    }

    /// What its tokens are bound to, for the reader.
    pub(crate) fn confirmation(&self) -> String {
        match &self.keys {
            None => "its certificate".to_owned(),
            Some(keys) => format!("key {}", short(&keys.proof.thumbprint())),
        }
    }
}

/// What the application has asked for, and has to remember.
pub(crate) struct Asked {
    pub(crate) holder: Holder,
    pub(crate) kind: Kind,
    pub(crate) resource: String,
    pub(crate) state: String,
    /// The secret of PKCE (RFC 7636).
    pub(crate) verifier: String,
}

impl Asked {
    pub(crate) fn new(holder: Holder, kind: Kind, resource: String) -> Self {
        Self { holder, kind, resource, state: Secret::new().into_string(), verifier: Secret::new().into_string() }
    }
}
