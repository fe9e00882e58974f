//! CIBA and people: by which hints they are found, what they see, who may answer for them, and who is not asked.

use counterfoil_server::store::Store as _;
use serde_json::{Value, json};

use crate::ciba::{COMBINATIONS, Phone, ask, asked, claims, metadata, poll, poll_call, world};
use crate::party::{Key, Party};
use crate::world::{Browser, Call, ISSUER, PASSWORD, claims_of, hidden};

#[tokio::test]
async fn ensure_authorization_request_with_multiple_hints_fails_and_each_hint_finds_its_person() {
    let world = world().await;
    let (party, now) = (world.party(0, COMBINATIONS[0]), world.now());
    // An ID token of this client's, which has ended by now, and one of another's.
    let tokens = async |party: &Party| {
        let id = asked(&world, party, &claims(&world, party)).await;
        Phone::sign_in(&world, "alice").await.answer(&world, "approve").await;
        world.tokens(poll_call(&world, party, &id)).await
    };
    let id_token = tokens(party).await["id_token"].as_str().unwrap().to_owned();
    let others = tokens(world.party(1, COMBINATIONS[0])).await["id_token"].as_str().unwrap().to_owned();
    let subject = claims_of(&id_token)["sub"].as_str().unwrap().to_owned();
    world.clock.advance(3600);
    let now_later = now + 3600;
    let hint_token =
        |claims: Value, key: &Key| key.sign(&json!({ "alg": "ES256", "kid": party.key.kid, "typ": "login-hint+jwt" }), &claims);
    let of = |sub_id: Value, exp: u64| json!({ "iss": party.id, "aud": ISSUER, "exp": exp, "sub_id": sub_id });
    let iss_sub = json!({ "format": "iss_sub", "iss": ISSUER, "sub": subject });
    for (name, hints, code) in [
        ("by name", json!({ "login_hint": "alice" }), None),
        ("by subject", json!({ "login_hint": subject }), None),
        ("by an ID token", json!({ "id_token_hint": id_token }), None),
        ("by a token", json!({ "login_hint_token": hint_token(of(iss_sub.clone(), now_later + 60), &party.key) }), None),
        (
            "by a token with the subject",
            json!({ "login_hint_token": hint_token(of(json!({ "format": "opaque", "id": subject }), now_later + 60), &party.key) }),
            None,
        ),
        ("two", json!({ "login_hint": "alice", "id_token_hint": id_token }), Some("invalid_request")),
        ("none", json!({}), Some("invalid_request")),
        ("nobody", json!({ "login_hint": "nobody" }), Some("unknown_user_id")),
        ("another client's ID token", json!({ "id_token_hint": others }), Some("invalid_request")),
        ("a text", json!({ "id_token_hint": "alice" }), Some("invalid_request")),
        (
            "a token that has ended",
            json!({ "login_hint_token": hint_token(of(iss_sub.clone(), now_later - 60), &party.key) }),
            Some("expired_login_hint_token"),
        ),
        (
            "a token by another's key",
            json!({ "login_hint_token": hint_token(of(iss_sub, now_later + 60), &Key::new("other")) }),
            Some("invalid_request"),
        ),
        (
            "a token about somebody of another issuer",
            json!({ "login_hint_token": hint_token(
                of(json!({ "format": "iss_sub", "iss": "https://other.example", "sub": subject }), now_later + 60), &party.key) }),
            Some("invalid_request"),
        ),
    ] {
        let mut claims = claims(&world, party);
        claims.as_object_mut().unwrap().remove("login_hint");
        claims.as_object_mut().unwrap().extend(hints.as_object().unwrap().clone());
        let answer = ask(&world, party, &claims).await;
        match code {
            None => assert_eq!(answer.status, 200, "{name}: {}", answer.text()),
            Some(code) => {
                assert_eq!(answer.json()["error"], code, "{name}");
                answer.is_error(400, code);
            }
        }
    }
}

#[tokio::test]
async fn who_is_locked_is_not_asked_and_gets_nothing() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    Phone::sign_in(&world, "alice").await.answer(&world, "approve").await;
    let mut alice = world.server.store().user("alice".to_owned()).await.unwrap().unwrap();
    alice.locked = true;
    world.server.store().save_user(alice).await.unwrap();
    poll(&world, party, &id).await.is_error(400, "invalid_grant");
    ask(&world, party, &claims(&world, party)).await.is_error(403, "access_denied");
}

#[tokio::test]
async fn a_user_code_is_demanded_of_whom_it_is_set_for() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let mut alice = world.server.store().user("alice".to_owned()).await.unwrap().unwrap();
    alice.user_code = counterfoil_server::users::hash_of("4711").unwrap();
    world.server.store().save_user(alice).await.unwrap();
    let with = |code: &str| {
        let mut claims = claims(&world, party);
        claims["user_code"] = json!(code);
        claims
    };
    ask(&world, party, &with("4711")).await.is_error(400, "missing_user_code");
    let mut metadata = metadata(party, "poll");
    metadata["backchannel_user_code_parameter"] = json!(true);
    world.server.register(metadata).await.unwrap();
    ask(&world, party, &claims(&world, party)).await.is_error(400, "missing_user_code");
    assert_eq!(ask(&world, party, &with("4711")).await.status, 200);
    for _ in 0..5 {
        ask(&world, party, &with("0815")).await.is_error(400, "invalid_user_code");
    }
    ask(&world, party, &with("4711")).await.is_error(400, "invalid_user_code");
}

#[tokio::test]
async fn a_person_is_not_asked_without_end() {
    let world = world().await;
    let (one, two) = (world.party(0, COMBINATIONS[0]), world.party(1, COMBINATIONS[0]));
    for _ in 0..20 {
        asked(&world, one, &claims(&world, one)).await;
    }
    ask(&world, one, &claims(&world, one)).await.is_error(429, "temporarily_unavailable");
    asked(&world, two, &claims(&world, two)).await;
    world.clock.advance(301);
    asked(&world, one, &claims(&world, one)).await;
}

#[tokio::test]
async fn details_are_shown_granted_and_told() {
    let world = world().await;
    let party = world.party(0, COMBINATIONS[0]);
    let mut claims = claims(&world, party);
    claims["authorization_details"] =
        json!([{ "type": "payment_initiation", "instructedAmount": { "currency": "EUR", "amount": "9.99" } }]);
    claims["resource"] = json!(["https://phantom.example.com"]);
    let id = asked(&world, party, &claims).await;
    let mut phone = Phone::sign_in(&world, "alice").await;
    for text in ["A payment", "9.99", "phantom.example.com"] {
        assert!(phone.page.text().contains(text), "{}", phone.page.text());
    }
    phone.answer(&world, "approve").await;
    let tokens = world.tokens(poll_call(&world, party, &id)).await;
    assert_eq!(tokens["authorization_details"][0]["instructedAmount"]["amount"], "9.99");
    assert_eq!(tokens["access_token"].as_str().unwrap().matches('.').count(), 0, "a phantom token");
    for (name, value, code) in [
        ("authorization_details", json!([{ "type": "other" }]), "invalid_authorization_details"),
        ("resource", json!(["https://other.example"]), "invalid_target"),
    ] {
        let mut claims = self::claims(&world, party);
        claims[name] = value;
        ask(&world, party, &claims).await.is_error(400, code);
    }
}

#[tokio::test]
async fn the_page_is_for_the_person_alone() {
    let world = world().await;
    let bob = counterfoil_server::users::new_user("bob", PASSWORD, json!({})).unwrap();
    world.server.store().save_user(bob).await.unwrap();
    let party = world.party(0, COMBINATIONS[0]);
    let id = asked(&world, party, &claims(&world, party)).await;
    let alice = Phone::sign_in(&world, "alice").await;
    let mut bob = Phone::sign_in(&world, "bob").await;
    assert!(bob.page.text().contains("Nobody asks"), "{}", bob.page.text());
    // Alice's form in Bob's browser: the token is none of his, and with his own it is not his to answer.
    let form = hidden(&alice.page.text());
    let call = Call { form: form.clone(), ..Call::post("/approvals/decision", &[]) }.with("action", "approve");
    let answer = bob.browser.get(&world, call.clone()).await;
    assert_eq!((answer.status.as_u16(), answer.header("location")), (303, format!("{ISSUER}/approvals").as_str()));
    let other = asked(&world, party, &{
        let mut claims = claims(&world, party);
        claims["login_hint"] = json!("bob");
        claims
    })
    .await;
    bob.page = bob.browser.get(&world, Call::get("/approvals")).await;
    let own = hidden(&bob.page.text());
    let (_, csrf) = own.iter().find(|(name, _)| name == "csrf").unwrap();
    let answer = bob.browser.get(&world, call.but("csrf", csrf)).await;
    assert!(answer.text().contains("has expired, or was answered"), "{}", answer.text());
    poll(&world, party, &id).await.is_error(400, "authorization_pending");
    poll(&world, party, &other).await.is_error(400, "authorization_pending");
    // Who is signed in for a client's request is not signed in here, and a wrong password does not help.
    let mut browser = Browser::default();
    let login = browser.get(&world, Call::get("/approvals")).await;
    let call = Call { form: hidden(&login.text()), ..Call::post("/approvals/login", &[]) };
    let wrong = browser.get(&world, call.with("username", "alice").with("password", "wrong password")).await;
    assert!(wrong.text().contains("is not right"), "{}", wrong.text());
}

#[tokio::test]
async fn a_banks_own_app_answers_for_its_people() {
    let world = world().await;
    let (party, app) = (world.party(0, COMBINATIONS[0]), world.party(1, COMBINATIONS[1]));
    let subject = world.server_user("alice").await;
    let ask_app = async |path: &str, form: &[(&str, &str)]| world.make(world.authenticated(app, path, form)).await;
    ask_app("/backchannel/requests", &[("subject", &subject)]).await.is_error(403, "unauthorized_client");
    let mut metadata = app.metadata();
    metadata["decides_backchannel_requests"] = json!(true);
    world.server.register(metadata).await.unwrap();
    let id = asked(&world, party, &claims(&world, party)).await;
    let waiting = ask_app("/backchannel/requests", &[("subject", &subject)]).await.json();
    let request = &waiting["requests"][0];
    assert_eq!((request["client_id"].as_str(), request["binding_message"].as_str()), (Some(party.id.as_str()), Some("Order 1234")));
    assert!(!waiting.to_string().contains(&id), "the client's secret is not told");
    let name = request["id"].as_str().unwrap();
    let good = [("id", name), ("subject", subject.as_str()), ("decision", "approve"), ("acr", "urn:bank:sca")];
    for (missing, replaced) in [("decision", "perhaps"), ("subject", "somebody"), ("id", "nothing")] {
        let form: Vec<_> = good.iter().map(|(name, value)| (*name, if *name == missing { replaced } else { *value })).collect();
        let answer = ask_app("/backchannel/decision", &form).await;
        assert!([400, 404].contains(&answer.status.as_u16()), "{}", answer.text());
    }
    assert_eq!(ask_app("/backchannel/decision", &good).await.status, 204);
    ask_app("/backchannel/decision", &good).await.is_error(404, "invalid_request");
    let tokens = world.tokens(poll_call(&world, party, &id)).await;
    assert_eq!(claims_of(tokens["id_token"].as_str().unwrap())["acr"], "urn:bank:sca");
    let id = asked(&world, party, &claims(&world, party)).await;
    let waiting = ask_app("/backchannel/requests", &[("subject", &subject)]).await.json();
    let name = waiting["requests"][0]["id"].as_str().unwrap();
    assert_eq!(ask_app("/backchannel/decision", &[("id", name), ("subject", &subject), ("decision", "deny")]).await.status, 204);
    poll(&world, party, &id).await.is_error(400, "access_denied");
}
