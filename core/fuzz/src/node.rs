//! A JSON document as `serde_json` reads it, with repeated members kept: the oracle for the engine's own reader.

use std::collections::BTreeSet;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

pub(super) enum Node {
    Null,
    Bool(bool),
    /// Its text, or for an integer of 64 bits a text of the same number.
    Number(String),
    Text(String),
    Array(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Node {
    /// What `serde_json` reads, with its `arbitrary_precision`, so that it holds numbers of any size; or why it does not.
    pub(super) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    pub(super) fn read(text: &[u8]) -> Option<Self> {
        Self::parse(text).ok()
    }

    /// Whether a document cannot be told from what `serde_json` shows for a number: the one that names its own sign for them.
    pub(super) fn is_ambiguous(text: &[u8]) -> bool {
        text.windows(ANY_NUMBER.len()).any(|window| window == ANY_NUMBER.as_bytes())
    }

    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(number) => number.parse().ok(),
            _ => None,
        }
    }

    pub(super) fn elements(&self) -> &[Self] {
        match self {
            Self::Array(elements) => elements,
            _ => &[],
        }
    }

    pub(super) fn members(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members()?.iter().find(|(own, _)| own == name).map(|(_, value)| value)
    }

    pub(super) fn text_of(&self, name: &str) -> Option<&str> {
        self.get(name)?.text()
    }

    pub(super) fn depth(&self) -> usize {
        match self {
            Self::Array(elements) => 1 + elements.iter().map(Self::depth).max().unwrap_or(0),
            Self::Object(members) => 1 + members.iter().map(|(_, value)| value.depth()).max().unwrap_or(0),
            _ => 0,
        }
    }

    /// The most members that are open at once.
    pub(super) fn open_members(&self) -> usize {
        match self {
            Self::Array(elements) => elements.iter().map(Self::open_members).max().unwrap_or(0),
            Self::Object(members) => (1..).zip(members).map(|(open, (_, value))| open + value.open_members()).max().unwrap_or(0),
            _ => 0,
        }
    }

    pub(super) fn repeats_a_member(&self) -> bool {
        match self {
            Self::Array(elements) => elements.iter().any(Self::repeats_a_member),
            Self::Object(members) => {
                let names: BTreeSet<_> = members.iter().map(|(name, _)| name).collect();
                names.len() < members.len() || members.iter().any(|(_, value)| value.repeats_a_member())
            }
            _ => false,
        }
    }

    /// Whether the engine's limits admit the document.
    pub(super) fn is_strict(&self) -> bool {
        self.depth() <= 32 && self.open_members() <= 128 && !self.repeats_a_member()
    }

    /// Another spelling of the same document: white space everywhere, and every character of a text escaped.
    pub(super) fn respell(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str(" null "),
            Self::Bool(value) => out.push_str(if *value { "\ttrue" } else { "\nfalse" }),
            Self::Number(number) if number.bytes().all(|byte| byte.is_ascii_digit()) => out.push_str(&format!("{number}.0e-0")),
            Self::Number(number) => out.push_str(number),
            Self::Text(text) => respell_text(text, out),
            Self::Array(elements) => {
                out.push_str("[ ");
                for (i, element) in elements.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { " ,\r" });
                    element.respell(out);
                }
                out.push_str("\n]");
            }
            Self::Object(members) => {
                out.push_str(" { ");
                for (i, (name, value)) in members.iter().enumerate() {
                    out.push_str(if i == 0 { "" } else { "," });
                    respell_text(name, out);
                    out.push_str(" : ");
                    value.respell(out);
                }
                out.push_str("}\t");
            }
        }
    }
}

fn respell_text(text: &str, out: &mut String) {
    out.push('"');
    for unit in text.encode_utf16() {
        out.push_str(&format!("\\u{unit:04X}"));
    }
    out.push('"');
}

/// The name under which `serde_json` shows a number whose text it has kept.
const ANY_NUMBER: &str = "$serde_json::private::Number";

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Node, A::Error> {
        let mut array = Vec::new();
        while let Some(element) = elements.next_element()? {
            array.push(element);
        }
        Ok(Node::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Node, A::Error> {
        let mut object = Vec::new();
        while let Some(member) = members.next_entry()? {
            object.push(member);
        }
        if let [(name, Node::Text(number))] = &object[..]
            && name == ANY_NUMBER
        {
            return Ok(Node::Number(number.clone()));
        }
        Ok(Node::Object(object))
    }
}
