//! Holds every answer of an endpoint against the catalog, in builds with debug assertions: so in each test of ours, and
//! in each run of other people's SDKs against such a build. An answer that does not fit is not sent: the caller gets 500
//! with all that is wrong, and a red row says the same. Other builds send what was written.
//!
//! It is held when the call has been carried out, and what the behaviour changed stays: to take it back, every table would
//! have to remember what it was before each call, for a fault that no test lets pass.

use serde_json::{Value, json};
use xinqiao_catalog::{Answer, Endpoint, Misfit, misfits};
use xinqiao_wire::markup;

use super::dialect::{Written, own};
use crate::kernel::{files::Content, row::diagnose};

/// Marks an answer that did not fit, for tests that look at nothing else of it.
pub(super) const HEADER: &str = "x-xinqiao-misfit";
const RULE: &str = "answer.misfit";

/// In what form an answer was given to its dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Given {
    /// As bytes that are not looked into.
    Bytes,
    /// As fields, or as nothing to say.
    Fields,
}

/// The answer as it was written, or what is wrong with it.
pub(super) fn hold(endpoint: &Endpoint, given: Given, written: Written) -> Written {
    let wrong = differences(endpoint, given, &written.answer.body);
    if wrong.is_empty() {
        return written;
    }
    let wrong: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    tracing::error!(endpoint = endpoint.id, misfits = %wrong.join("; "), "An answer does not fit its schema.");
    let message = format!(
        "the answer of {} does not fit its schema: {}",
        endpoint.id,
        wrong.join("; ")
    );
    let error = json!({"code": "answer_misfit", "message": message, "misfits": wrong});
    let mut refused = own(500, &error).header(HEADER, endpoint.id);
    refused.diagnosis = Some(diagnose(RULE, Some(wrong.join("; ")), None));
    refused
}

fn differences(endpoint: &Endpoint, given: Given, body: &Content) -> Vec<Misfit> {
    let body = match (given, body) {
        (Given::Fields, Content::Memory(body)) => &body[..],
        _ => return misfits(endpoint, Answer::Bytes),
    };
    if body.is_empty() {
        return misfits(endpoint, Answer::Nothing);
    }
    if body.starts_with(b"<") {
        let read = markup::value(body).unwrap_or(Value::Null);
        return misfits(endpoint, Answer::Xml(&read));
    }
    let read = serde_json::from_slice(body).unwrap_or(Value::Null);
    misfits(endpoint, Answer::Json(&read))
}

#[cfg(test)]
mod tests {
    use xinqiao_catalog::{Product, endpoint, endpoints, id, mock};
    use xinqiao_types::Rid;

    use super::*;
    use crate::{
        accounts::merchant::MERCHANTS,
        door::{
            Reply,
            call::{Arrival, PlatformCall},
            credential::Caller,
            dialect::{Dialect, Saying, return_code_xml, signed_json},
        },
        kernel::World,
        products::house,
    };

    /// A world with a merchant, whose keys sign.
    fn world() -> World {
        World::new(1, true, house())
    }

    /// What a dialect makes of an answer.
    fn said(
        world: &World,
        dialect: &Dialect,
        endpoint: &'static Endpoint,
        reply: Reply,
    ) -> Written {
        let call = PlatformCall {
            host: endpoint.host.into(),
            method: http::Method::POST,
            path: endpoint.path.to_owned(),
            query: String::new(),
            headers: http::HeaderMap::new(),
            body: "<xml><appid>wx1</appid><mch_id>1</mch_id><device_info>d</device_info></xml>"
                .into(),
            peer: [127, 0, 0, 1].into(),
            arrival: Arrival::Plain,
        };
        let merchant = MERCHANTS.all(world).next().unwrap().1;
        let caller = Caller::Merchant {
            mchid: merchant.mchid.clone(),
            serial: "".into(),
        };
        let saying = Saying {
            world,
            product: endpoint.product,
            endpoint: Some(endpoint),
            call: &call,
            caller: Some(&caller),
            trace: &Rid::new("r1"),
            wall_ms: 0,
        };
        dialect.answer(&saying, reply)
    }

    #[test]
    fn every_dialect_writes_what_the_schema_makes_up() {
        let world = world();
        let dialects = [
            (Product::PayV2, &return_code_xml::DIALECT),
            (Product::PayV3, &signed_json::DIALECT),
        ];
        for (product, dialect) in dialects {
            for endpoint in endpoints(product) {
                let made = mock(endpoint, 7, &Value::Null);
                let nothing = made.as_object().is_some_and(serde_json::Map::is_empty);
                let reply = match crate::door::fallback::file(endpoint.answer) {
                    Some(file) => file,
                    None if nothing => Reply::Acknowledged,
                    None => Reply::Json(made),
                };
                let written = said(&world, dialect, endpoint, reply);
                let body = written.answer.body.read().unwrap();
                let text = String::from_utf8_lossy(&body).into_owned();
                assert_ne!(written.answer.status, 500, "{text}");
            }
        }
    }

    #[test]
    fn a_file_is_no_answer_where_fields_are_asked_for() {
        let close = endpoint(id::pay_v3::pay::transactions::CLOSE).unwrap();
        let world = world();
        let status = |reply| {
            said(&world, &signed_json::DIALECT, close, reply)
                .answer
                .status
        };
        assert_eq!(status(Reply::Nothing), 204);
        let file = Reply::File {
            content_type: "text/plain".to_owned(),
            filename: "a".to_owned(),
            content: bytes::Bytes::from_static(b"a").into(),
        };
        assert_eq!(status(file), 500);
        assert_eq!(status(Reply::Json(json!({"more": 1}))), 500);
    }
}
