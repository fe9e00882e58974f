//! CIBA and FAPI-CIBA: the modules of the OpenID Foundation's plan by their names, the page on the person's phone, a bank's own app, and pings.

use core::time::Duration;

use counterfoil_server::store::Store as _;
use serde_json::{Value, json};

use crate::party::{Auth, Hold, Party, unique};
use crate::world::{Answer, Browser, Call, ISSUER, PASSWORD, World, claims_of, configuration, hidden};

const GRANT_TYPE: &str = "urn:openid:params:grant-type:ciba";
/// Those of FAPI-CIBA: tokens are bound to certificates.
pub(crate) const COMBINATIONS: [(Auth, Hold); 2] = [(Auth::PrivateKeyJwt, Hold::Mtls), (Auth::Mtls, Hold::Mtls)];

pub(crate) fn metadata(party: &Party, mode: &str) -> Value {
    let mut metadata = party.metadata();
    metadata["profile"] = json!("fapi-ciba");
    metadata["grant_types"] = json!(["authorization_code", "refresh_token", GRANT_TYPE]);
    metadata["backchannel_token_delivery_mode"] = json!(mode);
    if mode == "ping" {
        metadata["backchannel_client_notification_endpoint"] = json!("https://localhost:1/ping");
    }
    metadata
}

/// A world whose clients with certificates are held to FAPI-CIBA and poll.
pub(crate) async fn world() -> World {
    world_with("[backchannel]").await
}

async fn world_with(backchannel: &str) -> World {
    let world = World::with(backchannel).await;
    for combination in COMBINATIONS {
        for number in [0, 1] {
            let party = world.party(number, combination);
            world.server.register(metadata(party, "poll")).await.unwrap();
        }
    }
    world
}

/// The claims of a good signed request.
pub(crate) fn claims(world: &World, party: &Party) -> Value {
    let now = world.now();
    json!({
        "iss": party.id, "aud": ISSUER, "exp": now + 300, "iat": now, "nbf": now, "jti": unique(),
        "scope": "openid accounts", "login_hint": "alice", "binding_message": "Order 1234",
    })
}

fn signed(party: &Party, claims: &Value) -> String {
    party.key.sign(&json!({ "alg": "ES256", "kid": party.key.kid }), claims)
}

async fn ask_by(world: &World, party: &Party, object: &str) -> Answer {
    world.make(world.authenticated(party, "/bc-authorize", &[("request", object)])).await
}

pub(crate) async fn ask(world: &World, party: &Party, claims: &Value) -> Answer {
    ask_by(world, party, &signed(party, claims)).await
}

/// An `auth_req_id` for a request that must be taken.
pub(crate) async fn asked(world: &World, party: &Party, claims: &Value) -> String {
    let answer = ask(world, party, claims).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let id = body["auth_req_id"].as_str().unwrap().to_owned();
    assert!(id.len() >= 43 && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)), "{id}");
    assert!(body["expires_in"].is_u64() && body["interval"] == 5, "{body}");
    assert_eq!(answer.header("cache-control"), "no-store");
    id
}

pub(crate) fn poll_call(world: &World, party: &Party, id: &str) -> Call {
    world.token_call(party, &[("grant_type", GRANT_TYPE), ("auth_req_id", id)])
}

pub(crate) async fn poll(world: &World, party: &Party, id: &str) -> Answer {
    world.make(poll_call(world, party, id)).await
}

/// Somebody at the page on the phone.
pub(crate) struct Phone {
    pub(crate) browser: Browser,
    pub(crate) page: Answer,
}

impl Phone {
    pub(crate) async fn sign_in(world: &World, name: &str) -> Self {
        let mut browser = Browser::default();
        let login = browser.get(world, Call::get("/approvals")).await;
        assert_eq!(login.status, 200, "{}", login.text());
        let call = Call { form: hidden(&login.text()), ..Call::post("/approvals/login", &[]) };
        let back = browser.get(world, call.with("username", name).with("password", PASSWORD).with("action", "login")).await;
        assert_eq!((back.status.as_u16(), back.header("location")), (303, format!("{ISSUER}/approvals").as_str()), "{}", back.text());
        let page = browser.get(world, Call::get("/approvals")).await;
        assert_eq!(page.status, 200, "{}", page.text());
        Self { browser, page }
    }

    /// Answers the first request on the page.
    pub(crate) async fn answer(&mut self, world: &World, action: &str) {
        let form: Vec<_> = hidden(&self.page.text()).into_iter().take(2).collect();
        assert_eq!(form.len(), 2, "nothing is asked: {}", self.page.text());
        self.page = self.browser.get(world, Call { form, ..Call::post("/approvals/decision", &[]) }.with("action", action)).await;
        assert_eq!(self.page.status, 200, "{}", self.page.text());
    }
}

#[tokio::test]
async fn fapi_ciba_id1_two_clients_are_approved_on_a_phone_and_use_their_tokens() {
    let world = world().await;
    for combination in COMBINATIONS {
        for number in [0, 1] {
            let party = world.party(number, combination);
            let id = asked(&world, party, &claims(&world, party)).await;
            poll(&world, party, &id).await.is_error(400, "authorization_pending");
            let mut phone = Phone::sign_in(&world, "alice").await;
            let shown = phone.page.text();
            for text in [&format!("Client {}", party.id), "Order 1234", "see your accounts"] {
                assert!(shown.contains(text), "{shown}");
            }
            phone.answer(&world, "approve").await;
            assert!(phone.page.text().contains("You have allowed it"), "{}", phone.page.text());
            let tokens = world.tokens(poll_call(&world, party, &id)).await;
            let access_token = tokens["access_token"].as_str().unwrap();
            assert_eq!(world.make(world.with_token(party, "/resource", access_token)).await.status, 200);
            let id_token = claims_of(tokens["id_token"].as_str().unwrap());
            assert_eq!((id_token["aud"].as_str(), id_token["acr"].as_str()), (Some(party.id.as_str()), Some("urn:counterfoil:password")));
            assert!(id_token["at_hash"].is_string() && id_token["auth_time"] == world.now() && id_token.get("nonce").is_none());
            let refreshed = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
            world.tokens(world.token_call(party, &refreshed)).await;
            // Its tokens are issued once.
            poll(&world, party, &id).await.is_error(400, "invalid_grant");
        }
    }
}

#[tokio::test]
async fn user_rejects_authentication() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    let mut phone = Phone::sign_in(&world, "alice").await;
    phone.answer(&world, "deny").await;
    assert!(phone.page.text().contains("You have refused"), "{}", phone.page.text());
    poll(&world, party, &id).await.is_error(400, "access_denied");
}

#[tokio::test]
async fn multiple_call_to_token_endpoint() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    poll(&world, party, &id).await.is_error(400, "authorization_pending");
    poll(&world, party, &id).await.is_error(400, "slow_down");
    world.clock.advance(10);
    poll(&world, party, &id).await.is_error(400, "authorization_pending");
}

#[tokio::test]
async fn auth_req_id_expired_and_requested_expiry_as_string_and_number() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    for expiry in [json!(10), json!("10")] {
        let mut claims = claims(&world, party);
        claims["requested_expiry"] = expiry;
        let answer = ask(&world, party, &claims).await.json();
        assert_eq!(answer["expires_in"], 10);
        world.clock.advance(10);
        poll(&world, party, answer["auth_req_id"].as_str().unwrap()).await.is_error(400, "expired_token");
    }
    let mut longer = claims(&world, party);
    longer["requested_expiry"] = json!(86_400);
    assert_eq!(ask(&world, party, &longer).await.json()["expires_in"], 300, "as long as the server lets it");
    for wrong in [json!(0), json!(-1), json!("ten"), json!(1.5)] {
        let mut claims = claims(&world, party);
        claims["requested_expiry"] = wrong;
        ask(&world, party, &claims).await.is_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_told_so_on_the_phone() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    let mut phone = Phone::sign_in(&world, "alice").await;
    world.clock.advance(301);
    phone.answer(&world, "approve").await;
    assert!(phone.page.text().contains("has expired"), "{}", phone.page.text());
    poll(&world, party, &id).await.is_error(400, "expired_token");
}

#[tokio::test]
async fn ensure_authorization_request_with_potentially_bad_binding_message() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    for (message, is_good) in [("1234 äöü 漢字", true), (&*"x".repeat(64), true), (&*"x".repeat(65), false), ("two\nlines", false)] {
        let mut claims = claims(&world, party);
        claims["binding_message"] = json!(message);
        let answer = ask(&world, party, &claims).await;
        if is_good {
            assert_eq!(answer.status, 200, "{}", answer.text());
        } else {
            answer.is_error(400, "invalid_binding_message");
        }
    }
    let mut without = claims(&world, party);
    without.as_object_mut().unwrap().remove("binding_message");
    assert_eq!(ask(&world, party, &without).await.status, 200);
}

#[tokio::test]
async fn ensure_other_scope_order_succeeds_and_scopes_are_judged() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    for (scope, code) in [("accounts openid", None), ("accounts", Some("invalid_scope")), ("openid nothing", Some("invalid_scope"))] {
        let mut claims = claims(&world, party);
        claims["scope"] = json!(scope);
        let answer = ask(&world, party, &claims).await;
        match code {
            None => assert_eq!(answer.status, 200, "{}", answer.text()),
            Some(code) => answer.is_error(400, code),
        }
    }
}

#[tokio::test]
async fn ensure_request_object_claims_and_times() {
    let world = world().await;
    for combination in COMBINATIONS {
        let (party, now) = (world.party(0, combination), world.now());
        for (name, claim, value) in [
            ("missing-aud", "aud", Value::Null),
            ("bad-aud", "aud", json!("https://other.example")),
            ("missing-iss", "iss", Value::Null),
            ("bad-iss", "iss", json!("other")),
            ("missing-exp", "exp", Value::Null),
            ("expired-exp", "exp", json!(now - 300)),
            ("exp-is-70-minutes-in-future", "exp", json!(now + 70 * 60)),
            ("missing-iat", "iat", Value::Null),
            ("missing-nbf", "nbf", Value::Null),
            ("nbf-is-10-minutes-in-future", "nbf", json!(now + 10 * 60)),
            ("nbf-is-70-minutes-in-past", "nbf", json!(now - 70 * 60)),
            ("missing-jti", "jti", Value::Null),
        ] {
            let mut claims = claims(&world, party);
            if value.is_null() {
                claims.as_object_mut().unwrap().remove(claim);
            } else {
                claims[claim] = value;
            }
            let answer = ask(&world, party, &claims).await;
            assert_eq!(answer.status, 400, "{name}: {}", answer.text());
            answer.is_error(400, "invalid_request");
        }
    }
}

#[tokio::test]
async fn ensure_request_object_signatures_are_the_clients_own_and_a_request_is_good_once() {
    let world = world().await;
    let (one, two) = (world.party(0, COMBINATIONS[0]), world.party(1, COMBINATIONS[0]));
    let claims = claims(&world, one);
    let good = signed(one, &claims);
    let (head, _) = good.rsplit_once('.').unwrap();
    let none = format!("{}.{}.", crate::party::encode(br#"{"alg":"none"}"#), head.split_once('.').unwrap().1);
    for (name, object) in [
        ("signature-algorithm-is-none", none),
        ("signature-is-bad", format!("{head}.{}", crate::party::encode(&[7; 64]))),
        ("signature-algorithm-is-RS256", one.key.sign(&json!({ "alg": "RS256", "kid": one.key.kid }), &claims)),
        ("signed-by-other-client", signed(two, &claims)),
        ("a type of something else", one.key.sign(&json!({ "alg": "ES256", "typ": "at+jwt", "kid": one.key.kid }), &claims)),
    ] {
        let answer = ask_by(&world, one, &object).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        answer.is_error(400, "invalid_request");
    }
    assert_eq!(ask_by(&world, one, &good).await.status, 200);
    ask_by(&world, one, &good).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn ensure_unsigned_backchannel_authorization_request_fails() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let form = [("scope", "openid"), ("login_hint", "alice")];
    world.make(world.authenticated(party, "/bc-authorize", &form)).await.is_error(400, "invalid_request");
    // And nothing beside what is signed counts.
    let object = signed(party, &claims(&world, party));
    let call = world.authenticated(party, "/bc-authorize", &[("request", &object)]);
    world.make(call.with("binding_message", "other")).await.is_error(400, "invalid_request");
    // A client of another profile may leave it unsigned.
    let mut metadata = metadata(party, "poll");
    metadata["profile"] = json!("fapi2-security");
    world.server.register(metadata).await.unwrap();
    assert_eq!(world.make(world.authenticated(party, "/bc-authorize", &form)).await.status, 200);
}

#[tokio::test]
async fn ensure_wrong_auth_req_id_in_token_endpoint_request() {
    let world = world().await;
    let (one, two) = (world.party(0, COMBINATIONS[0]), world.party(1, COMBINATIONS[0]));
    let id = asked(&world, one, &claims(&world, one)).await;
    poll(&world, one, "unknown").await.is_error(400, "invalid_grant");
    poll(&world, two, &id).await.is_error(400, "invalid_grant");
    world.make(world.token_call(one, &[("grant_type", GRANT_TYPE)])).await.is_error(400, "invalid_request");
    poll(&world, one, &id).await.is_error(400, "authorization_pending");
}

#[tokio::test]
async fn ensure_wrong_client_id_and_no_authentication_are_refused() {
    let world = world().await;
    let (one, two) = (world.party(0, COMBINATIONS[1]), world.party(1, COMBINATIONS[1]));
    let object = signed(one, &claims(&world, one));
    let call = world.authenticated(one, "/bc-authorize", &[("request", &object)]);
    world.make(call.but("client_id", &two.id)).await.is_error(401, "invalid_client");
    ask_by(
        &world,
        one,
        &signed(one, &{
            let mut claims = claims(&world, one);
            claims["iss"] = json!(two.id);
            claims
        }),
    )
    .await
    .is_error(400, "invalid_request");
    let id = asked(&world, one, &claims(&world, one)).await;
    world.make(poll_call(&world, one, &id).but("client_id", &two.id)).await.is_error(401, "invalid_client");
    let by_assertion = world.party(0, COMBINATIONS[0]);
    let object = signed(by_assertion, &claims(&world, by_assertion));
    let call = world.authenticated(by_assertion, "/bc-authorize", &[("request", &object)]);
    world.make(call.without("client_assertion")).await.is_error(401, "invalid_client");
    // ensure-client-assertion-signature-algorithm-in-…-is-RS256-fails
    let rs256 =
        || by_assertion.key.sign(&json!({ "alg": "RS256", "kid": by_assertion.key.kid }), &by_assertion.assertion_claims(world.now()));
    let object = signed(by_assertion, &claims(&world, by_assertion));
    let call = world.authenticated(by_assertion, "/bc-authorize", &[("request", &object)]);
    world.make(call.but("client_assertion", &rs256())).await.is_error(401, "invalid_client");
    let id = asked(&world, by_assertion, &claims(&world, by_assertion)).await;
    world.make(poll_call(&world, by_assertion, &id).but("client_assertion", &rs256())).await.is_error(401, "invalid_client");
    world
        .make(poll_call(&world, by_assertion, &id).without("client_assertion").without("client_assertion_type"))
        .await
        .is_error(401, "invalid_client");
}

#[tokio::test]
async fn client_assertions_may_be_for_the_token_endpoint_and_the_asked_one() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    for (aud, is_good) in [
        (json!(ISSUER), true),
        (json!(format!("{ISSUER}/token")), true),
        (json!(format!("{ISSUER}/bc-authorize")), true),
        (json!("https://mtls.as.example/token"), true),
        (json!([ISSUER, format!("{ISSUER}/token")]), true),
        (json!(format!("{ISSUER}/par")), false),
        (json!("https://other.example"), false),
    ] {
        let mut assertion = party.assertion_claims(world.now());
        assertion["aud"] = aud.clone();
        let object = signed(party, &claims(&world, party));
        let call =
            world.authenticated(party, "/bc-authorize", &[("request", &object)]).but("client_assertion", &party.assertion(&assertion));
        let answer = world.make(call).await;
        assert_eq!(answer.status, if is_good { 200 } else { 401 }, "{aud}: {}", answer.text());
    }
}

#[tokio::test]
async fn ensure_mtls_holder_of_key_required() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    Phone::sign_in(&world, "alice").await.answer(&world, "approve").await;
    world.make(poll_call(&world, party, &id).certificate(None)).await.is_error(400, "invalid_request");
    // That has not used it up.
    let tokens = world.tokens(poll_call(&world, party, &id)).await;
    let call = world.with_token(party, "/resource", tokens["access_token"].as_str().unwrap());
    let other = &world.party(1, COMBINATIONS[0]).certificate;
    assert_eq!(world.make(call.certificate(Some(other))).await.status, 401);
}

#[tokio::test]
async fn polls_are_held_until_the_person_answers() {
    let world = std::sync::Arc::new(world_with("[backchannel]\nhold = 20").await);
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    let held = {
        let (world, id) = (world.clone(), id.clone());
        tokio::spawn(async move {
            let begun = std::time::Instant::now();
            let tokens = world.tokens(poll_call(&world, world.party(0, COMBINATIONS[0]), &id)).await;
            (tokens, begun.elapsed())
        })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!held.is_finished(), "the person has not answered");
    let answered = std::time::Instant::now();
    Phone::sign_in(&world, "alice").await.answer(&world, "approve").await;
    let (tokens, _) = held.await.unwrap();
    assert!(tokens["access_token"].is_string());
    assert!(answered.elapsed() < Duration::from_secs(10), "at once, and not when the time is over");
}

#[tokio::test]
async fn tests_may_answer_where_they_are_let() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    let approve = |id: &str, action: &str| Call::post(&format!("/dev/ciba?auth_req_id={id}&action={action}"), &[]);
    assert_eq!(world.make(approve(&id, "allow")).await.status, 404, "off by default");
    let world = World::of(configuration_in_development()).await;
    world.server.register(metadata(world.party(0, COMBINATIONS[0]), "poll")).await.unwrap();
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    assert_eq!(world.make(approve(&id, "allow")).await.status, 204);
    world.make(approve(&id, "deny")).await.is_error(404, "invalid_request");
    world.tokens(poll_call(&world, party, &id)).await;
}

fn configuration_in_development() -> counterfoil_server::config::Config {
    let mut config = configuration("[backchannel]");
    config.development = true;
    config.backchannel.as_mut().unwrap().test_approvals = true;
    config
}

#[tokio::test]
async fn discovery_end_point_verification() {
    let world = world().await;
    let metadata = world.make(Call::get("/.well-known/openid-configuration")).await.json();
    assert_eq!(metadata["backchannel_authentication_endpoint"], format!("{ISSUER}/bc-authorize"));
    assert_eq!(metadata["backchannel_token_delivery_modes_supported"], json!(["poll", "ping"]));
    assert!(metadata["grant_types_supported"].as_array().unwrap().contains(&json!(GRANT_TYPE)));
    assert!(metadata["mtls_endpoint_aliases"]["backchannel_authentication_endpoint"].is_string());
    // Without the section nothing of it is there.
    let world = World::new().await;
    let metadata = world.make(Call::get("/.well-known/openid-configuration")).await.json();
    assert!(!metadata.to_string().contains("backchannel"), "{metadata}");
    for path in ["/approvals", "/bc-authorize", "/dev/ciba", "/backchannel/requests"] {
        let call = if path == "/approvals" { Call::get(path) } else { world.authenticated(world.one(), path, &[]) };
        assert!([403, 404].contains(&world.make(call).await.status.as_u16()), "{path}");
    }
}

#[tokio::test]
async fn metadata_of_clients_is_judged() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    for (name, value) in [
        ("backchannel_token_delivery_mode", json!("push")),
        ("backchannel_token_delivery_mode", Value::Null),
        ("backchannel_token_delivery_mode", json!("ping")),
        ("backchannel_authentication_request_signing_alg", json!("RS256")),
        ("dpop_bound_access_tokens", json!(true)),
    ] {
        let mut metadata = metadata(party, "poll");
        metadata[name] = value;
        assert!(world.server.register(metadata).await.is_err(), "{name}");
    }
    let mut plain = metadata(party, "ping");
    plain["backchannel_client_notification_endpoint"] = json!("http://localhost/ping");
    assert!(world.server.register(plain).await.is_err());
    // A client that is not registered for it.
    let mut other = metadata(party, "poll");
    other["grant_types"] = json!(["authorization_code"]);
    world.server.register(other).await.unwrap();
    ask(&world, party, &claims(&world, party)).await.is_error(400, "unauthorized_client");
}

#[tokio::test]
async fn who_is_notified_must_bring_a_token_for_it_which_is_kept_sealed() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    world.server.register(metadata(party, "ping")).await.unwrap();
    for (token, is_good) in [
        (Some("8d67dc78-7faa-4d41-aabd-67707b374255"), true),
        (None, false),
        (Some("short"), false),
        (Some("has a space in it, and is long"), false),
    ] {
        let mut claims = claims(&world, party);
        if let Some(token) = token {
            claims["client_notification_token"] = json!(token);
        }
        let answer = ask(&world, party, &claims).await;
        assert_eq!(answer.status, if is_good { 200 } else { 400 }, "{token:?}: {}", answer.text());
    }
    let subject = world.server_user("alice").await;
    let (_, kept) = world.server.store().backchannel_requests(subject, counterfoil::UnixTime(world.now())).await.unwrap().remove(0);
    let kept = serde_json::to_string(&kept).unwrap();
    assert!(kept.contains("notification") && !kept.contains("8d67dc78"), "{kept}");
}
