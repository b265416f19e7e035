//! Files in multipart bodies, and answers that are files.

/// A file to upload.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct FilePart {
    /// Name with extension; may be Chinese.
    pub file_name: String,
    /// Media type; empty = from the extension.
    pub content_type: String,
    /// Content.
    pub bytes: Vec<u8>,
}

impl FilePart {
    /// A file with a name.
    pub fn new(file_name: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        FilePart {
            file_name: file_name.into(),
            content_type: String::new(),
            bytes: bytes.into(),
        }
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

impl std::fmt::Debug for FilePart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "FilePart({:?}, {} bytes)",
            self.file_name,
            self.bytes.len()
        )
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

impl std::fmt::Debug for Download {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "Download({:?}, {} bytes)",
            self.content_type,
            self.bytes.len()
        )
    }
}
