//! Values of a JSON text that has been read whole and found well-formed: slices of it, nothing copied.

use super::number;
use super::reader::Reader;
use super::search;
use crate::time::NumericDate;

/// A JSON string as it stands between its quotes, with escapes where the sender wrote them.
#[derive(Clone, Copy)]
pub struct Str<'a> {
    raw: &'a str,
    escaped: bool,
}

impl<'a> Str<'a> {
    pub(crate) const fn new(raw: &'a str, escaped: bool) -> Self {
        Self { raw, escaped }
    }

    /// The string as a slice of the document; `None` when it holds an escape, which only [`Str::chars`] and [`Str::copy_to`] resolve.
    #[must_use]
    pub const fn as_str(self) -> Option<&'a str> {
        if self.escaped { None } else { Some(self.raw) }
    }

    /// The text between the quotes, escapes unresolved.
    #[must_use]
    pub const fn raw(self) -> &'a str {
        self.raw
    }

    /// The characters, escapes resolved.
    #[must_use]
    pub const fn chars(self) -> Chars<'a> {
        Chars { rest: self.raw }
    }

    /// Whether the string, escapes resolved, is exactly `text`.
    #[must_use]
    pub fn is(self, text: &str) -> bool {
        if self.escaped { self.chars().eq(text.chars()) } else { self.raw == text }
    }

    /// Whether the string, escapes resolved, is `text` but for the case of ASCII letters.
    #[must_use]
    pub fn is_ignoring_case(self, text: &str) -> bool {
        if self.escaped {
            self.chars().map(|c| c.to_ascii_lowercase()).eq(text.chars().map(|c| c.to_ascii_lowercase()))
        } else {
            self.raw == text || self.raw.eq_ignore_ascii_case(text)
        }
    }

    /// Whether both strings are the same, escapes resolved.
    #[must_use]
    pub fn same(self, other: Self) -> bool {
        match other.as_str() {
            Some(text) => self.is(text),
            None => self.chars().eq(other.chars()),
        }
    }

    /// The length in bytes of UTF-8, escapes resolved.
    #[must_use]
    pub fn len(self) -> usize {
        if self.escaped { self.chars().map(char::len_utf8).sum() } else { self.raw.len() }
    }

    /// Whether the string is empty.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.raw.is_empty()
    }

    /// Copies the string, escapes resolved, to the start of `out`; `None` when it does not fit.
    #[must_use]
    pub fn copy_to(self, out: &mut [u8]) -> Option<&str> {
        let mut at = 0usize;
        for character in self.chars() {
            let end = at.checked_add(character.len_utf8())?;
            character.encode_utf8(out.get_mut(at..end)?);
            at = end;
        }
        core::str::from_utf8(out.get(..at)?).ok()
    }

    /// Whether `word` is one of the words of the string, which single spaces separate (`scope`, RFC 6749 section 3.3).
    #[must_use]
    pub fn has_word(self, word: &str) -> bool {
        let mut characters = self.chars().peekable();
        while characters.peek().is_some() {
            let mut wanted = word.chars();
            let mut same = true;
            for character in characters.by_ref() {
                if character == ' ' {
                    break;
                }
                same = same && wanted.next() == Some(character);
            }
            if same && wanted.next().is_none() && !word.is_empty() {
                return true;
            }
        }
        false
    }

    /// The string with its escapes resolved, into `short` where it has any; empty where it is too long to be a name that anybody looks for.
    #[inline(always)]
    pub(crate) fn resolved_name<'n>(self, short: &'n mut [u8; 32]) -> &'n str
    where
        'a: 'n,
    {
        if self.escaped { self.copy_to(short).unwrap_or("") } else { self.raw }
    }
}

impl core::fmt::Display for Str<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        use core::fmt::Write as _;
        self.chars().try_for_each(|character| f.write_char(character))
    }
}

/// What a token says is shown only where it is asked for.
impl core::fmt::Debug for Str<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Str({} bytes)", self.raw.len())
    }
}

/// The characters of a [`Str`], escapes resolved.
#[derive(Clone)]
pub struct Chars<'a> {
    rest: &'a str,
}

impl Iterator for Chars<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let mut next = characters.next();
        if next == Some('\\') {
            next = match characters.next()? {
                'b' => Some('\u{8}'),
                'f' => Some('\u{c}'),
                'n' => Some('\n'),
                'r' => Some('\r'),
                't' => Some('\t'),
                'u' => escaped_character(&mut characters),
                other => Some(other),
            };
        }
        self.rest = characters.as_str();
        next
    }
}

/// The character of one `\uXXXX`, or of two that are a surrogate pair (RFC 8259 section 7).
fn escaped_character(characters: &mut core::str::Chars<'_>) -> Option<char> {
    let high = code_unit(characters)?;
    if !(0xd800..0xdc00).contains(&high) {
        return char::from_u32(high);
    }
    if characters.next()? != '\\' || characters.next()? != 'u' {
        return None;
    }
    let low = code_unit(characters)?.wrapping_sub(0xdc00);
    let above = (high.wrapping_sub(0xd800)).wrapping_shl(10) | low;
    char::from_u32(above.wrapping_add(0x10000))
}

fn code_unit(characters: &mut core::str::Chars<'_>) -> Option<u32> {
    let mut unit = 0u32;
    for _ in 0..4 {
        unit = unit.wrapping_shl(4) | characters.next()?.to_digit(16)?;
    }
    Some(unit)
}

/// Any JSON value: its text, known to be well-formed.
#[derive(Clone, Copy)]
pub struct Value<'a> {
    raw: &'a str,
    detail: Detail,
}

/// What the scanner saw on its way through a value.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Detail {
    /// Nothing that must be known.
    #[default]
    None,
    /// A string with escapes.
    Escapes,
    /// An array of strings, at least one, and nothing else.
    Strings,
}

impl Detail {
    pub(super) const fn of_string(escaped: bool) -> Self {
        if escaped { Self::Escapes } else { Self::None }
    }
}

impl<'a> Value<'a> {
    /// A checked value that is not a string with escapes.
    pub(crate) const fn new(raw: &'a str) -> Self {
        Self::read(raw, Detail::None)
    }

    pub(super) const fn read(raw: &'a str, detail: Detail) -> Self {
        Self { raw, detail }
    }

    /// The value's JSON text.
    #[must_use]
    pub const fn raw(self) -> &'a str {
        self.raw
    }

    /// Whether the value is an array of at least one string and nothing else.
    pub(crate) fn is_array_of_strings(self) -> bool {
        let are_strings = |elements: Elements<'_>| elements.map(Value::is_str).reduce(|all, is_str| all && is_str);
        self.detail == Detail::Strings || self.as_array().and_then(are_strings).unwrap_or(false)
    }

    /// Whether the value is a string.
    #[must_use]
    pub fn is_str(self) -> bool {
        self.raw.starts_with('"')
    }

    /// The string, if the value is one.
    #[must_use]
    pub fn as_str(self) -> Option<Str<'a>> {
        if !self.is_str() {
            return None;
        }
        self.raw.get(1..self.raw.len().wrapping_sub(1)).map(|raw| Str::new(raw, self.detail == Detail::Escapes))
    }

    /// The exact non-negative number up to 2^53, if the value is one.
    #[must_use]
    pub fn as_numeric_date(self) -> Option<NumericDate> {
        if self.is_number() { number::numeric_date(self.raw) } else { None }
    }

    /// Whether the value is a number of any size.
    #[must_use]
    pub fn is_number(self) -> bool {
        matches!(self.raw.as_bytes(), [b'-' | b'0'..=b'9', ..])
    }

    /// `true` or `false`, if the value is one of them.
    #[must_use]
    pub fn as_bool(self) -> Option<bool> {
        match self.raw {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }

    /// Whether the value is `null`.
    #[must_use]
    pub fn is_null(self) -> bool {
        self.raw == "null"
    }

    /// The members, in order, if the value is an object.
    #[must_use]
    pub fn as_object(self) -> Option<Members<'a>> {
        self.raw.starts_with('{').then(|| Members { parts: Parts::of(self.raw) })
    }

    /// The elements, in order, if the value is an array.
    #[must_use]
    pub fn as_array(self) -> Option<Elements<'a>> {
        self.raw.starts_with('[').then(|| Elements { parts: Parts::of(self.raw) })
    }
}

impl core::fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Value({} bytes)", self.raw.len())
    }
}

/// Where a value stands in its document: what remains of it when the document has to be moved or kept. Plain data.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u16,
    /// 0 where there is no such value: no JSON value is empty.
    length: u16,
    escaped: u16,
}

impl Span {
    /// No value.
    pub(crate) const NONE: Self = Self { start: 0, length: 0, escaped: 0 };

    /// The span of a member's value; `None` beyond the 64 KiB that a token cannot exceed.
    #[inline(always)]
    pub(crate) fn of(member: &super::json::Member<'_>) -> Option<Self> {
        let Value { raw, detail } = member.value;
        Some(Self {
            start: u16::try_from(member.start).ok()?,
            length: u16::try_from(raw.len()).ok()?,
            escaped: (detail == Detail::Escapes).into(),
        })
    }

    pub(crate) const fn is_present(self) -> bool {
        self.length > 0
    }

    pub(crate) fn in_document(self, text: &str) -> Option<Value<'_>> {
        let start = usize::from(self.start);
        let raw = text.get(start..start.checked_add(usize::from(self.length))?)?;
        (!raw.is_empty()).then_some(Value { raw, detail: Detail::of_string(self.escaped != 0) })
    }
}

/// The members of an object.
#[derive(Clone)]
pub struct Members<'a> {
    parts: Parts<'a>,
}

impl<'a> Members<'a> {
    /// The value of the member called `name`.
    #[must_use]
    pub fn get(mut self, name: &str) -> Option<Value<'a>> {
        self.find(|(own, _)| own.is(name)).map(|(_, value)| value)
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Str<'a>, Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let name = self.parts.next()?.as_str()?;
        Some((name, self.parts.next()?))
    }
}

/// The elements of an array.
#[derive(Clone)]
pub struct Elements<'a> {
    parts: Parts<'a>,
}

impl<'a> Iterator for Elements<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.parts.next()
    }
}

/// What lies between the brackets of a well-formed array or object, names and values alike, one after the other.
#[derive(Clone)]
struct Parts<'a> {
    reader: Reader<'a>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        // Read once already, a text is not worth another look as a whole.
        Self { reader: Reader::of_parts((text, false), 1) }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        let mut reader = self.reader;
        while matches!(reader.peek(), b' ' | b'\t' | b'\n' | b'\r' | b',' | b':') {
            reader.skip(1);
        }
        let start = reader.position();
        let mut escaped = false;
        match reader.peek() {
            b'}' | b']' => return None,
            b'"' => escaped = skip_string(&mut reader),
            b'{' | b'[' => skip_brackets(&mut reader),
            _ => {
                while matches!(reader.peek(), b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'+' | b'.') {
                    reader.skip(1);
                }
            }
        }
        self.reader = reader;
        reader.between(start, reader.position()).map(|raw| Value::read(raw, Detail::of_string(escaped)))
    }
}

/// Reads a string; says whether it has escapes.
fn skip_string(reader: &mut Reader<'_>) -> bool {
    let mut escaped = false;
    reader.skip(1);
    loop {
        reader.skip(search::plain_string_prefix(reader.rest()));
        // An escape is a backslash and at least one more byte, which ends no string.
        if reader.next() != b'\\' {
            return escaped;
        }
        escaped = true;
        reader.skip(1);
    }
}

fn skip_brackets(reader: &mut Reader<'_>) {
    let mut depth = 0usize;
    while !reader.is_at_end() {
        match reader.peek() {
            b'"' => {
                skip_string(reader);
                continue;
            }
            b'{' | b'[' => depth = depth.saturating_add(1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        reader.skip(1);
        if depth == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::json;

    #[test]
    fn nested_values_are_found_by_walking() {
        let text = br#"{"a":[1,{"b":"}\"]"},[]],"c\u0041":{"d":null,"e":-1.5e3},"f":true}"#;
        let document = json::read_value(text).unwrap();
        let elements: Vec<_> = document.as_object().unwrap().get("a").unwrap().as_array().unwrap().map(|v| v.raw()).collect();
        assert_eq!(elements, ["1", r#"{"b":"}\"]"}"#, "[]"]);
        let inner = document.as_object().unwrap().get("cA").unwrap();
        assert!(inner.as_object().unwrap().get("d").unwrap().is_null());
        assert_eq!(inner.as_object().unwrap().get("e").unwrap().raw(), "-1.5e3");
        assert_eq!(document.as_object().unwrap().get("f").unwrap().as_bool(), Some(true));
        assert!(document.as_object().unwrap().get("g").is_none());
    }

    #[test]
    fn escapes_are_resolved_where_they_are_compared() {
        let value = json::read_value(br#""https:\/\/as.example\u002f\ud83d\ude00\n""#).unwrap();
        let string = value.as_str().unwrap();
        assert!(string.is("https://as.example/\u{1f600}\n"));
        assert!(string.as_str().is_none());
        assert_eq!(string.len(), 24);
        let mut out = [0; 24];
        assert_eq!(string.copy_to(&mut out), Some("https://as.example/\u{1f600}\n"));
        assert_eq!(string.copy_to(&mut out[..23]), None);
        assert_eq!(string.to_string(), "https://as.example/\u{1f600}\n");
    }

    #[test]
    fn words_are_whole_words() {
        let value = json::read_value(br#""accounts pay\u006dents:read openid""#).unwrap().as_str().unwrap();
        for word in ["accounts", "payments:read", "openid"] {
            assert!(value.has_word(word), "{word}");
        }
        for word in ["", "account", "accountsx", "payments", "pen", "accounts payments:read"] {
            assert!(!value.has_word(word), "{word}");
        }
    }
}
