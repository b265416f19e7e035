//! People log in to a mobile application (移动应用): the app asks WeChat on the same phone, and gets a code back.
//!
//! There is no page and no address: the act `login` yields what the app's library is handed, `SendAuth.Resp`.
//!
//! Source: doc page "移动应用微信登录开发指南": its scope, its error codes, and that the state comes back as it was.

use serde_json::{Value, json};
use xinqiao_types::AccountKind;

use super::{
    code_for,
    link::{Link, PROFILE, PageError},
    tell, tell_refused,
};
use crate::{
    kernel::{
        Refused, Turn,
        declared::{Holds, field, said, text},
        row::Words,
    },
    people::act::{Act, Input, Scene},
};

/// The person did not agree.
const DENIED: i64 = -4;
/// The person went back.
const CANCELLED: i64 = -2;

pub(super) const LOGIN: Act = Act {
    verb: "login",
    title: said("登录 App", "Log in to an app"),
    kinds: &[AccountKind::MobileApp],
    about: None,
    fields: &[
        field("consent", "同意", "Agrees", Holds::Flag).optional(),
        field(
            "cancel",
            "返回，不作决定",
            "Goes back undecided",
            Holds::Flag,
        )
        .optional(),
        text("scope", "scope", "scope").optional(),
        text("state", "state", "state").optional(),
    ],
    check: None,
    run: login,
};

fn login(turn: &mut Turn<'_>, scene: &Scene, input: &Input) -> Result<Value, Refused> {
    let scope: Option<String> = input.field("scope")?;
    let scope = scope.unwrap_or_else(|| PROFILE.to_owned());
    let state: Option<String> = input.field("state")?;
    let state = state.unwrap_or_default();
    let who = (scene.user, &*scene.nickname);
    if scope != PROFILE {
        let words = "Scope 参数错误或没有 Scope 权限";
        let rule = "web_login.scope_of_apps";
        let refused = PageError::other(Some(&scene.appid), words, rule, &scope, PROFILE);
        tell_refused(turn, &refused, Some(who));
        return Err(Refused::unwilling(format!(
            "`scope` of an app is `{PROFILE}`, not `{scope}`"
        )));
    }
    let link = Link {
        appid: scene.appid.clone(),
        redirect_uri: String::new(),
        scope,
        state: state.clone(),
        force_popup: false,
        snapshot: false,
        component: None,
        advice: None,
    };
    let cancels = input.field("cancel")?.unwrap_or(false);
    let agrees = input.field("consent")?.unwrap_or(true);
    let name = &scene.nickname;
    if cancels || !agrees {
        let words = Words::new(
            format!("{name} 没有登录 App"),
            format!("{name} does not log in to the app"),
        );
        tell(turn, &link, who, words, None);
        let code = if cancels { CANCELLED } else { DENIED };
        return Ok(json!({"deliveries": [], "err_code": code, "state": state}));
    }
    let code = code_for(turn, &link, scene.user);
    let words = Words::new(
        format!("{name} 登录 App"),
        format!("{name} logs in to the app"),
    );
    tell(turn, &link, who, words, None);
    Ok(json!({
        "deliveries": [],
        "err_code": 0,
        "code": &*code,
        "state": state,
        "lang": "zh_CN",
        "country": "CN",
    }))
}
