//! Writes `multipart/form-data` bodies.
//!
//! WECHAT: a file name goes out as plain UTF-8 in `filename`, whatever its script, and there is no `filename*`: the
//! platform and WeCom do not read it. Python's requests send a Chinese name as `filename*` alone, and the platform
//! answers 41005, WeCom 44001 (threads "media data missing" of wechatpy #293, WeRoBot #292, weworkapi_python #1, where
//! a browser's plain `filename` arrives). WxJava sends plain UTF-8 (`HttpMultipartMode.RFC6532`), silenceper and
//! PowerWeChat with Go's `mime/multipart`, EasyWeChat with Guzzle do so too; names that SDKs encoded (Senparc,
//! WeRoBot) arrive encoded.
//!
//! What would end the quoted string or the header is escaped as browsers do (WHATWG, "multipart/form-data encoding
//! algorithm"), so that a name cannot add headers. Of a path only the last segment is a name.
//!
//! Invariant: file bytes are not copied; a body is a list of pieces, of which some are read while they are
//! sent.

use bytes::Bytes;
use xinqiao_types::{Entropy, percent};
use xinqiao_wire::FilePart;

use crate::{
    transport::{Body, Piece},
    upload::Source,
};

/// One part.
#[derive(Debug, Clone)]
pub(crate) enum Part {
    /// A plain field, or one that holds JSON.
    Text {
        name: String,
        value: String,
        content_type: Option<&'static str>,
    },
    /// A file.
    File { name: String, file: FilePart },
}

/// The content of a file, wherever it is.
pub(crate) fn content(file: FilePart) -> Result<Piece, String> {
    match &file.source {
        None => Ok(Piece::Bytes(Bytes::from(file.bytes))),
        Some(source) => Source::of(source).map(Piece::File).ok_or_else(|| {
            format!(
                "the content of `{}` is of a kind that this client cannot send",
                file.file_name
            )
        }),
    }
}

/// The body and its media type.
pub(crate) fn write(parts: Vec<Part>, entropy: &dyn Entropy) -> Result<(String, Body), String> {
    let boundary = format!(
        "xinqiao-{:016x}{:016x}",
        entropy.next_u64(),
        entropy.next_u64()
    );
    let mut pieces = Vec::with_capacity(parts.len() * 2 + 1);
    // What stands between two files: the rest of the last part and the head of the next.
    let mut text = String::new();
    for part in parts {
        text.push_str("--");
        text.push_str(&boundary);
        text.push_str("\r\nContent-Disposition: form-data; name=\"");
        match part {
            Part::Text {
                name,
                value,
                content_type,
            } => {
                quote(&name, &mut text);
                text.push('"');
                if let Some(content_type) = content_type {
                    text.push_str("\r\nContent-Type: ");
                    text.push_str(content_type);
                }
                text.push_str("\r\n\r\n");
                text.push_str(&value);
            }
            Part::File { name, file } => {
                quote(&name, &mut text);
                text.push('"');
                file_name(&file.file_name, &mut text);
                text.push_str("\r\nContent-Type: ");
                text.extend(file.media_type().chars().filter(|c| !c.is_control()));
                text.push_str("\r\n\r\n");
                pieces.push(Piece::Bytes(std::mem::take(&mut text).into()));
                pieces.push(content(file)?);
            }
        }
        text.push_str("\r\n");
    }
    text.push_str("--");
    text.push_str(&boundary);
    text.push_str("--\r\n");
    pieces.push(Piece::Bytes(text.into()));
    let content_type = format!("multipart/form-data; boundary={boundary}");
    Ok((content_type, pieces.into_iter().collect()))
}

/// Escapes what would end the quoted string or the header, as browsers do, and other control characters likewise. A
/// backslash goes the same way: some servers take it for an escape, others for a folder.
fn quote(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' | '\\' | '\0'..' ' | '\x7f' => percent::escape_into(character as u8, out),
            other => out.push(other),
        }
    }
}

fn file_name(name: &str, out: &mut String) {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name = if name.is_empty() { "file" } else { name };
    out.push_str("; filename=\"");
    quote(name, out);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use xinqiao_types::SeededEntropy;

    use super::*;

    fn body(parts: Vec<Part>) -> String {
        let (_, body) = write(parts, &SeededEntropy::new(1)).unwrap();
        String::from_utf8(body.concat()).unwrap()
    }

    fn file(name: &str) -> Part {
        Part::File {
            name: "media".to_owned(),
            file: FilePart::new(name, b"bytes".to_vec()),
        }
    }

    #[track_caller]
    fn check(name: &str, sent: &str) {
        let text = body(vec![file(name)]);
        let line =
            format!("\r\nContent-Disposition: form-data; name=\"media\"; filename=\"{sent}\"\r\n");
        assert!(text.contains(&line), "{text}");
    }

    #[test]
    fn a_file_name_goes_out_as_it_is_called() {
        check("图 1.png", "图 1.png");
        check("桥头🌉; a=b, c.jpg", "桥头🌉; a=b, c.jpg");
        check("", "file");
        let long = format!("{}.pdf", "长".repeat(300));
        check(&long, &long);
        let text = body(vec![file("桥头.jpg")]);
        assert!(text.contains("Content-Type: image/jpeg\r\n\r\nbytes\r\n--xinqiao-"));
        assert!(text.ends_with("--\r\n"));
    }

    #[test]
    fn a_file_name_names_no_folder() {
        check("/tmp/图/1.png", "1.png");
        check("C:\\图\\1.png", "1.png");
        check("图/", "file");
    }

    #[test]
    fn a_file_name_cannot_add_headers() {
        check(
            "a\"\r\nX-Evil: 1\r\n\r\n.png",
            "a%22%0D%0AX-Evil: 1%0D%0A%0D%0A.png",
        );
        check("a\0b\x7f.png", "a%00b%7F.png");
    }

    #[test]
    fn fields_stand_beside_files() {
        let description = Part::Text {
            name: "description".to_owned(),
            value: r#"{"title":"桥"}"#.to_owned(),
            content_type: None,
        };
        let text = body(vec![file("a.mp4"), description]);
        assert!(text.contains("name=\"description\"\r\n\r\n{\"title\":\"桥\"}\r\n--xinqiao-"));
    }
}
