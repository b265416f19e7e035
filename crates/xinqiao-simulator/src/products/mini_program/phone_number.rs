//! A person's phone number (手机号快速验证): the phone gives a code, and the sealed number where there is a session.
//!
//! Source: doc pages "手机号快速验证组件", "获取手机号" (its error codes: 40013 a code of another account, 40029), "检查加密信息".

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use xinqiao_catalog::id::mini_program as mp;
use xinqiao_crypto::Hex;
use xinqiao_types::shanghai::DAY;

use super::{
    KINDS,
    code::{self, Purpose},
    open_data::{seal, watermark},
    session,
};
use crate::{
    accounts,
    door::{Asked, Reply, Verdict, stateful},
    kernel::{
        Id, Refused, Table, Turn, World,
        declared::{Holds, field, said},
        feature::id_in,
        row::Words,
    },
    people::{
        self,
        act::{Act, Input, Scene},
        phone::contact,
    },
    products::Feature,
};

/// When a number was sealed, by account and the hash of what came of it.
static SEALED: Table<(Id, Id), i64> = Table::new("mini_program.sealed_numbers", 1);

pub(super) static FEATURE: Feature = Feature {
    name: NAME,
    tables: &[&SEALED],
    behaviours: &[
        stateful(
            mp::wxa::business::GET_USER_PHONE_NUMBER,
            "a_phone_code_tells_the_number_once",
            tell,
        ),
        stateful(
            mp::wxa::business::CHECK_ENCRYPTED_MSG,
            "a_sealed_number_is_known_for_three_days",
            check_sealed,
        ),
    ],
    acts: &[Act {
        verb: "phone",
        title: said("授权手机号", "Let a mini program see the phone number"),
        kinds: KINDS,
        about: None,
        fields: &[field("consent", "同意", "Agrees", Holds::Flag).optional()],
        check: None,
        run: give,
    }],
    due: Some(due),
    topics: &[(accounts::DELETED, account_deleted)],
    ..Feature::EMPTY
};
const NAME: &str = "mini_program.phone_number";

/// For how long the platform knows what it sealed.
const KNOWN: i64 = 3 * DAY;

/// What `getPhoneNumber` hands to the mini program.
fn give(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let account = accounts::account(turn.world, &scene.appid)?;
    let of_a_person = { account.subject.as_ref() }.is_some_and(|subject| subject.kind == "person");
    // WECHAT: only verified mini programs, and none of a private person, may ask.
    if of_a_person || !account.is_verified(turn.now.0) {
        return Err(Refused::unwilling(
            "getPhoneNumber:fail no permission: only verified mini programs of organisations ask for numbers",
        ));
    }
    let openid = contact(turn.world, scene.user, &scene.appid);
    let (name, account) = (&scene.nickname, &scene.account_name);
    if !input.field("consent")?.unwrap_or(true) {
        let words = Words::new(
            format!("{name} 不让{account}看手机号"),
            format!("{name} does not show the phone number to {account}"),
        );
        let row = scene.row(turn, &openid, words);
        turn.show(row);
        return Ok(json!({"deliveries": [], "errMsg": "getPhoneNumber:fail user deny"}));
    }
    let code = code::give(turn, &scene.appid, scene.user, Purpose::Phone);
    let mut answer = json!({"deliveries": [], "errMsg": "getPhoneNumber:ok", "code": &*code});
    if let Some(key) = session::key(turn, &scene.appid, scene.user) {
        let number = number(turn.world, scene.user);
        let sealed = seal(turn, &scene.appid, &key, number)?;
        remember(turn, &scene.appid, &sealed.data);
        answer["encrypted_data"] = json!(sealed.data);
        answer["iv"] = json!(sealed.iv);
    }
    let words = Words::new(
        format!("{name} 让{account}看手机号"),
        format!("{name} shows the phone number to {account}"),
    );
    let mut row = scene.row(turn, &openid, words);
    row.subtitle = Words::same("getPhoneNumber");
    turn.show(row);
    Ok(answer)
}

/// `wxa/business/getuserphonenumber`.
fn tell(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let given = asked.text("code")?;
    let person = code::find(turn, given, &asked.appid, Purpose::Phone)?;
    code::used(turn.world, given);
    let mut info = number(turn.world, person);
    info["watermark"] = watermark(turn, &asked.appid);
    Ok(Reply::Json(
        json!({"errcode": 0, "errmsg": "ok", "phone_info": info}),
    ))
}

fn hash(data: &str) -> Id {
    let digest: [u8; 32] = Sha256::digest(data).into();
    Hex::from(digest).as_str().into()
}

fn remember(turn: &mut Turn<'_>, appid: &Id, data: &str) {
    let (hash, now) = (hash(data), turn.now.0);
    let what = json!({"account": &**appid, "hash": &*hash});
    SEALED.put(turn.world, (appid.clone(), hash), now);
    turn.later(now + KNOWN, NAME, what);
}

/// `wxa/business/checkencryptedmsg`.
///
/// WECHAT: the field is spelled `vaild`. What was not sealed has no time, so it is 0.
fn check_sealed(turn: &mut Turn<'_>, asked: &Asked) -> Verdict {
    let hash = asked.text("encrypted_msg_hash")?.to_ascii_lowercase();
    let made = SEALED.get(turn.world, &(asked.appid.clone(), hash.into()));
    Ok(Reply::Json(json!({
        "errcode": 0,
        "errmsg": "ok",
        "vaild": made.is_some(),
        "create_time": made.copied().unwrap_or(0),
    })))
}

fn due(turn: &mut Turn<'_>, what: &Value) {
    if let Some(at) = id_in(what, "account").zip(id_in(what, "hash")) {
        SEALED.remove(turn.world, &at);
    }
}

fn account_deleted(turn: &mut Turn<'_>, what: &Value) {
    if let Some(appid) = id_in(what, "account") {
        SEALED.remove_under(turn.world, &appid);
    }
}

/// A person's number, as the platform tells it; made up where nobody gave them one.
fn number(world: &World, person: u64) -> Value {
    let about = { people::USERS.get(world, &person) }.and_then(|user| user.about.as_deref());
    match about.map_or("", |about| about.phone.trim()) {
        "" => told(&format!("1380013{:04}", person % 10_000)),
        own => told(own),
    }
}

/// WECHAT: `phoneNumber` has the country's code before it only where that is not China's.
fn told(phone: &str) -> Value {
    let (country, pure) = apart(phone);
    let full = match country.as_str() {
        "86" => pure.clone(),
        _ => format!("+{country}{pure}"),
    };
    json!({"phoneNumber": full, "purePhoneNumber": pure, "countryCode": country})
}

/// The country's code and the number without it. A number without `+` is one of China.
fn apart(phone: &str) -> (String, String) {
    let digits: String = { phone.chars() }.filter(char::is_ascii_digit).collect();
    if !phone.starts_with('+') {
        return ("86".to_owned(), digits);
    }
    let (country, pure) = digits.split_at(country_digits(&digits).min(digits.len()));
    (country.to_owned(), pure.to_owned())
}

/// How many digits of an international number are the country's code.
///
/// Source: ITU-T E.164: no code is the beginning of another.
fn country_digits(digits: &str) -> usize {
    const TWO: &[&str] = &[
        "20", "27", "30", "31", "32", "33", "34", "36", "39", "40", "41", "43", "44", "45", "46",
        "47", "48", "49", "51", "52", "53", "54", "55", "56", "57", "58", "60", "61", "62", "63",
        "64", "65", "66", "81", "82", "84", "86", "90", "91", "92", "93", "94", "95", "98",
    ];
    match digits.get(..2) {
        Some(two) if TWO.contains(&two) => 2,
        _ if digits.starts_with(['1', '7']) => 1,
        _ => 3,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_told_with_its_country() {
        for (phone, country, pure) in [
            ("13800138000", "86", "13800138000"),
            ("+86 138-0013-8000", "86", "13800138000"),
            ("+852 91234567", "852", "91234567"),
            ("+15550100", "1", "5550100"),
            ("+4915112345678", "49", "15112345678"),
            ("+8", "8", ""),
        ] {
            assert_eq!(apart(phone), (country.to_owned(), pure.to_owned()));
        }
        assert_eq!(told("+85291234567")["phoneNumber"], "+85291234567");
        assert_eq!(told("13800138000")["phoneNumber"], "13800138000");
    }
}
