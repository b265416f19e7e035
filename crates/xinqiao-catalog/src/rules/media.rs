//! Size and type of an upload, checked before a byte leaves.
//!
//! The type comes from the bytes, then from the file's name; what a client says in `Content-Type` is
//! asked last.
//!
//! WECHAT: WxJava sends every file part as `application/octet-stream`; a check of the header alone
//! would refuse all of them.
//!
//! Source: doc pages "新增临时素材" and "新增永久素材"; catalog table `media`.

use std::fmt;

use xinqiao_types::ErrCode;

use crate::model::MediaLimit;

/// A file that the platform would not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What the platform answers.
    pub code: ErrCode,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// There is nothing in it.
    Empty,
    /// It is larger than the limit.
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
        /// The largest size in bytes.
        max: u64,
    },
    /// It is of a kind that is not taken here.
    Format {
        /// What it is, as a file extension; empty if nobody can tell.
        found: String,
        /// What is taken.
        allowed: &'static [&'static str],
    },
    /// It plays longer than the limit.
    TooLong {
        /// Its length in seconds.
        seconds: u32,
        /// The longest length in seconds.
        max: u32,
    },
}

impl Violation {
    /// The diagnosis that explains this refusal at length.
    pub const RULE: &'static str = "media.precheck";
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Empty => f.write_str("the file is empty"),
            Reason::TooLarge { bytes, max } => {
                write!(f, "the file has {bytes} bytes, at most {max} are taken")
            }
            Reason::Format { found, allowed } if found.is_empty() => {
                write!(
                    f,
                    "the file's type cannot be told, these are taken: {}",
                    allowed.join(" ")
                )
            }
            Reason::Format { found, allowed } => {
                write!(
                    f,
                    "`{found}` is not taken here, these are: {}",
                    allowed.join(" ")
                )
            }
            Reason::TooLong { seconds, max } => {
                write!(
                    f,
                    "the recording lasts {seconds} s, at most {max} s are taken"
                )
            }
        }
    }
}

impl std::error::Error for Violation {}

/// What is known of a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct File<'a> {
    /// Its name, with or without a path.
    pub name: &'a str,
    /// What the client calls its type; empty if it says nothing.
    pub content_type: &'a str,
    /// Its first bytes, at least 16 if it has so many.
    pub head: &'a [u8],
    /// Its size in bytes.
    pub bytes: u64,
    /// How long it plays, if known.
    pub seconds: Option<u32>,
}

/// Whether the platform would take a file; says of which type it is, as a file extension.
///
/// # Errors
/// The first limit that the file breaks: emptiness, size, type, length.
pub fn check(limit: &'static MediaLimit, file: &File<'_>) -> Result<String, Violation> {
    let size = |reason| Violation {
        code: ErrCode(limit.size_code),
        reason,
    };
    let format = |reason| Violation {
        code: ErrCode(limit.format_code),
        reason,
    };
    if file.bytes == 0 {
        return Err(size(Reason::Empty));
    }
    if limit.max_bytes > 0 && file.bytes > limit.max_bytes {
        return Err(size(Reason::TooLarge {
            bytes: file.bytes,
            max: limit.max_bytes,
        }));
    }
    let found = extension(file);
    if !limit.formats.is_empty() && !limit.formats.contains(&found.as_str()) {
        return Err(format(Reason::Format {
            found,
            allowed: &limit.formats,
        }));
    }
    if let Some(seconds) = file.seconds
        && limit.max_seconds > 0
        && seconds > limit.max_seconds
    {
        return Err(size(Reason::TooLong {
            seconds,
            max: limit.max_seconds,
        }));
    }
    Ok(found)
}

/// The type of a file as an extension in lower case: from its bytes, its name, its declared type.
pub fn extension(file: &File<'_>) -> String {
    if let Some(found) = sniff(file.head) {
        // A JPEG may be called `jpg` or `jpeg`; the name's spelling is kept where it says the same.
        return found.to_owned();
    }
    let base = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
    if let Some((_, extension)) = base.rsplit_once('.') {
        return canonical(&extension.to_ascii_lowercase()).to_owned();
    }
    let subtype = file
        .content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    match subtype.rsplit_once('/') {
        Some((_, "octet-stream")) | None => String::new(),
        Some((_, subtype)) => canonical(&subtype.to_ascii_lowercase()).to_owned(),
    }
}

fn canonical(extension: &str) -> &str {
    match extension {
        "jpeg" | "jpe" | "pjpeg" => "jpg",
        "mpeg" | "mpeg3" => "mp3",
        "x-wav" => "wav",
        other => other,
    }
}

/// The type of a file by its first bytes, as an extension.
pub fn sniff(head: &[u8]) -> Option<&'static str> {
    const MAGIC: &[(usize, &[u8], &str)] = &[
        (0, b"\xff\xd8\xff", "jpg"),
        (0, b"\x89PNG\r\n\x1a\n", "png"),
        (0, b"GIF8", "gif"),
        (0, b"BM", "bmp"),
        (0, b"#!AMR", "amr"),
        (0, b"ID3", "mp3"),
        (0, b"\xff\xfb", "mp3"),
        (0, b"\xff\xf3", "mp3"),
        (0, b"\xff\xf2", "mp3"),
        (4, b"ftyp", "mp4"),
        (8, b"WAVE", "wav"),
        (8, b"WEBP", "webp"),
        (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "wma"),
    ];
    MAGIC
        .iter()
        .find(|(at, magic, _)| head.get(*at..).is_some_and(|tail| tail.starts_with(magic)))
        .map(|(_, _, extension)| *extension)
}

#[cfg(test)]
mod tests;
