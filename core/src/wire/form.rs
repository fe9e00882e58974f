//! The parameters of a query (`application/x-www-form-urlencoded`), compared without being decoded into a buffer.

/// The `name=value` pairs of what stands between `?` and `#`.
pub(crate) fn parameters(query: &str) -> impl Iterator<Item = Parameter<'_>> {
    query.split('&').map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Parameter { name, value }
    })
}

/// One pair, still encoded.
#[derive(Clone, Copy)]
pub(crate) struct Parameter<'a> {
    name: &'a str,
    value: &'a str,
}

impl<'a> Parameter<'a> {
    /// Whether the name, decoded, is `name`.
    pub(crate) fn is(self, name: &str) -> bool {
        Decoded { rest: self.name.as_bytes() }.eq(name.bytes())
    }

    /// The value as it stands.
    pub(crate) const fn value(self) -> &'a str {
        self.value
    }
}

/// Bytes with `+` and percent escapes resolved; a broken escape stands for itself.
struct Decoded<'a> {
    rest: &'a [u8],
}

impl Iterator for Decoded<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = match self.rest {
            [] => return None,
            [b'+', rest @ ..] => (b' ', rest),
            [b'%', high, low, after @ ..] => match (char::from(*high).to_digit(16), char::from(*low).to_digit(16)) {
                (Some(high), Some(low)) => (u8::try_from(high.wrapping_shl(4) | low).ok()?, after),
                _ => (b'%', self.rest.get(1..)?),
            },
            [byte, rest @ ..] => (*byte, rest),
        };
        self.rest = rest;
        Some(byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded_before_they_are_compared() {
        let names = |query| parameters(query).filter(|p| p.is("access_token")).count();
        assert_eq!(names("access_token=x&a=b"), 1);
        assert_eq!(names("a=b&%61ccess%5Ftoken=x&access_token"), 2);
        assert_eq!(names("access+token=x&access_token%=1&access_token%2=1&Access_token=1&xaccess_token="), 0);
    }
}
