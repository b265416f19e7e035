//! What the phone seals for a mini program under the session key (开放数据): who the person is.
//!
//! Source: doc pages "服务端获取开放数据", "wx.getUserInfo", "wx.getUserProfile", "小程序用户头像昵称获取规则调整公告" (2022).

use serde_json::{Value, json};
use xinqiao_crypto::{encrypted_data, session as signature};

use super::{KINDS, login, session};
use crate::{
    accounts::{
        ACCOUNTS,
        rules::{Preset, Rule},
    },
    kernel::{
        Id, Refused, Turn,
        declared::{Holds, field, said},
        row::Words,
    },
    people::{
        self,
        act::{Act, Input, Scene},
        phone::contact,
    },
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "mini_program.open_data",
    acts: &[Act {
        verb: "profile",
        title: said("授权个人信息", "Let a mini program see the profile"),
        kinds: KINDS,
        about: None,
        fields: &[field("consent", "同意", "Agrees", Holds::Flag).optional()],
        check: None,
        run: profile,
    }],
    rules: &[&NAMES],
    ..Feature::EMPTY
};

static NAMES: Rule = Rule {
    name: "mini_profile.names",
    default: Preset::Word("told", &["told", ANONYMOUS]),
    about: (
        "profile 动作给小程序的昵称：told 用户的昵称（2022-10-25 以前发布的版本）；anonymous 一律“微信用户”（基础库 2.27.1 起）",
        "what the act `profile` tells a mini program: `told` the nickname, as versions published before 2022-10-25 get it; \
         `anonymous` everybody is 微信用户, as from base library 2.27.1 on",
    ),
    source: "announcement 小程序用户头像昵称获取规则调整公告: versions published before are not affected",
};
const ANONYMOUS: &str = "anonymous";
/// What everybody is called there.
const NOBODY: &str = "微信用户";

/// What `wx.getUserProfile` hands to the mini program.
fn profile(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let openid = contact(turn.world, scene.user, &scene.appid);
    let (name, account) = (&scene.nickname, &scene.account_name);
    if !input.field("consent")?.unwrap_or(true) {
        let words = Words::new(
            format!("{name} 不让{account}看个人信息"),
            format!("{name} does not show the profile to {account}"),
        );
        let row = scene.row(turn, &openid, words);
        turn.show(row);
        return Ok(json!({"deliveries": [], "errMsg": "getUserProfile:fail auth deny"}));
    }
    let Some(key) = session::key(turn, &scene.appid, scene.user) else {
        return Err(Refused::unwilling(
            "there is no session: do `login` first, the profile is sealed under its key",
        ));
    };
    let own = ACCOUNTS.get(turn.world, &scene.appid);
    let anonymous = NAMES.word(own.map(|account| &account.rules)) == ANONYMOUS;
    let user = people::user(turn.world, scene.user)?;
    let language = { user.about.as_deref() }.map_or("zh_CN", |about| about.language());
    // WECHAT: since 2021-10-20 sex is 0 and the place empty; the names of the fields stay.
    let mut told = json!({
        "nickName": if anonymous { NOBODY } else { &*user.nickname },
        "gender": 0,
        "language": language,
        "city": "",
        "province": "",
        "country": "",
        "avatarUrl": "",
    });
    if anonymous {
        told["language"] = json!("");
    }
    let raw_data = told.to_string();
    let signed = signature::raw_data_signature(&raw_data, &key);
    told["openId"] = json!(&*openid);
    if let Some(unionid) = login::unionid(turn.world, &scene.appid, scene.user) {
        told["unionId"] = json!(unionid);
    }
    let sealed = seal(turn, &scene.appid, &key, told)?;
    let words = Words::new(
        format!("{name} 让{account}看个人信息"),
        format!("{name} shows the profile to {account}"),
    );
    let mut row = scene.row(turn, &openid, words);
    row.subtitle = Words::same("wx.getUserProfile");
    turn.show(row);
    Ok(json!({
        "deliveries": [],
        "errMsg": "getUserProfile:ok",
        "raw_data": raw_data,
        "signature": signed.as_str(),
        "encrypted_data": sealed.data,
        "iv": sealed.iv,
    }))
}

/// Data that only who has the session key reads.
pub(super) struct Sealed {
    pub(super) data: String,
    pub(super) iv: String,
}

/// When it was made, and for whom.
pub(super) fn watermark(turn: &Turn<'_>, appid: &Id) -> Value {
    json!({"timestamp": turn.now.0, "appid": &**appid})
}

/// Seals an object with its watermark.
pub(super) fn seal(
    turn: &mut Turn<'_>,
    appid: &Id,
    key: &str,
    mut plain: Value,
) -> Result<Sealed, Refused> {
    plain["watermark"] = watermark(turn, appid);
    let mut iv = [0; 16];
    turn.world.next("open_data_iv").entropy().fill(&mut iv);
    let data = encrypted_data::encrypt(key, plain.to_string().as_bytes(), &iv);
    // Only a world that was written by hand has another key than 16 bytes in base64.
    let data = data.map_err(|error| Refused::unwilling(error.to_string()))?;
    let iv = base64_simd::STANDARD.encode_to_string(iv);
    Ok(Sealed { data, iv })
}
