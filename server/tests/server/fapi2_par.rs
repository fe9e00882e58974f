//! The modules about pushed requests, by their names, in all combinations where they apply.

use crate::world::{Answer, Browser, COMBINATIONS, Call, ISSUER, PASSWORD, World, escaped, hidden};

#[tokio::test]
async fn par_ensure_reused_request_uri_prior_to_auth_completion_succeeds_and_reuse_after_it_fails() {
    let world = World::new().await;
    let party = world.one();
    let request_uri = world.pushed(world.par_call(party)).await;
    for _ in 0..3 {
        assert_eq!(world.make(world.authorize(party, &request_uri)).await.status, 200);
    }
    world.interact(party, &request_uri, "approve").await.redirected_to(&party.redirect_uri);
    world.make(world.authorize(party, &request_uri)).await.is_page("invalid_request_uri");
}

#[tokio::test]
async fn par_attempt_to_use_expired_request_uri_and_request_uri_for_different_client() {
    let world = World::new().await;
    let request_uri = world.pushed(world.par_call(world.one())).await;
    world.make(world.authorize(world.two(), &request_uri)).await.is_page("invalid_request_uri");
    world.clock.advance(60);
    world.make(world.authorize(world.one(), &request_uri)).await.is_page("invalid_request_uri");
}

#[tokio::test]
async fn a_person_whose_page_was_opened_in_time_may_be_slow() {
    let world = World::new().await;
    let party = world.one();
    let opened = async |after: u64| {
        let request_uri = world.pushed(world.par_call(party)).await;
        world.clock.advance(after);
        let mut browser = Browser::default();
        let page = browser.get(&world, world.authorize(party, &request_uri)).await;
        (browser, page, request_uri)
    };
    let submit = async |browser: &mut Browser, path: &str, page: &Answer, action: &str| {
        let form = hidden(&page.text());
        let call = Call { form, ..Call::post(path, &[]) }.with("username", "alice").with("password", PASSWORD).with("action", action);
        browser.get(&world, call).await
    };
    let (mut browser, login, request_uri) = opened(59).await;
    world.clock.advance(120);
    // Nobody else comes in by now, and nobody who has not signed in.
    world.make(world.authorize(party, &request_uri)).await.is_page("invalid_request_uri");
    assert_eq!(submit(&mut browser, "/login", &login, "login").await.status, 303);
    let consent = browser.get(&world, world.authorize(party, &request_uri)).await;
    world.clock.advance(400);
    let told = submit(&mut browser, "/consent", &consent, "approve").await.redirected_to(&party.redirect_uri);
    world.tokens(world.redeem_call(party, told["code"].as_str().unwrap())).await;

    let (_, late, _) = opened(60).await;
    late.is_page("invalid_request_uri");
    let (mut browser, login, _) = opened(59).await;
    world.clock.advance(601);
    submit(&mut browser, "/login", &login, "login").await.is_page("invalid_request_uri");
}

#[tokio::test]
async fn an_unusable_request_uri_is_told_to_a_redirect_uri_of_the_client_alone() {
    let world = World::new().await;
    let (one, two) = (world.one(), world.two());
    let request_uri = world.pushed(world.par_call(one)).await;
    let query = |client: &str, redirect_uri: &str| {
        let (client, request_uri, redirect_uri) = (escaped(client), escaped(&request_uri), escaped(redirect_uri));
        Call::get(&format!("/authorize?client_id={client}&request_uri={request_uri}&redirect_uri={redirect_uri}&state=s"))
    };
    let told = world.make(query(&two.id, &two.redirect_uri)).await.redirected_to(&two.redirect_uri);
    assert_eq!(
        (told["error"].as_str(), told["state"].as_str(), told["iss"].as_str()),
        (Some("invalid_request_uri"), Some("s"), Some(ISSUER))
    );
    // While the request is good, what the URL says beside it is not looked at.
    assert_eq!(world.make(query(&one.id, "https://evil.example/")).await.status, 200);
    world.clock.advance(60);
    let told = world.make(query(&one.id, &one.redirect_uri)).await.redirected_to(&one.redirect_uri);
    assert_eq!(told["error"].as_str(), Some("invalid_request_uri"));
    for (client, redirect_uri) in [(one.id.as_str(), "https://evil.example/"), ("nobody", one.redirect_uri.as_str())] {
        world.make(query(client, redirect_uri)).await.is_page("invalid_request_uri");
    }
}

#[tokio::test]
async fn par_authorization_request_containing_request_uri_form_param() {
    let world = World::new().await;
    let call = world.par_call(world.one());
    world.make(call.clone().with("request_uri", "urn:ietf:params:oauth:request_uri:x")).await.is_error(400, "invalid_request");
    world.make(call.with("request", "a.b.c")).await.is_error(400, "invalid_request_object");
}

#[tokio::test]
async fn par_attempt_invalid_http_method() {
    let world = World::new().await;
    for method in ["GET", "PUT", "DELETE", "PATCH"] {
        let answer = world.make(Call { method: method.parse().unwrap(), ..world.par_call(world.one()) }).await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"), "{method}");
    }
}

#[tokio::test]
async fn par_ensure_pkce_required_and_plain_pkce_rejected() {
    let world = World::new().await;
    let call = world.par_call(world.one());
    world.make(call.clone().without("code_challenge").without("code_challenge_method")).await.is_error(400, "invalid_request");
    world.make(call.clone().but("code_challenge_method", "plain")).await.is_error(400, "invalid_request");
    world.make(call.clone().without("code_challenge_method")).await.is_error(400, "invalid_request");
    world.make(call.but("code_challenge", "short")).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn par_without_authentication_fails() {
    let world = World::new().await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let call = world.par_call(party).without("client_assertion").without("client_assertion_type").but("client_id", &party.id);
        world.make(call.certificate(None)).await.is_error(401, "invalid_client");
    }
}
