//! Reads the parameters of a call, and checks them against the endpoint's schema.

use bytes::Bytes;
use serde_json::{Map, Value};
use xinqiao_catalog::{Content, Endpoint, ViolationKind, code};
use xinqiao_types::percent;
use xinqiao_wire::{disposition, xml::Document};

use super::{Refusal, call::PlatformCall};
use crate::kernel::Id;

/// A body as its endpoint reads it.
#[derive(Debug, Default)]
pub(crate) struct Parsed {
    /// The JSON body, or the fields of a form; null without one.
    pub(crate) value: Value,
    pub(crate) files: Vec<FilePart>,
}

/// A part of a multipart body that is a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FilePart {
    pub(crate) name: String,
    pub(crate) filename: String,
    pub(crate) content_type: String,
    pub(crate) bytes: Bytes,
}

/// Reads a body in the form that the endpoint takes.
pub(crate) fn parse(endpoint: &Endpoint, call: &PlatformCall) -> Result<Parsed, Refusal> {
    let content_type = call.header("content-type").unwrap_or_default();
    if endpoint.content == Content::Multipart || content_type.starts_with("multipart/form-data") {
        return multipart(content_type, &call.body);
    }
    match endpoint.content {
        Content::Json => json(endpoint, call),
        Content::Xml => Ok(Parsed {
            value: xml(&call.body)?,
            files: Vec::new(),
        }),
        Content::Form => Ok(Parsed {
            value: Value::Object(
                percent::pairs(&String::from_utf8_lossy(&call.body))
                    .map(|(name, value)| (name, Value::String(value)))
                    .collect(),
            ),
            files: Vec::new(),
        }),
        // WECHAT: calls without a body are often sent with one (`{}`); it is not looked at.
        _ => Ok(Parsed {
            value: serde_json::from_slice(&call.body).unwrap_or(Value::Null),
            files: Vec::new(),
        }),
    }
}

fn json(endpoint: &Endpoint, call: &PlatformCall) -> Result<Parsed, Refusal> {
    let body = call
        .body
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(&call.body);
    if body.iter().all(u8::is_ascii_whitespace) {
        let needs_one = endpoint.request.fields.iter().any(|field| field.required)
            || endpoint.request.union.is_some();
        return if needs_one {
            Err(Refusal::code(code::EMPTY_POST_DATA))
        } else {
            Ok(Parsed {
                value: Value::Object(Map::new()),
                files: Vec::new(),
            })
        };
    }
    match serde_json::from_slice(body) {
        Ok(value) => Ok(Parsed {
            value,
            files: Vec::new(),
        }),
        Err(error) => Err(Refusal::code(code::DATA_FORMAT_ERROR).because(
            "call.json",
            Some(error.to_string()),
            None,
        )),
    }
}

/// The elements of a flat XML body, as texts.
fn xml(body: &[u8]) -> Result<Value, Refusal> {
    let document = Document::parse(body).map_err(|error| {
        Refusal::code(code::DATA_FORMAT_ERROR).because("call.xml", Some(error.to_string()), None)
    })?;
    let fields = document
        .root()
        .children()
        .map(|element| (element.name().to_owned(), Value::from(element.text())));
    Ok(Value::Object(fields.collect()))
}

/// Reads a multipart body.
///
/// WECHAT: WxJava sends `multipart/form-data; charset=ISO-8859-1` without a boundary for some uploads: then the
/// first line of the body says it.
fn multipart(content_type: &str, body: &[u8]) -> Result<Parsed, Refusal> {
    let bad = || Refusal::code(code::MEDIA_MISSING).because("call.multipart", None, None);
    let named = content_type.split(';').find_map(|part| {
        let (name, value) = part.trim().split_once('=')?;
        name.eq_ignore_ascii_case("boundary")
            .then(|| value.trim_matches('"').to_owned())
    });
    let boundary = match named {
        Some(boundary) if !boundary.is_empty() => format!("--{boundary}"),
        _ => {
            let end = body
                .iter()
                .position(|byte| *byte == b'\n')
                .ok_or_else(bad)?;
            let line = String::from_utf8_lossy(&body[..end]).trim_end().to_owned();
            if !line.starts_with("--") {
                return Err(bad());
            }
            line
        }
    };
    let mut parsed = Parsed {
        value: Value::Object(Map::new()),
        files: Vec::new(),
    };
    let mut rest = body;
    let mut first = true;
    while let Some(at) = find(rest, boundary.as_bytes()) {
        if !first {
            part(
                rest[..at].strip_suffix(b"\r\n").unwrap_or(&rest[..at]),
                &mut parsed,
            );
        }
        first = false;
        rest = &rest[at + boundary.len()..];
        if rest.starts_with(b"--") {
            break;
        }
        rest = rest
            .strip_prefix(b"\r\n")
            .or_else(|| rest.strip_prefix(b"\n"))
            .unwrap_or(rest);
    }
    if first { Err(bad()) } else { Ok(parsed) }
}

/// Whether a multipart body can be read: for the fuzz targets.
#[doc(hidden)]
pub fn read_multipart(content_type: &str, body: &[u8]) -> bool {
    multipart(content_type, body).is_ok()
}

fn part(bytes: &[u8], parsed: &mut Parsed) {
    let (head, content) = match find(bytes, b"\r\n\r\n") {
        Some(at) => (&bytes[..at], &bytes[at + 4..]),
        None => match find(bytes, b"\n\n") {
            Some(at) => (&bytes[..at], &bytes[at + 2..]),
            None => return,
        },
    };
    let head = String::from_utf8_lossy(head);
    let (mut name, mut filename, mut content_type) = (String::new(), None, String::new());
    for line in head.lines() {
        let Some((key, value)) = line.split_once(':') else {
            continue;
        };
        if key.eq_ignore_ascii_case("content-type") {
            value.trim().clone_into(&mut content_type);
        } else if key.eq_ignore_ascii_case("content-disposition") {
            name = disposition::parameter(value, "name").unwrap_or_default();
            let is_file = ["filename", "filename*"]
                .iter()
                .any(|name| disposition::parameter(value, name).is_some());
            filename = is_file.then(|| disposition::file_name(value).unwrap_or_default());
        }
    }
    match filename {
        Some(filename) => {
            parsed.files.push(FilePart {
                name,
                filename,
                content_type,
                bytes: Bytes::copy_from_slice(content),
            });
        }
        None => {
            if let Value::Object(fields) = &mut parsed.value {
                fields.insert(
                    name,
                    Value::String(String::from_utf8_lossy(content).into_owned()),
                );
            }
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle)
}

/// Who asks for what is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// The schema: nobody else looks.
    SchemaRefuses,
    /// The endpoint's behaviour, with the code of the case. What the schema calls required comes from SDKs, and the
    /// platform takes calls without it (`lang`, `force_refresh`).
    BehaviourDecides,
}

/// Checks query and body against the schema. All violations are looked at: one that the behaviour decides about does
/// not hide another.
pub(crate) fn check(
    endpoint: &Endpoint,
    raw_query: &str,
    parsed: &Parsed,
    missing: Missing,
) -> Result<(), Refusal> {
    let query: Vec<_> = percent::pairs(raw_query).collect();
    let mut found = xinqiao_catalog::query_violations(endpoint, &query);
    if endpoint.content == Content::Json {
        found.extend(xinqiao_catalog::violations(endpoint, &parsed.value));
    }
    let counts = |violation: &xinqiao_catalog::Violation| {
        missing == Missing::SchemaRefuses || violation.kind != ViolationKind::Missing
    };
    found
        .into_iter()
        .find(counts)
        .map_or(Ok(()), |violation| Err(refuse(violation)))
}

pub(crate) fn refuse(violation: xinqiao_catalog::Violation) -> Refusal {
    Refusal::code(violation.code).because(
        "call.parameter",
        Some(
            format!("{} {}", violation.path, violation.reason)
                .trim()
                .to_owned(),
        ),
        None,
    )
}

/// Whom a call is about, where it says so.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Of one person; not a list of them.
    pub(crate) openid: Option<Id>,
    /// Of an account other than the caller.
    pub(crate) appid: Option<Id>,
}

/// Most bytes of a body that is searched for whom it names.
const SEARCHED: usize = 64 * 1024;

/// Whom a call names, in its query or its body of whatever format. For rows only: it refuses nothing.
pub(crate) fn named_in(call: &PlatformCall) -> Named {
    let in_query = percent::pairs(&call.query).find(|(name, _)| name == "openid");
    let mut named = Named {
        openid: in_query.map(|(_, value)| value.into()),
        appid: None,
    };
    if call.body.is_empty() || call.body.len() > SEARCHED {
        return named;
    }
    let body: Value = match call.body.first() {
        Some(b'<') => xml(&call.body).unwrap_or_default(),
        _ => serde_json::from_slice(&call.body).unwrap_or_default(),
    };
    let text = |path: &str| body.pointer(path).and_then(Value::as_str).map(Id::from);
    let person = || {
        let people = ["/touser", "/openid", "/payer/openid"];
        people.iter().find_map(|path| text(path))
    };
    // Applications of a corporation write to several with bars between them, and to everybody.
    let one = |id: &Id| !id.contains('|') && !id.starts_with('@');
    named.openid = named.openid.or_else(person).filter(one);
    named.appid = text("/appid");
    named
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multipart_body_without_a_boundary_in_its_header_is_read() {
        let body = b"--AbC\r\nContent-Disposition: form-data; name=\"media\"; filename=\"a.png\"\r\n\
            Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n\
            \x89PNG\r\n\x1a\n\r\n--AbC\r\nContent-Disposition: form-data; name=\"type\"\r\n\r\nimage\r\n--AbC--\r\n";
        let parsed = multipart("multipart/form-data; charset=ISO-8859-1", body).unwrap();
        assert_eq!(parsed.files.len(), 1);
        assert_eq!(parsed.files[0].filename, "a.png");
        assert_eq!(&parsed.files[0].bytes[..], b"\x89PNG\r\n\x1a\n");
        assert_eq!(parsed.value["type"], "image");
    }

    #[test]
    fn a_chinese_file_name_is_kept() {
        for name in [
            "filename=\"图 1; 2.png\"",
            "filename=\"a.png\"; filename*=UTF-8''%E5%9B%BE%201%3B%202.png",
        ] {
            let body = format!(
                "--x\r\nContent-Disposition: form-data; name=\"media\"; {name}\r\n\r\nx\r\n--x--"
            );
            let parsed = multipart("multipart/form-data; boundary=x", body.as_bytes()).unwrap();
            assert_eq!(parsed.files[0].name, "media");
            assert_eq!(parsed.files[0].filename, "图 1; 2.png");
        }
    }

    #[test]
    fn garbage_is_refused() {
        assert!(multipart("multipart/form-data", b"no boundary at all").is_err());
        assert!(multipart("multipart/form-data; boundary=x", b"").is_err());
    }
}
