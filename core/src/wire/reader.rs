//! A cursor over text that cannot leave it.

/// Reads text front to back; there is no way to step outside or to panic.
///
/// It lives in registers: all of it is inlined, and what is not is given its parts and returns the new position.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
    plain: bool,
}

impl<'a> Reader<'a> {
    /// How many bytes have been read.
    #[inline(always)]
    pub(crate) const fn position(&self) -> usize {
        self.at
    }

    /// A text whose first `at` bytes have been read, and whether it is plain as [`Reader::is_plain`] says.
    #[inline(always)]
    pub(crate) const fn of_parts((text, plain): (&'a str, bool), at: usize) -> Self {
        Self { text, at, plain }
    }

    /// The text, and whether it is plain.
    #[inline(always)]
    pub(crate) const fn text(&self) -> (&'a str, bool) {
        (self.text, self.plain)
    }

    /// Goes to a position that something else has read up to.
    #[inline(always)]
    pub(crate) const fn go_to(&mut self, position: usize) {
        self.at = position;
    }

    /// Whether the text is printable ASCII without a backslash, like nearly all tokens: then only a quote ends a string.
    #[inline(always)]
    pub(crate) const fn is_plain(&self) -> bool {
        self.plain
    }

    #[inline(always)]
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or(&[])
    }

    /// The text between two positions; `None` inside a character or outside of the text.
    #[inline(always)]
    pub(crate) fn between(&self, start: usize, end: usize) -> Option<&'a str> {
        self.text.get(start..end)
    }

    /// The byte that comes next, and 0 at the end: no JSON text holds a raw 0, so nobody has to tell them apart.
    #[inline(always)]
    pub(crate) fn peek(&self) -> u8 {
        self.text.as_bytes().get(self.at).copied().unwrap_or(0)
    }

    /// Reads the byte that [`Reader::peek`] shows.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> u8 {
        let byte = self.peek();
        self.skip(1);
        byte
    }

    /// Reads `byte` if it comes next; says whether it did. `byte` is not 0.
    #[inline(always)]
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let comes = self.peek() == byte;
        if comes {
            self.skip(1);
        }
        comes
    }

    /// Reads `text` if it comes next; says whether it did.
    #[inline(always)]
    pub(crate) fn eat_all(&mut self, text: &[u8]) -> bool {
        let comes = self.rest().starts_with(text);
        if comes {
            self.skip(text.len());
        }
        comes
    }

    /// Steps over the white space of RFC 8259 section 2 and shows the byte behind it.
    #[inline(always)]
    pub(crate) fn token(&mut self) -> u8 {
        let byte = self.peek();
        // Issuers send compact JSON: nearly always there is no white space.
        if byte > b' ' {
            return byte;
        }
        self.at = behind_space(self.text, self.at);
        self.peek()
    }

    /// Steps over `count` bytes. Beyond the end there is only the end: a position there is as good as the end itself.
    #[inline(always)]
    pub(crate) const fn skip(&mut self, count: usize) {
        self.at = self.at.wrapping_add(count);
    }

    #[inline(always)]
    pub(crate) const fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }
}

#[inline(never)]
fn behind_space(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or(&[]);
    let count = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r')).count();
    at.wrapping_add(count)
}
