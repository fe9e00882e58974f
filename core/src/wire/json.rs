//! Strict JSON: RFC 8259 to the letter, valid UTF-8, no lone surrogate, no repeated member at any level, bounded depth.
//!
//! One pass, no recursion, no heap. The stack holds [`MAX_MEMBERS`] names and a few words per level.

use super::name::{Level, Names, Room};
use super::reader::Reader;
use super::search;
use super::value::{Detail, Str, Value};
use crate::error::Error;

/// How deep arrays and objects may nest; the outermost counts as 1.
pub const MAX_DEPTH: usize = 32;
/// How many members may be open at once: those of an object and of all objects around it.
pub const MAX_MEMBERS: usize = 128;
/// How many names with escapes a document may have: nobody writes them, and comparing them is slow.
pub const MAX_ESCAPED_NAMES: u8 = 16;

/// A member of the outermost object.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    /// Its name.
    pub name: Str<'a>,
    /// Its value.
    pub value: Value<'a>,
    /// Where the value's text starts, in bytes from the start of the document.
    pub start: usize,
}

/// Reads a whole document that must be one object, and shows each member of it, in order, to `each`.
///
/// `each` sees a member before the rest of the document is known to be well-formed: it must do nothing but remember.
///
/// # Errors
/// [`Error::TextNotUtf8`], [`Error::JsonMalformed`], [`Error::JsonNotObject`], [`Error::JsonMemberRepeated`],
/// [`Error::JsonTooDeep`], [`Error::JsonTooManyMembers`], [`Error::JsonLoneSurrogate`], or what `each` returned.
pub fn read_object<'a>(text: &'a [u8], mut each: impl FnMut(Member<'a>) -> Result<(), Error>) -> Result<&'a str, Error> {
    let (text, is_plain) = search::text(text).ok_or(Error::TextNotUtf8)?;
    let mut reader = Reader::of_parts((text, is_plain), 0);
    if reader.token() != b'{' {
        return Err(document((text, is_plain)).err().unwrap_or(Error::JsonNotObject));
    }
    reader.skip(1);
    let mut room = Room::new();
    let mut names = Names::new(&mut room);
    let mut level = Level::new(b'{', &names);
    if reader.token() == b'}' {
        reader.skip(1);
    } else {
        loop {
            let name = member_name(&mut reader, &mut names, &mut level)?;
            let start = reader.position();
            let value = value(&mut reader, &mut names, MAX_DEPTH.wrapping_sub(1))?;
            each(Member { name, value, start })?;
            let behind = reader.token();
            reader.skip(1);
            match behind {
                b',' => {}
                b'}' => break,
                _ => return Err(Error::JsonMalformed),
            }
        }
    }
    end(reader)?;
    Ok(text)
}

/// Reads a whole document that may be any JSON value.
///
/// # Errors
/// As [`read_object`], without [`Error::JsonNotObject`].
pub fn read_value(text: &[u8]) -> Result<Value<'_>, Error> {
    document(search::text(text).ok_or(Error::TextNotUtf8)?)
}

fn document(text: (&str, bool)) -> Result<Value<'_>, Error> {
    let mut reader = Reader::of_parts(text, 0);
    reader.token();
    let mut room = Room::new();
    let value = value(&mut reader, &mut Names::new(&mut room), MAX_DEPTH)?;
    end(reader)?;
    Ok(value)
}

fn end(mut reader: Reader<'_>) -> Result<(), Error> {
    reader.token();
    if reader.is_at_end() { Ok(()) } else { Err(Error::JsonMalformed) }
}

/// Reads one value, with all that is nested in it, down to `depth` levels.
#[inline(always)]
fn value<'a>(reader: &mut Reader<'a>, names: &mut Names<'a, '_>, depth: usize) -> Result<Value<'a>, Error> {
    let start = reader.position();
    let detail = match reader.peek() {
        bracket @ (b'{' | b'[') => {
            let (behind, are_strings) = nested(reader.text(), reader.position(), (bracket, depth), names)?;
            reader.go_to(behind);
            if are_strings { Detail::Strings } else { Detail::None }
        }
        _ => Detail::of_string(scalar(reader)?),
    };
    reader.between(start, reader.position()).map(|raw| Value::read(raw, detail)).ok_or(Error::JsonMalformed)
}

/// Reads an array or an object from its opening bracket; returns the position behind its closing one, and whether it is an array of at
/// least one string and nothing else.
#[inline(never)]
fn nested<'a>(text: (&'a str, bool), at: usize, (bracket, depth): (u8, usize), names: &mut Names<'a, '_>) -> Result<(usize, bool), Error> {
    let mut reader = Reader::of_parts(text, at.wrapping_add(1));
    let mut around = heapless::Vec::<Level, MAX_DEPTH>::new();
    let mut level = Level::new(bracket, names);
    let mut opened = true;
    let (mut some_string, mut only_strings) = (false, bracket == b'[');
    loop {
        // What follows stands first in its level or behind a comma; only what stands first may be the end.
        if !opened || reader.token() != level.closing() {
            if level.is_object() {
                reader.token();
                member_name(&mut reader, names, &mut level)?;
            }
            let bracket = reader.token();
            some_string |= bracket == b'"';
            only_strings &= bracket == b'"';
            if matches!(bracket, b'{' | b'[') {
                if around.len().wrapping_add(1) >= depth {
                    return Err(Error::JsonTooDeep);
                }
                around.push(level).map_err(|_| Error::JsonTooDeep)?;
                level = Level::new(bracket, names);
                opened = true;
                reader.skip(1);
                continue;
            }
            scalar(&mut reader)?;
        }
        while reader.token() == level.closing() {
            reader.skip(1);
            names.close(&level);
            level = match around.pop() {
                Some(level) => level,
                None => return Ok((reader.position(), some_string && only_strings)),
            };
        }
        if !reader.eat(b',') {
            return Err(Error::JsonMalformed);
        }
        opened = false;
    }
}

/// Reads a member's name and the colon behind it, up to the value, and refuses a name that its object has already.
#[inline(always)]
fn member_name<'a>(reader: &mut Reader<'a>, names: &mut Names<'a, '_>, level: &mut Level) -> Result<Str<'a>, Error> {
    if reader.token() != b'"' {
        return Err(Error::JsonMalformed);
    }
    let start = reader.position();
    let escaped = string(reader)?;
    let raw = reader.between(start.wrapping_add(1), reader.position().wrapping_sub(1)).ok_or(Error::JsonMalformed)?;
    if reader.token() != b':' {
        return Err(Error::JsonMalformed);
    }
    reader.skip(1);
    let name = Str::new(raw, escaped);
    names.add(name, level)?;
    reader.token();
    Ok(name)
}

/// Reads a value that holds no others; says whether it is a string with escapes.
#[inline(always)]
fn scalar(reader: &mut Reader<'_>) -> Result<bool, Error> {
    if reader.peek() == b'"' {
        return string(reader);
    }
    reader.go_to(behind_word(reader.text(), reader.position()).ok_or(Error::JsonMalformed)?);
    Ok(false)
}

/// Reads a string from its opening to its closing quote; says whether it has escapes.
#[inline(always)]
fn string(reader: &mut Reader<'_>) -> Result<bool, Error> {
    reader.skip(1);
    let rest = reader.rest();
    reader.skip(if reader.is_plain() { search::plain_quote_prefix(rest) } else { search::plain_string_prefix(rest) });
    let escaped = reader.peek() != b'"';
    if escaped {
        reader.go_to(behind_escapes(reader.text(), reader.position())?);
    }
    reader.skip(1);
    Ok(escaped)
}

/// Reads the rest of a string from its first escape; returns the position of its closing quote.
#[inline(never)]
fn behind_escapes(text: (&str, bool), at: usize) -> Result<usize, Error> {
    let mut reader = Reader::of_parts(text, at);
    loop {
        reader.skip(search::plain_string_prefix(reader.rest()));
        match reader.peek() {
            b'"' => return Ok(reader.position()),
            b'\\' => {
                reader.skip(1);
                escape(&mut reader)?;
            }
            _ => return Err(Error::JsonMalformed),
        }
    }
}

/// Reads an escape whose backslash has been read; a high surrogate takes the low one behind it along.
fn escape(reader: &mut Reader<'_>) -> Result<(), Error> {
    match reader.next() {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
        b'u' => match code_unit(reader)? {
            0xd800..=0xdbff => {
                if reader.eat_all(b"\\u") && matches!(code_unit(reader)?, 0xdc00..=0xdfff) {
                    Ok(())
                } else {
                    Err(Error::JsonLoneSurrogate)
                }
            }
            0xdc00..=0xdfff => Err(Error::JsonLoneSurrogate),
            _ => Ok(()),
        },
        _ => Err(Error::JsonMalformed),
    }
}

fn code_unit(reader: &mut Reader<'_>) -> Result<u32, Error> {
    let mut unit = 0u32;
    for _ in 0..4 {
        let digit = char::from(reader.next()).to_digit(16).ok_or(Error::JsonMalformed)?;
        unit = unit.wrapping_shl(4) | digit;
    }
    Ok(unit)
}

/// Reads a number, `true`, `false` or `null`; returns the position behind it.
#[inline(never)]
fn behind_word(text: (&str, bool), at: usize) -> Option<usize> {
    let mut reader = Reader::of_parts(text, at);
    // Nearly all words are dates: ten digits.
    if let Some((digits, behind)) = reader.rest().split_first_chunk::<10>()
        && matches!(behind, [b',' | b'}', ..])
        && search::are_date(digits)
    {
        return Some(at.wrapping_add(10));
    }
    let well_formed = match reader.peek() {
        b't' => reader.eat_all(b"true"),
        b'f' => reader.eat_all(b"false"),
        b'n' => reader.eat_all(b"null"),
        _ => number(&mut reader),
    };
    well_formed.then_some(reader.position())
}

fn number(reader: &mut Reader<'_>) -> bool {
    reader.eat(b'-');
    if !reader.eat(b'0') && digits(reader) == 0 {
        return false;
    }
    if reader.eat(b'.') && digits(reader) == 0 {
        return false;
    }
    if matches!(reader.peek(), b'e' | b'E') {
        reader.skip(1);
        if !reader.eat(b'+') {
            reader.eat(b'-');
        }
        return digits(reader) > 0;
    }
    true
}

fn digits(reader: &mut Reader<'_>) -> usize {
    let count = search::digits_prefix(reader.rest());
    reader.skip(count);
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str) -> Result<Vec<(String, String)>, Error> {
        let mut members = Vec::new();
        read_object(text.as_bytes(), |member| {
            members.push((member.name.to_string(), member.value.raw().to_owned()));
            Ok(())
        })?;
        Ok(members)
    }

    #[test]
    fn a_plain_text_is_judged_as_any_other() {
        for text in [
            r#"{}"#,
            r#"{"a":1,"b":[true,"x",{"c":null}],"d":{}}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":{"b":1,"b":2}}"#,
            r#"{"a":"#,
            r#"{"a"#,
            r#"{"a":"b}"#,
            r#"{"a":[1,]}"#,
            r#"{"a":[,1]}"#,
            r#"{"a":[}"#,
            r#"{"a":{]}"#,
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":01}"#,
            r#"{"a":1.}"#,
            r#"{"a":tru}"#,
            r#"{"a":1}}"#,
            r#"["a"]"#,
            "",
        ] {
            assert_eq!(outcome(text), outcome(&format!("\n{text}")), "{text}");
            assert_eq!(outcome(text), outcome(&format!("{text}\t")), "{text}");
        }
    }

    #[test]
    fn a_name_is_repeated_however_it_is_written() {
        for (first, second) in [("alg", r"\u0061lg"), (r"\u0061lg", "alg"), ("authorization", r"authorizatio\u006e"), (r"\n", r"\u000a")] {
            assert_eq!(outcome(&format!(r#"{{"{first}":1,"b":2,"{second}":3}}"#)), Err(Error::JsonMemberRepeated));
            assert_eq!(outcome(&format!(r#"{{"x":[{{"{first}":1,"b":2,"{second}":3}}]}}"#)), Err(Error::JsonMemberRepeated));
            assert!(outcome(&format!(r#"{{"x":{{"{first}":1}},"y":{{"{second}":3}}}}"#)).is_ok());
        }
    }

    #[test]
    fn depth_and_members_are_bounded_exactly() {
        let nested = |depth: usize| format!(r#"{{"a":{}1{}}}"#, "[".repeat(depth), "]".repeat(depth));
        assert!(outcome(&nested(MAX_DEPTH - 1)).is_ok());
        assert_eq!(outcome(&nested(MAX_DEPTH)), Err(Error::JsonTooDeep));
        assert!(read_value(nested(MAX_DEPTH - 1).as_bytes()).is_ok());
        assert_eq!(read_value(nested(MAX_DEPTH).as_bytes()).err(), Some(Error::JsonTooDeep));
        let wide = |count: usize| format!("{{{}}}", (0..count).map(|i| format!(r#""{i}":{i}"#)).collect::<Vec<_>>().join(","));
        assert_eq!(outcome(&wide(MAX_MEMBERS)).map(|members| members.len()), Ok(MAX_MEMBERS));
        assert_eq!(outcome(&wide(MAX_MEMBERS + 1)), Err(Error::JsonTooManyMembers));
    }
}
