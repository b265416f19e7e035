//! Writes `multipart/form-data` bodies.
//!
//! File names that are not ASCII go out twice: as an ASCII fallback and, per RFC 5987, in full. Quotes
//! and line breaks in names are escaped, so that a name cannot add headers.
//!
//! Invariant: file bytes are not copied; a body is a list of pieces, of which some are read while they are
//! sent.

use bytes::Bytes;
use xinqiao_types::Entropy;
use xinqiao_wire::FilePart;

use crate::{
    transport::{Body, Piece},
    upload::Source,
    url,
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

/// Escapes what would end the quoted string or the header, as browsers do.
fn quote(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' => out.push_str("%22"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            other => out.push(other),
        }
    }
}

fn file_name(name: &str, out: &mut String) {
    let name = if name.is_empty() { "file" } else { name };
    out.push_str("; filename=\"");
    if name.is_ascii() {
        quote(name, out);
        out.push('"');
        return;
    }
    // The extension must survive: the platform tells the type by it.
    let fallback: String = name
        .chars()
        .map(|character| if character.is_ascii() { character } else { '_' })
        .collect();
    quote(&fallback, out);
    out.push_str("\"; filename*=UTF-8''");
    url::encode(name, out);
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

    #[test]
    fn a_chinese_file_name_goes_out_in_full_and_as_a_fallback() {
        let text = body(vec![file("桥头.jpg")]);
        assert!(text.contains("filename=\"__.jpg\"; filename*=UTF-8''%E6%A1%A5%E5%A4%B4.jpg\r\n"));
        assert!(text.contains("Content-Type: image/jpeg\r\n\r\nbytes\r\n--xinqiao-"));
        assert!(text.ends_with("--\r\n"));
    }

    #[test]
    fn a_file_name_cannot_add_headers() {
        let text = body(vec![file("a\"\r\nX-Evil: 1\r\n\r\n.png")]);
        assert!(text.contains("filename=\"a%22%0D%0AX-Evil: 1%0D%0A%0D%0A.png\""));
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
