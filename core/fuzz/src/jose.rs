//! Headers, keys and compact tokens.

use std::collections::{BTreeMap, BTreeSet};

use counterfoil::Error;
use counterfoil::crypto::FAPI;
use counterfoil::jose::header::Header;
use counterfoil::jose::jwk::PublicKey;
use counterfoil::jose::jws::Compact;
use counterfoil::jose::keys::{Key, KeySet};
use counterfoil::jose::policy::Limits;
use counterfoil::jose::thumbprint::Thumbprint;
use counterfoil::wire::value::Str;

use super::mint::{AnySignature, base64url, from_base64url, issuer, jwk as jwk_of, sha256};
use super::node::Node;

/// A header is accepted exactly if `serde_json` reads one that has what it must and nothing that it must not have.
pub fn header(data: &[u8]) {
    let token = format!("{}.e30.", base64url(data));
    let mut scratch = vec![0; Limits::DEFAULT.scratch()];
    let compact = match Compact::parse(token.as_bytes(), Limits::DEFAULT) {
        Ok(compact) => compact,
        Err(error) => return assert!(error == Error::TokenTooLarge && token.len() > Limits::DEFAULT.token()),
    };
    match compact.decode(Limits::DEFAULT, &mut scratch) {
        Ok(unverified) => {
            let node = Node::read(data).expect("JSON");
            assert!(node.is_strict());
            assert_header(unverified.header(), &node);
        }
        Err(Error::HeaderTooLarge) => assert!(data.len() > Limits::DEFAULT.header()),
        Err(error) => {
            assert_ne!(error, Error::BufferTooSmall);
            let good = Node::read(data).is_some_and(|node| node.is_strict() && is_good_header(&node));
            assert!(!good, "{error} for a good header");
        }
    }
}

fn assert_header(header: &Header<'_>, node: &Node) {
    assert!(is_good_header(node));
    let same = |own: Option<Str<'_>>, name: &str| own.map(|own| own.to_string()).as_deref() == node.text_of(name);
    assert!(same(Some(header.alg()), "alg") && same(header.typ(), "typ") && same(header.kid(), "kid"));
}

fn is_good_header(node: &Node) -> bool {
    let is_text = |name| node.get(name).is_none_or(|value| value.text().is_some());
    let nested = node.text_of("cty").is_some_and(|cty| ["jwt", "application/jwt"].contains(&&*cty.to_ascii_lowercase()));
    node.text_of("alg").is_some()
        && ["typ", "kid", "cty"].into_iter().all(is_text)
        && !nested
        && ["crit", "b64", "zip", "enc"].iter().all(|name| node.get(name).is_none())
}

/// A token has three segments; what is decoded is what they encode; claims are the payload's, read by `serde_json`.
pub fn compact(data: &[u8]) {
    let dots = data.iter().filter(|byte| **byte == b'.').count();
    let compact = match Compact::parse(data, Limits::DEFAULT) {
        Ok(compact) => compact,
        Err(Error::TokenTooLarge) => return assert!(data.len() > Limits::DEFAULT.token()),
        Err(Error::TokenEncrypted) => return assert_eq!(dots, 4),
        Err(error) => return assert!(error == Error::TokenNotCompact && dots != 2 && dots != 4),
    };
    assert_eq!(dots, 2);
    let segments: Vec<_> = data.split(|byte| *byte == b'.').map(from_base64url).collect();
    let mut scratch = vec![0; Limits::DEFAULT.scratch()];
    let Ok(unverified) = compact.decode(Limits::DEFAULT, &mut scratch).inspect_err(|error| assert_ne!(*error, Error::BufferTooSmall))
    else {
        return;
    };
    let [Some(header), Some(payload), Some(_)] = &segments[..] else { panic!("base64ct refuses a segment") };
    assert_header(unverified.header(), &Node::read(header).expect("JSON"));
    let keys = KeySet::<1>::parse(format!(r#"{{"keys":[{}]}}"#, jwk_of(issuer())).as_bytes(), &[&AnySignature]).expect("a set");
    match unverified.verify(keys.keys(), &[&AnySignature]) {
        Ok(verified) => {
            let claims = verified.claims().as_object().expect("an object");
            assert_eq!(verified.header().alg().to_string(), "any");
            let node = Node::read(payload).expect("JSON");
            assert_eq!(Some(claims.count()), node.members().map(<[_]>::len));
        }
        Err(_) if !unverified.header().alg().is("any") || unverified.header().kid().is_some() => {}
        Err(_) => assert!(Node::read(payload).is_none_or(|node| node.members().is_none() || !node.is_strict())),
    }
    assert!(unverified.verify(keys.keys(), FAPI).is_err(), "a signature of nobody");
}

/// An accepted key has the thumbprint of its canonical form as `serde_json` writes it, and that form is the same key.
pub fn jwk(data: &[u8]) {
    let set = KeySet::<2>::parse(&[br#"{"keys":["#, data, b"]}"].concat(), FAPI);
    let key = match Key::parse(data, FAPI) {
        Ok(key) => key,
        // Two keys with a comma between them are no key, and a good set.
        Err(error) => return assert!(set.is_err() || Node::read(data).is_none(), "{error} alone, good in a set"),
    };
    // In a set the key stands two levels deeper, below one more member.
    match set {
        Ok(set) => assert_eq!(set.keys().iter().map(Key::public).collect::<Vec<_>>(), [key.public()]),
        Err(error) => assert!(matches!(error, Error::JsonTooDeep | Error::JsonTooManyMembers), "{error} in a set"),
    }
    let node = Node::read(data).expect("JSON");
    assert!(node.is_strict());
    assert_key(&key, &node);
}

fn assert_key(key: &Key, node: &Node) {
    for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert!(node.get(private).is_none());
    }
    assert_eq!(key.kid(), node.text_of("kid"));
    let required: &[&str] = match key.public() {
        PublicKey::P256(_) => &["crv", "kty", "x", "y"],
        PublicKey::Rsa(_) => &["e", "kty", "n"],
        PublicKey::Ed25519(_) => &["crv", "kty", "x"],
    };
    let canonical: BTreeMap<_, _> = required.iter().map(|name| (*name, node.text_of(name).expect("a required member"))).collect();
    let canonical = serde_json::to_string(&canonical).expect("JSON");
    let thumbprint = Thumbprint::of_key(key.public());
    assert_eq!(thumbprint.as_bytes(), &sha256(canonical.as_bytes()));
    assert_eq!(Thumbprint::parse(&thumbprint.encode()), Ok(thumbprint));
    assert_eq!(Key::parse(canonical.as_bytes(), FAPI).expect("the canonical form").public(), key.public());
}

/// Every key of an accepted set is either taken, and good by itself, or listed as refused; no identifier is there twice.
pub fn jwks(data: &[u8]) {
    let set = match KeySet::<4>::parse(data, FAPI) {
        Ok(set) => set,
        Err(error) => {
            let larger = KeySet::<8>::parse(data, FAPI);
            return assert!(error == Error::KeySetFull || larger.err() == Some(error), "{error} depends on the capacity");
        }
    };
    let node = Node::read(data).expect("JSON");
    assert!(node.is_strict());
    let elements = node.get("keys").expect("keys").elements();
    let kids: Vec<_> = elements.iter().filter_map(|element| element.text_of("kid")).collect();
    assert_eq!(kids.iter().collect::<BTreeSet<_>>().len(), kids.len());
    let keys = set.keys();
    let mut taken = keys.iter();
    for (index, element) in elements.iter().enumerate() {
        match set.refused().iter().find(|refused| refused.index == index) {
            Some(refused) => assert!(refused.error.code() >= 200 && refused.error.code() < 300),
            None => assert_key(taken.next().expect("a key"), element),
        }
    }
    assert!(taken.next().is_none());
    assert_eq!(set.keys().iter().count() + set.refused().len(), elements.len());
    let larger = KeySet::<8>::parse(data, FAPI).expect("a larger set");
    assert_eq!((larger.refused(), larger.keys().version()), (set.refused(), set.keys().version()));
}
