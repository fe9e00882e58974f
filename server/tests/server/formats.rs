//! JWT, phantom and split tokens; introspection, revocation and the feed that gateways follow.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::oauth::split_token::Ticket;
use serde_json::json;

use crate::world::{API, Call, World, claims_of, header_of};

async fn token_for(world: &World, resource: &str) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", "accounts"), ("resource", resource)];
    world.tokens(world.token_call(world.one(), &form)).await["access_token"].as_str().unwrap().to_owned()
}

async fn feed(world: &World, since: u64) -> serde_json::Value {
    let rs = &world.resource_server;
    let call = Call::get(&format!("/split-tokens?client_id={}&since={since}", rs.id)).certificate(Some(&rs.certificate));
    let answer = world.make(call).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

#[tokio::test]
async fn every_form_is_accepted_at_the_resource_introspected_and_revoked() {
    let world = World::new().await;
    let party = world.one();
    for resource in [API, "https://phantom.example.com", "https://split.example.com"] {
        let token = token_for(&world, resource).await;
        assert_eq!(token.split('.').count(), if resource == API { 3 } else { 1 });
        assert_eq!(world.make(world.with_token(party, "/resource", &token)).await.status, 200, "{resource}");
        let known = world.introspect(&token).await;
        assert_eq!((known["active"].as_bool(), known["token_type"].as_str()), (Some(true), Some("DPoP")));
        assert_eq!((known["aud"].as_str(), known["client_id"].as_str()), (Some(resource), Some(party.id.as_str())));
        assert_eq!(known["cnf"]["jkt"], party.proof_key.thumbprint());

        // Another client's revocation does nothing, and says nothing.
        let revoke = |party| world.authenticated(party, "/revoke", &[("token", token.as_str()), ("token_type_hint", "refresh_token")]);
        assert_eq!(world.make(revoke(world.two())).await.status, 200);
        assert_eq!(world.introspect(&token).await["active"], true);
        assert_eq!(world.make(revoke(party)).await.status, 200);
        assert_eq!(world.introspect(&token).await, json!({ "active": false }));
        assert_eq!(world.make(world.with_token(party, "/resource", &token)).await.status, 401, "{resource}");
        assert_eq!(world.make(revoke(party)).await.status, 200);
    }
}

#[tokio::test]
async fn a_counterfoil_is_published_before_its_ticket_leaves() {
    let world = World::new().await;
    let ticket = token_for(&world, "https://split.example.com").await;
    let published = feed(&world, 0).await;
    let entry = &published["entries"][0];
    let key = Base64UrlUnpadded::encode_string(Ticket::parse(ticket.as_bytes()).unwrap().key().as_bytes());
    assert_eq!((entry["type"].as_str(), entry["key"].as_str()), (Some("publish"), Some(key.as_str())));
    let whole = format!("{}.{ticket}", entry["counterfoil"].as_str().unwrap());
    assert_eq!(claims_of(&whole)["aud"], "https://split.example.com");

    let rs = &world.resource_server;
    let by_key = Call::get(&format!("/split-tokens/{key}?client_id={}", rs.id)).certificate(Some(&rs.certificate));
    assert_eq!(world.make(by_key.clone()).await.text(), entry["counterfoil"].as_str().unwrap());
    let cursor = published["cursor"].as_u64().unwrap();
    assert_eq!(feed(&world, cursor).await["entries"], json!([]));

    world.make(world.authenticated(world.one(), "/revoke", &[("token", &ticket)])).await;
    let revoked = feed(&world, cursor).await;
    assert_eq!((revoked["entries"][0]["type"].as_str(), revoked["entries"][0]["key"].as_str()), (Some("revoke"), Some(key.as_str())));
    assert_eq!(world.make(by_key).await.status, 410);
}

#[tokio::test]
async fn only_gateways_with_a_certificate_see_counterfoils() {
    let world = World::new().await;
    for path in ["/split-tokens?since=0", "/split-tokens/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA?x=1"] {
        let party = world.party(0, crate::world::COMBINATIONS[3]);
        let call = Call::get(&format!("{path}&client_id={}", party.id)).certificate(Some(&party.certificate));
        assert_eq!(world.make(call).await.status, 401);
        assert_eq!(world.make(Call::get(&format!("{path}&client_id={}", world.resource_server.id))).await.status, 401);
    }
}

#[tokio::test]
async fn a_long_poll_ends_when_something_is_published() {
    let world = World::new().await;
    let rs = &world.resource_server;
    let call = Call::get(&format!("/split-tokens?client_id={}&since=0&wait=30", rs.id)).certificate(Some(&rs.certificate));
    let publish = async {
        tokio::time::sleep(core::time::Duration::from_millis(100)).await;
        token_for(&world, "https://split.example.com").await
    };
    let begun = std::time::Instant::now();
    let (answer, _) = tokio::join!(world.make(call), publish);
    assert_eq!(answer.json()["entries"].as_array().unwrap().len(), 1);
    assert!(begun.elapsed() < core::time::Duration::from_secs(5));
}

#[tokio::test]
async fn introspection_is_signed_where_that_is_asked_for() {
    let world = World::new().await;
    let token = token_for(&world, "https://phantom.example.com").await;
    let rs = &world.resource_server;
    let ask = |accept: &str, token: &str| world.authenticated(rs, "/introspect", &[("token", token)]).header("accept", accept);
    let signed = world.make(ask("application/token-introspection+jwt", &token)).await;
    assert_eq!(signed.header("content-type"), "application/token-introspection+jwt");
    let claims = claims_of(&signed.text());
    assert_eq!(header_of(&signed.text())["typ"], "token-introspection+jwt");
    assert_eq!((claims["aud"].as_str(), claims["token_introspection"]["active"].as_bool()), (Some(rs.id.as_str()), Some(true)));
    assert!(claims.get("exp").is_none() && claims.get("sub").is_none());

    let phantom = world.make(ask("application/jwt", &token)).await;
    assert_eq!((phantom.header("content-type"), header_of(&phantom.text())["typ"].as_str()), ("application/jwt", Some("at+jwt")));
    assert_eq!(claims_of(&phantom.text())["aud"], "https://phantom.example.com");
    assert_eq!(world.make(ask("application/jwt", "unknown")).await.status, 204);
    assert_eq!(
        claims_of(&world.make(ask("application/token-introspection+jwt", "unknown")).await.text())["token_introspection"],
        json!({ "active": false })
    );
}

#[tokio::test]
async fn an_answer_may_be_believed_as_long_as_is_set_and_its_token_lives() {
    for (setting, expected) in [(0, "no-store"), (30, "private, max-age=30"), (3600, "private, max-age=300")] {
        let mut config = crate::world::configuration("");
        config.lifetimes.introspection = setting;
        let world = World::of(config).await;
        let token = token_for(&world, "https://phantom.example.com").await;
        for accept in ["application/json", "application/jwt", "application/token-introspection+jwt"] {
            let ask =
                |token: &str| world.authenticated(&world.resource_server, "/introspect", &[("token", token)]).header("accept", accept);
            assert_eq!(world.make(ask(&token)).await.header("cache-control"), expected);
            assert_eq!(world.make(ask("unknown")).await.header("cache-control"), "no-store");
        }
    }
}

#[tokio::test]
async fn revoking_a_refresh_token_ends_its_access_tokens() {
    let world = World::new().await;
    let party = world.one();
    let tokens = world.tokens_of(party).await;
    let (access, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert_eq!(world.make(world.authenticated(party, "/revoke", &[("token", refresh)])).await.status, 200);
    assert_eq!(world.make(world.with_token(party, "/resource", access)).await.status, 401);
    let again = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
    world.make(world.token_call(party, &again)).await.is_error(400, "invalid_grant");
    // Gateways are told by the token's key: of a JWT, the SHA-256 of its jti.
    assert_eq!(feed(&world, 0).await["entries"][0]["type"], "revoke");
}

#[tokio::test]
async fn a_client_that_is_removed_has_no_tokens_any_more() {
    use counterfoil_server::store::Store as _;
    let world = World::new().await;
    let party = world.one();
    let tokens = world.tokens_of(party).await;
    assert!(world.server.store().remove_client(party.id.clone(), counterfoil::UnixTime(world.now())).await.unwrap());
    let call = world.with_token(party, "/resource", tokens["access_token"].as_str().unwrap());
    assert_eq!(world.make(call).await.status, 401);
}

#[tokio::test]
async fn clients_register_themselves_with_an_initial_access_token() {
    let hash = counterfoil_server::secret::Digest::of("initial").to_base64url();
    let world = World::with(&format!("[registration]\ninitial_access_tokens = [\"{hash}\"]")).await;
    let post = |token: &str, body: serde_json::Value| {
        let call = Call::post("/register", &[]).header("authorization", &format!("Bearer {token}"));
        call.header("content-type", "application/json").header("x-body", &body.to_string())
    };
    let metadata = json!({
        "redirect_uris": ["https://new.example/cb"],
        "jwks": { "keys": [world.one().key.registered()] },
        "dpop_bound_access_tokens": true,
        "introspects": [API],
        "profile": "fapi2-security",
        "unknown": true,
    });
    assert_eq!(world.make_json(post("wrong", metadata.clone())).await.status, 401);
    let registered = world.make_json(post("initial", metadata.clone())).await;
    assert_eq!(registered.status, 201, "{}", registered.text());
    let registered = registered.json();
    for own in ["introspects", "profile", "unknown"] {
        assert!(registered.get(own).is_none(), "{own}");
    }
    let (id, token) = (registered["client_id"].as_str().unwrap(), registered["registration_access_token"].as_str().unwrap());
    let managed = |method: &str, token: &str| {
        Call { method: method.parse().unwrap(), ..Call::get(&format!("/register/{id}")) }
            .header("authorization", &format!("Bearer {token}"))
    };
    assert_eq!(world.make(managed("GET", token)).await.json()["client_id"], id);
    assert_eq!(world.make(managed("GET", "wrong")).await.status, 401);
    let changed = managed("PUT", token).header("content-type", "application/json").header("x-body", &metadata.to_string());
    let second = world.make_json(changed).await.json()["registration_access_token"].as_str().unwrap().to_owned();
    assert_eq!(world.make(managed("GET", token)).await.status, 401, "the old token is dead");
    assert_eq!(world.make(managed("DELETE", &second)).await.status, 204);
    assert_eq!(world.make(managed("GET", &second)).await.status, 401);

    let mut wrong = metadata.clone();
    wrong["redirect_uris"] = json!(["http://new.example/cb"]);
    world.make_json(post("initial", wrong)).await.is_error(400, "invalid_redirect_uri");
    let mut wrong = metadata.clone();
    wrong["token_endpoint_auth_method"] = json!("client_secret_basic");
    world.make_json(post("initial", wrong)).await.is_error(400, "invalid_client_metadata");
    let closed = World::new().await;
    assert_eq!(closed.make_json(post("initial", metadata)).await.status, 404);
}
