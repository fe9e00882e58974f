//! Encrypted ID tokens, signed responses and request objects, by a client that uses josekit and OpenSSL's tools.

use josekit::jwe::{ECDH_ES, JweDecrypter, JweEncrypter, JweHeader, RSA_OAEP, RSA_OAEP_256, deserialize_compact, serialize_compact};
use josekit::jwk::Jwk;
use josekit::jwk::alg::ec::{EcCurve, EcKeyPair};
use josekit::jwk::alg::rsa::RsaKeyPair;
use serde_json::{Value, json};

use crate::party::{COMBINATIONS, Party, encode};
use crate::world::{Call, ISSUER, World, claims_of, configuration, header_of, keys_folder};

/// A server with an RSA and an EC key to encrypt to.
async fn world() -> World {
    let folder = keys_folder();
    let (rsa, ec) = (folder.join("encryption-rsa.pem"), folder.join("encryption-ec.pem"));
    std::fs::write(&rsa, RsaKeyPair::generate(2048).unwrap().to_pem_private_key()).unwrap();
    std::fs::write(&ec, EcKeyPair::generate(EcCurve::P256).unwrap().to_pem_private_key()).unwrap();
    let mut config = configuration("");
    config.keys.encryption = vec![rsa, ec];
    World::of(config).await
}

/// The server's published key of a type.
async fn published(world: &World, kty: &str) -> Jwk {
    let jwks = world.make(Call::get("/jwks")).await.json();
    let is_meant = |key: &&Value| key["use"] == "enc" && key["kty"] == kty;
    let key = jwks["keys"].as_array().unwrap().iter().find(is_meant).unwrap_or_else(|| panic!("{jwks}"));
    assert!(key.get("d").is_none() && key["kid"].is_string(), "{key}");
    Jwk::from_map(key.as_object().unwrap().clone()).unwrap()
}

fn encrypter(alg: &str, key: &Jwk) -> Box<dyn JweEncrypter> {
    match alg {
        "RSA-OAEP" => Box::new(RSA_OAEP.encrypter_from_jwk(key).unwrap()),
        "RSA-OAEP-256" => Box::new(RSA_OAEP_256.encrypter_from_jwk(key).unwrap()),
        _ => Box::new(ECDH_ES.encrypter_from_jwk(key).unwrap()),
    }
}

fn encrypted(alg: &str, key: &Jwk, enc: &str, text: &str) -> String {
    let mut header = JweHeader::new();
    header.set_content_encryption(enc);
    header.set_content_type("JWT");
    serialize_compact(text.as_bytes(), &header, &*encrypter(alg, key)).unwrap()
}

fn signed(world: &World, party: &Party) -> String {
    let now = world.now();
    let mut claims = json!({ "iss": party.id, "aud": ISSUER, "client_id": party.id, "nbf": now, "exp": now + 300 });
    for (name, value) in world.par_call(party).form.into_iter().filter(|(name, _)| !name.starts_with("client_")) {
        claims[name] = json!(value);
    }
    party.key.sign(&json!({ "alg": "ES256", "typ": "oauth-authz-req+jwt", "kid": party.key.kid }), &claims)
}

#[tokio::test]
async fn request_objects_may_be_encrypted_by_each_algorithm() {
    let world = world().await;
    let party = world.one();
    let push = async |object: &str| world.make(world.authenticated(party, "/par", &[("request", object)])).await;
    for (alg, kty) in [("RSA-OAEP", "RSA"), ("RSA-OAEP-256", "RSA"), ("ECDH-ES", "EC")] {
        let key = published(&world, kty).await;
        let answer = push(&encrypted(alg, &key, "A256GCM", &signed(&world, party))).await;
        assert_eq!(answer.status, 201, "{alg}: {}", answer.text());
        // What is inside must be signed all the same, and by this client.
        push(&encrypted(alg, &key, "A256GCM", &signed(&world, world.two()))).await.is_error(400, "invalid_request_object");
        push(&encrypted(alg, &key, "A256GCM", r#"{"scope":"openid"}"#)).await.is_error(400, "invalid_request_object");
        push(&encrypted(alg, &key, "A128CBC-HS256", &signed(&world, party))).await.is_error(400, "invalid_request_object");
    }
    let key = published(&world, "RSA").await;
    let good = encrypted("RSA-OAEP-256", &key, "A256GCM", &signed(&world, party));
    let mut parts: Vec<&str> = good.split('.').collect();
    // A tag of one byte can be guessed, and an IV that is not there is no IV.
    let (short, long) = (parts[4][..2].to_owned(), format!("{}AAAA", parts[2]));
    for (part, changed) in [
        (2, ""),
        (2, long.as_str()),
        (4, ""),
        (4, short.as_str()),
        (1, ""),
        (3, ""),
        (1, "AAAA"),
        (3, "AAAA"),
        (4, "AAAAAAAAAAAAAAAAAAAAAA"),
    ] {
        let kept = core::mem::replace(&mut parts[part], changed);
        push(&parts.join(".")).await.is_error(400, "invalid_request_object");
        parts[part] = kept;
    }
    // Nothing that changes how it is read: compression above all.
    for header in [
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","zip":"DEF"}"#,
        r#"{"alg":"RSA1_5","enc":"A256GCM"}"#,
        r#"{"alg":"dir","enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","alg":"RSA-OAEP-256","enc":"A256GCM"}"#,
        r#"{"alg":"RSA-OAEP-256","enc":"A256GCM","crit":["exp"]}"#,
    ] {
        let rest = parts[1..].join(".");
        push(&format!("{}.{rest}", encode(header.as_bytes()))).await.is_error(400, "invalid_request_object");
    }
    let (_, other) = (RsaKeyPair::generate(2048).unwrap(), RsaKeyPair::generate(2048).unwrap().to_jwk_public_key());
    push(&encrypted("RSA-OAEP-256", &other, "A256GCM", &signed(&world, party))).await.is_error(400, "invalid_request_object");
}

#[tokio::test]
async fn brazil_ensure_encryption_required() {
    let world = world().await;
    let party = world.one();
    let mut metadata = party.metadata();
    metadata["request_object_encryption_alg"] = json!("RSA-OAEP");
    metadata["request_object_encryption_enc"] = json!("A256GCM");
    world.server.register(metadata).await.unwrap();
    let push = async |object: &str| world.make(world.authenticated(party, "/par", &[("request", object)])).await;
    push(&signed(&world, party)).await.is_error(400, "invalid_request_object");
    let key = published(&world, "RSA").await;
    push(&encrypted("RSA-OAEP-256", &key, "A256GCM", &signed(&world, party))).await.is_error(400, "invalid_request_object");
    assert_eq!(push(&encrypted("RSA-OAEP", &key, "A256GCM", &signed(&world, party))).await.status, 201);
}

#[tokio::test]
async fn id_tokens_and_responses_are_encrypted_to_the_clients_key() {
    let world = world().await;
    for (number, alg) in ["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES"].into_iter().enumerate() {
        let party = world.party(0, COMBINATIONS[number]);
        let (mut public, decrypter): (Jwk, Box<dyn JweDecrypter>) = if alg == "ECDH-ES" {
            let pair = EcKeyPair::generate(EcCurve::P256).unwrap();
            (pair.to_jwk_public_key(), Box::new(ECDH_ES.decrypter_from_pem(pair.to_pem_private_key()).unwrap()))
        } else {
            let pair = RsaKeyPair::generate(2048).unwrap();
            let pem = pair.to_pem_private_key();
            let decrypter: Box<dyn JweDecrypter> = if alg == "RSA-OAEP" {
                Box::new(RSA_OAEP.decrypter_from_pem(pem).unwrap())
            } else {
                Box::new(RSA_OAEP_256.decrypter_from_pem(pem).unwrap())
            };
            (pair.to_jwk_public_key(), decrypter)
        };
        public.set_key_use("enc");
        public.set_key_id("for-us");
        let mut metadata = party.metadata();
        metadata["jwks"]["keys"].as_array_mut().unwrap().push(json!(public.as_ref()));
        for kind in ["id_token", "authorization"] {
            metadata[format!("{kind}_encrypted_response_alg")] = json!(alg);
            metadata[format!("{kind}_encrypted_response_enc")] = json!("A256GCM");
        }
        world.server.register(metadata).await.unwrap();
        let opened = |token: &str| {
            let header = header_of(token);
            assert_eq!(
                (&header["alg"], &header["enc"], &header["cty"], &header["kid"]),
                (&json!(alg), &json!("A256GCM"), &json!("JWT"), &json!("for-us"))
            );
            String::from_utf8(deserialize_compact(token, &*decrypter).unwrap().0).unwrap()
        };
        let uri = world.pushed(world.par_call(party).with("response_mode", "jwt")).await;
        let told = world.interact(party, &uri, "approve").await.redirected_to(&party.redirect_uri);
        let response = opened(told["response"].as_str().unwrap());
        let code = claims_of(&response)["code"].as_str().unwrap().to_owned();
        let tokens = world.tokens(world.redeem_call(party, &code)).await;
        let id_token = opened(tokens["id_token"].as_str().unwrap());
        assert_eq!((&claims_of(&id_token)["aud"], &header_of(&id_token)["alg"]), (&json!(party.id), &json!("ES256")));
        assert_eq!(tokens["access_token"].as_str().unwrap().matches('.').count(), 2, "access tokens are for others");
    }
}

#[tokio::test]
async fn metadata_about_encryption_is_judged_and_told() {
    let world = world().await;
    let party = world.one();
    let rsa = |size: u32| RsaKeyPair::generate(size).unwrap().to_jwk_public_key();
    let with = |alg: Value, enc: Value, key: Option<(Jwk, &str)>| {
        let mut metadata = party.metadata();
        metadata["id_token_encrypted_response_alg"] = alg;
        metadata["id_token_encrypted_response_enc"] = enc;
        if let Some((mut key, usage)) = key {
            key.set_key_use(usage);
            metadata["jwks"]["keys"].as_array_mut().unwrap().push(json!(key.as_ref()));
        }
        metadata
    };
    let good = (json!("RSA-OAEP"), json!("A256GCM"));
    assert!(world.server.register(with(good.0.clone(), good.1.clone(), Some((rsa(2048), "enc")))).await.is_ok());
    for (name, wrong) in [
        ("RSA1_5", with(json!("RSA1_5"), good.1.clone(), Some((rsa(2048), "enc")))),
        ("CBC", with(good.0.clone(), json!("A128CBC-HS256"), Some((rsa(2048), "enc")))),
        ("no enc", with(good.0.clone(), Value::Null, Some((rsa(2048), "enc")))),
        ("no alg", with(Value::Null, good.1.clone(), Some((rsa(2048), "enc")))),
        ("no key", with(good.0.clone(), good.1.clone(), None)),
        ("a key for signatures", with(good.0.clone(), good.1.clone(), Some((rsa(2048), "sig")))),
        ("a short key", with(good.0.clone(), good.1.clone(), Some((rsa(1024), "enc")))),
        ("a key of another type", with(json!("ECDH-ES"), good.1.clone(), Some((rsa(2048), "enc")))),
    ] {
        assert!(world.server.register(wrong).await.is_err(), "{name}");
    }
    let told = world.make(Call::get("/.well-known/openid-configuration")).await.json();
    assert_eq!(told["request_object_encryption_alg_values_supported"], json!(["RSA-OAEP", "RSA-OAEP-256", "ECDH-ES"]));
    assert_eq!(told["id_token_encryption_enc_values_supported"], json!(["A256GCM"]));
    let plain = World::new().await;
    let told = plain.make(Call::get("/.well-known/openid-configuration")).await.json();
    assert!(told.get("request_object_encryption_alg_values_supported").is_none(), "nobody can encrypt to it");
    let mut encrypting = plain.one().metadata();
    encrypting["request_object_encryption_alg"] = json!("RSA-OAEP");
    encrypting["request_object_encryption_enc"] = json!("A256GCM");
    assert!(plain.server.register(encrypting).await.unwrap_err().to_string().contains("request_object_encryption_alg"));
    let object = encrypted("RSA-OAEP", &rsa(2048), "A256GCM", &signed(&plain, plain.one()));
    plain.make(plain.authenticated(plain.one(), "/par", &[("request", &object)])).await.is_error(400, "invalid_request_object");
}
