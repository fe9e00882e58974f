//! A cursor over bytes that cannot leave them.

/// Reads a slice front to back; there is no way to step outside or to panic.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    whole: &'a [u8],
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(whole: &'a [u8]) -> Self {
        Self { whole, rest: whole }
    }

    /// How many bytes have been read.
    pub(crate) const fn position(&self) -> usize {
        self.whole.len().saturating_sub(self.rest.len())
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn peek(&self) -> Option<u8> {
        match self.rest {
            [first, ..] => Some(*first),
            [] => None,
        }
    }

    pub(crate) const fn next(&mut self) -> Option<u8> {
        match self.rest {
            [first, rest @ ..] => {
                self.rest = rest;
                Some(*first)
            }
            [] => None,
        }
    }

    /// Reads `byte` if it comes next; says whether it did.
    pub(crate) const fn eat(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Reads `text` if it comes next; says whether it did.
    pub(crate) fn eat_all(&mut self, text: &[u8]) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads while `wanted` holds; says how many bytes that were.
    pub(crate) fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) -> usize {
        let count = self.rest.iter().position(|byte| !wanted(*byte)).unwrap_or(self.rest.len());
        self.rest = self.rest.get(count..).unwrap_or(&[]);
        count
    }

    /// Steps over `count` bytes, or over all that are left.
    pub(crate) fn skip(&mut self, count: usize) {
        self.rest = self.rest.get(count..).unwrap_or(&[]);
    }

    pub(crate) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }
}
