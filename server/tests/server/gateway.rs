//! The gateway (`counterfoil-gateway`) with this server: keys, phantom and split tokens, fetched over TLS by a gateway's certificate.

use core::time::Duration;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use base64ct::{Base64, Encoding as _};
use counterfoil::oauth::certificate::ClientCertificate;
use counterfoil::oauth::confirmation::Presenter;
use counterfoil::oauth::split_token::CounterfoilKey;
use counterfoil::{Error, Seconds};
use counterfoil_gateway::https::{Https, Transport};
use counterfoil_gateway::{
    ClientAuthentication, CounterfoilStore, Feed, Gateway, HttpsCounterfoils, Introspection, IntrospectionFormat, Issuer, KeySource,
    Lookup, RemoteKeys, Scratch,
};
use counterfoil_server::clock::{Clock as _, SystemClock};
use counterfoil_server::config::Config;
use counterfoil_server::setup;
use serde_json::{Value, json};

use crate::sockets::Serving;
use crate::world::Key;

const ISSUER: &str = "https://as.example";

/// A client with a certificate of its own making.
struct Client {
    id: &'static str,
    certificate: rcgen::Certificate,
    transport: Transport,
}

impl Client {
    fn new(folder: &Path, id: &'static str) -> Self {
        let key = rcgen::KeyPair::generate().unwrap();
        let certificate = rcgen::CertificateParams::new(vec![format!("{id}.example")]).unwrap().self_signed(&key).unwrap();
        let transport = Transport::new().with_authorities_file(&folder.join("tls/authority.pem")).unwrap();
        let transport = transport.with_identity(certificate.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        Self { id, certificate, transport }
    }

    /// As TOML, which JSON of this sort is not.
    fn metadata(&self, more: &str) -> String {
        let mut jwk = Key::new("certificate").registered();
        jwk["x5c"] = json!([Base64::encode_string(self.certificate.der())]);
        let members: Vec<String> = jwk.as_object().unwrap().iter().map(|(name, value)| format!("{name} = {value}")).collect();
        format!(
            "\n[[client]]\nclient_id = \"{}\"\ntoken_endpoint_auth_method = \"self_signed_tls_client_auth\"\n\
             grant_types = [\"client_credentials\"]\n{more}\njwks = {{ keys = [{{ {} }}] }}\n",
            self.id,
            members.join(", ")
        )
    }

    fn post(&self, url: &str, form: &str) -> Value {
        let https = Https::new(&self.transport, 64 * 1024).unwrap();
        let answer = https.post_form(url, &[], &format!("{form}&client_id={}", self.id)).unwrap();
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap_or_default()
    }
}

#[test]
fn a_gateway_looks_up_every_form_of_token() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("gateway-{}", std::process::id()));
    // `localhost` is found on every machine: here it is the name that asks for certificates.
    let told = setup::Init { issuer: ISSUER.to_owned(), address: "127.0.0.1:0".parse().unwrap(), mtls_host: "localhost".to_owned() };
    setup::init(&folder, &told, SystemClock.now()).unwrap();
    let (app, own) = (Client::new(&folder, "app"), Client::new(&folder, "gateway"));
    let file = folder.join("counterfoil.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    for form in ["phantom", "split"] {
        text += &format!("\n[[resource]]\nuri = \"https://{form}.example.com\"\nformat = \"{form}\"\n");
    }
    text += &app.metadata("tls_client_certificate_bound_access_tokens = true");
    text += &own.metadata(r#"introspects = ["https://api.example.com", "https://phantom.example.com", "https://split.example.com"]"#);
    std::fs::write(&file, text).unwrap();
    let serving = Serving::start(Config::load(&file).unwrap());
    let base = format!("https://localhost:{}", serving.address.port());

    for (resource, unknown) in [
        ("https://api.example.com", None),
        ("https://phantom.example.com", Some(Error::TokenInactive)),
        ("https://split.example.com", Some(Error::TokenRevoked)),
    ] {
        let granted = app.post(&format!("{base}/token"), &format!("grant_type=client_credentials&scope=accounts&resource={resource}"));
        let token = granted["access_token"].as_str().unwrap();
        let gateway = gateway(&base, resource, &own.transport);
        let holder = Presenter::Certificate(ClientCertificate::Der(app.certificate.der()).thumbprint(&mut []).unwrap());
        let ask = |presenter| gateway.accept(token.as_bytes(), presenter, SystemClock.now(), &mut Scratch::new()).map(|_| ());
        assert_eq!(ask(holder), Ok(()), "{resource}");
        assert_eq!(ask(Presenter::Bearer), Err(Error::CertificateMissing), "{resource}");
        app.post(&format!("{base}/revoke"), &format!("token={token}"));
        // Who does not ask about a whole token learns nothing of its revocation.
        assert_eq!(ask(holder), unknown.map_or(Ok(()), Err), "{resource}");
    }
    drop(serving);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_gateway_that_follows_the_feed_knows_a_revocation_within_a_second() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("feed-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    let told = setup::Init { issuer: ISSUER.to_owned(), address: "127.0.0.1:0".parse().unwrap(), mtls_host: "localhost".to_owned() };
    setup::init(&folder, &told, SystemClock.now()).unwrap();
    let (app, own) = (Client::new(&folder, "app"), Client::new(&folder, "gateway"));
    let file = folder.join("counterfoil.toml");
    let mut text = std::fs::read_to_string(&file).unwrap();
    text += "\n[[resource]]\nuri = \"https://split.example.com\"\nformat = \"split\"\n";
    text += &app.metadata("tls_client_certificate_bound_access_tokens = true");
    text += &own.metadata(r#"introspects = ["https://api.example.com", "https://split.example.com"]"#);
    std::fs::write(&file, text).unwrap();
    let serving = Serving::start(Config::load(&file).unwrap());
    let base = format!("https://localhost:{}", serving.address.port());
    let holder = Presenter::Certificate(ClientCertificate::Der(app.certificate.der()).thumbprint(&mut []).unwrap());
    for audience in ["https://api.example.com", "https://split.example.com"] {
        // Whoever has no counterfoils but those of the feed.
        struct Nowhere;
        impl CounterfoilStore for Nowhere {
            fn find(&self, _key: &CounterfoilKey) -> Result<Lookup, Error> {
                Err(Error::LookupUnavailable)
            }
        }
        let keys = KeySource::Url(RemoteKeys::new(&format!("{base}/jwks"), &own.transport).unwrap());
        let gateway = Gateway::builder()
            .issuer(Issuer::new(ISSUER, audience, keys).unwrap())
            .counterfoils(Arc::new(Nowhere), Seconds(1))
            .feed(Feed::new(&format!("{base}/split-tokens?client_id=gateway"), &own.transport).unwrap())
            .build()
            .unwrap();
        assert!(gateway.wait_for_keys(Duration::from_secs(5)));
        let tokens: Vec<String> = (0..3)
            .map(|_| {
                let granted =
                    app.post(&format!("{base}/token"), &format!("grant_type=client_credentials&scope=accounts&resource={audience}"));
                granted["access_token"].as_str().unwrap().to_owned()
            })
            .collect();
        let ask = |token: &str| gateway.accept(token.as_bytes(), holder, SystemClock.now(), &mut Scratch::new()).map(|_| ());
        let within_a_second = |token: &str, expected: Result<(), Error>| {
            let begun = Instant::now();
            while ask(token) != expected {
                assert!(begun.elapsed() < Duration::from_secs(1), "{audience}: {:?} is not {expected:?}", ask(token));
                std::thread::sleep(Duration::from_millis(10));
            }
        };
        tokens.iter().for_each(|token| within_a_second(token, Ok(())));
        app.post(&format!("{base}/revoke"), &format!("token={}", tokens[1]));
        within_a_second(&tokens[1], Err(Error::TokenRevoked));
        assert_eq!([ask(&tokens[0]), ask(&tokens[2])], [Ok(()), Ok(())]);
        let status = gateway.feed_status().unwrap();
        assert!(status.cursor > 0 && status.answered.is_some() && status.failures == 0, "{status:?}");
    }
    drop(serving);
    std::fs::remove_dir_all(&folder).unwrap();
}

fn gateway(base: &str, audience: &str, transport: &Transport) -> Gateway {
    let keys = KeySource::Url(RemoteKeys::new(&format!("{base}/jwks"), transport).unwrap());
    let client = ClientAuthentication::Certificate { client_id: "gateway".to_owned() };
    let introspection = Introspection::new(&format!("{base}/introspect"), IntrospectionFormat::Jwt, &client, transport).unwrap();
    let counterfoils = HttpsCounterfoils::new(&format!("{base}/split-tokens?client_id=gateway"), transport).unwrap();
    let gateway = Gateway::builder()
        .issuer(Issuer::new(ISSUER, audience, keys).unwrap())
        .introspection(ISSUER, introspection)
        .counterfoils(Arc::new(counterfoils), Seconds(0))
        .build()
        .unwrap();
    assert!(gateway.wait_for_keys(Duration::from_secs(5)));
    gateway
}
