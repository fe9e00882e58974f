//! More rows of attacks.md by their numbers: what is said again here is said once more in the words of the attack, not of the conformance suite.

use counterfoil_server::config::Config;
use counterfoil_server::store::Sqlite;
use serde_json::json;

use crate::world::{Auth, COMBINATIONS, Call, Hold, ISSUER, Key, VERIFIER, World, claims_of, proof_by};

#[tokio::test]
async fn srv_02_a_code_that_another_client_brings_is_burnt() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let (one, two) = (world.party(0, combination), world.party(1, combination));
        let code = world.code(one).await;
        world.make(world.redeem_call(two, &code).but("redirect_uri", &one.redirect_uri)).await.is_error(400, "invalid_grant");
        world.make(world.redeem_call(one, &code)).await.is_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn srv_03_a_refresh_token_outlives_the_server_and_not_its_revocation() {
    let folder = std::env::temp_dir().join(format!("counterfoil-refresh-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("store.db");
    let world = World::on(Sqlite::open(&file).unwrap(), "").await;
    let one = world.one();
    let tokens = world.tokens_of(one).await;
    let refresh = tokens["refresh_token"].as_str().unwrap();
    let call = || world.token_call(one, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
    // Two at once: without rotation both are good, and both get the same refresh token back.
    let (first, second) = tokio::join!(world.tokens(call()), world.tokens(call()));
    assert_eq!((&first["refresh_token"], &second["refresh_token"]), (&json!(refresh), &json!(refresh)));
    assert_ne!(first["access_token"], second["access_token"]);
    let server = world.restarted(Sqlite::open(&file).unwrap());
    let world = World { server, ..world };
    let one = world.one();
    let call = || world.token_call(one, &[("grant_type", "refresh_token"), ("refresh_token", refresh)]);
    world.tokens(call()).await;
    world.make(world.authenticated(one, "/revoke", &[("token", refresh)])).await;
    world.make(call()).await.is_error(400, "invalid_grant");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn srv_04_without_s256_there_is_no_code_and_without_its_verifier_no_token() {
    let world = World::new().await;
    let one = world.one();
    let par = || world.par_call(one);
    for call in [
        par().without("code_challenge"),
        par().without("code_challenge_method"),
        par().but("code_challenge_method", "plain"),
        par().but("code_challenge", "short"),
    ] {
        world.make(call).await.is_error(400, "invalid_request");
    }
    let verifiers =
        [None, Some("x".repeat(42)), Some("x".repeat(129)), Some(format!("{}!", "x".repeat(42))), Some(VERIFIER.to_uppercase())];
    for verifier in verifiers {
        let code = world.code(one).await;
        let call = world.redeem_call(one, &code).without("code_verifier");
        let call = verifier.map_or(call.clone(), |verifier| call.with("code_verifier", &verifier));
        world.make(call).await.is_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn srv_05_a_request_uri_is_nobodys_guess_and_serves_once() {
    let world = World::new().await;
    let (one, two) = (world.one(), world.two());
    let uri = world.pushed(world.par_call(one)).await;
    let reference = uri.strip_prefix("urn:ietf:params:oauth:request_uri:").unwrap();
    assert_eq!(reference.len(), 43, "256 bits");
    let guessed = uri.replace(reference, &"A".repeat(43));
    world.make(world.authorize(one, &guessed)).await.is_page("invalid_request_uri");
    world.make(world.authorize(two, &uri)).await.is_page("invalid_request_uri");
    for _ in 0..2 {
        assert_eq!(world.make(world.authorize(one, &uri)).await.status, 200, "a page may be loaded again");
    }
    assert!(world.interact(one, &uri, "approve").await.redirected_to(&one.redirect_uri).contains_key("code"));
    world.make(world.authorize(one, &uri)).await.is_page("invalid_request_uri");
    let late = world.pushed(world.par_call(one)).await;
    world.clock.advance(60);
    world.make(world.authorize(one, &late)).await.is_page("invalid_request_uri");
}

#[tokio::test]
async fn srv_08_every_answer_says_whose_it_is() {
    let world = World::new().await;
    let one = world.one();
    for action in ["approve", "cancel"] {
        let uri = world.pushed(world.par_call(one)).await;
        assert_eq!(world.interact(one, &uri, action).await.redirected_to(&one.redirect_uri)["iss"], ISSUER);
    }
    let uri = world.pushed(world.par_call(one).with("prompt", "none")).await;
    let told = world.make(world.authorize(one, &uri)).await.redirected_to(&one.redirect_uri);
    assert_eq!((&told["error"], &told["iss"]), (&json!("login_required"), &json!(ISSUER)));
    let metadata = world.make(Call::get("/.well-known/oauth-authorization-server")).await.json();
    assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
}

/// What becomes of a client whose assertion has these claims, at both endpoints that it may be injected at.
async fn is_no_client(world: &World, claims: &serde_json::Value) {
    let one = world.one();
    for (path, call) in [("/par", world.par_call(one)), ("/token", world.token_call(one, &[("grant_type", "client_credentials")]))] {
        let mut claims = claims.clone();
        claims["jti"] = json!(crate::world::unique());
        let answer = world.make(call.but("client_assertion", &one.assertion(&claims))).await;
        assert_eq!(answer.json()["error"], "invalid_client", "{path} {claims}");
        assert_eq!(answer.status, 401);
    }
}

#[tokio::test]
async fn srv_09_an_assertion_for_anybody_else_is_for_nobody() {
    let world = World::new().await;
    let good = world.one().assertion_claims(world.now());
    let audiences = [
        json!(format!("{ISSUER}/token")),
        json!(format!("{ISSUER}/par")),
        json!(format!("{ISSUER}/")),
        json!(format!("{ISSUER}/tenant")),
        json!([ISSUER]),
        json!([ISSUER, "https://other.example"]),
        json!("https://other.example"),
        json!(ISSUER.to_uppercase()),
        json!(null),
    ];
    for audience in audiences {
        let mut claims = good.clone();
        claims["aud"] = audience;
        is_no_client(&world, &claims).await;
    }
}

#[tokio::test]
async fn srv_11_an_assertion_is_the_clients_own_and_of_now() {
    let world = World::new().await;
    let (one, now) = (world.one(), world.now());
    let changed = |name: &str, value: serde_json::Value| {
        let mut claims = one.assertion_claims(now);
        claims[name] = value;
        claims
    };
    let without = |name: &str| {
        let mut claims = one.assertion_claims(now);
        claims.as_object_mut().unwrap().remove(name);
        claims
    };
    for claims in [
        changed("sub", json!(world.two().id)),
        changed("iss", json!(world.two().id)),
        without("sub"),
        without("exp"),
        without("iss"),
        changed("exp", json!(now - 300)),
        changed("nbf", json!(now + 61)),
        changed("exp", json!(now + 86_400)),
    ] {
        is_no_client(&world, &claims).await;
    }
    for header in [json!({ "alg": "RS256", "kid": one.key.kid }), json!({ "alg": "none" }), json!({ "alg": "HS256", "kid": one.key.kid })] {
        let assertion = one.key.sign(&header, &one.assertion_claims(now));
        let call = world.token_call(one, &[("grant_type", "client_credentials")]).but("client_assertion", &assertion);
        world.make(call).await.is_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn srv_16_who_holds_the_code_holds_the_token() {
    let world = World::new().await;
    let one = world.one();
    let stranger = Key::new("stranger");
    let by_stranger = |call: Call, path: &str| {
        let proof = proof_by(&stranger, &one.proof_claims("POST", &format!("{ISSUER}{path}"), world.now()));
        call.without_header("dpop").header("dpop", &proof)
    };
    // By dpop_jkt, and by a proof at PAR.
    let at_par = world.par_call(one).header("dpop", &one.proof(&one.proof_claims("POST", &format!("{ISSUER}/par"), world.now())));
    for par in [world.par_call(one).with("dpop_jkt", &one.proof_key.thumbprint()), at_par] {
        let code = world.code_for(one, par).await;
        world.make(by_stranger(world.redeem_call(one, &code), "/token")).await.is_error(400, "invalid_grant");
    }
    // A token without any proof or certificate is never issued, also at a refresh.
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let tokens = world.tokens_of(party).await;
        let refresh =
            world.token_call(party, &[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())]);
        let bare = refresh.clone().without_header("dpop");
        let bare = if party.hold == Hold::Mtls { bare.certificate(None) } else { bare };
        let answer = world.make(bare).await;
        assert!(answer.status.is_client_error(), "{combination:?}");
        // A confidential client may bring a new key, and the new token is bound to that one.
        let renewed = world.tokens(refresh).await;
        let cnf = &claims_of(renewed["access_token"].as_str().unwrap())["cnf"];
        assert!(cnf["jkt"].is_string() != (party.hold == Hold::Mtls) && cnf["x5t#S256"].is_string() == (party.hold == Hold::Mtls));
        if party.auth == Auth::Mtls {
            let other = world.party(1, combination);
            let stolen =
                world.token_call(party, &[("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())]);
            world.make(stolen.certificate(Some(&other.certificate))).await.is_error(401, "invalid_client");
        }
    }
}

#[tokio::test]
async fn srv_17_parameters_count_where_they_were_judged() {
    let world = World::new().await;
    let one = world.one();
    world.make(world.par_call(one).with("request", "e30.e30.")).await.is_error(400, "invalid_request_object");
    world.make(world.par_call(one).with("request_uri", "https://one.example/object")).await.is_error(400, "invalid_request");
    let uri = world.pushed(world.par_call(one)).await;
    let call = world.authorize(one, &uri);
    let target = format!("{}&state=other&scope=payments&redirect_uri=https%3A%2F%2Fevil.example%2F", call.target);
    let shown = world.make(Call::get(&target)).await.text();
    assert!(!shown.contains("evil.example") && !shown.contains("payments"));
    assert_eq!(world.interact(one, &uri, "cancel").await.redirected_to(&one.redirect_uri)["state"], "state-1234");
}

#[tokio::test]
async fn srv_25_nothing_weak_is_offered_and_nothing_private_is_published() {
    let world = World::new().await;
    let metadata = world.make(Call::get("/.well-known/openid-configuration")).await.json();
    let mut lists = 0;
    for (name, value) in metadata.as_object().unwrap() {
        if name.ends_with("alg_values_supported") {
            lists += 1;
            // Not RSA1_5, and nothing that shares a secret.
            let known: &[&str] =
                if name.contains("_encryption_") { &["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES"] } else { &["PS256", "ES256", "EdDSA"] };
            assert!(value.as_array().unwrap().iter().all(|own| known.iter().any(|known| own == known)), "{name}: {value}");
        }
    }
    assert!(lists >= 5);
    let keys = world.make(Call::get("/jwks")).await.json();
    let mut kids = Vec::new();
    for key in keys["keys"].as_array().unwrap() {
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(key.get(private).is_none(), "{private}");
        }
        kids.push(key["kid"].as_str().unwrap().to_owned());
    }
    kids.sort();
    kids.dedup();
    assert_eq!(kids.len(), keys["keys"].as_array().unwrap().len());
}

#[tokio::test]
async fn srv_30_what_is_unset_is_an_error_and_never_everybody() {
    for text in ["", "issuer = \"\"", "issuer = \"http://as.example\"", "issuer = \"https://as.example\"\n[[resource]]\nuri = \"\""] {
        assert!(Config::parse(text).is_err(), "{text}");
    }
    // A server that names no resource issues tokens for itself, and takes no others.
    let mut config = crate::world::configuration("");
    config.resources.clear();
    let world = World::of(config).await;
    let one = world.one();
    let tokens = world.tokens(world.token_call(one, &[("grant_type", "client_credentials"), ("scope", "accounts")])).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(claims_of(token)["aud"], ISSUER);
    assert_eq!(world.make(world.with_token(one, "/resource", token)).await.status, 200);
    let asked = [("grant_type", "client_credentials"), ("resource", "https://other.example")];
    world.make(world.token_call(one, &asked)).await.is_error(400, "invalid_target");
    let other = World::new().await;
    let party = other.one();
    let tokens = other.tokens(other.token_call(party, &[("grant_type", "client_credentials")])).await;
    let refused = world.make(world.with_token(party, "/resource", tokens["access_token"].as_str().unwrap())).await;
    assert_eq!(refused.status, 401);
}
