//! Bytes, base64url and JSON.

use base64ct::{Base64UrlUnpadded, Encoding as _};
use counterfoil::Error;
use counterfoil::wire::base64url as engine;
use counterfoil::wire::json as reader;
use counterfoil::wire::value::{Str, Value};

use super::node::Node;

/// base64url is a bijection between all bytes and the texts that are accepted, and agrees with `base64ct`.
pub fn base64url(data: &[u8]) {
    let mut buffer = vec![0; data.len() * 2 + 4];
    let text = engine::encode(data, &mut buffer).expect("room").to_owned();
    assert_eq!(text, Base64UrlUnpadded::encode_string(data));
    assert_eq!(engine::decoded_length(text.len()), Some(data.len()));
    assert_eq!(engine::encode(data, &mut buffer[..text.len().saturating_sub(1)]).is_none(), !data.is_empty());
    let mut exact = vec![0; data.len()];
    assert_eq!(engine::decode(text.as_bytes(), &mut exact).map(|(bytes, _)| bytes), Ok(data));

    let peer = str::from_utf8(data).ok().and_then(|text| Base64UrlUnpadded::decode_vec(text).ok());
    match engine::decode(data, &mut buffer) {
        Ok((bytes, rest)) => {
            assert_eq!(Some(bytes), peer.as_deref());
            assert_eq!(bytes.len() + rest.len(), data.len() * 2 + 4);
            assert_eq!(Base64UrlUnpadded::encode_string(bytes).as_bytes(), data, "two texts for one value");
            let array: Option<[u8; 32]> = bytes.try_into().ok();
            assert_eq!(engine::decode_array(data).ok(), array);
            let short = bytes.len().checked_sub(1).map(|short| vec![0; short]);
            assert!(short.is_none_or(|mut short| engine::decode(data, &mut short) == Err(Error::BufferTooSmall)));
        }
        Err(error) => {
            assert_eq!(error, Error::Base64urlMalformed);
            assert_eq!(peer, None);
            assert_eq!(engine::decode_array::<32>(data), Err(Error::Base64urlMalformed));
        }
    }
}

/// What the engine accepts, `serde_json` reads to the same values. What the engine refuses, `serde_json` refuses too, but for repeated
/// members, depth and number of members, which are there when the engine says so.
pub fn json(data: &[u8]) {
    if Node::is_ambiguous(data) {
        return;
    }
    let own = reader::read_value(data);
    let peer = Node::parse(data);
    let members = members_of(data);
    match (own, &peer) {
        (Ok(value), Ok(node)) => {
            assert!(node.is_strict());
            assert_same(value, node);
            assert_eq!(members.err(), node.members().is_none().then_some(Error::JsonNotObject));
            let mut text = String::new();
            node.respell(&mut text);
            match reader::read_value(text.as_bytes()) {
                // The other spelling has escapes in its names, of which a document may have few.
                Err(Error::JsonTooManyMembers) => {}
                other => assert_same(other.expect("another spelling"), node),
            }
        }
        (Ok(_), Err(error)) => panic!("only the engine accepts: {error}"),
        (Err(error), peer) => {
            assert_eq!(members.err(), Some(error));
            match (error, peer) {
                (Error::TextNotUtf8, Err(_)) => assert!(str::from_utf8(data).is_err()),
                (Error::JsonMemberRepeated, Ok(node)) => assert!(node.repeats_a_member()),
                (Error::JsonTooDeep, Ok(node)) => assert!(node.depth() > 32),
                (Error::JsonTooManyMembers, Ok(node)) => assert!(node.open_members() > 128 || data.contains(&b'\\')),
                (_, Ok(_)) => panic!("only serde_json accepts: {error}"),
                (_, Err(_)) => {}
            }
        }
    }
}

/// The members that [`reader::read_object`] shows, each where it says that it stands.
fn members_of(data: &[u8]) -> Result<usize, Error> {
    let mut count = 0;
    reader::read_object(data, |member| {
        count += 1;
        let end = member.start + member.value.raw().len();
        assert_eq!(data.get(member.start..end), Some(member.value.raw().as_bytes()));
        Ok(())
    })?;
    Ok(count)
}

fn assert_same(value: Value<'_>, node: &Node) {
    assert_eq!(value.is_null(), matches!(node, Node::Null));
    assert_eq!(value.is_number(), node.number().is_some());
    assert_eq!(value.as_bool().is_some(), matches!(node, Node::Bool(_)));
    assert_eq!(value.as_str().is_some(), node.text().is_some());
    assert_eq!(value.as_array().is_some(), matches!(node, Node::Array(_)));
    assert_eq!(value.as_object().is_some(), node.members().is_some());
    match node {
        Node::Null => {}
        Node::Bool(bool) => assert_eq!(value.as_bool(), Some(*bool)),
        Node::Number(number) => assert_same_number(value, number),
        Node::Text(text) => assert_same_text(value.as_str().expect("a string"), text),
        Node::Array(nodes) => {
            let elements = value.as_array().expect("an array");
            assert_eq!(elements.clone().count(), nodes.len());
            elements.zip(nodes).for_each(|(element, node)| assert_same(element, node));
        }
        Node::Object(nodes) => {
            let members = value.as_object().expect("an object");
            assert_eq!(members.clone().count(), nodes.len());
            for ((name, value), (node_name, node)) in members.clone().zip(nodes) {
                assert_same_text(name, node_name);
                assert_same(value, node);
                assert_eq!(members.clone().get(node_name).map(Value::raw), Some(value.raw()));
            }
        }
    }
}

fn assert_same_number(value: Value<'_>, text: &str) {
    const END: u64 = 1 << 53;
    let (nearest, whole) = (text.parse::<f64>().expect("a number"), text.parse::<u64>().ok());
    match (value.as_numeric_date(), whole) {
        (Some(date), Some(whole)) => assert_eq!((date.floor().0, date.ceil().0), (whole, whole)),
        (None, Some(whole)) => assert!(whole > END),
        (Some(date), None) => {
            let (floor, ceil) = (date.floor().0, date.ceil().0);
            assert!(floor as f64 <= nearest && nearest <= ceil as f64 && ceil <= END, "{text}: {floor} to {ceil}");
        }
        (None, None) => assert!(nearest >= END as f64 || text.starts_with('-'), "{text}"),
    }
}

fn assert_same_text(own: Str<'_>, text: &str) {
    assert!(own.is(text) && own.chars().eq(text.chars()));
    assert_eq!((own.len(), own.is_empty()), (text.len(), text.is_empty()));
    assert_eq!(own.to_string(), text);
    assert_eq!(own.as_str().is_some(), !own.raw().contains('\\'));
    assert!(own.as_str().is_none_or(|plain| plain == text));
    let mut room = vec![0; text.len()];
    assert_eq!(own.copy_to(&mut room), Some(text));
    assert!(text.is_empty() || own.copy_to(&mut room[1..]).is_none());
    assert!(own.same(own) && own.is_ignoring_case(&text.to_ascii_uppercase()));
    assert!(!own.is(&format!("{text}x")) && !own.is_ignoring_case(&format!("x{text}")));
    for word in text.split(' ').take(3).filter(|word| !word.is_empty()) {
        assert!(own.has_word(word));
        let longer = format!("{word}a");
        assert_eq!(own.has_word(&longer), text.split(' ').any(|word| word == longer));
    }
    assert!(!own.has_word(""));
}
