//! Files: temporary uploads (three days), pictures for articles, and what phones send.
//!
//! Source: doc pages "新增临时素材", "获取临时素材", "上传图文消息内的图片获取 URL".

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::{
    code,
    id::official_account as oa,
    rules::media::{File as Facts, Violation, check},
};
use xinqiao_types::shanghai::DAY;

use crate::{
    accounts::files::{self, File, PICTURE, base64, extension_of, sniff},
    door::{Asked, FilePart, Refusal, Reply, Verdict, stateful},
    kernel::{Command, Id, Refused, Turn, command::verb},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.media",
    verbs: &[verb::<Keep>()],
    behaviours: &[
        stateful(oa::media::UPLOAD, LIVES, upload),
        stateful(oa::media::GET, LIVES, get),
        stateful(
            oa::media::UPLOAD_IMG,
            "a_picture_for_articles_is_known_by_its_address_for_ever",
            upload_image,
        ),
    ],
    ..Feature::EMPTY
};
const LIVES: &str = "files_live_three_days";

/// How long a temporary file is kept.
const THREE_DAYS: i64 = 3 * DAY;
/// Most bytes that a phone sends.
pub(crate) const FROM_PHONE: usize = 20 * 1024 * 1024;

/// The head of a recording without sound.
const RECORDING: &[u8] = b"#!AMR\n\x04\x00\x00\x00\x00\x00\x00";
/// The head of an empty film.
const FILM: &[u8] = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom";

/// A file of an account for three days.
fn temporary(
    turn: &Turn<'_>,
    appid: &str,
    kind: &str,
    filename: String,
    content_type: String,
) -> File {
    File {
        account: appid.to_owned(),
        kind: kind.to_owned(),
        filename,
        content_type,
        created_at: turn.now.0,
        expires_at: Some(turn.now.0 + THREE_DAYS),
    }
}

/// `POST /_sim/v1/media`: a file on the phone, before it is sent to anybody.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Keep {
    pub(crate) content_type: String,
    #[serde(with = "base64")]
    pub(crate) bytes: Vec<u8>,
}

impl Command for Keep {
    const NAME: &'static str = "official_account.media.keep";
    const WAS: &'static str = "store_media";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        keep_from_phone(turn, &self.content_type, self.bytes)
    }
}

fn keep_from_phone(
    turn: &mut Turn<'_>,
    content_type: &str,
    bytes: Vec<u8>,
) -> Result<Value, Refused> {
    if bytes.is_empty() {
        return Err(Refused::invalid(
            "the body is empty: send the bytes of the file",
        ));
    }
    if bytes.len() > FROM_PHONE {
        return Err(Refused::invalid(format!(
            "a phone sends at most {FROM_PHONE} bytes"
        )));
    }
    let kind = match content_type.split('/').next() {
        Some("image") => "image",
        Some("audio") => "voice",
        Some("video") => "video",
        _ => "file",
    };
    let name = format!("phone.{}", extension_of(content_type));
    let file = temporary(turn, "", kind, name, content_type.to_owned());
    let media_id = files::store(turn, file, bytes.into());
    Ok(json!({"media_id": &*media_id, "url": format!("/_sim/v1/media/{media_id}")}))
}

/// The file that a message of the phone carries: one that exists, bytes in the message, or a sample.
pub(crate) fn from_phone(
    turn: &mut Turn<'_>,
    appid: &str,
    kind: &str,
    message: &Map<String, Value>,
) -> Result<Id, Refused> {
    let text = |name: &str| message.get(name).and_then(Value::as_str);
    if let Some(media_id) = text("media_id") {
        let Some(file) = files::known(turn.world, media_id, turn.now.0) else {
            return Err(Refused::invalid(format!("there is no file `{media_id}`")));
        };
        if file.account == appid {
            return Ok(media_id.into());
        }
        // What the phone kept becomes a file of the account that it is sent to.
        let (name, content_type) = (file.filename.clone(), file.content_type.clone());
        let file = temporary(turn, appid, kind, name, content_type);
        return Ok(files::copy(turn, media_id, file));
    }
    let bytes = match text("data") {
        Some(data) => base64_simd::STANDARD
            .decode_to_vec(data)
            .map_err(|_| Refused::invalid("`message.data` is not base64"))?,
        None => match kind {
            "voice" => RECORDING.to_vec(),
            "video" => FILM.to_vec(),
            _ => PICTURE.to_vec(),
        },
    };
    let content_type = sniff(&bytes, "").to_owned();
    let name = format!("phone.{}", extension_of(&content_type));
    let file = temporary(turn, appid, kind, name, content_type);
    Ok(files::store(turn, file, bytes.into()))
}

/// The part that holds the file: `media`, or the only file there is.
pub(super) fn file(asked: &Asked) -> Result<&FilePart, Refusal> {
    let named = asked.files.iter().find(|part| part.name == "media");
    named
        .or_else(|| asked.files.first())
        .ok_or_else(|| Refusal::code(code::MEDIA_MISSING))
}

pub(super) fn checked(limit: &str, part: &FilePart) -> Result<String, Refusal> {
    let Some(limit) = xinqiao_catalog::media(limit) else {
        return Err(Refusal::code(code::INVALID_MEDIA_TYPE));
    };
    let head = &part.bytes[..part.bytes.len().min(32)];
    let facts = Facts {
        name: &part.filename,
        content_type: &part.content_type,
        head,
        bytes: part.bytes.len() as u64,
        seconds: None,
    };
    check(limit, &facts).map_err(|violation| {
        Refusal::code(violation.code).because(
            Violation::RULE,
            Some(part.filename.clone()),
            Some(violation.to_string()),
        )
    })
}

/// The media type by the bytes, then the name.
///
/// WECHAT: WxJava's parts say `application/octet-stream`, so what the client says comes last.
pub(super) fn content_type(part: &FilePart) -> String {
    match sniff(&part.bytes, &part.filename) {
        "application/octet-stream" if !part.content_type.is_empty() => part.content_type.clone(),
        found => found.to_owned(),
    }
}

/// `media/upload`.
pub(crate) fn upload(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let kind = asked.given("type").unwrap_or_default().to_owned();
    if !matches!(kind.as_str(), "image" | "voice" | "video" | "thumb") {
        return Err(Refusal::code(code::INVALID_MEDIA_TYPE));
    }
    let part = file(asked)?;
    checked(&format!("temporary.{kind}"), part)?;
    let (name, sort, bytes) = (
        part.filename.clone(),
        content_type(part),
        part.bytes.clone(),
    );
    let file = temporary(turn, &asked.appid, &kind, name, sort);
    let media_id = files::store(turn, file, bytes);
    let id_name = if kind == "thumb" {
        "thumb_media_id"
    } else {
        "media_id"
    };
    Ok(Reply::Json(
        json!({"type": kind, id_name: &*media_id, "created_at": turn.now}),
    ))
}

/// `media/get`.
pub(crate) fn get(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let Some(media_id) = asked.given("media_id").filter(|id| !id.is_empty()) else {
        return Err(Refusal::code(code::MEDIA_ID_MISSING));
    };
    let found = files::find(turn.world, media_id, turn.now.0);
    let Some((file, content)) = found.filter(|(file, _)| file.account == *asked.appid) else {
        return Err(Refusal::code(code::INVALID_MEDIA_ID).because(
            "media.unknown",
            Some(media_id.to_owned()),
            None,
        ));
    };
    if file.kind == "video" {
        // WECHAT: a video comes as the address of the film, not as bytes.
        let url = format!("{}/mmbiz/{media_id}/0", turn.world.origins.pages);
        return Ok(Reply::Json(json!({"video_url": url})));
    }
    let end = extension_of(&file.content_type);
    Ok(Reply::File {
        content_type: file.content_type.clone(),
        filename: format!("{media_id}.{end}"),
        content,
    })
}

/// `media/uploadimg`: a picture for articles, kept for ever, known by its address only.
pub(crate) fn upload_image(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let part = file(asked)?;
    checked("article.image", part)?;
    let (name, sort, bytes) = (
        part.filename.clone(),
        content_type(part),
        part.bytes.clone(),
    );
    let file = File {
        account: asked.appid.to_string(),
        kind: "article".to_owned(),
        filename: name,
        content_type: sort,
        created_at: turn.now.0,
        expires_at: None,
    };
    let media_id = files::store(turn, file, bytes);
    let url = format!("{}/mmbiz/{media_id}/0", turn.world.origins.pages);
    Ok(Reply::Json(json!({"url": url})))
}
