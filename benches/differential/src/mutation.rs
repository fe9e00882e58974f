//! Tokens that are almost good: documents changed before they are signed, and texts changed after.

use crate::random::Random;

const BASE64URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Members that headers may have, with values of the right and of every other type.
const HEADER_MEMBERS: [(&str, &[&str]); 16] = [
    ("typ", &[r#""at+jwt""#, r#""JWT""#, r#""application/at+jwt""#, r#""AT+JWT""#, "null", "1"]),
    ("alg", &[r#""ES256""#, r#""PS256""#, r#""RS256""#, r#""EdDSA""#, r#""none""#, r#""HS256""#, "null"]),
    ("kid", &[r#""issuer-es""#, r#""other""#, "null", "[]", r#""""#]),
    ("cty", &[r#""json""#, r#""JWT""#, "1"]),
    ("crit", &["[]", r#"["exp"]"#, "null"]),
    ("b64", &["false", "true"]),
    ("zip", &[r#""DEF""#]),
    ("enc", &[r#""A128GCM""#]),
    ("jku", &[r#""https://evil.example""#, "5"]),
    ("x5u", &[r#""https://evil.example""#, "{}"]),
    ("x5c", &["[]", r#"["AA"]"#, "[1]", r#""AA""#]),
    ("x5t", &[r#""AA""#, "false"]),
    ("x5t#S256", &[r#""AA""#, "1"]),
    ("jwk", &["{}", r#"{"kty":"oct","k":"AA"}"#, "null"]),
    ("nonce", &[r#""n""#, "7"]),
    ("more", &["1", "1e400", "[[[[]]]]", r#""\u00e9""#, r#""\ud800""#]),
];

/// Claims with values of the right and of every other type. Times are decades from any day on which this runs.
const CLAIMS: [(&str, &[&str]); 10] = [
    (
        "iss",
        &[r#""https://as.example""#, r#""https:\/\/as.example""#, r#""https://as.example/""#, r#"["https://as.example"]"#, "null", "1"],
    ),
    (
        "aud",
        &[
            r#""https://api.example""#,
            r#"["https://api.example"]"#,
            r#"["a","https:\u002f/api.example"]"#,
            r#"["https://api.example","https://api.example"]"#,
            "[]",
            r#"["a"]"#,
            r#"["https://api.example",1]"#,
            r#""https://API.example""#,
            "null",
            "{}",
        ],
    ),
    (
        "exp",
        &[
            "4102444800",
            "4102444800.0",
            "41024448e2",
            "4.1024448E+9",
            "4102444800.9999",
            "9007199254740992",
            "9007199254740993",
            "18446744073709551616",
            "1e400",
            "1000000000",
            "1e9",
            "0",
            "-1",
            "-0",
            "1e-400",
            r#""4102444800""#,
            "null",
            "true",
            "[4102444800]",
        ],
    ),
    ("nbf", &["1000000000", "1e9", "1000000000.5", "4102444800", "41024448e2", "0", "-1", "-0.0", r#""0""#, "null", "9007199254740993"]),
    ("iat", &["1000000000", "4102444800", "1e9", r#""0""#]),
    ("sub", &[r#""4711""#, r#""\ud83d\ude00""#, "1", "null", r#""""#]),
    ("scope", &[r#""accounts payments""#, "[]"]),
    ("cnf", &["{}", r#"{"jkt":"AA"}"#, "null"]),
    ("a", &["1e400", "[[[[[[[[]]]]]]]]", r#"{"b":1,"b":2}"#, r#""\ud800""#, r#"{"iss":"x"}"#, "-0"]),
    ("", &["1", r#""""#]),
];

/// An object as a list of the texts of its names and values.
#[derive(Clone, Debug)]
pub struct Document {
    members: Vec<(String, String)>,
}

impl Document {
    /// A good header.
    #[must_use]
    pub fn header(alg: &str, kid: &str) -> Self {
        Self::of(&[("typ", r#""at+jwt""#), ("alg", &format!("\"{alg}\"")), ("kid", &format!("\"{kid}\""))])
    }

    /// A good payload.
    #[must_use]
    pub fn payload() -> Self {
        Self::of(&[
            ("iss", CLAIMS[0].1[0]),
            ("aud", CLAIMS[1].1[0]),
            ("exp", CLAIMS[2].1[0]),
            ("iat", CLAIMS[4].1[0]),
            ("sub", CLAIMS[5].1[0]),
            ("scope", CLAIMS[6].1[0]),
        ])
    }

    fn of(members: &[(&str, &str)]) -> Self {
        Self { members: members.iter().map(|(name, value)| (format!("\"{name}\""), (*value).to_owned())).collect() }
    }

    /// Changes one thing in a header.
    pub fn mutate_header(&mut self, random: &mut Random) {
        self.mutate(&HEADER_MEMBERS, random);
    }

    /// Changes one thing in a payload.
    pub fn mutate_payload(&mut self, random: &mut Random) {
        self.mutate(&CLAIMS, random);
    }

    fn mutate(&mut self, pool: &[(&str, &[&str])], random: &mut Random) {
        let (name, values) = *random.pick(pool);
        let value = (*random.pick(values)).to_owned();
        let name = format!("\"{name}\"");
        let at = random.below(self.members.len());
        match random.below(8) {
            0 => {
                self.members.remove(at);
                if self.members.is_empty() {
                    self.members.push((name, value));
                }
            }
            1 => self.members[at].0 = respelled(&self.members[at].0, random),
            2 if self.members[at].1.starts_with('"') => self.members[at].1 = respelled(&self.members[at].1, random),
            3 => self.members.insert(at, (name, value)),
            4 => self.members.swap(at, 0),
            _ => match self.members.iter_mut().find(|(own, _)| *own == name) {
                Some(member) => member.1 = value,
                None => self.members.push((name, value)),
            },
        }
    }

    /// The text, sometimes with white space, sometimes with a byte changed.
    pub fn text(&self, random: &mut Random) -> Vec<u8> {
        let (before, behind) = *random.pick(&[("", ""), ("", ""), ("", ""), (" ", ""), ("\r\n", "\t")]);
        let members: Vec<_> = self.members.iter().map(|(name, value)| format!("{before}{name}{behind}:{before}{value}{behind}")).collect();
        let mut text = format!("{before}{{{}}}{behind}", members.join(",")).into_bytes();
        if random.one_in(6) {
            change_byte(&mut text, random);
        }
        text
    }
}

/// One character of a JSON string written as an escape.
fn respelled(text: &str, random: &mut Random) -> String {
    let inner: Vec<char> = text.trim_matches('"').chars().collect();
    if inner.is_empty() || inner.contains(&'\\') {
        return text.to_owned();
    }
    let at = random.below(inner.len());
    let spelled = inner.iter().enumerate().map(|(i, c)| if i == at { format!("\\u{:04x}", u32::from(*c)) } else { c.to_string() });
    format!("\"{}\"", spelled.collect::<String>())
}

fn change_byte(text: &mut Vec<u8>, random: &mut Random) {
    if text.is_empty() {
        return;
    }
    let at = random.below(text.len());
    let any = random.next().to_le_bytes()[0];
    match random.below(4) {
        0 => text[at] ^= 1 << random.below(8),
        1 => text.insert(at, any),
        2 => drop(text.remove(at)),
        _ => text[at] = *random.pick(b"{}[]\",:0123456789eE.+-\\ntf \x00\x7f"),
    }
}

/// Changes the text of a signed token; `other` is one more of the same key.
#[must_use]
pub fn mutated(token: &str, other: &str, random: &mut Random) -> Vec<u8> {
    let mut text = token.as_bytes().to_vec();
    let segments: Vec<&str> = token.split('.').collect();
    let others: Vec<&str> = other.split('.').collect();
    match random.below(10) {
        0..3 => {
            let at = random.below(text.len());
            text[at] ^= 1 << random.below(8);
        }
        3 => {
            let at = random.below(text.len());
            text[at] = *random.pick(BASE64URL);
        }
        4 => {
            let at = random.below(text.len() + 1);
            text.insert(at, *random.pick(b"A_-=+/. \n\r\t\x00\xff~%"));
        }
        5 => {
            // The last character of a segment: its unused bits, where it has some, must be zero.
            let ends = [segments[0].len(), segments[0].len() + 1 + segments[1].len(), text.len()];
            let at = *random.pick(&ends);
            if let Some(last) = at.checked_sub(1).and_then(|at| text.get_mut(at)) {
                let value = BASE64URL.iter().position(|c| c == last).unwrap_or(0);
                *last = BASE64URL[value ^ (1 << random.below(4))];
            }
        }
        6 => {
            let swapped = random.below(3);
            let mixed: Vec<&str> = (0..3).map(|i| if i == swapped { others[i] } else { segments[i] }).collect();
            text = mixed.join(".").into_bytes();
        }
        7 => {
            let (one, two) = (random.below(3), random.below(3));
            let mut order = segments.clone();
            order.swap(one, two);
            text = order.join(".").into_bytes();
        }
        8 => text.truncate(random.below(text.len())),
        _ => {
            let at = random.below(3);
            let mut more = segments.clone();
            let padded = format!("{}{}", segments[at], random.pick(&["=", "==", "A", "AAAA", ".", ""]));
            more[at] = &padded;
            text = more.join(".").into_bytes();
        }
    }
    text
}
