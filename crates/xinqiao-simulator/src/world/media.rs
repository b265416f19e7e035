//! Files: what phones send and what accounts upload.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One stored file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Media {
    /// Its id on the platform.
    pub media_id: String,
    /// The account that it belongs to; empty for what a phone keeps by itself.
    pub account: String,
    /// `image`, `voice`, `video`, `thumb`.
    pub kind: String,
    /// Name as uploaded.
    pub filename: String,
    /// Media type.
    pub content_type: String,
    /// Its bytes.
    #[serde(serialize_with = "to_base64", deserialize_with = "from_base64")]
    pub bytes: Vec<u8>,
    /// Since when.
    pub created_at: i64,
    /// Until when; none is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl Media {
    /// Whether it can still be fetched.
    pub fn is_alive(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|until| now < until)
    }
}

pub(crate) fn to_base64<S: Serializer>(bytes: &Vec<u8>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&base64_simd::STANDARD.encode_to_string(bytes))
}

pub(crate) fn from_base64<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let text = String::deserialize(from)?;
    base64_simd::STANDARD
        .decode_to_vec(text)
        .map_err(|_| serde::de::Error::custom("bytes are not base64"))
}

/// The media type that the first bytes show, for files whose sender only said `octet-stream`.
pub(crate) fn sniff(bytes: &[u8], filename: &str) -> &'static str {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => return "image/jpeg",
        [0x89, b'P', b'N', b'G', ..] => return "image/png",
        [b'G', b'I', b'F', b'8', ..] => return "image/gif",
        [b'B', b'M', ..] => return "image/bmp",
        [b'#', b'!', b'A', b'M', b'R', ..] => return "audio/amr",
        [b'I', b'D', b'3', ..] | [0xff, 0xfb | 0xf3, ..] => return "audio/mpeg",
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => return "video/mp4",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'E',
            b'B',
            b'P',
            ..,
        ] => return "image/webp",
        [
            b'R',
            b'I',
            b'F',
            b'F',
            _,
            _,
            _,
            _,
            b'W',
            b'A',
            b'V',
            b'E',
            ..,
        ] => return "audio/wav",
        _ => {}
    }
    match extension(filename).as_str() {
        "jpg" | "jpeg" => "image/jpeg",
        "png" => "image/png",
        "gif" => "image/gif",
        "bmp" => "image/bmp",
        "amr" => "audio/amr",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "mp4" => "video/mp4",
        _ => "application/octet-stream",
    }
}

/// The extension of a file name, lower case, without the dot.
pub(crate) fn extension(filename: &str) -> String {
    filename
        .rsplit_once('.')
        .map_or_else(String::new, |(_, end)| end.to_ascii_lowercase())
}

/// The extension that fits a media type.
pub(crate) fn extension_of(content_type: &str) -> &'static str {
    match content_type.split(';').next().unwrap_or_default().trim() {
        "image/jpeg" => "jpg",
        "image/png" => "png",
        "image/gif" => "gif",
        "image/bmp" => "bmp",
        "audio/amr" => "amr",
        "audio/mpeg" => "mp3",
        "audio/wav" => "wav",
        "video/mp4" => "mp4",
        _ => "bin",
    }
}
