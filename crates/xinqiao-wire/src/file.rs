//! Files in multipart bodies, and answers that are files.

use std::{any::Any, fmt, sync::Arc};

/// Content that is not in memory: whoever sends the request knows the concrete type and reads it then.
pub trait FileSource: Any + fmt::Debug + Send + Sync {
    /// Length in bytes.
    fn size(&self) -> u64;

    /// The first bytes, by which a file's type is told.
    fn head(&self) -> &[u8];
}

/// A file to upload.
#[derive(Clone, Default)]
pub struct FilePart {
    /// Name with extension; may be Chinese.
    pub file_name: String,
    /// Media type; empty = from the extension.
    pub content_type: String,
    /// Content, unless it comes from a source.
    pub bytes: Vec<u8>,
    /// Where the content comes from when it is not in memory.
    pub source: Option<Arc<dyn FileSource>>,
}

impl PartialEq for FilePart {
    /// Sources are equal when they are the same one.
    fn eq(&self, other: &Self) -> bool {
        let source = match (&self.source, &other.source) {
            (None, None) => true,
            (Some(one), Some(two)) => Arc::ptr_eq(one, two),
            _ => false,
        };
        source
            && self.file_name == other.file_name
            && self.content_type == other.content_type
            && self.bytes == other.bytes
    }
}

impl Eq for FilePart {}

impl FilePart {
    /// A file with a name.
    pub fn new(file_name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        FilePart {
            file_name: file_name.into(),
            content_type: String::new(),
            bytes: bytes.into(),
            source: None,
        }
    }

    /// A file whose content is read while it is sent.
    pub fn from_source(file_name: impl Into<String>, source: Arc<dyn FileSource>) -> Self {
        FilePart {
            file_name: file_name.into(),
            source: Some(source),
            ..FilePart::default()
        }
    }

    /// Length of the content in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        match &self.source {
            Some(source) => source.size(),
            None => self.bytes.len() as u64,
        }
    }

    /// The first bytes of the content, at most `count`.
    #[must_use]
    pub fn head(&self, count: usize) -> &[u8] {
        let head = match &self.source {
            Some(source) => source.head(),
            None => &self.bytes,
        };
        &head[..head.len().min(count)]
    }

    /// With this media type.
    #[must_use]
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = content_type.into();
        self
    }

    /// The media type: the given one, or the usual one of the extension.
    #[must_use]
    pub fn media_type(&self) -> &str {
        if !self.content_type.is_empty() {
            return &self.content_type;
        }
        let extension = self.file_name.rsplit('.').next().unwrap_or_default();
        match extension.to_ascii_lowercase().as_str() {
            "jpg" | "jpeg" => "image/jpeg",
            "png" => "image/png",
            "gif" => "image/gif",
            "bmp" => "image/bmp",
            "mp4" => "video/mp4",
            "mp3" => "audio/mpeg",
            "amr" => "audio/amr",
            "pdf" => "application/pdf",
            "csv" => "text/csv",
            "txt" => "text/plain",
            _ => "application/octet-stream",
        }
    }
}

impl fmt::Debug for FilePart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FilePart({:?}, {} bytes)", self.file_name, self.size())
    }
}

/// An answer that is a file (picture, bill, voice …).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Download {
    /// Media type as the platform says.
    pub content_type: String,
    /// File name, if the platform gave one.
    pub file_name: Option<String>,
    /// Content.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Download({:?}, {} bytes)",
            self.content_type,
            self.bytes.len()
        )
    }
}
