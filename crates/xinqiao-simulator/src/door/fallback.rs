//! What an endpoint without a behaviour answers: made from its schema, in the form that it has, and true to what was
//! made before ([`made`]).

pub(crate) mod made;

use bytes::Bytes;
use xinqiao_catalog::Content;

use super::{Asked, Reply};
use crate::{accounts::files::PICTURE, kernel::Turn};

/// A bill of a day on which nothing was paid: its columns, and sums of nothing.
const BILL: &[u8] = include_bytes!("fallback/bill.csv");

pub(super) fn answer(turn: &mut Turn<'_>, asked: &Asked) -> Reply {
    if let Some(file) = file(asked.endpoint.answer) {
        return file;
    }
    let number = turn.world.serial("mock");
    let seed = turn
        .world
        .seed
        .wrapping_mul(0x9e37_79b9)
        .wrapping_add(number);
    let mut value = xinqiao_catalog::mock(asked.endpoint, seed, &asked.body);
    let Some(fields) = value.as_object_mut() else {
        return Reply::Acknowledged;
    };
    made::remind(turn.world, asked, fields);
    made::keep(turn.world, asked, fields);
    let [code, message] = asked.endpoint.envelope.unwrap_or(["errcode", "errmsg"]);
    if fields.keys().all(|name| name == code || name == message) {
        return Reply::Acknowledged;
    }
    // WECHAT: an answer that says something must not carry a bare code 0 alone, but may carry it first.
    fields.retain(|name, field| name != "errcode" || field.as_i64() == Some(0));
    Reply::Json(value)
}

/// An answer in bytes. They say nothing about themselves in a schema: nearly all of them are codes to scan.
pub(super) fn file(form: Content) -> Option<Reply> {
    let (content_type, filename, bytes) = match form {
        Content::Binary | Content::Raw => ("image/png", "fallback.png", PICTURE),
        Content::Csv => ("text/plain; charset=utf-8", "fallback.csv", BILL),
        _ => return None,
    };
    Some(Reply::File {
        content_type: content_type.to_owned(),
        filename: filename.to_owned(),
        content: Bytes::from_static(bytes).into(),
    })
}
