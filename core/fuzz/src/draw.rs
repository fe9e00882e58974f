//! Numbers, keys and choices drawn from a fuzzer's input: structured ones, because random bytes never meet an edge.

/// Reads an input; zeros follow where it ends.
pub(super) struct Draw<'a>(&'a [u8]);

impl<'a> Draw<'a> {
    pub(super) const fn new(input: &'a [u8]) -> Self {
        Self(input)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn byte(&mut self) -> u8 {
        self.array::<1>()[0]
    }

    pub(super) fn array<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_at(N.min(self.0.len()));
        self.0 = rest;
        let mut array = [0; N];
        array[..taken.len()].copy_from_slice(taken);
        array
    }

    /// All that is left.
    pub(super) fn rest(&mut self) -> &'a [u8] {
        core::mem::take(&mut self.0)
    }

    /// Big-endian octets: as given, hardly any bits, long runs of ones and zeros, or all ones.
    pub(super) fn octets(&mut self, length: usize) -> Vec<u8> {
        let mut octets = vec![0; length];
        match self.byte() % 4 {
            0 => octets.fill_with(|| self.byte()),
            1 => {
                for _ in 0..self.byte() % 8 {
                    let [at, bit] = [self.index(length), usize::from(self.byte() % 8)];
                    octets[at] ^= 1 << bit;
                }
            }
            2 => {
                let (mut at, mut fill) = (0, 0xff);
                while at < length && !self.is_empty() {
                    let end = length.min(at + 1 + usize::from(self.byte()));
                    octets[at..end].fill(fill);
                    (at, fill) = (end, !fill);
                }
            }
            _ => octets.fill(0xff),
        }
        octets
    }

    /// Below `end`.
    pub(super) fn index(&mut self, end: usize) -> usize {
        usize::from(u16::from_le_bytes(self.array())) % end
    }
}
