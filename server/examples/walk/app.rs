//! The application's own web server: begins a request for a token, and takes the answer that the browser brings back.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::Full;
use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue, LOCATION};
use tokio::net::TcpListener;

use crate::api::{Response, connection};
use crate::ground::{Ground, callback, resource};
use crate::party::{Asked, Holder, Kind, Party};
use crate::report::{Who, line, short, step};
use crate::thief::Loot;
use crate::wire::{Fault, encoded, parameter, text_of};

pub(crate) struct App {
    ground: Arc<Ground>,
    /// By `state`.
    asked: Mutex<HashMap<String, Asked>>,
    tokens: Mutex<BTreeMap<(Holder, Kind), Loot>>,
}

impl App {
    pub(crate) fn new(ground: Arc<Ground>) -> Arc<Self> {
        Arc::new(Self { ground, asked: Mutex::default(), tokens: Mutex::default() })
    }

    pub(crate) async fn serve(self: Arc<Self>, listener: TcpListener) {
        loop {
            let Ok((socket, _)) = listener.accept().await else { continue };
            let app = self.clone();
            tokio::spawn(async move {
                let app = &app;
                connection(socket, |request| async move { app.answer(&request).await }).await;
            });
        }
    }

    /// The last token of this sort, as it was presented.
    pub(crate) fn token(&self, holder: Holder, kind: Kind) -> Option<Loot> {
        locked(&self.tokens).get(&(holder, kind)).cloned()
    }

    async fn answer(&self, request: &hyper::Request<Incoming>) -> Response {
        let query = request.uri().query().unwrap_or_default();
        let answer = match request.uri().path() {
            "/" => Ok(page("Demo application", &links())),
            "/callback" => self.finish(query).await,
            path => match path.strip_prefix("/start/").and_then(sort) {
                Some((holder, kind)) => self.begin(holder, kind).await,
                None => Ok(with_status(page("Not found", ""), StatusCode::NOT_FOUND)),
            },
        };
        answer.unwrap_or_else(|fault| {
            line(&format!("  app      {fault}"));
            with_status(page("It did not work", &format!("<p>{}</p>", escaped(&fault.to_string()))), StatusCode::BAD_GATEWAY)
        })
    }

    /// Pushes a request, and sends the browser to the server with the reference to it.
    async fn begin(&self, holder: Holder, kind: Kind) -> Result<Response, Fault> {
        let url = self.authorize(holder, kind).await?;
        let mut response = with_status(page("On to the server", ""), StatusCode::SEE_OTHER);
        response.headers_mut().insert(LOCATION, HeaderValue::from_str(&url)?);
        Ok(response)
    }

    /// Where a browser goes for a request that was just pushed.
    pub(crate) async fn authorize(&self, holder: Holder, kind: Kind) -> Result<String, Fault> {
        let ground = &self.ground;
        let party = ground.party(holder)?;
        let asked = Asked::new(holder, kind, resource(ground.ports, kind));
        let (call, answer) = party.push(&ground.metadata, &asked, &callback(ground.ports)).await?;
        let pushed = answer.json(201)?;
        let reference = text_of(&pushed, "request_uri")?;
        let own = reference.rsplit(':').next().unwrap_or_default();
        step(Who::App, &call, &answer, &format!("{} asks for a {} token: request_uri …:{}", party.id, kind.name(), short(own)));
        locked(&self.asked).insert(asked.state.clone(), asked);
        let query = encoded(&[("client_id", party.id.as_str()), ("request_uri", reference)]);
        Ok(format!("{}?{query}", text_of(&ground.metadata, "authorization_endpoint")?))
    }

    /// The browser is back: redeems the code, and uses the token.
    async fn finish(&self, query: &str) -> Result<Response, Fault> {
        let state = parameter(query, "state").unwrap_or_default();
        let asked = locked(&self.asked).remove(&state).ok_or("nothing was asked for with this state")?;
        // RFC 9207: an answer of another server is none.
        if parameter(query, "iss").as_deref() != Some(text_of(&self.ground.metadata, "issuer")?) {
            return Err("the answer is not of the server that was asked".into());
        }
        let Some(code) = parameter(query, "code") else {
            let error = parameter(query, "error").unwrap_or_default();
            line(&format!("  app      the server says: {error}"));
            return Ok(page("No token", &format!("<p>The server says: {}</p>{}", escaped(&error), links())));
        };
        let party = self.ground.party(asked.holder)?;
        let token = self.redeem(party, &asked, &code).await?;
        let seen = self.present(party, &asked, &token).await?;
        let content = format!(
            "<p>{} with a {} token.</p><dl><dt>Code</dt><dd>{}</dd><dt>Token</dt><dd>{}</dd><dt>The API answered</dt><dd>{}</dd></dl>{}",
            asked.holder.name(),
            asked.kind.name(),
            escaped(&code),
            escaped(&token),
            escaped(&seen),
            links()
        );
        Ok(page("The app has a token", &content))
    }

    async fn redeem(&self, party: &Party, asked: &Asked, code: &str) -> Result<String, Fault> {
        let (call, answer) = party.redeem(&self.ground.metadata, asked, code, &callback(self.ground.ports)).await?;
        let granted = answer.json(200)?;
        if text_of(&granted, "token_type")? != party.holder.scheme() {
            return Err(format!("{} instead of {}", granted["token_type"], party.holder.scheme()).into());
        }
        let token = text_of(&granted, "access_token")?;
        let what = match asked.kind {
            Kind::Jwt => "a JWT",
            Kind::Phantom => "a reference",
            Kind::Split => "a JWT's signature alone",
        };
        let (beginning, length) = (short(token), token.len());
        step(Who::App, &call, &answer, &format!("token {beginning}, {what}, {length} characters, bound to {}", party.confirmation()));
        Ok(token.to_owned())
    }

    async fn present(&self, party: &Party, asked: &Asked, token: &str) -> Result<String, Fault> {
        let url = format!("{}/accounts", asked.resource);
        let (call, proof) = party.present(&url, token)?;
        let answer = party.wire.send(&call).await?;
        let seen = answer.json(200)?;
        step(Who::App, &call, &answer, "the API sees:");
        line(&format!("           {}", text_of(&seen, "seen")?));
        locked(&self.tokens).insert((asked.holder, asked.kind), Loot { url, token: token.to_owned(), proof });
        Ok(answer.body)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where a request for a token of this sort begins.
pub(crate) fn start(holder: Holder, kind: Kind) -> String {
    format!("/start/{}-{}", holder.path(), kind.path())
}

fn sort(path: &str) -> Option<(Holder, Kind)> {
    let (holder, kind) = path.split_once('-')?;
    let holder = Holder::ALL.into_iter().find(|own| own.path() == holder)?;
    Some((holder, Kind::ALL.into_iter().find(|own| own.path() == kind)?))
}

fn links() -> String {
    let sorts = Holder::ALL.into_iter().flat_map(|holder| Kind::ALL.map(|kind| (holder, kind)));
    let link = |(holder, kind): (Holder, Kind)| {
        format!("<li><a href=\"{}\">{}, {} token</a></li>", start(holder, kind), holder.name(), kind.name())
    };
    format!("<p>Get a token:</p><ul>{}</ul>", sorts.map(link).collect::<String>())
}

fn page(heading: &str, content: &str) -> Response {
    const STYLE: &str =
        "body{font:1rem/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem}dd{overflow-wrap:anywhere}";
    let text = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\">\
         <title>{heading}</title><style>{STYLE}</style><h1>{heading}</h1>{content}</html>"
    );
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

fn with_status(mut response: Response, status: StatusCode) -> Response {
    *response.status_mut() = status;
    response
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
