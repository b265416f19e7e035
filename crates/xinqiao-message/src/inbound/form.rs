//! XML or JSON: the form of a message, told by its bytes.

/// The form of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Official accounts, WeCom, third-party platforms.
    Xml,
    /// Mini programs, if so set.
    Json,
}

impl Form {
    /// Tells the form by the first byte that is not white space.
    pub fn of(bytes: &[u8]) -> Self {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        match bytes.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{') => Self::Json,
            _ => Self::Xml,
        }
    }

    /// The media type that the platform sends.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Xml => "text/xml",
            Self::Json => "application/json",
        }
    }
}
