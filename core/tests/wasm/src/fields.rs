//! How a case is spelled: fields one after the other, each a little-endian 32-bit length and that many bytes.

/// What is left of the fields.
pub(crate) struct Fields<'i>(pub(crate) &'i [u8]);

/// At most so many texts in a list.
pub(crate) const MOST: usize = 16;

/// A short list.
pub(crate) struct List<'i> {
    texts: [&'i str; MOST],
    length: usize,
}

impl<'i> List<'i> {
    pub(crate) fn texts(&self) -> &[&'i str] {
        &self.texts[..self.length]
    }
}

impl<'i> Fields<'i> {
    pub(crate) fn bytes(&mut self) -> Option<&'i [u8]> {
        let (length, rest) = self.0.split_first_chunk()?;
        let (field, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
        self.0 = rest;
        Some(field)
    }

    pub(crate) fn text(&mut self) -> Option<&'i str> {
        str::from_utf8(self.bytes()?).ok()
    }

    /// Decimal digits.
    pub(crate) fn number(&mut self) -> Option<u64> {
        self.text()?.parse().ok()
    }

    /// Decimal digits, or nothing.
    pub(crate) fn optional_number(&mut self) -> Option<Option<u64>> {
        let text = self.text()?;
        if text.is_empty() { Some(None) } else { text.parse().ok().map(Some) }
    }

    /// A number of texts, and these.
    pub(crate) fn list(&mut self) -> Option<List<'i>> {
        let length = usize::try_from(self.number()?).ok().filter(|length| *length <= MOST)?;
        let mut texts = [""; MOST];
        for text in &mut texts[..length] {
            *text = self.text()?;
        }
        Some(List { texts, length })
    }
}
