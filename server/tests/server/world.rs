//! A server in memory with a clock that stands still, and the parties that talk to it.

use core::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock};

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::UnixTime;
use counterfoil_gateway::Certificate;
use counterfoil_server::Server;
use counterfoil_server::clock::{Clock as _, ManualClock};
use counterfoil_server::config::Config;
use counterfoil_server::http::{Peer, PeerCertificate, Request};
use counterfoil_server::issue::SigningKeys;
use counterfoil_server::store::{Sqlite, Store};
use counterfoil_server::users;
use http_body_util::BodyExt as _;
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) use crate::party::{Auth, COMBINATIONS, Hold, Key, Party, encode, proof_by, unique};

pub(crate) const ISSUER: &str = "https://as.example";
pub(crate) const MTLS_HOST: &str = "mtls.as.example";
pub(crate) const API: &str = "https://api.example.com";
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const PASSWORD: &str = "correct horse battery";

/// A request that is about to be made.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) form: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) certificate: Option<Vec<u8>>,
    pub(crate) is_operator: bool,
}

impl Call {
    pub(crate) fn get(target: &str) -> Self {
        Self {
            method: Method::GET,
            target: target.to_owned(),
            form: Vec::new(),
            headers: Vec::new(),
            certificate: None,
            is_operator: false,
        }
    }

    pub(crate) fn post(target: &str, form: &[(&str, &str)]) -> Self {
        let form = form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { method: Method::POST, target: target.to_owned(), form, headers: Vec::new(), certificate: None, is_operator: false }
    }

    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.form.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.form.retain(|(own, _)| own != name);
        self
    }

    pub(crate) fn but(self, name: &str, value: &str) -> Self {
        self.without(name).with(name, value)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn without_header(mut self, name: &str) -> Self {
        self.headers.retain(|(own, _)| own != name);
        self
    }

    pub(crate) fn certificate(mut self, der: Option<&[u8]>) -> Self {
        self.certificate = der.map(<[u8]>::to_vec);
        self
    }
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// Asserts an OAuth error: its status, its code, and that nothing else is told.
    #[track_caller]
    pub(crate) fn is_error(&self, status: u16, code: &str) {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["error"].as_str()), (status, Some(code)), "{}", self.text());
        let members: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert!(members.iter().all(|name| ["error", "error_description"].contains(&name.as_str())), "{members:?}");
        let described = body["error_description"].as_str().unwrap_or_default();
        assert!(described.bytes().all(|byte| matches!(byte, 0x20 | 0x21 | 0x23..=0x5b | 0x5d..=0x7e)), "{described}");
        assert_eq!(self.header("cache-control"), "no-store");
    }

    /// Asserts an error page with this code in its text.
    #[track_caller]
    pub(crate) fn is_page(&self, code: &str) {
        assert_eq!(self.status, StatusCode::BAD_REQUEST, "{}", self.text());
        assert!(self.text().contains(code), "{}", self.text());
        assert_eq!(self.header("location"), "");
    }

    /// Asserts a redirection there, and gives its parameters.
    #[track_caller]
    pub(crate) fn redirected_to(&self, uri: &str) -> Map<String, Value> {
        assert_eq!(self.status, StatusCode::SEE_OTHER, "{}", self.text());
        let location = self.header("location");
        let rest = location.strip_prefix(uri).unwrap_or_else(|| panic!("{location} is not {uri}"));
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        let pairs = rest.trim_start_matches(['?', '&']).split('&').filter_map(|pair| pair.split_once('='));
        pairs.map(|(name, value)| (decoded(name), json!(decoded(value)))).collect()
    }
}

/// A server with two clients of each combination, and a resource server.
pub(crate) struct World {
    pub(crate) server: Server<Sqlite>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) parties: Vec<Party>,
    pub(crate) resource_server: Party,
}

/// What all tests log, down to the finest level.
#[derive(Clone, Default)]
pub(crate) struct Log(pub(crate) Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, text: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

pub(crate) fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
        tracing::subscriber::set_global_default(subscriber).unwrap();
        log
    })
}

/// Keys take a while to make: one folder serves all tests.
pub(crate) fn keys_folder() -> &'static PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("keys-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        SigningKeys::create(&folder, UnixTime(NOW)).unwrap();
        std::fs::write(folder.join("nonce.secret"), [7; 32]).unwrap();
        folder
    })
}

pub(crate) fn configuration(more: &str) -> Config {
    let folder = keys_folder().display();
    let text = format!(
        r#"
        issuer = "{ISSUER}"
        [listen]
        mtls_host = "{MTLS_HOST}"
        [keys]
        folder = "{folder}"
        nonce_secret = "{folder}/nonce.secret"
        [scopes]
        accounts = "see your accounts"
        payments = "make payments"
        grant_management_query = ""
        grant_management_revoke = ""
        [[resource]]
        uri = "{API}"
        [[resource]]
        uri = "https://phantom.example.com"
        format = "phantom"
        [[resource]]
        uri = "https://split.example.com"
        format = "split"
        [authorization_details.payment_initiation]
        title = "A payment"
        required = ["instructedAmount"]
        optional = ["creditorName"]
        {more}
        "#
    );
    Config::parse(&text).unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with("").await
    }

    pub(crate) async fn with(more: &str) -> Self {
        Self::on(Sqlite::in_memory().unwrap(), more).await
    }

    /// By a configuration that the text of one cannot say.
    pub(crate) async fn of(config: Config) -> Self {
        Self::start(Sqlite::in_memory().unwrap(), config).await
    }

    pub(crate) async fn on(store: Sqlite, more: &str) -> Self {
        Self::start(store, configuration(more)).await
    }

    /// The same server again, on the store that it had.
    pub(crate) fn restarted(&self, store: Sqlite) -> Server<Sqlite> {
        Server::new(configuration(""), store, self.clock.clone()).unwrap()
    }

    async fn start(store: Sqlite, config: Config) -> Self {
        log();
        let clock = Arc::new(ManualClock::new(UnixTime(NOW)));
        let server = Server::new(config, store, clock.clone()).unwrap();
        let mut parties = Vec::new();
        for (auth, hold) in COMBINATIONS {
            for name in ["one", "two"] {
                let party = Party::new(name, auth, hold);
                server.register(party.metadata()).await.unwrap();
                parties.push(party);
            }
        }
        let resource_server = Party::new("rs", Auth::Mtls, Hold::Mtls);
        let mut metadata = resource_server.metadata();
        metadata["introspects"] = json!([API, "https://phantom.example.com", "https://split.example.com"]);
        server.register(metadata).await.unwrap();
        let claims = json!({ "name": "Alice Example", "email": "alice@example.com", "email_verified": true });
        server.store().save_user(users::new_user("alice", PASSWORD, claims).unwrap()).await.unwrap();
        Self { server, clock, parties, resource_server }
    }

    /// The first or the second client of a combination.
    pub(crate) fn party(&self, number: usize, combination: (Auth, Hold)) -> &Party {
        let mut fitting = self.parties.iter().filter(|party| (party.auth, party.hold) == combination);
        fitting.nth(number).unwrap()
    }

    pub(crate) fn one(&self) -> &Party {
        self.party(0, COMBINATIONS[0])
    }

    pub(crate) fn two(&self) -> &Party {
        self.party(1, COMBINATIONS[0])
    }

    /// The subject of a person.
    pub(crate) async fn server_user(&self, name: &str) -> String {
        self.server.store().user(name.to_owned()).await.unwrap().unwrap().subject
    }

    pub(crate) fn now(&self) -> u64 {
        self.clock.now().0
    }

    pub(crate) async fn make(&self, call: Call) -> Answer {
        let body: Vec<String> = call.form.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value))).collect();
        self.send(call, body.join("&")).await
    }

    async fn send(&self, call: Call, body: String) -> Answer {
        let mut builder = hyper::Request::builder().method(call.method.clone()).uri(&call.target);
        if call.method == Method::POST && !call.headers.iter().any(|(name, _)| name == "content-type") {
            builder = builder.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in &call.headers {
            builder = builder.header(name, value);
        }
        let (parts, ()) = builder.body(()).unwrap().into_parts();
        let certificate = call
            .certificate
            .map(|der| Arc::new(PeerCertificate { certificate: Certificate::der(der.clone()), der, is_vouched_for: false }));
        let peer = Peer {
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            is_mtls_host: certificate.is_some(),
            certificate,
            is_operator: call.is_operator,
        };
        let request = Request { parts, body: body.into(), peer, now: self.clock.now() };
        let (parts, body) = self.server.answer(request).await.into_parts();
        Answer { status: parts.status, headers: parts.headers, body: body.collect().await.unwrap().to_bytes() }
    }

    /// The URL of a path as this client reaches it.
    pub(crate) fn url(&self, party: &Party, path: &str) -> String {
        let is_mtls = party.auth == Auth::Mtls || party.hold == Hold::Mtls;
        if is_mtls { format!("https://{MTLS_HOST}{path}") } else { format!("{ISSUER}{path}") }
    }

    /// A call with the client's authentication, without what it holds.
    pub(crate) fn authenticated(&self, party: &Party, path: &str, form: &[(&str, &str)]) -> Call {
        let call = Call::post(path, form);
        let call = match party.auth {
            Auth::PrivateKeyJwt => call
                .with("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
                .with("client_assertion", &party.assertion(&party.assertion_claims(self.now()))),
            Auth::Mtls => call.with("client_id", &party.id),
        };
        let needs_certificate = party.auth == Auth::Mtls || party.hold == Hold::Mtls;
        call.certificate(needs_certificate.then_some(party.certificate.as_slice()))
    }

    /// A token request with everything that it needs.
    pub(crate) fn token_call(&self, party: &Party, form: &[(&str, &str)]) -> Call {
        let call = self.authenticated(party, "/token", form);
        match party.hold {
            Hold::Dpop => call.header("dpop", &party.proof(&party.proof_claims("POST", &self.url(party, "/token"), self.now()))),
            Hold::Mtls => call,
        }
    }

    /// A good pushed authorization request.
    pub(crate) fn par_call(&self, party: &Party) -> Call {
        let challenge = encode(&Sha256::digest(VERIFIER));
        self.authenticated(
            party,
            "/par",
            &[
                ("response_type", "code"),
                ("redirect_uri", &party.redirect_uri),
                ("scope", "openid accounts"),
                ("state", "state-1234"),
                ("nonce", "nonce-5678"),
                ("code_challenge", &challenge),
                ("code_challenge_method", "S256"),
            ],
        )
    }

    /// A call whose body is JSON, in the header that only tests have.
    pub(crate) async fn make_json(&self, call: Call) -> Answer {
        let body = call.headers.iter().find(|(name, _)| name == "x-body").map(|(_, body)| body.clone()).unwrap();
        self.send(call.without_header("x-body"), body).await
    }

    pub(crate) async fn pushed(&self, call: Call) -> String {
        let answer = self.make(call).await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["request_uri"].as_str().unwrap().to_owned()
    }

    pub(crate) fn authorize(&self, party: &Party, request_uri: &str) -> Call {
        Call::get(&format!("/authorize?client_id={}&request_uri={}", escaped(&party.id), escaped(request_uri)))
    }

    /// The person signs in and answers; what the browser is told last.
    pub(crate) async fn interact(&self, party: &Party, request_uri: &str, action: &str) -> Answer {
        let mut browser = Browser::default();
        let login = browser.get(self, self.authorize(party, request_uri)).await;
        assert_eq!(login.status, StatusCode::OK, "{}", login.text());
        let form = hidden(&login.text());
        let login = Call { form, ..Call::post("/login", &[]) }.with("username", "alice").with("password", PASSWORD).with("action", "login");
        let back = browser.get(self, login).await;
        assert_eq!(back.status, StatusCode::SEE_OTHER, "{}", back.text());
        let target = back.header("location").strip_prefix(ISSUER).unwrap().to_owned();
        let consent = browser.get(self, Call::get(&target)).await;
        let form = hidden(&consent.text());
        browser.get(self, Call { form, ..Call::post("/consent", &[]) }.with("action", action)).await
    }

    /// A code for a request that was pushed by `call`.
    pub(crate) async fn code_for(&self, party: &Party, call: Call) -> String {
        let request_uri = self.pushed(call).await;
        let answer = self.interact(party, &request_uri, "approve").await;
        answer.redirected_to(&party.redirect_uri)["code"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn code(&self, party: &Party) -> String {
        self.code_for(party, self.par_call(party)).await
    }

    pub(crate) fn redeem_call(&self, party: &Party, code: &str) -> Call {
        let form =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &party.redirect_uri), ("code_verifier", VERIFIER)];
        self.token_call(party, &form)
    }

    /// A token response to a call that must succeed.
    pub(crate) async fn tokens(&self, call: Call) -> Value {
        let answer = self.make(call).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        answer.json()
    }

    pub(crate) async fn tokens_of(&self, party: &Party) -> Value {
        let code = self.code(party).await;
        self.tokens(self.redeem_call(party, &code)).await
    }

    /// A request with a token, and with what its holder holds.
    pub(crate) fn with_token(&self, party: &Party, path: &str, token: &str) -> Call {
        let call = Call::get(path);
        match party.hold {
            Hold::Mtls => call.header("authorization", &format!("Bearer {token}")).certificate(Some(&party.certificate)),
            Hold::Dpop => {
                let mut claims = party.proof_claims("GET", &format!("{ISSUER}{path}"), self.now());
                claims["ath"] = json!(encode(&Sha256::digest(token)));
                call.header("authorization", &format!("DPoP {token}")).header("dpop", &party.proof(&claims))
            }
        }
    }

    pub(crate) async fn introspect(&self, token: &str) -> Value {
        let answer = self.make(self.authenticated(&self.resource_server, "/introspect", &[("token", token)])).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }
}

/// A browser that keeps cookies.
#[derive(Default)]
pub(crate) struct Browser(pub(crate) Option<String>);

impl Browser {
    pub(crate) async fn get(&mut self, world: &World, call: Call) -> Answer {
        let call = match &self.0 {
            Some(cookie) => call.header("cookie", cookie),
            None => call,
        };
        let answer = world.make(call).await;
        let set = answer.header("set-cookie");
        if !set.is_empty() {
            assert!(set.starts_with("__Host-counterfoil=") && set.ends_with("; Path=/; HttpOnly; SameSite=Lax; Secure"), "{set}");
            self.0 = Some(set.split(';').next().unwrap().to_owned());
        }
        answer
    }
}

/// The hidden fields of a page's form.
pub(crate) fn hidden(page: &str) -> Vec<(String, String)> {
    let fields = page.split("<input type=\"hidden\" name=\"").skip(1);
    let field = |text: &str| {
        let (name, rest) = text.split_once("\" value=\"").unwrap();
        let (value, _) = rest.split_once('"').unwrap();
        (name.to_owned(), value.replace("&#x2f;", "/").replace("&amp;", "&"))
    };
    fields.map(field).collect()
}

pub(crate) fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// The claims of a JWT, unjudged.
pub(crate) fn claims_of(token: &str) -> Value {
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(token.split('.').nth(1).unwrap()).unwrap()).unwrap()
}

pub(crate) fn header_of(token: &str) -> Value {
    serde_json::from_slice(&Base64UrlUnpadded::decode_vec(token.split('.').next().unwrap()).unwrap()).unwrap()
}
