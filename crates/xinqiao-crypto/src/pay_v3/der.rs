//! A reader of DER: as much as certificates and key files need.
//!
//! It borrows, never recurses, and refuses indefinite lengths and lengths that reach beyond the end.

/// The bytes that are not read yet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const OBJECT: u8 = 0x06;
pub(super) const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const SEQUENCE: u8 = 0x30;
/// `[0]`, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;

/// One value.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'a> {
    pub(super) tag: u8,
    /// What it holds.
    pub(super) content: &'a [u8],
    /// All of it, tag and length included.
    pub(super) whole: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next value, whatever it is.
    pub(super) fn any(&mut self) -> Option<Value<'a>> {
        let all = self.0;
        let (&tag, rest) = all.split_first()?;
        // A tag of more than one byte occurs in none of these files.
        if tag & 0x1f == 0x1f {
            return None;
        }
        let (&first, mut rest) = rest.split_first()?;
        let mut length = usize::from(first);
        if first >= 0x80 {
            let count = usize::from(first & 0x7f);
            if count == 0 || count > 4 || rest.len() < count {
                return None;
            }
            length = rest[..count]
                .iter()
                .fold(0, |sum, byte| (sum << 8) | usize::from(*byte));
            rest = &rest[count..];
        }
        let content = rest.get(..length)?;
        self.0 = &rest[length..];
        Some(Value {
            tag,
            content,
            whole: &all[..all.len() - self.0.len()],
        })
    }

    /// The next value, if it has this tag. A value of another tag is not consumed.
    pub(super) fn tagged(&mut self, tag: u8) -> Option<Value<'a>> {
        if self.0.first() != Some(&tag) {
            return None;
        }
        self.any()
    }

    /// The content of the next value, if it has this tag.
    pub(super) fn content(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.tagged(tag).map(|value| value.content)
    }

    /// A reader of the next value's content, if it has this tag.
    pub(super) fn inside(&mut self, tag: u8) -> Option<Self> {
        self.content(tag).map(Self)
    }
}
