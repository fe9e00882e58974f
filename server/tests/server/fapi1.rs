//! FAPI 1.0 Advanced: the modules of the OpenID Foundation's plan by their names, as far as they are none of FAPI 2.0 too. Requests come signed, by
//! value or pushed; answers are a code with an ID token that vouches for it, or signed (JARM).

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::party::{Auth, Hold, Party, encode};
use crate::world::{Answer, Browser, Call, ISSUER, PASSWORD, VERIFIER, World, claims_of, escaped, header_of, hidden};

const COMBINATIONS: [(Auth, Hold); 2] = [(Auth::PrivateKeyJwt, Hold::Mtls), (Auth::Mtls, Hold::Mtls)];

async fn world() -> World {
    let world = World::with("").await;
    for combination in COMBINATIONS {
        for number in [0, 1] {
            let party = world.party(number, combination);
            let mut metadata = party.metadata();
            metadata["profile"] = json!("fapi1-advanced");
            metadata["response_types"] = json!(["code", "code id_token"]);
            world.server.register(metadata).await.unwrap();
        }
    }
    world
}

fn party(world: &World) -> &Party {
    world.party(0, COMBINATIONS[0])
}

/// The claims of a good request for a code with an ID token.
fn claims(world: &World, party: &Party) -> Value {
    let now = world.now();
    json!({
        "iss": party.id, "aud": ISSUER, "client_id": party.id, "nbf": now, "exp": now + 300,
        "response_type": "code id_token", "redirect_uri": party.redirect_uri, "scope": "openid accounts",
        "state": "state-1234", "nonce": "nonce-5678",
    })
}

/// The same for a code in a signed response.
fn jarm(world: &World, party: &Party) -> Value {
    let mut claims = claims(world, party);
    claims["response_type"] = json!("code");
    claims["response_mode"] = json!("jwt");
    claims
}

fn signed(party: &Party, claims: &Value) -> String {
    party.key.sign(&json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": party.key.kid }), claims)
}

/// The URL to which a client sends the browser.
fn by_value(party: &Party, object: &str) -> Call {
    Call::get(&format!("/authorize?client_id={}&response_type=code%20id_token&scope=openid&request={object}", escaped(&party.id)))
}

async fn send(world: &World, party: &Party, claims: &Value) -> Answer {
    world.make(by_value(party, &signed(party, claims))).await
}

/// The person signs in and answers; what the browser is told last.
async fn interact(world: &World, call: Call, action: &str) -> Answer {
    let mut browser = Browser::default();
    let taken = browser.get(world, call).await;
    assert_eq!(taken.status, 303, "{}", taken.text());
    let target = taken.header("location").strip_prefix(ISSUER).unwrap().to_owned();
    let login = browser.get(world, Call::get(&target)).await;
    let call = Call { form: hidden(&login.text()), ..Call::post("/login", &[]) };
    let back = browser.get(world, call.with("username", "alice").with("password", PASSWORD).with("action", "login")).await;
    let target = back.header("location").strip_prefix(ISSUER).unwrap().to_owned();
    let consent = browser.get(world, Call::get(&target)).await;
    browser.get(world, Call { form: hidden(&consent.text()), ..Call::post("/consent", &[]) }.with("action", action)).await
}

/// The parameters in the fragment, or in the query.
fn told(party: &Party, answer: &Answer) -> Map<String, Value> {
    let location = answer.header("location");
    if let Some((uri, fragment)) = location.split_once('#') {
        assert_eq!(uri, party.redirect_uri, "{location}");
        let pairs = fragment.split('&').map(|pair| pair.split_once('=').unwrap());
        let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
        return pairs.map(|(name, value)| (name.to_owned(), json!(decoded(value)))).collect();
    }
    answer.redirected_to(&party.redirect_uri)
}

fn half(text: &str) -> String {
    encode(&Sha256::digest(text)[..16])
}

fn redeem(world: &World, party: &Party, code: &str) -> Call {
    world.token_call(party, &[("grant_type", "authorization_code"), ("code", code), ("redirect_uri", &party.redirect_uri)])
}

#[tokio::test]
async fn fapi1_advanced_final_code_and_id_token_by_value() {
    let world = world().await;
    for combination in COMBINATIONS {
        for number in [0, 1] {
            let party = world.party(number, combination);
            let answer = interact(&world, by_value(party, &signed(party, &claims(&world, party))), "approve").await;
            let told = told(party, &answer);
            let mut names: Vec<&str> = told.keys().map(String::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["code", "id_token", "iss", "state"]);
            let (code, id_token) = (told["code"].as_str().unwrap(), told["id_token"].as_str().unwrap());
            let vouched = claims_of(id_token);
            assert_eq!((vouched["c_hash"].as_str(), vouched["s_hash"].as_str()), (Some(&*half(code)), Some(&*half("state-1234"))));
            assert_eq!((vouched["nonce"].as_str(), vouched["aud"].as_str()), (Some("nonce-5678"), Some(party.id.as_str())));
            assert!(vouched.get("at_hash").is_none() && header_of(id_token)["kid"].is_string());
            let tokens = world.tokens(redeem(&world, party, code)).await;
            let second = claims_of(tokens["id_token"].as_str().unwrap());
            assert_eq!((&second["sub"], &second["nonce"]), (&vouched["sub"], &vouched["nonce"]));
            let resource = world.make(world.with_token(party, "/resource", tokens["access_token"].as_str().unwrap())).await;
            assert_eq!(resource.status, 200);
            let id = resource.header("x-fapi-interaction-id");
            let parts: Vec<usize> = id.split('-').map(str::len).collect();
            assert!(parts == [8, 4, 4, 4, 12] && id.as_bytes()[14] == b'4', "{id} is no UUID");
        }
    }
}

#[tokio::test]
async fn what_is_known_of_a_person_does_not_go_through_the_browser() {
    let world = world().await;
    let party = party(&world);
    let mut asking = claims(&world, party);
    asking["claims"] = json!({ "id_token": { "email": null } });
    let told = told(party, &interact(&world, by_value(party, &signed(party, &asking)), "approve").await);
    assert!(claims_of(told["id_token"].as_str().unwrap()).get("email").is_none());
    let tokens = world.tokens(redeem(&world, party, told["code"].as_str().unwrap())).await;
    assert_eq!(claims_of(tokens["id_token"].as_str().unwrap())["email"], "alice@example.com");
}

#[tokio::test]
async fn a_proof_makes_no_dpop_token_where_the_profile_has_none() {
    let world = world().await;
    let party = party(&world);
    let call = world.token_call(party, &[("grant_type", "client_credentials"), ("scope", "accounts")]);
    let proof = party.proof(&party.proof_claims("POST", "https://mtls.as.example/token", world.now()));
    assert_eq!(world.tokens(call.header("dpop", &proof)).await["token_type"], "Bearer");
}

#[tokio::test]
async fn fapi1_advanced_final_with_jarm_by_value_and_pushed() {
    let world = world().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let answer = interact(&world, by_value(party, &signed(party, &jarm(&world, party))), "approve").await;
        let told = told(party, &answer);
        assert_eq!(told.keys().collect::<Vec<_>>(), ["response"]);
        let code = claims_of(told["response"].as_str().unwrap())["code"].as_str().unwrap().to_owned();
        world.tokens(redeem(&world, party, &code)).await;

        let mut pushed = jarm(&world, party);
        pushed["code_challenge"] = json!(encode(&Sha256::digest(VERIFIER)));
        pushed["code_challenge_method"] = json!("S256");
        let uri = world.pushed(world.authenticated(party, "/par", &[("request", &signed(party, &pushed))])).await;
        let told = world.interact(party, &uri, "approve").await.redirected_to(&party.redirect_uri);
        let code = claims_of(told["response"].as_str().unwrap())["code"].as_str().unwrap().to_owned();
        world.tokens(world.redeem_call(party, &code)).await;
    }
}

#[tokio::test]
async fn user_rejects_authentication_in_the_fragment() {
    let world = world().await;
    let party = party(&world);
    let answer = interact(&world, by_value(party, &signed(party, &claims(&world, party))), "cancel").await;
    let told = told(party, &answer);
    assert_eq!((told["error"].as_str(), told["state"].as_str()), (Some("access_denied"), Some("state-1234")));
    assert!(!told.contains_key("code") && answer.header("location").contains('#'));
}

#[tokio::test]
async fn ensure_valid_pkce_succeeds_and_cannot_be_taken_away() {
    let world = world().await;
    let party = party(&world);
    let mut with = claims(&world, party);
    with["code_challenge"] = json!(encode(&Sha256::digest(VERIFIER)));
    with["code_challenge_method"] = json!("S256");
    let code_of = async |claims: &Value| {
        let answer = interact(&world, by_value(party, &signed(party, claims)), "approve").await;
        told(party, &answer)["code"].as_str().unwrap().to_owned()
    };
    world.tokens(world.redeem_call(party, &code_of(&with).await)).await;
    world.make(redeem(&world, party, &code_of(&with).await)).await.is_error(400, "invalid_grant");
    // A verifier where there was no challenge: somebody may have taken it out.
    let code = code_of(&claims(&world, party)).await;
    world.make(world.redeem_call(party, &code)).await.is_error(400, "invalid_grant");
    with["code_challenge_method"] = json!("plain");
    let refused = send(&world, party, &with).await;
    assert_eq!(told(party, &refused)["error"], "invalid_request");
    // PAR demands it (number 18).
    let object = signed(party, &jarm(&world, party));
    world.make(world.authenticated(party, "/par", &[("request", &object)])).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn ensure_request_object_without_what_it_must_have_fails() {
    let world = world().await;
    let party = party(&world);
    for (missing, code) in
        [("exp", None), ("nbf", None), ("redirect_uri", None), ("nonce", Some("invalid_request")), ("scope", Some("invalid_request"))]
    {
        let mut claims = claims(&world, party);
        claims.as_object_mut().unwrap().remove(missing);
        let answer = send(&world, party, &claims).await;
        match code {
            // It is not known where the client is: a page.
            None => answer.is_page(if missing == "redirect_uri" { "invalid_request" } else { "invalid_request_object" }),
            Some(code) => assert_eq!(told(party, &answer)["error"], code, "{missing}"),
        }
    }
    // Without openid there is no nonce, and a state is needed instead.
    for (state, is_good) in [(Some("s"), true), (None, false)] {
        let mut claims = jarm(&world, party);
        claims["scope"] = json!("accounts");
        claims["state"] = json!(state);
        let answer = send(&world, party, &claims).await;
        assert_eq!(answer.header("location").contains("/authorize?"), is_good, "{}", answer.header("location"));
    }
    // Both are needed for a code alone, too.
    for missing in ["nonce", "scope"] {
        let mut claims = jarm(&world, party);
        claims.as_object_mut().unwrap().remove(missing);
        let told = told(party, &send(&world, party, &claims).await);
        assert_eq!(claims_of(told["response"].as_str().unwrap())["error"], "invalid_request", "{missing}");
    }
}

#[tokio::test]
async fn request_objects_that_are_expired_too_long_or_for_others_fail() {
    let world = world().await;
    let (party, now) = (party(&world), world.now());
    for (name, claim, value) in [
        ("ensure-expired-request-object-fails", "exp", json!(now - 60)),
        ("ensure-request-object-with-exp-over-60-fails", "exp", json!(now + 3700)),
        ("ensure-request-object-with-nbf-over-60-fails", "nbf", json!(now - 3700)),
        ("ensure-request-object-with-bad-aud-fails", "aud", json!("https://other.example")),
        ("aud is the PAR endpoint", "aud", json!(format!("{ISSUER}/par"))),
        ("another client's", "client_id", json!("other")),
        ("a request in a request", "request_uri", json!("urn:x")),
    ] {
        let mut claims = claims(&world, party);
        claims[claim] = value;
        let answer = send(&world, party, &claims).await;
        assert_eq!(answer.status, 400, "{name}");
        answer.is_page("invalid_request_object");
    }
    let mut several = claims(&world, party);
    several["aud"] = json!(["https://other.example", ISSUER]);
    assert_eq!(send(&world, party, &several).await.status, 303, "ensure-request-object-with-multiple-aud-succeeds");
}

#[tokio::test]
async fn signatures_are_the_clients_own_and_of_the_profiles_algorithms() {
    let world = world().await;
    let (one, two) = (party(&world), world.party(1, COMBINATIONS[0]));
    let claims = claims(&world, one);
    let good = signed(one, &claims);
    let (head, _) = good.rsplit_once('.').unwrap();
    let none = format!("{}.{}.", encode(br#"{"alg":"none"}"#), head.split_once('.').unwrap().1);
    for (name, object) in [
        ("ensure-signed-request-object-with-RS256-fails", one.key.sign(&json!({ "alg": "RS256", "kid": one.key.kid }), &claims)),
        ("ensure-request-object-signature-algorithm-is-not-none", none),
        ("ensure-request-object-with-invalid-signature-fails", format!("{head}.{}", encode(&[7; 64]))),
        ("ensure-matching-key-in-authorization-request", signed(two, &claims)),
        ("EdDSA is none of FAPI 1.0", one.key.sign(&json!({ "alg": "EdDSA", "kid": one.key.kid }), &claims)),
    ] {
        let answer = world.make(by_value(one, &object)).await;
        assert_eq!(answer.status, 400, "{name}");
        answer.is_page("invalid_request_object");
    }
}

#[tokio::test]
async fn ensure_authorization_request_without_request_object_fails() {
    let world = world().await;
    let party = party(&world);
    let target = format!(
        "/authorize?client_id={}&response_type=code%20id_token&scope=openid&nonce=n&state=s&redirect_uri={}",
        escaped(&party.id),
        escaped(&party.redirect_uri)
    );
    let told = told(party, &world.make(Call::get(&target)).await);
    assert_eq!((told["error"].as_str(), told["state"].as_str()), (Some("invalid_request"), Some("s")));
    // And a client of FAPI 2.0 may not come by value.
    let two = world.one();
    let answer = world.make(by_value(two, &signed(two, &jarm(&world, two)))).await;
    answer.is_page("invalid_request");
}

#[tokio::test]
async fn ensure_response_type_code_fails_without_jarm_and_response_mode_query_always() {
    let world = world().await;
    let party = party(&world);
    for (kind, mode, place) in [
        ("code", None, "?"),
        ("code", Some("query"), "?"),
        ("code id_token", Some("query"), "#"),
        ("code id_token", Some("jwt"), "#"),
        ("token", None, "response"),
        ("id_token", None, "response"),
    ] {
        let mut claims = claims(&world, party);
        claims["response_type"] = json!(kind);
        if let Some(mode) = mode {
            claims["response_mode"] = json!(mode);
        }
        let answer = send(&world, party, &claims).await;
        let mut told = told(party, &answer);
        if place == "response" {
            told = claims_of(told["response"].as_str().unwrap()).as_object().unwrap().clone();
        }
        assert!(["invalid_request", "unsupported_response_type"].contains(&told["error"].as_str().unwrap()), "{kind}: {told:?}");
        assert_eq!(answer.header("location").contains('#'), place == "#", "{kind} {mode:?}");
    }
}

#[tokio::test]
async fn who_may_not_ask_for_a_code_alone_is_told_plainly() {
    let world = world().await;
    let party = party(&world);
    let mut metadata = party.metadata();
    metadata["profile"] = json!("fapi1-advanced");
    metadata["response_types"] = json!(["code id_token"]);
    world.server.register(metadata).await.unwrap();
    let mut claims = claims(&world, party);
    claims["response_type"] = json!("code");
    assert_eq!(told(party, &send(&world, party, &claims).await)["error"], "unsupported_response_type");
}

#[tokio::test]
async fn ensure_registered_redirect_uri() {
    let world = world().await;
    let party = party(&world);
    let mut claims = claims(&world, party);
    claims["redirect_uri"] = json!("https://evil.example/cb");
    send(&world, party, &claims).await.is_page("invalid_request");
}

#[tokio::test]
async fn state_and_nonce_outside_the_object_are_not_used() {
    let world = world().await;
    let party = party(&world);
    let mut inside = claims(&world, party);
    inside.as_object_mut().unwrap().remove("state");
    let mut call = by_value(party, &signed(party, &inside));
    call.target.push_str("&state=outside&nonce=outside");
    let told = told(party, &interact(&world, call, "approve").await);
    let vouched = claims_of(told["id_token"].as_str().unwrap());
    assert!(!told.contains_key("state") && vouched.get("s_hash").is_none());
    assert_eq!(vouched["nonce"], "nonce-5678");
}

#[tokio::test]
async fn client_assertions_may_be_for_the_token_endpoint_or_par_and_by_list() {
    let world = world().await;
    let party = party(&world);
    let object = signed(party, &{
        let mut pushed = jarm(&world, party);
        pushed["code_challenge"] = json!(encode(&Sha256::digest(VERIFIER)));
        pushed["code_challenge_method"] = json!("S256");
        pushed
    });
    for (aud, is_good) in [
        (json!(ISSUER), true),
        (json!(format!("{ISSUER}/token")), true),
        (json!(format!("{ISSUER}/par")), true),
        (json!([format!("{ISSUER}/par"), "https://other.example"]), true),
        (json!(format!("{ISSUER}/revoke")), false),
        (json!(format!("{ISSUER}/")), false),
    ] {
        let mut assertion = party.assertion_claims(world.now());
        assertion["aud"] = aud.clone();
        let call = world.authenticated(party, "/par", &[("request", &object)]).but("client_assertion", &party.assertion(&assertion));
        let answer = world.make(call).await;
        assert_eq!(answer.status, if is_good { 201 } else { 401 }, "{aud}: {}", answer.text());
    }
}

#[tokio::test]
async fn clients_must_fit_their_profile() {
    let world = world().await;
    for (name, value) in [
        ("dpop_bound_access_tokens", json!(true)),
        ("id_token_signed_response_alg", json!("EdDSA")),
        ("response_types", json!(["code token"])),
        ("token_endpoint_auth_method", json!("client_secret_basic")),
    ] {
        let mut metadata = party(&world).metadata();
        metadata["profile"] = json!("fapi1-advanced");
        metadata[name] = value;
        let error = world.server.register(metadata).await.unwrap_err().to_string();
        assert!(error.contains(name) && error.contains("FAPI 1.0 Part 2: Advanced section"), "{error}");
    }
}

#[tokio::test]
async fn access_tokens_live_as_long_as_the_profile_says() {
    let world = world().await;
    let party = party(&world);
    let credentials = [("grant_type", "client_credentials"), ("scope", "accounts")];
    for (profile, seconds) in [("cdr-australia", 300), ("fapi1-advanced", 300)] {
        let mut metadata = party.metadata();
        metadata["profile"] = json!(profile);
        world.server.register(metadata).await.unwrap();
        assert_eq!(world.tokens(world.token_call(party, &credentials)).await["expires_in"], seconds, "{profile}");
    }
    let mut short = crate::world::configuration("");
    short.lifetimes.access_token = 60;
    let world = World::of(short).await;
    let party = world.party(0, COMBINATIONS[0]);
    for (profile, seconds) in [("cdr-australia", 120), ("fapi1-advanced", 60)] {
        let mut metadata = party.metadata();
        metadata["profile"] = json!(profile);
        world.server.register(metadata).await.unwrap();
        assert_eq!(world.tokens(world.token_call(party, &credentials)).await["expires_in"], seconds, "{profile}");
    }
}

/// A code for a request by value.
async fn code(world: &World, party: &Party, claims: &Value) -> String {
    let answer = interact(world, by_value(party, &signed(party, claims)), "approve").await;
    told(party, &answer)["code"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn ensure_request_object_with_64_char_nonce_long_nonce_and_long_state() {
    let world = world().await;
    let party = party(&world);
    for (state, nonce, is_good) in [(128, 64, true), (2048, 384, true), (2049, 64, false), (128, 513, false)] {
        let mut claims = claims(&world, party);
        (claims["state"], claims["nonce"]) = (json!("s".repeat(state)), json!("n".repeat(nonce)));
        if !is_good {
            let told = told(party, &send(&world, party, &claims).await);
            assert_eq!(told["error"], "invalid_request", "{state} {nonce}");
            continue;
        }
        let told = told(party, &interact(&world, by_value(party, &signed(party, &claims)), "approve").await);
        assert_eq!(told["state"], claims["state"], "whole, never cut");
        assert_eq!(claims_of(told["id_token"].as_str().unwrap())["nonce"], claims["nonce"]);
    }
}

#[tokio::test]
async fn ensure_other_scope_order_succeeds_and_without_state_none_comes_back() {
    let world = world().await;
    let party = party(&world);
    let mut claims = claims(&world, party);
    claims["scope"] = json!("accounts openid");
    claims.as_object_mut().unwrap().remove("state");
    let told = told(party, &interact(&world, by_value(party, &signed(party, &claims)), "approve").await);
    assert!(!told.contains_key("state"));
    let tokens = world.tokens(redeem(&world, party, told["code"].as_str().unwrap())).await;
    assert_eq!(tokens["scope"], "accounts openid");
}

#[tokio::test]
async fn ensure_client_assertions_that_are_not_the_clients_of_now_fail() {
    let world = world().await;
    let (party, now) = (party(&world), world.now());
    let code = code(&world, party, &claims(&world, party)).await;
    for (name, claim, value) in [
        ("with-exp-is-5-minutes-in-past", "exp", json!(now - 300)),
        ("with-wrong-aud", "aud", json!("https://other.example")),
        ("with-no-sub", "sub", Value::Null),
        ("with-wrong-iss", "iss", json!("other")),
        ("with-wrong-sub", "sub", json!("other")),
    ] {
        let mut assertion = party.assertion_claims(now);
        if value.is_null() {
            assertion.as_object_mut().unwrap().remove(claim);
        } else {
            assertion[claim] = value;
        }
        let answer = world.make(redeem(&world, party, &code).but("client_assertion", &party.assertion(&assertion))).await;
        assert_eq!((answer.status.as_u16(), &answer.json()["error"]), (401, &json!("invalid_client")), "{name}");
    }
    let rs256 = party.key.sign(&json!({ "alg": "RS256", "kid": party.key.kid }), &party.assertion_claims(now));
    world.make(redeem(&world, party, &code).but("client_assertion", &rs256)).await.is_error(401, "invalid_client");
    world.make(redeem(&world, party, &code).without("client_assertion")).await.is_error(401, "invalid_client");
    // None of them has used up the code.
    world.tokens(redeem(&world, party, &code)).await;
}

#[tokio::test]
async fn codes_are_bound_to_their_client_and_certificate_and_good_once() {
    let world = world().await;
    for combination in COMBINATIONS {
        let (one, two) = (world.party(0, combination), world.party(1, combination));
        let stolen = code(&world, one, &claims(&world, one)).await;
        world.make(redeem(&world, two, &stolen).but("redirect_uri", &one.redirect_uri)).await.is_error(400, "invalid_grant");
        // ensure-mtls-holder-of-key-required
        let own = code(&world, one, &claims(&world, one)).await;
        let answer = world.make(redeem(&world, one, &own).certificate(None)).await;
        assert!(["invalid_client", "invalid_request"].contains(&answer.json()["error"].as_str().unwrap()), "{}", answer.text());
        // ensure-client-id-in-token-endpoint
        world.make(redeem(&world, one, &own).but("client_id", &two.id)).await.is_error(401, "invalid_client");
        let tokens = world.tokens(redeem(&world, one, &own)).await;
        let token = tokens["access_token"].as_str().unwrap();
        for scheme in ["bearer", "BEARER"] {
            let call = world.with_token(one, "/resource", token).without_header("authorization");
            assert_eq!(world.make(call.header("authorization", &format!("{scheme} {token}"))).await.status, 200, "{scheme}");
        }
        assert_eq!(world.make(world.with_token(one, "/resource", token).certificate(Some(&two.certificate))).await.status, 401);
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        world.tokens(world.token_call(one, &refresh)).await;
        world.make(world.token_call(two, &refresh)).await.is_error(400, "invalid_grant");
        // attempt-reuse-authorisation-code-after-one-second
        world.clock.advance(1);
        world.make(redeem(&world, one, &own)).await.is_error(400, "invalid_grant");
        assert_eq!(world.make(world.with_token(one, "/resource", token)).await.status, 401);
    }
}
