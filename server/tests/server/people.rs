//! People: what is demanded of how they sign in (RFC 9470), what is said of them, and browsers that do not do one thing after the other.

use counterfoil_server::store::{Store as _, User};
use hyper::StatusCode;
use serde_json::json;

use crate::world::{Answer, Browser, COMBINATIONS, Call, ISSUER, PASSWORD, World, claims_of, hidden};

const ACR: &str = "urn:counterfoil:password";

async fn acr_demanded(world: &World, name: &str, value: &str) -> Answer {
    let one = world.one();
    let request_uri = world.pushed(world.par_call(one).with(name, value)).await;
    world.make(world.authorize(one, &request_uri)).await
}

async fn alice(world: &World) -> User {
    world.server.store().user("alice".to_owned()).await.unwrap().unwrap()
}

#[tokio::test]
async fn what_cannot_be_met_is_said_before_anybody_signs_in() {
    let world = World::new().await;
    let one = world.one();
    let essential = |acr: &str| json!({ "id_token": { "acr": { "essential": true, "values": [acr] } } }).to_string();
    let voluntary = json!({ "id_token": { "acr": { "values": ["urn:other"] } } }).to_string();
    for (name, value) in [("acr_values", "urn:other".to_owned()), ("claims", essential("urn:other"))] {
        let told = acr_demanded(&world, name, &value).await.redirected_to(&one.redirect_uri);
        assert_eq!(told["error"], "unmet_authentication_requirements");
        assert_eq!((&told["iss"], &told["state"]), (&json!(ISSUER), &json!("state-1234")));
    }
    for (name, value) in [("acr_values", format!("urn:other {ACR}")), ("claims", essential(ACR)), ("claims", voluntary)] {
        assert_eq!(acr_demanded(&world, name, &value).await.status, StatusCode::OK, "{name} {value}");
    }
}

#[tokio::test]
async fn a_resource_demands_more_and_gets_it_by_another_request() {
    // As RFC 9470 has it: refused with what is demanded, which the client then asks for.
    let mut config = crate::world::configuration("");
    config.resources[0].max_age = Some(60);
    config.resources[0].acr_values = vec![ACR.to_owned()];
    let world = World::of(config).await;
    let one = world.one();
    let tokens = world.tokens_of(one).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(world.make(world.with_token(one, "/resource", token)).await.status, StatusCode::OK);
    world.clock.advance(90);
    let refused = world.make(world.with_token(one, "/resource", token)).await;
    assert_eq!(refused.status, StatusCode::UNAUTHORIZED);
    let challenge = refused.header("www-authenticate");
    assert!(challenge.contains("error=\"insufficient_user_authentication\"") && challenge.contains("max_age=60"), "{challenge}");
    let code = world.code_for(one, world.par_call(one).with("max_age", "60")).await;
    let tokens = world.tokens(world.redeem_call(one, &code)).await;
    let token = tokens["access_token"].as_str().unwrap();
    assert_eq!(claims_of(token)["auth_time"], world.now());
    assert_eq!(world.make(world.with_token(one, "/resource", token)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn every_claim_that_is_advertised_is_said_when_it_is_asked_for() {
    let world = World::new().await;
    let one = world.one();
    let metadata = world.make(Call::get("/.well-known/openid-configuration")).await.json();
    let supported: Vec<&str> = metadata["claims_supported"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(supported.contains(&"email") && supported.contains(&"birthdate"));
    let of_person: Vec<&str> = supported.into_iter().filter(|name| !["sub", "iss", "auth_time", "acr"].contains(name)).collect();
    let known = of_person.iter().map(|name| ((*name).to_owned(), json!(format!("the {name}"))));
    let mut user = alice(&world).await;
    user.claims = serde_json::Value::Object(known.collect());
    world.server.store().save_user(user).await.unwrap();
    let asked: serde_json::Map<_, _> = of_person.iter().map(|name| ((*name).to_owned(), json!({ "essential": true }))).collect();
    let claims = json!({ "id_token": asked, "userinfo": asked }).to_string();
    let code = world.code_for(one, world.par_call(one).with("claims", &claims)).await;
    let tokens = world.tokens(world.redeem_call(one, &code)).await;
    let said = claims_of(tokens["id_token"].as_str().unwrap());
    let userinfo = world.make(world.with_token(one, "/userinfo", tokens["access_token"].as_str().unwrap())).await.json();
    for name in of_person {
        let expected = json!(format!("the {name}"));
        assert_eq!((&said[name], &userinfo[name]), (&expected, &expected));
    }
}

#[tokio::test]
async fn two_tabs_of_one_browser_both_get_through() {
    let world = World::new().await;
    let (one, two) = (world.one(), world.two());
    let mut browser = Browser::default();
    let (first, second) = (world.pushed(world.par_call(one)).await, world.pushed(world.par_call(two)).await);
    let mut pages = Vec::new();
    for (party, uri) in [(one, &first), (two, &second)] {
        pages.push(browser.get(&world, world.authorize(party, uri)).await.text());
    }
    let login = |page: &str| {
        Call { form: hidden(page), ..Call::post("/login", &[]) }
            .with("username", "alice")
            .with("password", PASSWORD)
            .with("action", "login")
    };
    let back = browser.get(&world, login(&pages[0])).await;
    let consent = browser.get(&world, Call::get(back.header("location").strip_prefix(ISSUER).unwrap())).await.text();
    // The second tab's form is of the old cookie: its page is shown again, and no password is judged.
    let again = browser.get(&world, login(&pages[1])).await;
    assert_eq!(again.status, StatusCode::SEE_OTHER);
    let again = browser.get(&world, Call::get(again.header("location").strip_prefix(ISSUER).unwrap())).await.text();
    assert!(again.contains("id=\"login\""), "{again}");
    let answer = browser.get(&world, Call { form: hidden(&consent), ..Call::post("/consent", &[]) }.with("action", "approve")).await;
    assert!(answer.redirected_to(&one.redirect_uri).contains_key("code"));
    let back = browser.get(&world, login(&again)).await;
    let consent = browser.get(&world, Call::get(back.header("location").strip_prefix(ISSUER).unwrap())).await.text();
    let answer = browser.get(&world, Call { form: hidden(&consent), ..Call::post("/consent", &[]) }.with("action", "approve")).await;
    assert!(answer.redirected_to(&two.redirect_uri).contains_key("code"));
}

#[tokio::test]
async fn a_form_that_is_opened_as_a_page_says_so_in_words() {
    let world = World::new().await;
    for path in ["/login", "/consent"] {
        let answer = world.make(Call::get(path)).await;
        assert_eq!((answer.status, answer.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
        assert!(answer.text().contains("cannot be opened by itself"), "{}", answer.text());
    }
}

#[tokio::test]
async fn for_who_is_locked_nothing_goes_on() {
    let world = World::new().await;
    let one = world.one();
    let lock = async |locked: bool| {
        let mut user = alice(&world).await;
        user.locked = locked;
        world.server.store().save_user(user).await.unwrap();
    };
    // Before the code is redeemed; before consent; before a refresh.
    let code = world.code(one).await;
    lock(true).await;
    world.make(world.redeem_call(one, &code)).await.is_error(400, "invalid_grant");
    lock(false).await;
    let uri = world.pushed(world.par_call(one)).await;
    let mut browser = Browser::default();
    let page = browser.get(&world, world.authorize(one, &uri)).await.text();
    let login = Call { form: hidden(&page), ..Call::post("/login", &[]) }
        .with("username", "alice")
        .with("password", PASSWORD)
        .with("action", "login");
    let back = browser.get(&world, login).await;
    let consent = browser.get(&world, Call::get(back.header("location").strip_prefix(ISSUER).unwrap())).await.text();
    lock(true).await;
    let answer = browser.get(&world, Call { form: hidden(&consent), ..Call::post("/consent", &[]) }.with("action", "approve")).await;
    answer.is_page("invalid_request");
}

#[tokio::test]
async fn a_resource_knows_its_scopes_and_tokens_for_it_have_no_others() {
    let mut config = crate::world::configuration("");
    config.resources[0].scopes = vec!["accounts".to_owned()];
    let world = World::of(config).await;
    for combination in COMBINATIONS {
        let party = world.party(0, combination);
        let call = world.token_call(party, &[("grant_type", "client_credentials"), ("scope", "accounts payments")]);
        let tokens = world.tokens(call).await;
        assert_eq!(tokens["scope"], "accounts");
        assert_eq!(claims_of(tokens["access_token"].as_str().unwrap())["scope"], "accounts");
    }
    let one = world.one();
    let code = world.code_for(one, world.par_call(one).but("scope", "openid accounts payments")).await;
    let tokens = world.tokens(world.redeem_call(one, &code)).await;
    assert_eq!(tokens["scope"], "openid accounts");
    assert!(tokens["id_token"].is_string());
}

#[tokio::test]
async fn prompt_none_is_answered_without_a_page() {
    let world = World::new().await;
    let party = world.one();
    let request_uri = world.pushed(world.par_call(party).with("prompt", "none")).await;
    let redirected = world.make(world.authorize(party, &request_uri)).await.redirected_to(&party.redirect_uri);
    assert_eq!(redirected["error"], "login_required");
    world.make(world.par_call(party).with("prompt", "none login")).await.is_error(400, "invalid_request");
}

#[tokio::test]
async fn a_session_serves_the_request_that_it_was_begun_for_and_no_other() {
    let world = World::new().await;
    let party = world.one();
    let mut browser = Browser::default();
    let request_uri = world.pushed(world.par_call(party)).await;
    let login = browser.get(&world, world.authorize(party, &request_uri)).await;
    let before = browser.0.clone();
    let call = Call { form: hidden(&login.text()), ..Call::post("/login", &[]) };
    let call = call.with("username", "alice").with("password", PASSWORD).with("action", "login");
    browser.get(&world, call).await;
    assert_ne!(browser.0, before, "the cookie is new after signing in");
    assert!(browser.get(&world, world.authorize(party, &request_uri)).await.text().contains("id=\"approve\""));
    let another = world.pushed(world.par_call(party)).await;
    assert!(browser.get(&world, world.authorize(party, &another)).await.text().contains("id=\"login\""));
}

#[tokio::test]
async fn nothing_is_refreshed_for_a_person_who_is_locked() {
    use counterfoil_server::store::Store as _;
    let world = World::new().await;
    let party = world.one();
    let tokens = world.tokens_of(party).await;
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    for (locked, status) in [(true, 400), (false, 200)] {
        let user = world.server.store().user("alice".to_owned()).await.unwrap().unwrap();
        world.server.store().save_user(User { locked, ..user }).await.unwrap();
        assert_eq!(world.make(world.token_call(party, &form)).await.status, status);
    }
}
