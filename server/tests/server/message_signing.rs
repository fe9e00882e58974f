//! FAPI 2.0 Message Signing: the modules about signed requests, by their names, and signed responses in every mode, judged by the engine.

use counterfoil::UnixTime;
use counterfoil::crypto::FAPI;
use counterfoil::jose::keys::KeySet;
use counterfoil::oauth::jarm::{AuthorizationResponse, ResponseRules, SentState};
use counterfoil_server::issue::SigningKeys;
use serde_json::{Value, json};

use crate::party::Party;
use crate::world::{Answer, COMBINATIONS, Call, ISSUER, World, claims_of, keys_folder};

/// A world whose clients are held to the profile, and one of them.
async fn world() -> World {
    let world = World::new().await;
    for combination in COMBINATIONS {
        for number in [0, 1] {
            hold_to(&world, world.party(number, combination), "fapi2-message-signing").await;
        }
    }
    world
}

async fn hold_to(world: &World, party: &Party, profile: &str) {
    let mut metadata = party.metadata();
    metadata["profile"] = json!(profile);
    world.server.register(metadata).await.unwrap();
}

/// The claims of a good request object.
fn claims(world: &World, party: &Party) -> Value {
    let now = world.now();
    let mut claims = json!({ "iss": party.id, "aud": ISSUER, "client_id": party.id, "nbf": now, "exp": now + 300 });
    for (name, value) in world.par_call(party).form {
        if !name.starts_with("client_") {
            claims[name] = json!(value);
        }
    }
    claims
}

fn signed(party: &Party, claims: &Value) -> String {
    party.key.sign(&json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": party.key.kid }), claims)
}

fn with_object(world: &World, party: &Party, object: &str) -> Call {
    world.authenticated(party, "/par", &[("request", object)])
}

async fn push(world: &World, party: &Party, claims: &Value) -> Answer {
    world.make(with_object(world, party, &signed(party, claims))).await
}

/// What the engine says of a response, as the client that asked.
fn judged(world: &World, party: &Party, response: &str, state: SentState<'_>) -> Result<Option<String>, String> {
    let jwks = SigningKeys::open(keys_folder()).unwrap().jwks(UnixTime(world.now())).to_string();
    let set: KeySet<8> = KeySet::parse(jwks.as_bytes(), FAPI).unwrap();
    let rules = ResponseRules::new(ISSUER, &party.id, FAPI, set.keys()).unwrap();
    let mut scratch = vec![0; response.len()];
    let accepted = rules.accept(response.as_bytes(), state, UnixTime(world.now()), &mut scratch).map_err(|error| format!("{error:?}"))?;
    Ok(match accepted {
        AuthorizationResponse::Code(code) => Some(code.chars().collect()),
        _ => None,
    })
}

#[tokio::test]
async fn happy_flow_signed_both_ways_in_all_combinations() {
    let world = world().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let pushed = push(&world, party, &claims(&world, party)).await;
        assert_eq!(pushed.status, 201, "{}", pushed.text());
        let request_uri = pushed.json()["request_uri"].as_str().unwrap().to_owned();
        let told = world.interact(party, &request_uri, "approve").await.redirected_to(&party.redirect_uri);
        assert_eq!(told.keys().collect::<Vec<_>>(), ["response"], "nothing but the response is in the query");
        let response = told["response"].as_str().unwrap();
        let code = judged(&world, party, response, SentState::Sent("state-1234")).unwrap().unwrap();
        assert!(judged(&world, party, response, SentState::Sent("state-other")).is_err());
        world.tokens(world.redeem_call(party, &code)).await;
    }
}

#[tokio::test]
async fn user_rejects_authentication_and_is_told_so_signed() {
    let world = world().await;
    let party = world.one();
    let pushed = push(&world, party, &claims(&world, party)).await.json();
    let told = world.interact(party, pushed["request_uri"].as_str().unwrap(), "cancel").await.redirected_to(&party.redirect_uri);
    let told = claims_of(told["response"].as_str().unwrap());
    assert_eq!((told["error"].as_str(), told["state"].as_str()), (Some("access_denied"), Some("state-1234")));
    assert_eq!((told["iss"].as_str(), told["aud"].as_str()), (Some(ISSUER), Some(party.id.as_str())));
}

#[tokio::test]
async fn responses_come_in_the_mode_that_was_asked_for() {
    let world = world().await;
    let party = world.one();
    for mode in ["jwt", "query.jwt", "fragment.jwt", "form_post.jwt"] {
        let mut claims = claims(&world, party);
        claims["response_mode"] = json!(mode);
        let pushed = push(&world, party, &claims).await.json();
        let answer = world.interact(party, pushed["request_uri"].as_str().unwrap(), "approve").await;
        let response = match mode {
            "form_post.jwt" => {
                assert_eq!(answer.status, 200);
                let page = answer.text();
                assert!(
                    page.contains(&format!("action=\"{}\"", party.redirect_uri.replace('&', "&amp;").replace('/', "&#x2f;"))),
                    "{page}"
                );
                assert!(answer.header("content-security-policy").contains("script-src 'sha256-"), "its one script is named");
                crate::world::hidden(&page).into_iter().find(|(name, _)| name == "response").unwrap().1
            }
            "fragment.jwt" => answer.header("location").split_once("#response=").unwrap().1.to_owned(),
            _ => answer.redirected_to(&party.redirect_uri)["response"].as_str().unwrap().to_owned(),
        };
        assert!(judged(&world, party, &response, SentState::Sent("state-1234")).unwrap().is_some(), "{mode}");
    }
    for mode in ["query", "form_post", "token"] {
        let mut claims = claims(&world, party);
        claims["response_mode"] = json!(mode);
        push(&world, party, &claims).await.is_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn responses_are_signed_by_the_algorithm_of_the_client() {
    let world = World::new().await;
    let party = world.one();
    for algorithm in ["PS256", "EdDSA", "ES256"] {
        let mut metadata = party.metadata();
        metadata["authorization_signed_response_alg"] = json!(algorithm);
        world.server.register(metadata).await.unwrap();
        let request_uri = world.pushed(world.par_call(party).with("response_mode", "jwt")).await;
        let told = world.interact(party, &request_uri, "approve").await.redirected_to(&party.redirect_uri);
        let response = told["response"].as_str().unwrap();
        assert_eq!(crate::world::header_of(response)["alg"], algorithm);
        assert!(judged(&world, party, response, SentState::Sent("state-1234")).is_ok());
    }
}

#[tokio::test]
async fn ensure_request_object_with_multiple_aud_succeeds_and_with_bad_aud_fails() {
    let world = world().await;
    let party = world.one();
    for (aud, status) in
        [(json!(["https://other.example", ISSUER]), 201), (json!("https://other.example"), 400), (json!(format!("{ISSUER}/par")), 400)]
    {
        let mut claims = claims(&world, party);
        claims["aud"] = aud;
        let answer = push(&world, party, &claims).await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 400 {
            answer.is_error(400, "invalid_request_object");
        }
    }
}

#[tokio::test]
async fn ensure_request_object_times() {
    let world = world().await;
    let (party, now) = (world.one(), world.now());
    // nbf and exp, relative to now.
    for (name, begins, ends, is_good) in [
        ("nbf-8-seconds-in-the-future-is-accepted", Some(8), Some(300), true),
        ("nbf-over-60-seconds-in-the-future", Some(70), Some(300), false),
        ("without-nbf-fails", None, Some(300), false),
        ("without-exp-fails", Some(0), None, false),
        ("expired-request-object-fails", Some(-600), Some(-300), false),
        ("with-exp-over-60-fails", Some(0), Some(3700), false),
        ("with-nbf-over-60-fails", Some(-3700), Some(60), false),
        ("an hour to the second", Some(-1800), Some(1800), true),
    ] {
        let mut claims = claims(&world, party);
        for (claim, offset) in [("nbf", begins), ("exp", ends)] {
            match offset {
                Some(offset) => claims[claim] = json!(now.checked_add_signed(offset)),
                None => drop(claims.as_object_mut().unwrap().remove(claim)),
            }
        }
        let answer = push(&world, party, &claims).await;
        if is_good {
            assert_eq!(answer.status, 201, "{name}: {}", answer.text());
        } else {
            answer.is_error(400, "invalid_request_object");
        }
    }
}

#[tokio::test]
async fn ensure_request_object_signatures_are_the_clients_own() {
    let world = world().await;
    let (one, two) = (world.one(), world.two());
    let claims = claims(&world, one);
    let good = signed(one, &claims);
    let (head, _) = good.rsplit_once('.').unwrap();
    let none = format!("{}.{}.", crate::party::encode(br#"{"alg":"none"}"#), head.split_once('.').unwrap().1);
    let rs256 = one.key.sign(&json!({ "alg": "RS256", "kid": one.key.kid }), &claims);
    let mut other_type = one.key.sign(&json!({ "alg": "ES256", "typ": "client-authentication+jwt", "kid": one.key.kid }), &claims);
    for (name, object) in [
        ("ensure-request-object-with-invalid-signature-fails", format!("{head}.{}", crate::party::encode(&[7; 64]))),
        ("ensure-request-object-signature-algorithm-is-not-none", none),
        ("ensure-signed-request-object-with-RS256-fails", rs256),
        ("ensure-matching-key-in-authorization-request", signed(two, &claims)),
        ("another client's request", {
            let mut claims = claims.clone();
            claims["client_id"] = json!(two.id);
            signed(one, &claims)
        }),
        ("a type of something else", core::mem::take(&mut other_type)),
        ("no object at all", "a.b.c".to_owned()),
    ] {
        let answer = world.make(with_object(&world, one, &object)).await;
        assert_eq!(answer.status, 400, "{name}: {}", answer.text());
        answer.is_error(400, "invalid_request_object");
    }
    assert_eq!(world.make(with_object(&world, one, &good)).await.status, 201);
}

#[tokio::test]
async fn ensure_unsigned_request_at_par_endpoint_fails() {
    let world = world().await;
    world.make(world.par_call(world.one())).await.is_error(400, "invalid_request");
    // One client may be held to it alone.
    let world = World::new().await;
    let mut metadata = world.one().metadata();
    metadata["require_signed_request_object"] = json!(true);
    world.server.register(metadata).await.unwrap();
    world.make(world.par_call(world.one())).await.is_error(400, "invalid_request");
    assert_eq!(world.make(world.par_call(world.two())).await.status, 201);
    // Who has said by which algorithm it signs, signs by no other.
    let mut metadata = world.two().metadata();
    metadata["request_object_signing_alg"] = json!("PS256");
    world.server.register(metadata).await.unwrap();
    push(&world, world.two(), &claims(&world, world.two())).await.is_error(400, "invalid_request_object");
}

#[tokio::test]
async fn par_authorization_request_containing_request_uri_inside_and_outside() {
    let world = world().await;
    let party = world.one();
    for name in ["request_uri", "request"] {
        let mut claims = claims(&world, party);
        claims[name] = json!("urn:ietf:params:oauth:request_uri:x");
        push(&world, party, &claims).await.is_error(400, "invalid_request_object");
    }
    let call = with_object(&world, party, &signed(party, &claims(&world, party)));
    world.make(call.with("request_uri", "urn:ietf:params:oauth:request_uri:x")).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn state_and_other_parameters_only_outside_request_object_not_used() {
    let world = world().await;
    let party = world.one();
    let mut inside = claims(&world, party);
    inside.as_object_mut().unwrap().remove("state");
    let call = with_object(&world, party, &signed(party, &inside)).with("state", "outside").with("scope", "payments");
    let request_uri = world.pushed(call).await;
    let told = world.interact(party, &request_uri, "approve").await.redirected_to(&party.redirect_uri);
    let response = told["response"].as_str().unwrap();
    assert_eq!(claims_of(response).get("state"), None);
    let code = judged(&world, party, response, SentState::None).unwrap().unwrap();
    let tokens = world.tokens(world.redeem_call(party, &code)).await;
    assert_eq!(tokens["scope"], "openid accounts");
    for name in ["redirect_uri", "code_challenge"] {
        let mut inside = claims(&world, party);
        let value = inside.as_object_mut().unwrap().remove(name).unwrap();
        let call = with_object(&world, party, &signed(party, &inside)).with(name, value.as_str().unwrap());
        world.make(call).await.is_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn parameters_that_are_json_come_as_json() {
    let world = world().await;
    let party = world.one();
    let mut inside = claims(&world, party);
    inside["authorization_details"] = json!([{ "type": "payment_initiation", "instructedAmount": { "currency": "EUR", "amount": "1" } }]);
    inside["claims"] = json!({ "id_token": { "email": null } });
    inside["max_age"] = json!(3600);
    inside["resource"] = json!(["https://phantom.example.com"]);
    let pushed = push(&world, party, &inside).await;
    assert_eq!(pushed.status, 201, "{}", pushed.text());
    let told = world.interact(party, pushed.json()["request_uri"].as_str().unwrap(), "approve").await.redirected_to(&party.redirect_uri);
    let code = claims_of(told["response"].as_str().unwrap())["code"].as_str().unwrap().to_owned();
    let tokens = world.tokens(world.redeem_call(party, &code)).await;
    assert_eq!(tokens["authorization_details"][0]["instructedAmount"]["currency"], "EUR");
    assert_eq!(claims_of(tokens["id_token"].as_str().unwrap())["email"], "alice@example.com");
    assert_eq!(tokens["access_token"].as_str().unwrap().matches('.').count(), 0, "a phantom token");
}

#[tokio::test]
async fn a_profile_that_is_unknown_and_signing_without_keys_are_refused() {
    let world = World::new().await;
    let mut metadata = world.one().metadata();
    metadata["profile"] = json!("fapi3");
    let error = world.server.register(metadata).await.unwrap_err().to_string();
    assert!(error.ends_with("profile: is none that the server knows"), "{error}");
    let mut metadata = world.one().metadata();
    for (name, value) in [
        ("jwks", Value::Null),
        ("token_endpoint_auth_method", json!("tls_client_auth")),
        ("tls_client_auth_san_dns", json!("one.example")),
        ("require_signed_request_object", json!(true)),
    ] {
        metadata[name] = value;
    }
    let error = world.server.register(metadata).await.unwrap_err().to_string();
    assert!(error.contains("jwks: or jwks_uri is needed for signed requests"), "{error}");
}

#[tokio::test]
async fn ensure_unsigned_authorization_request_without_using_par_fails_and_is_told_signed() {
    let world = world().await;
    let party = world.one();
    let (client, redirect_uri) = (crate::world::escaped(&party.id), crate::world::escaped(&party.redirect_uri));
    let target = format!("/authorize?client_id={client}&response_type=code&scope=openid&redirect_uri={redirect_uri}&state=s");
    let told = world.make(Call::get(&target)).await.redirected_to(&party.redirect_uri);
    assert_eq!(told.keys().collect::<Vec<_>>(), ["response"]);
    let told = claims_of(told["response"].as_str().unwrap());
    assert_eq!((told["error"].as_str(), told["state"].as_str()), (Some("invalid_request"), Some("s")));
    // Who wants to be told plainly is told plainly that nothing is told so.
    let told = world.make(Call::get(&format!("{target}&response_mode=query"))).await.redirected_to(&party.redirect_uri);
    assert_eq!(told["error"], "invalid_request");
}
