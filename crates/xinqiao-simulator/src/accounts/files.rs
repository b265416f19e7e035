//! Files of accounts: what phones send and what is uploaded. Bytes lie apart from the rows that tell about them.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::kernel::{Id, Table, Turn, World, feature::id_in, files::Content};

/// Files by their id on the platform.
pub(crate) static FILES: Table<Id, File> = Table::new("accounts.files", 1);

/// A green square of eight by eight, where a picture is wanted and none was given.
pub(crate) const PICTURE: &[u8] = include_bytes!("files/picture.png");

/// What is known of a stored file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct File {
    /// The account that it belongs to; empty for what a phone keeps by itself.
    pub(crate) account: String,
    /// `image`, `voice`, `video`, `thumb`.
    pub(crate) kind: String,
    /// Name as uploaded.
    pub(crate) filename: String,
    /// Media type.
    pub(crate) content_type: String,
    /// Since when.
    pub(crate) created_at: i64,
    /// Until when; none is for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires_at: Option<i64>,
}

impl File {
    /// Whether it can still be fetched.
    pub(crate) fn is_alive(&self, now: i64) -> bool {
        self.expires_at.is_none_or(|until| now < until)
    }
}

/// A file that can be fetched at this time, with its bytes.
pub(crate) fn find<'w>(world: &'w World, id: &str, now: i64) -> Option<(&'w File, Content)> {
    let file = known(world, id, now)?;
    Some((file, world.files.get(id)?))
}

/// What is known of a file that can be fetched at this time.
pub(crate) fn known<'w>(world: &'w World, id: &str, now: i64) -> Option<&'w File> {
    { FILES.get(world, id) }.filter(|file| file.is_alive(now) && world.files.has(id))
}

/// Whether an account has this file at this time.
pub(crate) fn has(world: &World, account: &str, id: &str, now: i64) -> bool {
    known(world, id, now).is_some_and(|file| file.account == account)
}

/// Stores a file of this turn, until this second or for ever.
pub(crate) fn store(turn: &mut Turn<'_>, file: File, bytes: Bytes) -> Id {
    let id = enter(turn, file);
    turn.world.files.put(id.clone(), bytes);
    id
}

/// Stores the bytes of a file once more, as another file.
pub(crate) fn copy(turn: &mut Turn<'_>, from: &str, file: File) -> Id {
    let id = enter(turn, file);
    turn.world.files.share(from, id.clone());
    id
}

/// What is known of a new file, with its end.
fn enter(turn: &mut Turn<'_>, file: File) -> Id {
    let id: Id = turn.world.next("media").media_id().into();
    if let Some(at) = file.expires_at {
        turn.later(at, "accounts", json!({"file": &*id}));
    }
    FILES.put(turn.world, id.clone(), file);
    id
}

/// Takes a file in as it is.
pub(crate) fn keep(world: &mut World, id: Id, file: File, bytes: Bytes) {
    world.files.put(id.clone(), bytes);
    FILES.put(world, id, file);
}

/// A temporary file ends.
pub(crate) fn due(turn: &mut Turn<'_>, what: &Value) {
    if let Some(id) = id_in(what, "file") {
        throw_away(turn.world, &id);
    }
}

/// An account is gone, and its files with it.
pub(crate) fn forget(turn: &mut Turn<'_>, what: &Value) {
    let account = what["account"].as_str().unwrap_or_default();
    let own: Vec<Id> = FILES
        .all(turn.world)
        .filter(|(_, file)| file.account == account)
        .map(|(id, _)| id.clone())
        .collect();
    for id in own {
        throw_away(turn.world, &id);
    }
}

fn throw_away(world: &mut World, id: &str) {
    FILES.remove(world, id);
    world.files.remove(id);
}

/// Bytes in a command of a journal: text in base64.
pub(crate) mod base64 {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64_simd::STANDARD.encode_to_string(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(from)?;
        base64_simd::STANDARD
            .decode_to_vec(text)
            .map_err(|_| serde::de::Error::custom("bytes are not base64"))
    }
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
