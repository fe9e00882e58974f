//! Imports point one way: `oauth → jose → wire`, and `crypto` answers what `jose` asks. Reads the paths in `core/src`, also those outside
//! of `use`, and finds what has no place in a crate without `std`, heap and `unsafe`.

use std::path::{Path, PathBuf};

/// Rooms, and the rooms that they may not name. `std` and `alloc` may be named nowhere.
const FORBIDDEN: [(&str, &[&str]); 5] = [
    ("", &["wire", "jose", "crypto", "oauth"]),
    ("wire", &["jose", "crypto", "oauth"]),
    ("jose", &["crypto", "oauth"]),
    ("crypto", &["oauth"]),
    ("oauth", &[]),
];

#[test]
fn imports_point_one_way() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let files = sources(&root);
    assert!(files.len() >= 30, "only {} files found", files.len());
    let texts: Vec<(String, String)> = files
        .iter()
        .map(|file| {
            let name = file.strip_prefix(&root).expect("below the root").to_str().expect("UTF-8").replace('\\', "/");
            (name, std::fs::read_to_string(file).expect("a readable file"))
        })
        .collect();
    let only_tests: Vec<String> = texts.iter().flat_map(|(name, text)| test_files_of(name, text)).collect();
    let judged = texts.iter().filter(|(name, _)| !only_tests.contains(name));
    let faults: Vec<String> = judged.flat_map(|(name, text)| faults_of(name, text)).collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_rule_can_be_broken() {
    for (name, text, fault) in [
        ("wire/json.rs", "use crate::jose::jws::Compact;", "wire/json.rs:1: wire names jose"),
        ("wire/json.rs", "\nfn f() { crate::oauth::x() }", "wire/json.rs:2: wire names oauth"),
        ("wire/json.rs", "use super::super::crypto::ES256;", "wire/json.rs:1: wire names crypto"),
        ("wire/deep/mod.rs", "use super::super::crypto;", "wire/deep/mod.rs:1: wire names crypto"),
        ("wire/mod.rs", "use super::{error::Error, jose};", "wire/mod.rs:1: wire names jose"),
        ("jose/keys.rs", "use crate::{error::Error,\n    oauth::{dpop, htu}};", "jose/keys.rs:1: jose names oauth"),
        ("jose/keys.rs", "type T = super :: super :: crypto::Rsa;", "jose/keys.rs:1: jose names crypto"),
        ("jose/keys.rs", "use crate as own; use own::crypto::FAPI;", "jose/keys.rs:1: the crate is renamed"),
        ("jose/keys.rs", "use crate::*;", "jose/keys.rs:1: all of the crate is imported"),
        ("crypto/rsa.rs", "macro_rules! m { () => { $crate::oauth::f() } }", "crypto/rsa.rs:1: crypto names oauth"),
        ("error.rs", "use crate::wire::json;", "error.rs:1: the crate's root names wire"),
        ("oauth/dpop.rs", "use std::vec::Vec;", "oauth/dpop.rs:1: std"),
        ("oauth/dpop.rs", "fn f() -> ::std::string::String { todo!() }", "oauth/dpop.rs:1: std"),
        ("oauth/dpop.rs", "use {core::fmt, alloc::boxed::Box};", "oauth/dpop.rs:1: alloc"),
        ("lib.rs", "extern crate alloc;", "lib.rs:1: extern crate"),
        ("lib.rs", "extern  crate\n std;", "lib.rs:1: extern crate"),
        ("crypto/p256.rs", "/* \" */ fn f() { unsafe { g() } }", "crypto/p256.rs:1: unsafe"),
        ("oauth/ifma.rs", "unsafe fn f() {}", "oauth/ifma.rs:1: unsafe"),
        ("oauth/x86.rs", "unsafe fn f() {}", "oauth/x86.rs:1: unsafe"),
        ("wire/json.rs", "#[cfg(test)]\nmod tests { use std::vec; }\nuse crate::jose::jwk;", "wire/json.rs:3: wire names jose"),
    ] {
        assert!(faults_of(name, text).contains(&fault.to_owned()), "{text}: {:?}", faults_of(name, text));
    }
}

#[test]
fn what_is_allowed_is_no_fault() {
    for (name, text) in [
        ("oauth/dpop.rs", "use crate::{jose::jwk, wire::json}; use super::htu; use crate::time::Seconds;"),
        ("jose/keys.rs", "use crate::wire::json; use super::jwk; /// [`crate::oauth::dpop`]\n// use std::vec::Vec;"),
        ("wire/x86.rs", "fn f() { unsafe { g() } }"),
        ("crypto/p256/ifma.rs", "use crate::jose::algorithm; fn f() { unsafe { g() } }"),
        (
            "wire/json.rs",
            r##"const A: &str = "use std::x"; const B: &[u8] = br#"crate::oauth "unsafe" "#; fn f<'a>(x: &'a [char; 2]) { ['"', '\'']; }"##,
        ),
        ("wire/json.rs", "fn alloc() {} #[cfg(test)]\nmod tests { use std::vec; fn f() { crate::oauth::x(); } }"),
        ("lib.rs", "#![forbid(unsafe_code)]\npub mod oauth; pub use error::Error;"),
    ] {
        assert_eq!(faults_of(name, text), [""; 0], "{text}");
    }
}

#[test]
fn a_file_is_a_test_where_its_module_is_declared_as_one() {
    let text = "#[cfg(test)]\nmod tests; mod point; #[cfg(test)] mod oracle; #[cfg(not(test))] mod real;";
    assert_eq!(test_files_of("crypto/p256/mod.rs", text), ["crypto/p256/tests.rs", "crypto/p256/oracle.rs"]);
    assert_eq!(test_files_of("crypto/rsa.rs", text), ["crypto/rsa/tests.rs", "crypto/rsa/oracle.rs"]);
    assert_eq!(test_files_of("lib.rs", text), ["tests.rs", "oracle.rs"]);
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn faults_of(name: &str, text: &str) -> Vec<String> {
    let tokens = without_tests(tokens_of(text));
    let module = module_of(name);
    let room = if name.contains('/') { module[0] } else { "" };
    let forbidden = FORBIDDEN.iter().find(|(own, _)| *own == room).unwrap_or_else(|| panic!("{name}: a room without a rule")).1;
    let file = name.rsplit('/').next().unwrap_or(name);
    let may_be_unsafe = (room == "crypto" && file.contains("ifma")) || name == "wire/x86.rs";
    let mut faults = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let mut fault = |what: String| faults.push(format!("{name}:{}: {what}", token.line));
        let behind = |distance: usize| tokens.get(at + distance).map(|token| &*token.text);
        let starts_path = !matches!(at.checked_sub(1).and_then(|before| tokens.get(before)).map(|token| &*token.text), Some("::" | "."))
            || at.checked_sub(2).and_then(|before| tokens.get(before)).is_none_or(|token| !is_word(&token.text));
        match &*token.text {
            "unsafe" if !may_be_unsafe => fault("unsafe".into()),
            "extern" if behind(1) == Some("crate") => fault("extern crate".into()),
            root @ ("std" | "alloc" | "counterfoil") if starts_path && matches!(behind(1), Some("::" | "as")) => fault(root.into()),
            "crate" if behind(1) == Some("as") => fault("the crate is renamed".into()),
            "crate" | "super" if starts_path && behind(1) == Some("::") => {
                for named in rooms_named(&tokens[at..], &module) {
                    if named == "*" {
                        fault("all of the crate is imported".into());
                    } else if forbidden.contains(&&*named) && name != "lib.rs" {
                        fault(format!("{} names {named}", if room.is_empty() { "the crate's root" } else { room }));
                    }
                }
            }
            _ => {}
        }
    }
    faults
}

/// The path of a file's module: `["wire", "json"]`.
fn module_of(name: &str) -> Vec<&str> {
    let name = name.strip_suffix(".rs").expect("a Rust file");
    let name = name.strip_suffix("/mod").unwrap_or(name);
    if name == "lib" { Vec::new() } else { name.split('/').collect() }
}

/// What of the crate's root a path that starts with `crate` or `super` names: one name, or those of a group.
fn rooms_named(path: &[Token], module: &[&str]) -> Vec<String> {
    let mut depth = if path[0].text == "crate" { 0 } else { module.len().saturating_sub(1) };
    let mut rest = &path[2..];
    while depth > 0 && matches!(rest, [word, colons, ..] if word.text == "super" && colons.text == "::") {
        depth -= 1;
        rest = &rest[2..];
    }
    match rest.first() {
        _ if depth > 0 => vec![module[0].to_owned()],
        Some(group) if group.text == "{" => {
            let mut level = 0;
            let mut names = Vec::new();
            for (at, token) in rest.iter().enumerate() {
                match &*token.text {
                    "{" => level += 1,
                    "}" if level == 1 => break,
                    "}" => level -= 1,
                    text if level == 1 && matches!(&*rest[at - 1].text, "{" | ",") => names.push(text.to_owned()),
                    _ => {}
                }
            }
            names
        }
        Some(name) => vec![name.text.clone()],
        None => Vec::new(),
    }
}

/// The files of the modules that `#[cfg(test)] mod name;` declares.
fn test_files_of(name: &str, text: &str) -> Vec<String> {
    let tokens = tokens_of(text);
    let words: Vec<&str> = tokens.iter().map(|token| &*token.text).collect();
    let declared = words.windows(10).filter_map(|window| match window {
        ["#", "[", "cfg", "(", "test", ")", "]", "mod", declared, ";"] => Some(*declared),
        _ => None,
    });
    declared.map(|declared| format!("{}.rs", [module_of(name), vec![declared]].concat().join("/"))).collect()
}

struct Token {
    line: usize,
    text: String,
}

fn is_word(text: &str) -> bool {
    text.starts_with(|first: char| first.is_alphanumeric() || first == '_')
}

/// Takes away every item behind `#[cfg(test)]` that has a block.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let mut kept: Vec<Token> = Vec::new();
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        let is_end = token.text == "]";
        kept.push(token);
        let tail = kept.len().checked_sub(7).map(|from| kept[from..].iter().map(|token| &*token.text).collect::<Vec<_>>());
        if is_end && tail.is_some_and(|tail| tail == ["#", "[", "cfg", "(", "test", ")", "]"]) {
            let mut level = 0;
            for token in tokens.by_ref() {
                level += i32::from(token.text == "{") - i32::from(token.text == "}");
                if level == 0 && matches!(&*token.text, "}" | ";") {
                    break;
                }
            }
        }
    }
    kept
}

/// Words, `::` and single characters of the code; comments, strings and white space are left out.
fn tokens_of(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let skipped = literal_or_comment(rest);
        if skipped > 0 {
            line += rest[..skipped].matches('\n').count();
            rest = &rest[skipped..];
            continue;
        }
        let length = match first {
            _ if is_word(rest) => rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()),
            ':' if rest.starts_with("::") => 2,
            other => other.len_utf8(),
        };
        if !first.is_whitespace() {
            tokens.push(Token { line, text: rest[..length].to_owned() });
        }
        line += usize::from(first == '\n');
        rest = &rest[length..];
    }
    tokens
}

/// How long the comment, string, character or lifetime is with which `text` starts.
fn literal_or_comment(text: &str) -> usize {
    let behind = |end: Option<usize>, length: usize| end.map_or(text.len(), |end| end + length);
    if text.starts_with("//") {
        return behind(text.find('\n'), 0);
    }
    if text.starts_with("/*") {
        return behind(text.find("*/"), 2);
    }
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| text.strip_prefix(prefix).is_some_and(starts_literal));
    let Some(prefix) = prefix else { return 0 };
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let start = prefix.len() + hashes + 1;
        return text.get(start..).and_then(|inner| inner.find(&end)).map_or(text.len(), |at| start + at + end.len());
    }
    let quote = &body[..1];
    // A lifetime has no second quote right behind its one character.
    let is_lifetime = quote == "'" && !body[1..].starts_with('\\') && body[1..].chars().nth(1) != Some('\'');
    if is_lifetime {
        return 1 + body[1..].find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(body.len() - 1);
    }
    let mut escaped = false;
    let end = body[1..].char_indices().find(|(_, c)| {
        let ends = !escaped && quote.starts_with(*c);
        escaped = *c == '\\' && !escaped;
        ends
    });
    behind(end.map(|(at, _)| prefix.len() + 1 + at), 1)
}

fn starts_literal(body: &str) -> bool {
    let hashless = body.trim_start_matches('#');
    body.starts_with(['"', '\'']) || (hashless.len() < body.len() && hashless.starts_with('"'))
}
