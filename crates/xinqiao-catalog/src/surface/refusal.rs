//! Writes a failure the way the product writes it.

use std::fmt::Write as _;

use serde_json::json;
use xinqiao_types::{Entropy, Rid, UnixSeconds};

use crate::model::{Code, Product};

/// The answer of a write call that has nothing to say but that it worked.
///
/// WECHAT: SDKs compare it; a bare `{"errcode":0}` or an `ok` in capitals breaks some.
pub const ACKNOWLEDGED: &str = r#"{"errcode":0,"errmsg":"ok"}"#;

const JSON: &str = "application/json; encoding=utf-8";
const TEXT: &str = "text/plain";
const XML: &str = "text/xml; charset=utf-8";

/// What to refuse with.
#[derive(Debug, Clone, Copy)]
pub struct Refusal<'a> {
    /// The product whose manner holds.
    pub product: Product,
    /// The path that was called.
    pub path: &'a str,
    /// The code: a number, or a word in the payment products.
    pub code: Code<'a>,
    /// The text; empty = the catalog's text for the code.
    pub text: &'a str,
    /// The trace id, from [`trace`].
    pub trace: &'a Rid,
    /// The caller's address, where the product tells it.
    pub caller: &'a str,
}

/// A written answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type` header.
    pub content_type: &'static str,
    /// Body.
    pub body: String,
}

/// Writes a failure in the product's own form.
pub fn refusal(refusal: &Refusal<'_>) -> Answer {
    let known = crate::error(refusal.product, refusal.code);
    let text = match (refusal.text, known) {
        ("", Some(known)) => known.text,
        (text, _) => text,
    };
    let status = known.map_or(0, |known| known.status);
    match refusal.product {
        Product::PayV3 | Product::PayGlobal | Product::PayBusiness => {
            let body = json!({"code": refusal.code.to_string(), "message": text});
            Answer {
                status: if status == 0 { 400 } else { status },
                content_type: "application/json; charset=utf-8",
                body: body.to_string(),
            }
        }
        Product::PayV2 => Answer {
            status: 200,
            content_type: XML,
            body: pay_v2(refusal, text),
        },
        Product::Work => {
            let mut message = format!("{text}, hint: [{}]", refusal.trace);
            if !refusal.caller.is_empty() {
                let _ = write!(message, ", from ip: {}", refusal.caller);
            }
            let _ = write!(
                message,
                ", more info at https://open.work.weixin.qq.com/devtool/query?e={}",
                refusal.code
            );
            errcode(refusal.code, &message, "application/json; charset=UTF-8")
        }
        // WECHAT: `/sns/*` separates the rid with a comma; the rest with a space.
        product => {
            let comma = if is_log_in(refusal.path) { "," } else { "" };
            errcode(
                refusal.code,
                &format!("{text}{comma} rid: {}", refusal.trace),
                content_type(product, refusal.path),
            )
        }
    }
}

/// The `Content-Type` of an answer with `errcode`, or of one that succeeded beside it.
///
/// WECHAT: `/sns/*` says that its JSON is text.
pub fn content_type(product: Product, path: &str) -> &'static str {
    if product != Product::Work && is_log_in(path) {
        TEXT
    } else {
        JSON
    }
}

fn is_log_in(path: &str) -> bool {
    path.starts_with("/sns/")
}

fn errcode(code: Code<'_>, message: &str, content_type: &'static str) -> Answer {
    let body = match code {
        Code::Number(code) => json!({"errcode": code, "errmsg": message}),
        Code::Word(code) => json!({"errcode": code, "errmsg": message}),
    };
    Answer {
        status: 200,
        content_type,
        body: body.to_string(),
    }
}

/// Pay v2 knows two layers: the call was not understood (`return_code`), or it was refused
/// (`result_code` with `err_code`).
fn pay_v2(refusal: &Refusal<'_>, text: &str) -> String {
    let element = |name: &str, value: &str| {
        format!(
            "<{name}><![CDATA[{}]]></{name}>",
            value.replace("]]>", "]]]]><![CDATA[>")
        )
    };
    let fields = match refusal.code {
        Code::Word("") | Code::Number(_) => {
            element("return_code", "FAIL") + &element("return_msg", text)
        }
        Code::Word(code) => {
            element("return_code", "SUCCESS")
                + &element("return_msg", "OK")
                + &element("result_code", "FAIL")
                + &element("err_code", code)
                + &element("err_code_des", text)
        }
    };
    format!("<xml>{fields}</xml>")
}

/// A trace id as the product writes it.
pub fn trace(product: Product, now: UnixSeconds, entropy: &dyn Entropy) -> Rid {
    match product {
        Product::Work => hint(now, entropy),
        _ => rid(now, entropy),
    }
}

/// A `rid`: three groups of eight hexadecimal digits, the first of them the time of the request.
pub fn rid(now: UnixSeconds, entropy: &dyn Entropy) -> Rid {
    let noise = entropy.next_u64();
    Rid::new(format!(
        "{:08x}-{:08x}-{:08x}",
        now.0 as u32,
        (noise >> 32) as u32,
        noise as u32
    ))
}

/// A WeCom hint: time, a small number, 32 hexadecimal digits.
pub fn hint(now: UnixSeconds, entropy: &dyn Entropy) -> Rid {
    let (high, low) = (entropy.next_u64(), entropy.next_u64());
    Rid::new(format!(
        "{:010}_{}_{high:016x}{low:016x}",
        now.0,
        high % 100
    ))
}
