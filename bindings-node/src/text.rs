//! Text from and to JavaScript; `raw` reads and writes it.

/// A string in UTF-8, or the octets of a `Uint8Array`: a copy.
pub(crate) struct Text(Vec<u8>);

impl Text {
    pub(crate) const fn new(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

pub(crate) fn slices(texts: &[Text]) -> Vec<&[u8]> {
    texts.iter().map(Text::bytes).collect()
}

/// A JSON text on its way to JavaScript.
pub(crate) struct Json(pub(crate) String);
