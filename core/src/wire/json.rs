//! Strict JSON: RFC 8259 to the letter, valid UTF-8, no lone surrogate, no repeated member at any level, bounded depth.
//!
//! One pass, no recursion, no heap. The stack holds [`MAX_MEMBERS`] name spans and one word per level.

use super::reader::Reader;
use super::search;
use super::value::{Str, Value};
use crate::error::Error;

/// How deep arrays and objects may nest; the outermost counts as 1.
pub const MAX_DEPTH: usize = 32;
/// How many members may be open at once: those of an object and of all objects around it.
pub const MAX_MEMBERS: usize = 128;

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
    let text = core::str::from_utf8(text).map_err(|_| Error::TextNotUtf8)?;
    let mut scanner = Scanner::new(text);
    scanner.space();
    if scanner.reader.peek() != Some(b'{') {
        scanner.value()?;
        scanner.end()?;
        return Err(Error::JsonNotObject);
    }
    scanner.reader.next();
    scanner.open(true)?;
    scanner.space();
    if !scanner.reader.eat(b'}') {
        loop {
            scanner.space();
            let name = scanner.member_name()?;
            scanner.space();
            let start = scanner.reader.position();
            scanner.value()?;
            let value = Value::new(text.get(start..scanner.reader.position()).ok_or(Error::JsonMalformed)?);
            each(Member { name, value, start })?;
            scanner.space();
            match scanner.reader.next() {
                Some(b',') => {}
                Some(b'}') => break,
                _ => return Err(Error::JsonMalformed),
            }
        }
    }
    scanner.end()?;
    Ok(text)
}

/// Reads a whole document that may be any JSON value.
///
/// # Errors
/// As [`read_object`], without [`Error::JsonNotObject`].
pub fn read_value(text: &[u8]) -> Result<Value<'_>, Error> {
    let text = core::str::from_utf8(text).map_err(|_| Error::TextNotUtf8)?;
    let mut scanner = Scanner::new(text);
    scanner.space();
    let start = scanner.reader.position();
    scanner.value()?;
    let value = text.get(start..scanner.reader.position()).ok_or(Error::JsonMalformed)?;
    scanner.end()?;
    Ok(Value::new(value))
}

struct Scanner<'a> {
    text: &'a str,
    reader: Reader<'a>,
    levels: heapless::Vec<Level, MAX_DEPTH>,
    names: heapless::Vec<Str<'a>, MAX_MEMBERS>,
}

/// An open array or object.
struct Level {
    is_object: bool,
    /// The length of `names` when this level was opened: its own names lie above.
    names_below: usize,
    /// One bit for each [`Str::fingerprint`] seen: a clear bit proves a name new without a comparison.
    seen: u64,
}

impl<'a> Scanner<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, reader: Reader::new(text.as_bytes()), levels: heapless::Vec::new(), names: heapless::Vec::new() }
    }

    fn space(&mut self) {
        // Issuers send compact JSON: most calls find nothing to skip.
        while matches!(self.reader.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.reader.next();
        }
    }

    fn end(&mut self) -> Result<(), Error> {
        self.space();
        if self.reader.is_at_end() { Ok(()) } else { Err(Error::JsonMalformed) }
    }

    /// Reads one value, with all that is nested in it.
    fn value(&mut self) -> Result<(), Error> {
        let floor = self.levels.len();
        loop {
            self.space();
            match self.reader.next() {
                Some(b'{') => {
                    self.open(true)?;
                    self.space();
                    if self.reader.eat(b'}') {
                        self.close();
                    } else {
                        self.member_name()?;
                        continue;
                    }
                }
                Some(b'[') => {
                    self.open(false)?;
                    self.space();
                    if self.reader.eat(b']') {
                        self.close();
                    } else {
                        continue;
                    }
                }
                Some(b'"') => {
                    self.string()?;
                }
                Some(first @ (b'-' | b'0'..=b'9')) => self.number(first)?,
                Some(b't') if self.reader.eat_all(b"rue") => {}
                Some(b'f') if self.reader.eat_all(b"alse") => {}
                Some(b'n') if self.reader.eat_all(b"ull") => {}
                _ => return Err(Error::JsonMalformed),
            }
            if !self.another_value(floor)? {
                return Ok(());
            }
        }
    }

    /// After a value: closes what ends here, down to `floor`; says whether another value follows.
    fn another_value(&mut self, floor: usize) -> Result<bool, Error> {
        while self.levels.len() > floor {
            let is_object = self.levels.last().is_some_and(|level| level.is_object);
            self.space();
            match self.reader.next() {
                Some(b',') => {
                    if is_object {
                        self.space();
                        self.member_name()?;
                    }
                    return Ok(true);
                }
                Some(b'}') if is_object => self.close(),
                Some(b']') if !is_object => self.close(),
                _ => return Err(Error::JsonMalformed),
            }
        }
        Ok(false)
    }

    fn open(&mut self, is_object: bool) -> Result<(), Error> {
        let level = Level { is_object, names_below: self.names.len(), seen: 0 };
        self.levels.push(level).map_err(|_| Error::JsonTooDeep)
    }

    fn close(&mut self) {
        if let Some(level) = self.levels.pop() {
            self.names.truncate(level.names_below);
        }
    }

    /// Reads a member's name and the colon behind it, and refuses a name that its object has already.
    fn member_name(&mut self) -> Result<Str<'a>, Error> {
        if !self.reader.eat(b'"') {
            return Err(Error::JsonMalformed);
        }
        let name = self.string()?;
        self.space();
        if !self.reader.eat(b':') {
            return Err(Error::JsonMalformed);
        }
        let level = self.levels.last_mut().ok_or(Error::JsonMalformed)?;
        let bit = 1u64.wrapping_shl(name.fingerprint());
        if level.seen & bit != 0 {
            let siblings = self.names.get(level.names_below..).unwrap_or(&[]);
            if siblings.iter().any(|sibling| sibling.same(name)) {
                return Err(Error::JsonMemberRepeated);
            }
        }
        level.seen |= bit;
        self.names.push(name).map_err(|_| Error::JsonTooManyMembers)?;
        Ok(name)
    }

    /// Reads a string whose opening quote has been read, with its closing quote.
    #[inline]
    fn string(&mut self) -> Result<Str<'a>, Error> {
        let rest = self.reader.rest();
        let length = search::plain_string_prefix(rest);
        if rest.get(length) != Some(&b'"') {
            return self.string_with_escapes();
        }
        let start = self.reader.position();
        let raw = self.text.get(start..start.wrapping_add(length)).ok_or(Error::JsonMalformed)?;
        self.reader.skip(length.wrapping_add(1));
        Ok(Str::new(raw, false))
    }

    #[inline(never)]
    fn string_with_escapes(&mut self) -> Result<Str<'a>, Error> {
        let start = self.reader.position();
        let mut escaped = false;
        loop {
            self.reader.skip(search::plain_string_prefix(self.reader.rest()));
            let end = self.reader.position();
            match self.reader.next() {
                Some(b'"') => {
                    let raw = self.text.get(start..end).ok_or(Error::JsonMalformed)?;
                    return Ok(Str::new(raw, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(Error::JsonMalformed),
            }
        }
    }

    /// Reads an escape whose backslash has been read; a high surrogate takes the low one behind it along.
    fn escape(&mut self) -> Result<(), Error> {
        match self.reader.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => match self.code_unit()? {
                0xd800..=0xdbff => {
                    if self.reader.eat_all(b"\\u") && matches!(self.code_unit()?, 0xdc00..=0xdfff) {
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

    fn code_unit(&mut self) -> Result<u32, Error> {
        let mut unit = 0u32;
        for _ in 0..4 {
            let digit = self.reader.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(Error::JsonMalformed)?;
            unit = unit.wrapping_shl(4) | digit;
        }
        Ok(unit)
    }

    /// Reads a number whose first character has been read.
    fn number(&mut self, first: u8) -> Result<(), Error> {
        let first = if first == b'-' { self.reader.next() } else { Some(first) };
        match first {
            Some(b'0') => {}
            Some(b'1'..=b'9') => {
                self.digits();
            }
            _ => return Err(Error::JsonMalformed),
        }
        if self.reader.eat(b'.') && self.digits() == 0 {
            return Err(Error::JsonMalformed);
        }
        if self.reader.eat(b'e') || self.reader.eat(b'E') {
            if !self.reader.eat(b'+') {
                self.reader.eat(b'-');
            }
            if self.digits() == 0 {
                return Err(Error::JsonMalformed);
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> usize {
        self.reader.skip_while(|byte| byte.is_ascii_digit())
    }
}
