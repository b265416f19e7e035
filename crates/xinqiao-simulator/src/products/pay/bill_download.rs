//! Bills on their way to merchants: asked for and fetched by an address of five minutes, or fetched at once.
//!
//! Source: doc pages "申请交易账单", "申请资金账单", "下载账单", and those of the second generation.

use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde_json::json;
use sha1::{Digest, Sha1};
use xinqiao_catalog::{code, id::pay_v2 as v2, id::pay_v3 as v3, rules::limit};
use xinqiao_crypto::Hex;
use xinqiao_types::{UnixSeconds, shanghai};

use super::{
    bill::{self, Lacking, READY, Trades},
    funds::Account,
    signature,
    v2::{element, own},
    v3::parameter,
};
use crate::{
    accounts::files::{self, File},
    door::{Asked, Refusal, Reply, Verdict, modelled, stateful},
    kernel::{Id, Turn},
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "pay.bill_download",
    behaviours: &[
        modelled(v3::bill::GET_TRADE_BILL, DAY, trades),
        modelled(v3::bill::GET_FUND_FLOW_BILL, DAY, flow),
        stateful(v3::bill_download::DOWNLOAD_FILE, DAY, download),
        modelled(v2::pay::DOWNLOAD_BILL, XML, trades_v2),
        modelled(v2::pay::DOWNLOAD_FUND_FLOW, XML, flow_v2),
    ],
    rules: &[&READY],
    ..Feature::EMPTY
};
const DAY: &str = "a_days_bills_are_asked_for_fetched_and_agree";
const XML: &str = "a_days_bills_are_fetched_in_xml";

/// How long a bill may be fetched.
pub(super) const LIFE: &str = "bills.bill_url_life";
/// What is packed.
const GZIP: &str = "GZIP";
/// What is not: its ending and its type.
const CSV: (&str, &str) = ("csv", "text/csv; charset=utf-8");
/// The account whose movements are told where none is named.
const BASIC: &str = "BASIC";
/// The kind of the file that waits to be fetched.
const KIND: &str = "bill";

fn which(asked: &Asked) -> Option<Trades> {
    match asked.given("bill_type").filter(|kind| !kind.is_empty()) {
        None | Some("ALL") => Some(Trades::All),
        Some("SUCCESS") => Some(Trades::Paid),
        Some("REFUND") => Some(Trades::Refunded),
        Some(_) => None,
    }
}

/// The first second of a day that is written with this mark between its parts.
pub(super) fn day(text: &str, mark: &str) -> Option<UnixSeconds> {
    let digits = text.replacen(mark, "", 2);
    let fits = text.len() == 8 + 2 * mark.len() && digits.len() == 8;
    shanghai::read(&format!("{digits}000000")).filter(|_| fits)
}

fn packed(text: &str) -> Bytes {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    // Writing into memory does not fail.
    let _ = packer.write_all(text.as_bytes());
    packer.finish().unwrap_or_default().into()
}

// ---- The third generation.

fn lacking(why: Lacking) -> Refusal {
    match why {
        Lacking::NotOver | Lacking::Empty => {
            Refusal::text(code::pay_v3::NO_STATEMENT_EXIST, "账单文件不存在")
        }
        Lacking::Early => Refusal::text(code::pay_v3::STATEMENT_CREATING, "账单生成中"),
    }
}

fn asked_day(asked: &Asked) -> Result<UnixSeconds, Refusal> {
    let text = asked.text("bill_date")?;
    let issue = "must be a day as 2026-02-01";
    day(text, "-").ok_or_else(|| parameter("bill_date", &json!(text), issue))
}

/// `bill/tradebill`.
fn trades(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    let which = which(asked).ok_or_else(|| {
        let given = json!(asked.given("bill_type"));
        parameter("bill_type", &given, "is ALL, SUCCESS or REFUND here")
    })?;
    let text = bill::trades(
        turn.world,
        &mchid,
        asked.given("sub_mchid"),
        which,
        asked_day(asked)?,
        turn.now,
    );
    Ok(ready(turn, asked, &mchid, &text.map_err(lacking)?))
}

/// `bill/fundflowbill`.
fn flow(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = signature::caller(turn.world, asked)?.mchid.clone();
    let begins = asked_day(asked)?;
    // Fees are not taken here, so their account has no movements.
    let named = asked.given("account_type").unwrap_or(BASIC);
    let account = Account::named(named).ok_or_else(|| lacking(Lacking::Empty))?;
    let text = bill::flow(turn.world, &mchid, account, begins, turn.now);
    Ok(ready(turn, asked, &mchid, &text.map_err(lacking)?))
}

/// Where a bill is fetched that was made.
fn ready(turn: &mut Turn<'_>, asked: &Asked, mchid: &Id, text: &str) -> Reply {
    let gzip = asked.given("tar_type") == Some(GZIP);
    let bytes = if gzip {
        packed(text)
    } else {
        Bytes::copy_from_slice(text.as_bytes())
    };
    let form = if gzip {
        ("gz", "application/gzip")
    } else {
        CSV
    };
    let url = address(turn, asked, mchid, (form, bytes), limit::seconds(LIFE));
    Reply::Json(json!({
        "hash_type": "SHA1",
        "hash_value": hash(text),
        "download_url": url,
    }))
}

/// WECHAT: over the text, whether it is packed or not.
fn hash(text: &str) -> String {
    let hash = Hex::from(<[u8; 20]>::from(Sha1::digest(text)));
    hash.as_str().to_owned()
}

/// Keeps a table of a merchant for so many seconds: its hash, and where it is fetched.
pub(super) fn kept(
    turn: &mut Turn<'_>,
    asked: &Asked,
    mchid: &Id,
    text: &str,
    life: i64,
) -> (String, String) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    (hash(text), address(turn, asked, mchid, (CSV, bytes), life))
}

/// Where a file of this ending and type is fetched.
fn address(
    turn: &mut Turn<'_>,
    asked: &Asked,
    mchid: &Id,
    ((ending, content_type), bytes): ((&str, &str), Bytes),
    life: i64,
) -> String {
    let file = File {
        account: mchid.to_string(),
        kind: KIND.to_owned(),
        filename: format!("bill.{ending}"),
        content_type: content_type.to_owned(),
        created_at: turn.now.0,
        expires_at: Some(turn.now.0 + life),
    };
    let token = files::store(turn, file, bytes);
    let path = xinqiao_catalog::endpoint(v3::bill_download::DOWNLOAD_FILE);
    let path = path.map_or("", |endpoint| endpoint.path);
    format!("{}{path}?token={token}", asked.origin)
}

/// `billdownload/file`.
fn download(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = &signature::caller(turn.world, asked)?.mchid;
    let token = asked.text("token")?;
    let found = files::find(turn.world, token, turn.now.0);
    let found = found.filter(|(file, _)| *file.account == **mchid && file.kind == KIND);
    let (file, content) = found.ok_or_else(|| {
        let issue = "is no bill's of this merchant, or its time is over";
        parameter("token", &json!(null), issue)
    })?;
    Ok(Reply::File {
        content_type: file.content_type.clone(),
        filename: file.filename.clone(),
        content,
    })
}

// ---- The second generation.

/// WECHAT: that there is no bill is told as a text, with a number beside it.
fn lacking_v2(why: Lacking) -> Refusal {
    let text = match why {
        Lacking::NotOver | Lacking::Empty => "No Bill Exist",
        Lacking::Early => "Bill Creating",
    };
    signature::not_understood(text)
}

fn asked_day_v2(asked: &Asked) -> Result<UnixSeconds, Refusal> {
    day(element(asked, "bill_date")?, "")
        .ok_or_else(|| signature::not_understood("invalid bill_date"))
}

fn file_v2(asked: &Asked, text: &str) -> Reply {
    let (content_type, bytes) = match asked.given("tar_type") {
        Some(GZIP) => ("application/gzip", packed(text)),
        _ => (
            "text/plain; charset=utf-8",
            Bytes::copy_from_slice(text.as_bytes()),
        ),
    };
    Reply::File {
        content_type: content_type.to_owned(),
        filename: "bill.csv".to_owned(),
        content: bytes.into(),
    }
}

/// `pay/downloadbill`.
fn trades_v2(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let seller = own(turn.world, asked)?;
    let (mchid, of_sub) = match &seller.partner {
        None => (&seller.payee, None),
        Some(partner) => (&partner.sp_mchid, Some(&*seller.payee)),
    };
    let which = which(asked).ok_or_else(|| signature::not_understood("invalid bill_type"))?;
    let text = bill::trades(
        turn.world,
        mchid,
        of_sub,
        which,
        asked_day_v2(asked)?,
        turn.now,
    );
    Ok(file_v2(asked, &text.map_err(lacking_v2)?))
}

/// `pay/downloadfundflow`.
fn flow_v2(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let mchid = &own(turn.world, asked)?.payee;
    let begins = asked_day_v2(asked)?;
    // WECHAT: the names of accounts have one capital letter here.
    let named = element(asked, "account_type")?.to_ascii_uppercase();
    let account = Account::named(&named).ok_or_else(|| lacking_v2(Lacking::Empty))?;
    let text = bill::flow(turn.world, mchid, account, begins, turn.now);
    Ok(file_v2(asked, &text.map_err(lacking_v2)?))
}
