//! The record codec beside serde's derives with serde_json, on the same bytes in the same run.
//!
//! "answer" is the client's whole path from the bytes of an answer to its type: the look for an error code, then the
//! answer's form, then the record. serde's side is `from_slice` alone.

use std::hint::black_box;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use xinqiao_official_account::user;
use xinqiao_wire::{Endpoint, EndpointInfo, Keep, Record, json, response};

use crate::measure;
use crate::table::{Better, Row};

/// What somebody would write by hand for a page of users.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    total: i64,
    count: i64,
    data: Openids,
    next_openid: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Openids {
    openid: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Users {
    user_info_list: Vec<User>,
}

#[derive(Debug, Serialize, Deserialize)]
struct User {
    subscribe: Option<i64>,
    openid: Option<String>,
    nickname: Option<String>,
    language: Option<String>,
    headimgurl: Option<String>,
    subscribe_time: Option<i64>,
    unionid: Option<String>,
    remark: Option<String>,
    groupid: Option<i64>,
    tagid_list: Option<Vec<i64>>,
    subscribe_scene: Option<String>,
    qr_scene: Option<i64>,
    qr_scene_str: Option<String>,
}

fn page() -> Result<String> {
    let openid = |at: usize| format!("oia2TjjewbmiOUlr6X-1crb{at:05}");
    let page = Page {
        total: 23_000,
        count: 10_000,
        data: Openids {
            openid: (0..10_000).map(openid).collect(),
        },
        next_openid: openid(9_999),
    };
    Ok(serde_json::to_string(&page)?)
}

/// Four users, as the platform writes them: 1.8 kB with escaped slashes.
fn users() -> String {
    let user = |at: usize| {
        format!(
            r#"{{"subscribe":1,"openid":"oia2TjjewbmiOUlr6X-1crb{at:05}","nickname":"林小满","language":"zh_CN","headimgurl":"https:\/\/thirdwx.qlogo.cn\/mmopen\/xbIQx1GRqdvyqkMMhEaGOX802l1CyqMJNgUzKP8MeAeHFicRDSnZH7FY4XB7p8XHXIf6uJA2SCunTPicGKezDC4saKISzRj3nz\/0","subscribe_time":1434093047,"unionid":"oR5GjjgEhCMJFyzaVZdrxZ2zRRF4","remark":"常客","groupid":0,"tagid_list":[128,2],"subscribe_scene":"ADD_SCENE_QR_CODE","qr_scene":98765,"qr_scene_str":""}}"#
        )
    };
    let users: Vec<String> = (0..4).map(user).collect();
    format!(r#"{{"user_info_list":[{}]}}"#, users.join(","))
}

/// From bytes to the type, as the client does it; whether that worked.
fn answer<T: Record + Default>(info: &EndpointInfo, body: &[u8]) -> Option<T> {
    if response::looks_like_object(body)
        && response::envelope(body, info.code_field, info.message_field).is_some()
    {
        return None;
    }
    let mut record = T::default();
    response::decode(
        &mut record,
        info,
        "application/json",
        None,
        body,
        Keep::Typed,
    )
    .ok()?;
    Some(record)
}

/// One kind of answer, both ways.
fn compare<E, T>(
    rows: &mut Vec<Row>,
    ids: [&'static str; 2],
    what: &str,
    body: &str,
    calls: u32,
) -> Result<()>
where
    E: Endpoint,
    T: Serialize + for<'de> Deserialize<'de>,
{
    let theirs: T = serde_json::from_str(body)?;
    let ours = answer::<E::Response>(E::INFO, body.as_bytes()).context("our codec refuses it")?;
    let written = json::encode(&ours);
    if serde_json::from_str::<Value>(&written)? != serde_json::to_value(&theirs)? {
        bail!("the codecs disagree about {what}");
    }
    let decoding = measure::interleaved(
        calls,
        [
            &mut || {
                black_box(answer::<E::Response>(E::INFO, black_box(body.as_bytes())));
            },
            &mut || {
                black_box(serde_json::from_slice::<T>(black_box(body.as_bytes())).is_ok());
            },
        ],
    )?;
    let encoding = measure::interleaved(
        calls,
        [
            &mut || {
                black_box(json::encode(black_box(&ours)));
            },
            &mut || {
                black_box(serde_json::to_string(black_box(&theirs)).is_ok());
            },
        ],
    )?;
    for (id, doing, [ours, theirs]) in [(ids[0], "decode", decoding), (ids[1], "encode", encoding)]
    {
        rows.push(Row {
            id,
            measure: format!("{doing} {what}, {} B, CPU µs", body.len()),
            value: format!("{ours:.1}"),
            baseline: format!("{theirs:.1} serde_json derive"),
            ratio: ours / theirs,
            goal: 1.5,
            floor: 2.0,
            better: Better::Lower,
        });
    }
    Ok(())
}

/// In turns on this thread.
pub(crate) fn run(rows: &mut Vec<Row>) -> Result<()> {
    compare::<user::Get, Page>(
        rows,
        ["C1", "C2"],
        "a page of 10,000 openids",
        &page()?,
        200,
    )?;
    compare::<user::InfoBatchGet, Users>(rows, ["C3", "C4"], "four users", &users(), 4_000)
}
