//! What gateways need of split tokens: a counterfoil by its key, and the feed of publications and revocations by cursor.

use core::time::Duration;

use counterfoil::oauth::split_token::{CounterfoilKey, KeyEncoding};
use hyper::StatusCode;
use serde_json::{Value, json};

use crate::Server;
use crate::client::Method;
use crate::error::{Refusal, invalid_client};
use crate::http::{Form, Request, Response, answer, empty, json as json_answer};
use crate::publish::spelled;
use crate::reason;
use crate::secret::Digest;
use crate::store::{Publication, Standing, Store};

/// How many entries an answer has at most.
const MOST: u32 = 1000;
/// How long a gateway may have its request held, in seconds.
const LONGEST_WAIT: u64 = 30;

impl<S: Store> Server<S> {
    /// `?since=cursor&wait=seconds`: what was published after the cursor; where that is nothing, waits for more.
    pub(crate) async fn split_tokens(&self, request: &Request) -> Result<Response, Refusal> {
        let form = Form::parse(request.query())?;
        self.authenticate_gateway(request, &form).await?;
        let number = |name: &str, most: u64| match form.get(name).map(str::parse::<u64>) {
            None => Ok(0),
            Some(Ok(number)) if number <= most => Ok(number),
            Some(_) => Err(reason::CURSOR_MALFORMED.refusal()),
        };
        let (since, wait) = (number("since", i64::MAX.cast_unsigned())?, number("wait", LONGEST_WAIT)?);
        let until = tokio::time::Instant::now() + Duration::from_secs(wait);
        loop {
            // Listens before it looks, so that nothing published in between is missed. Another server's is seen a second later.
            let published = self.published.notified();
            let entries = self.store.publications(since, MOST, request.now).await?;
            let is_stopping = self.is_stopping.load(core::sync::atomic::Ordering::Acquire);
            if !entries.is_empty() || is_stopping || tokio::time::Instant::now() >= until {
                let cursor = entries.last().map_or(since, |last| last.cursor);
                let entries: Vec<Value> = entries.iter().map(|entry| self.feed_entry(entry)).collect();
                return Ok(json_answer(StatusCode::OK, &json!({ "entries": entries, "cursor": cursor })));
            }
            let next_look = until.min(tokio::time::Instant::now() + Duration::from_secs(1));
            let _ = tokio::time::timeout_at(next_look, published).await;
        }
    }

    fn feed_entry(&self, entry: &Publication) -> Value {
        let key = spelled(&entry.key, self.config.split_tokens.key_encoding.encoding());
        let mut members = json!({ "cursor": entry.cursor, "type": entry.kind, "key": key, "exp": entry.expires_at });
        if let (Value::Object(members), Some(counterfoil)) = (&mut members, &entry.counterfoil) {
            members.insert("counterfoil".to_owned(), json!(counterfoil));
        }
        members
    }

    /// One counterfoil by its key, in base64url or with percent escapes in base64: 404 where there is none, 410 where it was revoked.
    pub(crate) async fn counterfoil(&self, request: &Request, key: &str) -> Result<Response, Refusal> {
        self.authenticate_gateway(request, &Form::parse(request.query())?).await?;
        let key = percent_encoding::percent_decode_str(key).collect::<Vec<u8>>();
        let parsed = CounterfoilKey::parse(&key, KeyEncoding::Base64url).or_else(|_| CounterfoilKey::parse(&key, KeyEncoding::Base64));
        let Ok(key) = parsed else { return Ok(empty(StatusCode::NOT_FOUND)) };
        Ok(match self.store.standing(Digest::from_bytes(*key.as_bytes()), request.now).await? {
            Standing::Live { counterfoil: Some(counterfoil), .. } => answer(StatusCode::OK, "text/plain", counterfoil),
            Standing::Revoked => empty(StatusCode::GONE),
            Standing::Live { .. } | Standing::Unknown => empty(StatusCode::NOT_FOUND),
        })
    }

    /// A gateway is a client that answers for resources; here it is known by its certificate alone.
    async fn authenticate_gateway(&self, request: &Request, form: &Form) -> Result<(), Refusal> {
        let authenticated = self.authenticate(request, form).await?;
        let is_gateway = !authenticated.client.metadata.introspects.is_empty();
        if is_gateway && !matches!(authenticated.client.method, Method::PrivateKeyJwt) {
            return Ok(());
        }
        Err(invalid_client("not a gateway with a certificate"))
    }
}
