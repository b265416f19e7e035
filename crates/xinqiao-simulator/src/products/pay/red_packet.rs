//! Red packets (现金红包): a merchant sends one to a person, or one whose parts go to that person and to others; each who
//! opens it gets its part, and what nobody took in a day goes back to the merchant.
//!
//! How a packet for several is divided is drawn when it is sent, so that each part is at least a fen and all of them come
//! to the sum.
//!
//! Source: doc pages "发放普通红包", "发放裂变红包", "查询红包记录" of the payment interface's second generation.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xinqiao_catalog::rules::limit;
use xinqiao_types::{AccountKind, shanghai};

use super::{
    funds::{self, Business, Purse},
    wallet,
};
use crate::{
    accounts::{self, merchant},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Bubble, Facts, Holds, Sheet, Shown, field, said, text, yuan},
        feature::id_in,
        route::{Handler, Request, Route},
        row::{RowState, Words},
    },
    people::{
        act::{Act, Input, Scene},
        causes,
        contact::Speaker,
        phone,
    },
    products::Feature,
};

/// By merchant and the merchant's number.
static PACKETS: Table<(Id, Id), Packet> = Table::new("pay.red_packets", 1);
/// By the platform's number, which the bubble has: merchant and the merchant's number.
static BY_ID: Table<Id, (Id, Id)> = Table::memory("pay.red_packets_by_id");
/// How many each person was sent on the present day of Shanghai: by merchant and openid, the day and the number.
static SENT: Table<(Id, Id), (i64, usize)> = Table::new("pay.red_packets_sent", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&PACKETS, &SENT],
    acts: &[Act {
        verb: "open_red_packet",
        title: said("拆红包", "Open a red packet"),
        kinds: OPENERS,
        about: None,
        fields: &[text("red_packet", "红包单号", "Number of the red packet")],
        check: None,
        run: open,
    }],
    routes: &[Route {
        method: "GET",
        path: "/merchants/{mchid}/red-packets",
        run: Handler::Look(list),
    }],
    shows: &[
        Shown::Bubble(&BUBBLE),
        Shown::Sheet(&SHEET),
        Shown::Facts(&OPENED),
    ],
    due: Some(due),
    topics: &[(accounts::DELETED, merchant_deleted)],
    index: Some(index),
    ..Feature::EMPTY
};
const NAME: &str = "pay.red_packet";

/// How long a packet may be opened.
pub(super) const LIFE: &str = "v2_red_packets.life";
/// Most packets that a merchant sends to a person on a day.
pub(super) const PER_PERSON: &str = "v2_red_packets.per_person";

/// In whose chats packets come.
const OPENERS: &[AccountKind] = &[AccountKind::Service, AccountKind::Subscription];

static BUBBLE: Bubble = Bubble {
    kind: "red_packet",
    title: said("红包", "Red packet"),
    line: "[红包] {wishing}",
    fields: &[
        text("red_packet", "红包单号", "Number"),
        text("send_name", "商户名称", "From"),
        text("wishing", "祝福语", "Wish"),
        text("act_name", "活动名称", "Occasion"),
    ],
};
/// What comes up when somebody taps the bubble.
static SHEET: Sheet = Sheet {
    name: "red_packet",
    title: said("红包", "Red packet"),
    kinds: OPENERS,
    tray: false,
    fields: &[
        text("red_packet", "红包单号", "Number"),
        text("send_name", "商户名称", "From"),
        text("wishing", "祝福语", "Wish"),
    ],
};
/// Of the row of a person who opens one.
static OPENED: Facts = Facts {
    name: "red_packet",
    title: said("红包", "Red packet"),
    fields: &[
        text("merchant", "商户号", "Merchant"),
        text("mch_billno", "商户订单号", "mch_billno"),
        field("amount", "金额", "Amount", Holds::Money),
    ],
};

/// What a merchant sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Packet {
    pub(super) appid: Id,
    /// Whose chat it comes to.
    pub(super) openid: Id,
    /// The platform's number.
    pub(super) id: Id,
    /// Which of all packets it is.
    serial: u64,
    /// In fen, of all parts.
    pub(super) total: i64,
    /// What each who opens it gets, in the order of opening, in fen.
    parts: Vec<i64>,
    /// Whether it was sent for several.
    pub(super) is_for_several: bool,
    pub(super) send_name: String,
    pub(super) wishing: String,
    pub(super) act_name: String,
    pub(super) remark: String,
    /// Who opened it.
    pub(super) opened: Vec<Opened>,
    pub(super) sent_at: i64,
    /// When the rest went back, and how much it was, in fen.
    pub(super) returned: Option<(i64, i64)>,
}

/// Somebody who opened a packet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Opened {
    pub(super) openid: Id,
    /// In fen.
    pub(super) amount: i64,
    pub(super) at: i64,
}

/// What a merchant wants to send.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) appid: Id,
    pub(super) openid: Id,
    pub(super) number: Id,
    pub(super) total: i64,
    /// How many may open it; none where it is for one.
    pub(super) several: Option<usize>,
    pub(super) send_name: String,
    pub(super) wishing: String,
    pub(super) act_name: String,
    pub(super) remark: String,
}

/// Why nothing is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objection {
    /// The number stands for another packet.
    Different,
    /// The person was sent enough today.
    TooMany,
    /// The operation account has not enough.
    Short { has: i64 },
}

impl Packet {
    /// How many may open it.
    pub(super) fn number(&self) -> usize {
        self.parts.len()
    }

    /// `SENT`, `RECEIVED` or `REFUND`.
    pub(super) fn status(&self) -> &'static str {
        match self.returned {
            Some(_) => "REFUND",
            None if self.opened.len() == self.parts.len() => "RECEIVED",
            None => "SENT",
        }
    }
}

pub(super) fn find<'w>(world: &'w World, mchid: &Id, number: &str) -> Option<&'w Packet> {
    PACKETS.get(world, &(mchid.clone(), Id::from(number)))
}

/// Sends a packet, or gives the one that was sent under this number.
///
/// WECHAT: the person and the sum must be those of the first time (openid和原始单参数不一致, 金额和原始单参数不一致); of
/// wishes and remarks nothing is said.
pub(super) fn send(turn: &mut Turn<'_>, mchid: &Id, wanted: Wanted) -> Result<Packet, Objection> {
    let key = (mchid.clone(), wanted.number.clone());
    if let Some(before) = PACKETS.get(turn.world, &key) {
        let same = before.openid == wanted.openid
            && before.total == wanted.total
            && before.number() == wanted.several.unwrap_or(1);
        return if same {
            Ok(before.clone())
        } else {
            Err(Objection::Different)
        };
    }
    let today = shanghai::next_midnight(turn.now).0;
    let of = (mchid.clone(), wanted.openid.clone());
    let sent = SENT.get(turn.world, &of).copied();
    let sent = sent.map_or(0, |(day, sent)| if day == today { sent } else { 0 });
    if sent >= limit::count(PER_PERSON) {
        return Err(Objection::TooMany);
    }
    let has = funds::funds(turn.world, mchid).operation;
    if has < wanted.total {
        return Err(Objection::Short { has });
    }
    SENT.put(turn.world, of, (today, sent + 1));
    let day = shanghai::written(turn.now, "%Y%m%d");
    let draw = turn.world.next("pay.red_packet");
    let packet = Packet {
        id: format!("10000000{day}{}", draw.digits(12)).into(),
        parts: divided(wanted.total, wanted.several.unwrap_or(1), &draw.digits(60)),
        is_for_several: wanted.several.is_some(),
        serial: turn.world.serial("pay.red_packet_order"),
        appid: wanted.appid,
        openid: wanted.openid,
        total: wanted.total,
        send_name: wanted.send_name,
        wishing: wanted.wishing,
        act_name: wanted.act_name,
        remark: wanted.remark,
        opened: Vec::new(),
        sent_at: turn.now.0,
        returned: None,
    };
    let goes = (Purse::Operation, Business::RedPacket);
    funds::pass(turn, mchid, goes, (&key.1, &packet.id), -packet.total);
    let fields = Map::from_iter([
        ("red_packet".to_owned(), json!(&*packet.id)),
        ("send_name".to_owned(), json!(packet.send_name)),
        ("wishing".to_owned(), json!(packet.wishing)),
        ("act_name".to_owned(), json!(packet.act_name)),
    ]);
    let speaker = Speaker::Account;
    turn.say(
        &packet.appid,
        &packet.openid,
        speaker,
        "system",
        BUBBLE.kind,
        fields,
    );
    let ends = json!({"merchant": &**mchid, "back": &*key.1, "serial": packet.serial});
    turn.later(turn.now.0 + limit::seconds(LIFE), NAME, ends);
    BY_ID.put(turn.world, packet.id.clone(), key.clone());
    PACKETS.put(turn.world, key, packet.clone());
    Ok(packet)
}

/// Parts of at least a fen that come to the sum: each takes what three digits say of twice the mean of what is left.
fn divided(total: i64, number: usize, digits: &str) -> Vec<i64> {
    let mut left = total;
    let mut parts = Vec::with_capacity(number);
    for at in 0..number {
        let others = (number - at - 1) as i64;
        let part = if others == 0 {
            left
        } else {
            let digits = digits.get(at * 3..at * 3 + 3).unwrap_or("500");
            let share: i64 = digits.parse().unwrap_or(500);
            let twice_the_mean = left / (others + 1) * 2;
            (twice_the_mean * share / 1000).clamp(1, left - others)
        };
        left -= part;
        parts.push(part);
    }
    parts
}

/// A person opens a packet.
fn open(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let id: String = input.field("red_packet")?.unwrap_or_default();
    let key = BY_ID.get(turn.world, id.as_str()).cloned();
    let key = key.ok_or_else(|| Refused::unknown("red packet", &id))?;
    let openid = phone::contact(turn.world, scene.user, &scene.appid);
    let words = Words::new(
        format!("{} 拆红包", scene.nickname),
        format!("{} opens a red packet", scene.nickname),
    );
    let mut row = scene.row(turn, &openid, words);
    let amount = match part(turn.world, scene, &key, &openid) {
        Ok(amount) => amount,
        Err(message) => {
            row.state = RowState::Error;
            row.subtitle = Words::same(message.clone());
            row.label = Words::new("没有领到", "failed");
            turn.show(row);
            return Err(Refused::unwilling(message));
        }
    };
    causes::acted(turn, &scene.appid, &openid);
    let opened = Opened {
        openid,
        amount,
        at: turn.now.0,
    };
    if let Some(packet) = PACKETS.get_mut(turn.world, &key) {
        packet.opened.push(opened);
    }
    wallet::receive(turn, scene.user, amount);
    let sum = yuan(amount);
    row.subtitle = Words::new(format!("领到 {sum} 元"), format!("gets {sum} CNY"));
    let facts = json!({"merchant": &*key.0, "mch_billno": &*key.1, "amount": amount});
    row.facts.insert(OPENED.name.to_owned(), facts);
    turn.show(row);
    turn.effects.push(scene.chat());
    Ok(json!({"amount": amount, "deliveries": []}))
}

/// What this person gets of a packet, or why nothing.
fn part(world: &World, scene: &Scene, key: &(Id, Id), openid: &Id) -> Result<i64, String> {
    let packet = PACKETS.get(world, key);
    let packet = packet.filter(|packet| packet.appid == scene.appid);
    let packet = packet.ok_or("红包不存在: there is no such red packet in this account")?;
    if packet.returned.is_some() {
        return Err("红包已过期: it is over a day old, and the money is back".to_owned());
    }
    if packet.opened.iter().any(|before| before.openid == *openid) {
        return Err("已经领过了: this person has opened it".to_owned());
    }
    if !packet.is_for_several && packet.openid != *openid {
        return Err("不是发给你的红包: it was sent to somebody else".to_owned());
    }
    // WECHAT: others get theirs only once the one to whom it was sent has opened it and passed it on.
    if packet.opened.is_empty() && packet.openid != *openid {
        return Err("收到红包的人还没有分享: the one who got it has not opened it yet".to_owned());
    }
    let part = packet.parts.get(packet.opened.len()).copied();
    part.ok_or_else(|| "手慢了，红包派完了: all its parts are taken".to_owned())
}

/// What nobody took goes back.
fn due(turn: &mut Turn<'_>, what: &Value) {
    let (Some(mchid), Some(number)) = (id_in(what, "merchant"), id_in(what, "back")) else {
        return;
    };
    let key = (mchid, number);
    let now = turn.now.0;
    let Some(packet) = PACKETS.get_mut(turn.world, &key) else {
        return;
    };
    let left: i64 = packet.parts.iter().skip(packet.opened.len()).sum();
    // A merchant of the same number may have come meanwhile.
    if left == 0 || what["serial"] != packet.serial {
        return;
    }
    packet.returned = Some((now, left));
    let id = packet.id.clone();
    let comes = (Purse::Operation, Business::RedPacketReturned);
    funds::pass(turn, &key.0, comes, (&key.1, &id), left);
}

fn merchant_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(mchid) = id_in(what, "account") {
        for (_, packet) in PACKETS.remove_under(turn.world, &mchid) {
            BY_ID.remove(turn.world, &*packet.id);
        }
        SENT.remove_under(turn.world, &mchid);
    }
}

fn index(world: &mut World) {
    let all: Vec<(Id, (Id, Id))> = { PACKETS.all(world) }
        .map(|(key, packet)| (packet.id.clone(), key.clone()))
        .collect();
    for (id, key) in all {
        BY_ID.put(world, id, key);
    }
}

fn list(world: &World, request: &Request) -> Result<Value, Refused> {
    let merchant = merchant::merchant(world, request.part("mchid"))?;
    let page = request.page()?;
    let after = page.id()?;
    let packets = PACKETS.after(world, (merchant.mchid.clone(), after.into()));
    Ok(page.answer(packets.map(|(number, packet)| {
        let opened = packet
            .opened
            .iter()
            .map(|one| json!({"openid": &*one.openid, "amount": one.amount, "at": one.at}));
        let shown = json!({
            "mch_billno": &**number,
            "red_packet": &*packet.id,
            "appid": &*packet.appid,
            "openid": &*packet.openid,
            "total": packet.total,
            "number": packet.number(),
            "status": packet.status(),
            "opened": opened.collect::<Vec<_>>(),
            "returned": packet.returned.map(|(_, amount)| amount),
            "sent_at": packet.sent_at,
        });
        (number.to_string(), shown)
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_come_to_the_sum_and_none_is_empty() {
        for (total, number) in [(3, 3), (300, 3), (100_000, 20), (21, 20), (500, 7)] {
            for digits in ["0".repeat(60), "9".repeat(60), "123456789".repeat(7)] {
                let parts = divided(total, number, &digits);
                assert_eq!(parts.len(), number);
                assert_eq!(parts.iter().sum::<i64>(), total, "{parts:?}");
                assert!(parts.iter().all(|part| *part > 0), "{parts:?}");
            }
        }
    }
}
