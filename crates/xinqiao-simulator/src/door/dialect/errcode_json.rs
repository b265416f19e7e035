//! JSON with `errcode` and `errmsg`, status 200 whatever happened.
//!
//! Products differ in what they say when all is well: some leave the code out of answers that say something, others
//! put it first in each ([`ALWAYS`]).

use serde_json::Value;
use xinqiao_catalog::{Code, surface};

use super::{Dialect, Refusal, Reply, Saying, Written, page};

pub(crate) static DIALECT: Dialect = Dialect { reply, refusal };
pub(crate) static ALWAYS: Dialect = Dialect {
    reply: |saying, said| reply(saying, with_code(said)),
    refusal,
};

fn reply(saying: &Saying<'_>, reply: Reply) -> Written {
    let kind = surface::content_type(saying.product, &saying.call.path);
    match reply {
        Reply::Acknowledged => {
            let mut written = Written::new(200).header("content-type", kind);
            written.errcode = Some(0);
            written.body(surface::ACKNOWLEDGED)
        }
        Reply::Json(value) => {
            let mut written = Written::new(200).header("content-type", kind);
            written.errcode = value.get("errcode").and_then(Value::as_i64);
            // Not by `Display`, which writes piece by piece through a formatter.
            written.body(serde_json::to_vec(&value).unwrap_or_default())
        }
        // WECHAT: WxJava takes a file only with a quoted name in exactly this header.
        Reply::File {
            content_type,
            filename,
            content,
        } => Written::new(200)
            .header("content-type", content_type)
            .header(
                "content-disposition",
                format!("attachment; filename=\"{filename}\""),
            )
            .content(content),
        Reply::Nothing => Written::new(204),
        Reply::Redirect(to) => page::redirect(to),
        Reply::Page(html) => page::show(html),
    }
}

/// Puts the code of success before what is said.
fn with_code(said: Reply) -> Reply {
    let Reply::Json(Value::Object(fields)) = said else {
        return said;
    };
    let mut all = serde_json::from_str::<serde_json::Map<String, Value>>(surface::ACKNOWLEDGED)
        .unwrap_or_default();
    all.extend(fields);
    Reply::Json(Value::Object(all))
}

fn refusal(saying: &Saying<'_>, refuse: Refusal) -> Written {
    let text = refuse.text.unwrap_or_default();
    let refusal = surface::refusal(&surface::Refusal {
        product: saying.product,
        path: &saying.call.path,
        code: refuse.code,
        text: &text,
        trace: saying.trace,
        caller: &saying.call.peer.to_canonical().to_string(),
    });
    let mut written =
        Written::new(refusal.status).header("content-type", refusal.content_type.to_owned());
    if let Code::Number(code) = refuse.code {
        written.errcode = Some(code);
    }
    written.body(with_extra(refusal.body, &refuse.extra))
}

fn with_extra(body: String, extra: &[(&'static str, Value)]) -> String {
    if extra.is_empty() {
        return body;
    }
    match serde_json::from_str::<Value>(&body) {
        Ok(mut value) => {
            for (name, field) in extra {
                value[*name] = field.clone();
            }
            value.to_string()
        }
        Err(_) => body,
    }
}
