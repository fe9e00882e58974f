//! The rows of attacks.md that are about an authorization server, by their numbers.

use serde_json::json;

use crate::world::{Browser, COMBINATIONS, Call, ISSUER, PASSWORD, World, hidden, log};

/// Many at once: how many succeeded.
async fn at_once(world: &World, calls: Vec<Call>) -> usize {
    let mut made = Vec::new();
    for call in calls {
        made.push(Box::pin(world.make(call)));
    }
    futures_of(made).await.iter().filter(|answer| answer.status.is_success()).count()
}

/// Polls all in turn on one thread, so that they meet in the store.
async fn futures_of<F: Future + Unpin>(mut futures: Vec<F>) -> Vec<F::Output> {
    let mut outputs: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    core::future::poll_fn(|context| {
        for (future, output) in futures.iter_mut().zip(&mut outputs) {
            if output.is_none()
                && let core::task::Poll::Ready(ready) = core::pin::Pin::new(future).poll(context)
            {
                *output = Some(ready);
            }
        }
        if outputs.iter().all(Option::is_some) { core::task::Poll::Ready(()) } else { core::task::Poll::Pending }
    })
    .await;
    outputs.into_iter().map(Option::unwrap).collect()
}

#[tokio::test]
async fn srv_01_a_code_used_64_times_at_once_succeeds_once_and_revokes_its_grant() {
    let world = World::new().await;
    let party = world.one();
    let code = world.code(party).await;
    let calls = (0..64).map(|_| world.redeem_call(party, &code)).collect();
    let succeeded = at_once(&world, calls).await;
    // The one that was first may find its grant revoked by the second before its tokens are saved.
    assert!(succeeded <= 1, "{succeeded}");
    world.make(world.redeem_call(party, &code)).await.is_error(400, "invalid_grant");
}

#[tokio::test]
async fn srv_06_nothing_but_client_id_and_request_uri_counts_and_cookies_hold_nothing() {
    let world = World::new().await;
    let party = world.one();
    let mut browser = Browser::default();
    let request_uri = world.pushed(world.par_call(party)).await;
    browser.get(&world, world.authorize(party, &request_uri)).await;
    let cookie = browser.0.unwrap();
    let value = cookie.split_once('=').unwrap().1;
    assert_eq!(value.len(), 43);
    assert!(!cookie.contains(&party.id) && !cookie.contains("accounts"));
}

#[tokio::test]
async fn srv_07_redirect_uris_match_byte_for_byte() {
    let world = World::new().await;
    let party = world.one();
    for wrong in [
        "https://second.example/cb/",
        "https://second.example/cb?x",
        "https://second.example/CB",
        "https://second.example/./cb",
        "https://second.example/%63b",
        "https://second.example:443/cb",
        "https://user@second.example/cb",
        "https://second.example.evil.example/cb",
        "http://second.example/cb",
        "https://second.example/cb#f",
    ] {
        world.make(world.par_call(party).but("redirect_uri", wrong)).await.is_error(400, "invalid_request");
    }
    world.make(world.par_call(party).with("redirect_uri", "https://second.example/cb")).await.is_error(400, "invalid_request");
    let answer = world.make(world.par_call(party).but("redirect_uri", "https://second.example/cb")).await;
    assert_eq!(answer.status, 201);
}

#[tokio::test]
async fn srv_10_an_assertion_is_used_once_also_in_parallel_and_elsewhere() {
    let world = World::new().await;
    let party = world.one();
    let assertion = party.assertion(&party.assertion_claims(world.now()));
    let calls = (0..32).map(|_| world.par_call(party).but("client_assertion", &assertion)).collect();
    assert_eq!(at_once(&world, calls).await, 1);
    let elsewhere = world.token_call(party, &[("grant_type", "client_credentials")]).but("client_assertion", &assertion);
    world.make(elsewhere).await.is_error(401, "invalid_client");
    // DPoP proofs too.
    let proof = party.proof(&party.proof_claims("POST", &format!("{ISSUER}/token"), world.now()));
    let call = || world.token_call(party, &[("grant_type", "client_credentials")]).without_header("dpop").header("dpop", &proof);
    assert_eq!(at_once(&world, (0..32).map(|_| call()).collect()).await, 1);
    world.make(call()).await.is_error(400, "invalid_dpop_proof");
}

#[tokio::test]
async fn srv_15_introspection_tells_nothing_to_whom_it_does_not_concern() {
    let world = World::new().await;
    let party = world.one();
    let tokens = world.tokens_of(party).await;
    let token = tokens["access_token"].as_str().unwrap();
    let by_client = world.make(world.authenticated(party, "/introspect", &[("token", token)])).await;
    by_client.is_error(403, "unauthorized_client");
    world.make(Call::post("/introspect", &[("token", token)])).await.is_error(401, "invalid_client");
    // A token for the server itself is none of the resource server's.
    for token in ["", "x", "a.b.c", token.split_once('.').unwrap().1] {
        let answer = world.make(world.authenticated(&world.resource_server, "/introspect", &[("token", token)])).await;
        if token.is_empty() {
            answer.is_error(400, "invalid_request");
        } else {
            assert_eq!(answer.json(), json!({ "active": false }));
        }
    }
}

#[tokio::test]
async fn srv_18_parameters_come_once() {
    let world = World::new().await;
    let party = world.one();
    world
        .make(world.token_call(party, &[("grant_type", "client_credentials"), ("grant_type", "x")]))
        .await
        .is_error(400, "invalid_request");
    world.make(world.token_call(party, &[("grant_type", "client_credentials"), ("client_id", "x")])).await.is_error(401, "invalid_client");
    let both = world.token_call(party, &[("grant_type", "client_credentials")]).header("authorization", "Basic eDp5");
    world.make(both).await.is_error(401, "invalid_client");
}

#[tokio::test]
async fn srv_19_only_forms_are_read() {
    let world = World::new().await;
    for kind in ["application/json", "multipart/form-data; boundary=x", "text/plain"] {
        let answer = world.make(world.par_call(world.one()).header("content-type", kind)).await;
        answer.is_error(415, "invalid_request");
    }
}

#[tokio::test]
async fn srv_27_refusals_of_clients_and_codes_do_not_tell_why() {
    let world = World::new().await;
    let party = world.one();
    let mut unknown = party.assertion_claims(world.now());
    unknown["iss"] = json!("nobody");
    unknown["sub"] = json!("nobody");
    let body = |claims| {
        let call = world.par_call(party).but("client_assertion", &party.assertion(&claims));
        async { world.make(call).await.text() }
    };
    let mut wrong = party.assertion_claims(world.now());
    wrong["aud"] = json!("wrong");
    assert_eq!(body(unknown).await, body(wrong).await);
    let code = world.code(party).await;
    world.tokens(world.redeem_call(party, &code)).await;
    let used = world.make(world.redeem_call(party, &code)).await.text();
    assert_eq!(used, world.make(world.redeem_call(party, "unknown")).await.text());
}

#[tokio::test]
async fn srv_28_quotes_are_letters() {
    let world = World::new().await;
    let party = world.one();
    for text in ["' OR 1=1 --", "\"; DROP TABLE client; --", "\\", "%00x"] {
        world.make(world.redeem_call(party, text)).await.is_error(400, "invalid_grant");
        let code = world.code_for(party, world.par_call(party).but("state", text)).await;
        world.tokens(world.redeem_call(party, &code)).await;
        world.make(world.authenticated(party, "/par", &[]).but("client_id", text)).await.is_error(401, "invalid_client");
    }
}

#[tokio::test]
async fn srv_29_urls_are_those_of_the_configuration() {
    let world = World::new().await;
    let call = Call::get("/.well-known/openid-configuration").header("host", "evil.example").header("x-forwarded-host", "evil.example");
    assert!(!world.make(call).await.text().contains("evil.example"));
}

#[tokio::test]
async fn forms_of_another_browser_are_refused() {
    let world = World::new().await;
    let party = world.one();
    let request_uri = world.pushed(world.par_call(party)).await;
    let (mut victim, mut attacker) = (Browser::default(), Browser::default());
    victim.get(&world, world.authorize(party, &request_uri)).await;
    let page = attacker.get(&world, world.authorize(party, &request_uri)).await;
    let form = Call { form: hidden(&page.text()), ..Call::post("/login", &[]) }.with("username", "alice").with("password", PASSWORD);
    // Without a cookie it is refused; with another browser's, that browser is shown its own page, and nobody is signed in.
    world.make(form.clone()).await.is_page("invalid_request");
    let forged = form.clone().but("csrf", "x").header("cookie", attacker.0.as_deref().unwrap());
    for answer in [victim.get(&world, form).await, world.make(forged).await] {
        assert_eq!((answer.status.as_u16(), answer.header("set-cookie")), (303, ""));
        assert!(answer.header("location").starts_with("https://as.example/authorize?client_id="), "{}", answer.header("location"));
    }
    let shown = victim.get(&world, world.authorize(party, &request_uri)).await.text();
    assert!(shown.contains("id=\"password\""), "{shown}");
    // Consent without having signed in.
    let consent = Call { form: hidden(&page.text()), ..Call::post("/consent", &[]) }.with("action", "approve");
    attacker.get(&world, consent).await.is_page("invalid_request");
}

#[tokio::test]
async fn guessing_a_password_ends_after_five_attempts() {
    let world = World::new().await;
    let party = world.one();
    let request_uri = world.pushed(world.par_call(party)).await;
    let mut browser = Browser::default();
    let page = browser.get(&world, world.authorize(party, &request_uri)).await;
    let form = |password: &str| {
        Call { form: hidden(&page.text()), ..Call::post("/login", &[]) }.with("username", "alice").with("password", password)
    };
    for _ in 0..5 {
        let answer = browser.get(&world, form("wrong")).await;
        assert!(answer.text().contains("not right"), "{}", answer.text());
    }
    assert_eq!(browser.get(&world, form(PASSWORD)).await.status, 429);
}

#[tokio::test]
async fn srv_26_no_secret_is_in_the_log_or_in_the_store() {
    let folder = std::env::temp_dir().join(format!("counterfoil-secrets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let world = World::on(counterfoil_server::store::Sqlite::open(&folder.join("store.db")).unwrap(), "").await;
    let mut secrets = vec![PASSWORD.to_owned(), crate::world::VERIFIER.to_owned()];
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let request_uri = world.pushed(world.par_call(party)).await;
        let answer = world.interact(party, &request_uri, "approve").await;
        let code = answer.redirected_to(&party.redirect_uri)["code"].as_str().unwrap().to_owned();
        let redeem = world.redeem_call(party, &code);
        let tokens = world.tokens(redeem.clone()).await;
        // Refusals may not tell either.
        world.make(redeem).await;
        for resource in ["https://phantom.example.com", "https://split.example.com"] {
            let form = [("grant_type", "client_credentials"), ("resource", resource)];
            let token = world.tokens(world.token_call(party, &form)).await["access_token"].as_str().unwrap().to_owned();
            world.make(world.with_token(party, "/resource", &token)).await;
            world.make(world.with_token(world.party(1, combination), "/resource", &token)).await;
            world.introspect(&token).await;
            secrets.push(token);
        }
        secrets.push(request_uri.rsplit(':').next().unwrap().to_owned());
        secrets.push(code);
        secrets.push(tokens["refresh_token"].as_str().unwrap().to_owned());
        secrets.push(tokens["access_token"].as_str().unwrap().rsplit('.').next().unwrap().to_owned());
    }
    // Of this test and of all that have run beside it.
    let mut written = log().0.lock().unwrap().clone();
    assert!(written.windows(12).any(|window| window == b"token issued"), "the log has lines");
    for file in std::fs::read_dir(&folder).unwrap() {
        written.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    for secret in secrets {
        assert!(!written.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn clients_and_addresses_may_not_ask_without_end() {
    let world = World::with("[limits]\nclient_rate = 5").await;
    let mut statuses = Vec::new();
    for _ in 0..8 {
        statuses.push(world.make(world.par_call(world.one())).await.status.as_u16());
    }
    assert_eq!(statuses[..5], [201; 5]);
    let refused = world.make(world.par_call(world.one())).await;
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"));
    assert_eq!(world.make(world.par_call(world.two())).await.status, 201);
    let world = World::with("[limits]\naddress_rate = 3").await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(world.make(Call::get("/jwks")).await.status.as_u16());
    }
    assert_eq!(statuses, [200, 200, 200, 429]);
}

#[tokio::test]
async fn metrics_are_for_operators() {
    let world = World::new().await;
    world.make(Call::post("/par", &[])).await.is_error(401, "invalid_client");
    assert_eq!(world.make(Call::get("/metrics")).await.status, 404);
    let metrics = world.make(Call { is_operator: true, ..Call::get("/metrics") }).await.text();
    assert!(metrics.contains(r#"counterfoil_server_answers_total{endpoint="par",status="401"} 1"#), "{metrics}");
    assert!(metrics.contains(r#"counterfoil_server_refusals_total{endpoint="par",error="invalid_client"} 1"#), "{metrics}");
}
