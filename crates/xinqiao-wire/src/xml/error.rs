//! What can be wrong with a document.

/// A document that was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{kind} at byte {at}")]
pub struct XmlError {
    /// What is wrong.
    pub kind: XmlErrorKind,
    /// Where, in bytes from the beginning.
    pub at: usize,
}

/// What is wrong with a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum XmlErrorKind {
    /// A document type, whatever is in it.
    #[error("a DOCTYPE, which is never accepted")]
    Doctype,
    /// An entity other than the five predefined ones.
    #[error("an unknown entity or a bare `&`")]
    Entity,
    /// More than [`super::MAX_DEPTH`] elements in one another.
    #[error("elements stand too deep in one another")]
    Depth,
    /// More than [`super::MAX_BYTES`] bytes, or more than [`super::MAX_ELEMENTS`] elements.
    #[error("the document is too large")]
    TooLarge,
    /// No element at all.
    #[error("no XML element")]
    Empty,
    /// An end tag that does not fit, or none.
    #[error("an end tag that does not fit its start tag")]
    Tag,
    /// The document ends within something.
    #[error("the document is cut off")]
    CutOff,
    /// `]]>` outside a CDATA section: mostly a text with `]]>` that was not split.
    #[error("a `]]>` that closes nothing: text with `]]>` must be split over two CDATA sections")]
    StrayCdataEnd,
    /// Something follows the root element.
    #[error("something follows the root element")]
    Trailing,
    /// Anything else.
    #[error("a character that cannot stand here")]
    Syntax,
}

impl XmlError {
    /// The name of the diagnosis rule.
    pub const fn rule(&self) -> &'static str {
        match self.kind {
            XmlErrorKind::Doctype => "xml.doctype",
            XmlErrorKind::Entity => "xml.entity",
            XmlErrorKind::Depth => "xml.depth",
            XmlErrorKind::TooLarge => "callback.too_large",
            XmlErrorKind::StrayCdataEnd => "xml.cdata",
            XmlErrorKind::CutOff => "xml.cut_off",
            XmlErrorKind::Empty
            | XmlErrorKind::Tag
            | XmlErrorKind::Trailing
            | XmlErrorKind::Syntax => "xml.syntax",
        }
    }
}
