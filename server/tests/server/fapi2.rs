//! The modules of `fapi2-security-profile-final-test-plan`, by their names, in all combinations of client authentication and binding.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::world::{API, Auth, COMBINATIONS, Call, Hold, ISSUER, Key, NOW, World, claims_of, encode, escaped, header_of, proof_by};

#[tokio::test]
async fn discovery_end_point_verification() {
    let world = World::new().await;
    for target in ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"] {
        let metadata = world.make(Call::get(target)).await.json();
        assert_eq!(metadata["issuer"], ISSUER);
        assert_eq!(metadata["pushed_authorization_request_endpoint"], format!("{ISSUER}/par"));
        assert_eq!(metadata["response_types_supported"], json!(["code"]));
        assert_eq!(metadata["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(metadata["authorization_response_iss_parameter_supported"], true);
        assert_eq!(metadata["token_endpoint_auth_signing_alg_values_supported"], json!(["PS256", "ES256", "EdDSA"]));
        assert_eq!(metadata["mtls_endpoint_aliases"]["token_endpoint"], "https://mtls.as.example/token");
        assert_eq!(metadata["mtls_endpoint_aliases"]["pushed_authorization_request_endpoint"], "https://mtls.as.example/par");
    }
    let jwks = world.make(Call::get("/jwks")).await.json();
    let keys = jwks["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 6);
    for key in keys {
        assert!(key["kid"].is_string());
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key.get(private).is_none(), "{key}");
        }
    }
}

#[tokio::test]
async fn happy_flow() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let request_uri = world.pushed(world.par_call(party)).await;
        let answer = world.interact(party, &request_uri, "approve").await;
        let redirected = answer.redirected_to(&party.redirect_uri);
        assert_eq!((redirected["state"].as_str(), redirected["iss"].as_str()), (Some("state-1234"), Some(ISSUER)));
        assert_eq!(redirected.len(), 3);
        let tokens = world.tokens(world.redeem_call(party, redirected["code"].as_str().unwrap())).await;
        let kind = if party.hold == Hold::Dpop { "DPoP" } else { "Bearer" };
        assert_eq!((tokens["token_type"].as_str(), tokens["expires_in"].as_u64()), (Some(kind), Some(300)));

        let id_token = tokens["id_token"].as_str().unwrap();
        let claims = claims_of(id_token);
        assert!(header_of(id_token)["kid"].is_string());
        assert_eq!((claims["iss"].as_str(), claims["aud"].as_str()), (Some(ISSUER), Some(party.id.as_str())));
        assert_eq!((claims["nonce"].as_str(), claims["auth_time"].as_u64()), (Some("nonce-5678"), Some(NOW)));
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(claims["at_hash"], encode(&Sha256::digest(token)[..16]));
        assert_eq!(header_of(token)["typ"], "at+jwt");
        assert_eq!(claims_of(token)["aud"], API);

        let resource = world.make(world.with_token(party, "/resource", token)).await;
        assert_eq!((resource.status.as_u16(), resource.json()["client_id"].as_str()), (200, Some(party.id.as_str())));
        let userinfo = world.make(world.with_token(party, "/userinfo", token)).await.json();
        assert_eq!(userinfo["sub"], claims["sub"]);
        // The token of one held by another.
        let other = world.party(1, combination);
        let stolen = world.make(world.with_token(other, "/resource", token)).await;
        assert_eq!(stolen.status, 401, "{}", stolen.text());
        // In the query, however good it is.
        let in_query = world.make(world.with_token(party, &format!("/resource?access_token={token}"), token)).await;
        assert_eq!(in_query.status, 400, "{}", in_query.text());
    }
}

#[tokio::test]
async fn plain_oauth_has_no_id_token() {
    let world = World::new().await;
    let party = world.one();
    let code = world.code_for(party, world.par_call(party).but("scope", "accounts").without("nonce")).await;
    let tokens = world.tokens(world.redeem_call(party, &code)).await;
    assert!(tokens.get("id_token").is_none());
    assert_eq!(tokens["scope"], "accounts");
}

#[tokio::test]
async fn user_rejects_authentication() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let request_uri = world.pushed(world.par_call(party)).await;
        let redirected = world.interact(party, &request_uri, "cancel").await.redirected_to(&party.redirect_uri);
        assert_eq!(redirected["error"], "access_denied");
        assert_eq!((redirected["state"].as_str(), redirected["iss"].as_str()), (Some("state-1234"), Some(ISSUER)));
        let again = world.make(world.authorize(party, &request_uri)).await;
        again.is_page("invalid_request_uri");
    }
}

#[tokio::test]
async fn ensure_authorization_request_without_state_success() {
    let world = World::new().await;
    let party = world.one();
    let request_uri = world.pushed(world.par_call(party).without("state")).await;
    let redirected = world.interact(party, &request_uri, "approve").await.redirected_to(&party.redirect_uri);
    assert!(!redirected.contains_key("state"));
    assert_eq!(redirected["iss"], ISSUER);
}

#[tokio::test]
async fn ensure_authorization_request_without_nonce_success_and_with_64_char_nonce_success() {
    let world = World::new().await;
    let party = world.one();
    let code = world.code_for(party, world.par_call(party).without("nonce")).await;
    let tokens = world.tokens(world.redeem_call(party, &code)).await;
    assert!(claims_of(tokens["id_token"].as_str().unwrap()).get("nonce").is_none());
    for length in [64, 384] {
        let nonce = "n".repeat(length);
        let code = world.code_for(party, world.par_call(party).but("nonce", &nonce)).await;
        let tokens = world.tokens(world.redeem_call(party, &code)).await;
        assert_eq!(claims_of(tokens["id_token"].as_str().unwrap())["nonce"], nonce);
    }
    world.make(world.par_call(party).but("nonce", &"n".repeat(513))).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn ensure_authorization_request_with_long_state() {
    let world = World::new().await;
    let party = world.one();
    let state = format!("{}&=%\"<>é", "s".repeat(1000));
    let request_uri = world.pushed(world.par_call(party).but("state", &state)).await;
    let redirected = world.interact(party, &request_uri, "approve").await.redirected_to(&party.redirect_uri);
    assert_eq!(redirected["state"], state);
    world.make(world.par_call(party).but("state", &"s".repeat(2049))).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn ensure_other_scope_order_succeeds() {
    let world = World::new().await;
    let code = world.code_for(world.one(), world.par_call(world.one()).but("scope", "accounts openid")).await;
    let tokens = world.tokens(world.redeem_call(world.one(), &code)).await;
    assert!(tokens["id_token"].is_string());
}

#[tokio::test]
async fn test_claims_parameter_identity_claims() {
    let world = World::new().await;
    let party = world.one();
    let claims = r#"{"id_token":{"name":{"essential":true}},"userinfo":{"email":null}}"#;
    let code = world.code_for(party, world.par_call(party).with("claims", claims)).await;
    let tokens = world.tokens(world.redeem_call(party, &code)).await;
    let id_token = claims_of(tokens["id_token"].as_str().unwrap());
    assert_eq!((id_token["name"].as_str(), id_token.get("email")), (Some("Alice Example"), None));
    let userinfo = world.make(world.with_token(party, "/userinfo", tokens["access_token"].as_str().unwrap())).await.json();
    assert_eq!((userinfo["email"].as_str(), userinfo.get("name")), (Some("alice@example.com"), None));
    for wrong in ["[]", "{\"a\":1,\"a\":2}", "x"] {
        world.make(world.par_call(party).with("claims", wrong)).await.is_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn access_token_type_header_case_sensitivity() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let tokens = world.tokens_of(party).await;
        let token = tokens["access_token"].as_str().unwrap();
        let odd = if party.hold == Hold::Dpop { "dPoP" } else { "bEARER" };
        let call = world.with_token(party, "/resource", token).without_header("authorization");
        assert_eq!(world.make(call.header("authorization", &format!("{odd} {token}"))).await.status, 200);
    }
}

#[tokio::test]
async fn check_dpop_proof_nbf_exp_and_iat_10_seconds_before_and_after() {
    let world = World::new().await;
    let party = world.one();
    for offset in [0_i64, 10, -10] {
        let with = |path: &str| {
            let mut claims = party.proof_claims("POST", &format!("{ISSUER}{path}"), NOW.saturating_add_signed(offset));
            claims["nbf"] = json!(NOW);
            claims["exp"] = json!(NOW + 300);
            party.proof(&claims)
        };
        let code = world.code_for(party, world.par_call(party).header("dpop", &with("/par"))).await;
        let call = world.redeem_call(party, &code).without_header("dpop").header("dpop", &with("/token"));
        world.tokens(call).await;
    }
    for offset in [61_i64, 3600, -301, -3600] {
        let claims = party.proof_claims("POST", &format!("{ISSUER}/par"), NOW.saturating_add_signed(offset));
        let answer = world.make(world.par_call(party).header("dpop", &party.proof(&claims))).await;
        answer.is_error(400, "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn ensure_mismatched_dpop_jkt_fails() {
    let world = World::new().await;
    let party = world.one();
    let proof = party.proof(&party.proof_claims("POST", &format!("{ISSUER}/par"), NOW));
    let call = world.par_call(party).header("dpop", &proof).with("dpop_jkt", &Key::new("other").thumbprint());
    world.make(call).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn ensure_token_endpoint_fails_with_mismatched_dpop_proof_jkt_and_dpop_jkt() {
    let world = World::new().await;
    let party = world.one();
    let other = Key::new("other");
    let by_proof = proof_by(&other, &party.proof_claims("POST", &format!("{ISSUER}/par"), NOW));
    for call in [world.par_call(party).header("dpop", &by_proof), world.par_call(party).with("dpop_jkt", &other.thumbprint())] {
        let code = world.code_for(party, call).await;
        world.make(world.redeem_call(party, &code)).await.is_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn ensure_dpopproof_at_par_endpoint_binding_success_and_auth_code_binding_success() {
    let world = World::new().await;
    let party = world.one();
    let proof = party.proof(&party.proof_claims("POST", &format!("{ISSUER}/par"), NOW));
    for call in [
        world.par_call(party).header("dpop", &proof),
        world.par_call(party).with("dpop_jkt", &party.proof_key.thumbprint()),
        world
            .par_call(party)
            .header("dpop", &party.proof(&party.proof_claims("POST", &format!("{ISSUER}/par"), NOW)))
            .with("dpop_jkt", &party.proof_key.thumbprint()),
    ] {
        let code = world.code_for(party, call).await;
        world.tokens(world.redeem_call(party, &code)).await;
    }
}

#[tokio::test]
async fn state_and_nonce_outside_the_pushed_request_are_not_used() {
    let world = World::new().await;
    let party = world.one();
    for call in [world.par_call(party), world.par_call(party).without("state")] {
        let request_uri = world.pushed(call.clone()).await;
        let mut target = world.authorize(party, &request_uri);
        target.target.push_str("&state=outside&nonce=outside&scope=payments");
        let page = world.make(target).await;
        assert_eq!(page.status, 200);
        let redirected = world.interact(party, &request_uri, "approve").await.redirected_to(&party.redirect_uri);
        let inside = call.form.iter().find(|(name, _)| name == "state").map(|(_, value)| json!(value));
        assert_eq!(redirected.get("state"), inside.as_ref());
        let tokens = world.tokens(world.redeem_call(party, redirected["code"].as_str().unwrap())).await;
        assert_eq!(claims_of(tokens["id_token"].as_str().unwrap())["nonce"], "nonce-5678");
        assert_eq!(tokens["scope"], "openid accounts");
    }
}

#[tokio::test]
async fn ensure_redirect_uri_in_authorization_request_and_registered_redirect_uri() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        world.make(world.par_call(party).without("redirect_uri")).await.is_error(400, "invalid_request");
        let unregistered = format!("{}&more=1", party.redirect_uri);
        world.make(world.par_call(party).but("redirect_uri", &unregistered)).await.is_error(400, "invalid_request");
    }
}

#[tokio::test]
async fn ensure_unsigned_authorization_request_without_using_par_fails() {
    let world = World::new().await;
    let party = world.one();
    let query = |redirect_uri: &str| {
        format!("/authorize?client_id={}&response_type=code&scope=openid&state=s&redirect_uri={}", party.id, escaped(redirect_uri))
    };
    let redirected = world.make(Call::get(&query(&party.redirect_uri))).await.redirected_to(&party.redirect_uri);
    assert_eq!((redirected["error"].as_str(), redirected["state"].as_str()), (Some("invalid_request"), Some("s")));
    assert_eq!(redirected["iss"], ISSUER);
    world.make(Call::get(&query("https://evil.example/"))).await.is_page("invalid_request");
}

#[tokio::test]
async fn ensure_response_type_code_idtoken_fails_and_response_type_token_fails() {
    let world = World::new().await;
    for response_type in ["code id_token", "token", "id_token"] {
        let call = world.par_call(world.one()).but("response_type", response_type);
        world.make(call).await.is_error(400, "unsupported_response_type");
    }
    world.make(world.par_call(world.one()).without("response_type")).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn ensure_client_id_in_token_endpoint() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let (party, other) = (world.party(0, combination), world.party(1, combination));
        let code = world.code(party).await;
        let call = world.redeem_call(party, &code).but("client_id", &other.id);
        world.make(call).await.is_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn ensure_holder_of_key_required() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let code = world.code(party).await;
        let call = world.redeem_call(party, &code);
        match combination {
            (_, Hold::Dpop) => world.make(call.without_header("dpop")).await.is_error(400, "invalid_dpop_proof"),
            (Auth::PrivateKeyJwt, Hold::Mtls) => world.make(call.certificate(None)).await.is_error(400, "invalid_request"),
            (Auth::Mtls, Hold::Mtls) => world.make(call.certificate(None)).await.is_error(401, "invalid_client"),
        }
        // Nothing was used up.
        world.tokens(world.redeem_call(party, &code)).await;
    }
}

#[tokio::test]
async fn ensure_authorization_code_is_bound_to_client() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let (party, other) = (world.party(0, combination), world.party(1, combination));
        let code = world.code(party).await;
        world.make(world.redeem_call(other, &code)).await.is_error(400, "invalid_grant");
        // SRV-02: and it is burnt.
        world.make(world.redeem_call(party, &code)).await.is_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn attempt_reuse_authorization_code_after_one_second() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let code = world.code(party).await;
        let tokens = world.tokens(world.redeem_call(party, &code)).await;
        let token = tokens["access_token"].as_str().unwrap();
        assert_eq!(world.make(world.with_token(party, "/resource", token)).await.status, 200);
        world.clock.advance(1);
        world.make(world.redeem_call(party, &code)).await.is_error(400, "invalid_grant");
        assert_eq!(world.make(world.with_token(party, "/resource", token)).await.status, 401);
        assert_eq!(world.introspect(token).await, json!({ "active": false }));
        let refresh = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        world.make(world.token_call(party, &refresh)).await.is_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn ensure_token_endpoint_fails_with_expired_auth_code() {
    let world = World::new().await;
    let party = world.one();
    let code = world.code(party).await;
    world.clock.advance(60);
    world.make(world.redeem_call(party, &code)).await.is_error(400, "invalid_grant");
    let code = world.code(party).await;
    world.clock.advance(59);
    world.tokens(world.redeem_call(party, &code)).await;
}

#[tokio::test]
async fn client_assertions_that_must_fail() {
    let world = World::new().await;
    for hold in [Hold::Dpop, Hold::Mtls] {
        let party = world.party(0, (Auth::PrivateKeyJwt, hold));
        let good = || party.assertion_claims(NOW);
        let with = |member: &str, value: serde_json::Value| {
            let mut claims = good();
            claims[member] = value;
            claims
        };
        let without = |member: &str| {
            let mut claims = good();
            claims.as_object_mut().unwrap().remove(member);
            claims
        };
        let cases = [
            // ensure-signed-client-assertion-with-exp-is-5-minutes-in-past, -with-wrong-aud, -with-no-sub
            with("exp", json!(NOW - 300)),
            with("aud", json!("https://other.example")),
            without("sub"),
            without("aud"),
            without("exp"),
            without("jti"),
            without("iss"),
            // par-test-array-as-audience, -par-endpoint-url, -token-endpoint-url
            with("aud", json!([ISSUER])),
            with("aud", json!(format!("{ISSUER}/par"))),
            with("aud", json!(format!("{ISSUER}/token"))),
            with("aud", json!(format!("{ISSUER}/"))),
            // par-ensure-jwt-client-assertions-nbf-over-60-seconds-in-the-future
            with("nbf", json!(NOW + 61)),
            with("iat", json!(NOW + 61)),
            with("sub", json!("somebody-else")),
            with("exp", json!(NOW + 86_400)),
        ];
        for (path, mut call) in
            [("/par", world.par_call(party)), ("/token", world.token_call(party, &[("grant_type", "client_credentials")]))]
        {
            for claims in &cases {
                call = call.but("client_assertion", &party.assertion(claims));
                let answer = world.make(call.clone()).await;
                assert_eq!(answer.status, 401, "{path} {claims}");
                answer.is_error(401, "invalid_client");
            }
            for header in [
                json!({ "alg": "RS256", "kid": party.key.kid }),
                json!({ "alg": "none" }),
                json!({ "alg": "ES256", "kid": "unknown" }),
                json!({ "alg": "ES256", "kid": party.key.kid, "typ": "dpop+jwt" }),
                json!({ "alg": "ES256", "kid": party.key.kid, "crit": ["x"] }),
            ] {
                let assertion = party.key.sign(&header, &good());
                world.make(call.clone().but("client_assertion", &assertion)).await.is_error(401, "invalid_client");
            }
            // ensure-client-assertion-in-token-endpoint
            world.make(call.clone().without("client_assertion")).await.is_error(401, "invalid_client");
            let by_other = world.party(1, (Auth::PrivateKeyJwt, hold)).assertion(&good());
            world.make(call.clone().but("client_assertion", &by_other)).await.is_error(401, "invalid_client");
            for typ in ["client-authentication+jwt", "JWT"] {
                let assertion = party.key.sign(&json!({ "alg": "ES256", "kid": party.key.kid, "typ": typ }), &with("nbf", json!(NOW + 8)));
                let call = world.authenticated(party, "/revoke", &[("token", "x")]).but("client_assertion", &assertion);
                assert_eq!(world.make(call).await.status, 200);
            }
        }
    }
}

#[tokio::test]
async fn refresh_token() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let (party, other) = (world.party(0, combination), world.party(1, combination));
        let first = world.tokens_of(party).await;
        let form = [("grant_type", "refresh_token"), ("refresh_token", first["refresh_token"].as_str().unwrap())];
        let second = world.tokens(world.token_call(party, &form)).await;
        assert_eq!(second["token_type"], first["token_type"]);
        assert_ne!(second["access_token"], first["access_token"]);
        world.clock.advance(30);
        // The same again, with another key where there is one.
        let mut call = world.token_call(party, &form);
        if party.hold == Hold::Dpop {
            let key = Key::new("new");
            let claims = party.proof_claims("POST", &world.url(party, "/token"), world.now());
            call = call.without_header("dpop").header("dpop", &proof_by(&key, &claims));
            let token = world.tokens(call).await;
            assert_eq!(claims_of(token["access_token"].as_str().unwrap())["cnf"]["jkt"], key.thumbprint());
            world.make(world.token_call(party, &form).without_header("dpop")).await.is_error(400, "invalid_dpop_proof");
        } else {
            world.tokens(call).await;
        }
        world.make(world.token_call(other, &form)).await.is_error(400, "invalid_grant");
        world.make(Call::post("/token", &form).with("client_id", &party.id)).await.is_error(401, "invalid_client");
        let less = world.tokens(world.token_call(party, &form).with("scope", "accounts")).await;
        assert_eq!((less["scope"].as_str(), less.get("id_token")), (Some("accounts"), None));
        world.make(world.token_call(party, &form).with("scope", "payments")).await.is_error(400, "invalid_scope");
    }
}

#[tokio::test]
async fn ensure_pkce_code_verifier_required_and_incorrect_pkce_code_verifier_rejected() {
    let world = World::new().await;
    let party = world.one();
    for verifier in [None, Some("A".repeat(43)), Some("short".to_owned()), Some("A".repeat(129)), Some(format!("{}!", "A".repeat(43)))] {
        let code = world.code(party).await;
        let call = world.redeem_call(party, &code).without("code_verifier");
        let call = match &verifier {
            Some(verifier) => call.with("code_verifier", verifier),
            None => call,
        };
        world.make(call).await.is_error(400, "invalid_grant");
    }
}

#[tokio::test]
async fn client_credentials_grant_and_rar() {
    let world = World::new().await;
    let details = r#"[{"type":"payment_initiation","instructedAmount":{"currency":"EUR","amount":"1.00"}}]"#;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let form = [("grant_type", "client_credentials"), ("scope", "accounts"), ("authorization_details", details)];
        let tokens = world.tokens(world.token_call(party, &form)).await;
        let claims = claims_of(tokens["access_token"].as_str().unwrap());
        assert_eq!((claims["sub"].as_str(), claims["client_id"].as_str()), (Some(party.id.as_str()), Some(party.id.as_str())));
        assert_eq!(claims["authorization_details"][0]["type"], "payment_initiation");
        assert!(tokens.get("refresh_token").is_none() && tokens.get("id_token").is_none());
        assert_eq!(world.make(world.with_token(party, "/resource", tokens["access_token"].as_str().unwrap())).await.status, 200);
    }
    let party = world.one();
    for wrong in [
        "{}",
        "[1]",
        "[{}]",
        r#"[{"type":1}]"#,
        r#"[{"type":"unknown"}]"#,
        r#"[{"type":"payment_initiation"}]"#,
        r#"[{"type":"payment_initiation","instructedAmount":1,"more":1}]"#,
        r#"[{"type":"a","type":"b"}]"#,
        "x",
    ] {
        let call = world.par_call(party).with("authorization_details", wrong);
        world.make(call).await.is_error(400, "invalid_authorization_details");
    }
    let code = world.code_for(party, world.par_call(party).with("authorization_details", details)).await;
    let tokens = world.tokens(world.redeem_call(party, &code)).await;
    assert_eq!(tokens["authorization_details"][0]["instructedAmount"]["amount"], "1.00");
    let known = world.introspect(tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(known["authorization_details"], tokens["authorization_details"]);
}

#[tokio::test]
async fn other_grants_and_parameters_are_refused() {
    let world = World::new().await;
    let party = world.one();
    for grant in ["password", "implicit", "urn:ietf:params:oauth:grant-type:device_code"] {
        world.make(world.token_call(party, &[("grant_type", grant)])).await.is_error(400, "unsupported_grant_type");
    }
    world.make(world.token_call(party, &[])).await.is_error(400, "invalid_request");
    world.make(world.par_call(party).but("scope", "admin")).await.is_error(400, "invalid_scope");
    world.make(world.par_call(party).with("resource", "https://unknown.example")).await.is_error(400, "invalid_target");
    world.make(world.par_call(party).with("response_mode", "fragment")).await.is_error(400, "invalid_request");
    world.make(world.par_call(party).with("unknown", "ignored")).await.json()["request_uri"].as_str().unwrap();
}

#[tokio::test]
async fn the_nonce_is_demanded_before_anything_is_used_up() {
    let world = World::with("[dpop]\nnonces = true").await;
    let party = world.one();
    let code = world.code(party).await;
    let refused = world.make(world.redeem_call(party, &code)).await;
    refused.is_error(400, "use_dpop_nonce");
    let nonce = refused.header("dpop-nonce").to_owned();
    let proof = |nonce: &str| {
        let mut claims = party.proof_claims("POST", &format!("{ISSUER}/token"), world.now());
        claims["nonce"] = json!(nonce);
        party.proof(&claims)
    };
    world
        .make(world.redeem_call(party, &code).without_header("dpop").header("dpop", &proof("wrong")))
        .await
        .is_error(400, "use_dpop_nonce");
    let call = world.redeem_call(party, &code).without_header("dpop").header("dpop", &proof(&nonce));
    let tokens = world.tokens(call).await;
    let refused = world.make(world.with_token(party, "/resource", tokens["access_token"].as_str().unwrap())).await;
    assert_eq!(refused.status, 401);
    assert!(refused.header("www-authenticate").contains("use_dpop_nonce"), "{refused:?}");
    assert_eq!(refused.header("dpop-nonce"), nonce);
}

#[tokio::test]
async fn grants_are_managed_by_their_client() {
    let world = World::new().await;
    let party = world.one();
    let scope = "accounts grant_management_query grant_management_revoke";
    let create = world.par_call(party).but("scope", scope).with("grant_management_action", "create");
    let code = world.code_for(party, create).await;
    let tokens = world.tokens(world.redeem_call(party, &code)).await;
    let (id, token) = (tokens["grant_id"].as_str().unwrap(), tokens["access_token"].as_str().unwrap());
    let path = format!("/grants/{id}");
    let grant = world.make(world.with_token(party, &path, token)).await.json();
    assert_eq!(grant["scopes"][0]["scope"], scope);

    let merge =
        |grant: &str| world.par_call(party).but("scope", "payments").with("grant_management_action", "merge").with("grant_id", grant);
    world.make(merge("unknown")).await.is_error(400, "invalid_grant_id");
    let code = world.code_for(party, merge(id)).await;
    let merged = world.tokens(world.redeem_call(party, &code)).await;
    assert_eq!(merged["grant_id"], id);
    assert_eq!(merged["scope"], format!("payments {scope}"));

    let other = world.two();
    let code = world.code_for(other, world.par_call(other).but("scope", scope)).await;
    let others = world.tokens(world.redeem_call(other, &code)).await;
    assert_eq!(world.make(world.with_token(other, &path, others["access_token"].as_str().unwrap())).await.status, 403);

    let mut claims = party.proof_claims("DELETE", &format!("{ISSUER}{path}"), world.now());
    claims["ath"] = json!(encode(&Sha256::digest(token)));
    let delete = Call { method: "DELETE".parse().unwrap(), ..Call::get(&path) };
    let delete = delete.header("authorization", &format!("DPoP {token}")).header("dpop", &party.proof(&claims));
    assert_eq!(world.make(delete).await.status, 204);
    assert_eq!(world.make(world.with_token(party, "/resource", token)).await.status, 401);
}
