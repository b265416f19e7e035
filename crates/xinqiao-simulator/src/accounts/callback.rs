//! An account's server settings (服务器配置): checked, and stored.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use xinqiao_types::{AccountKind, CallbackMode};

use super::{
    CONNECTED, account,
    account::{Account, Callback},
    account_mut,
    registration::check_keys,
};
use crate::kernel::{Command, Effect, Refused, Turn};

/// `PUT /accounts/{ref}/callback`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct CallbackSettings {
    /// Where to.
    pub(crate) url: String,
    /// Of a third-party platform: where messages of its authorizers go, with `$APPID$`; its own if missing.
    pub(crate) message_url: Option<String>,
    /// Token; the account's own if missing.
    pub(crate) token: Option<String>,
    /// EncodingAESKey; the account's own if missing.
    pub(crate) aes_key: Option<String>,
    /// How to wrap; the account's own if missing.
    pub(crate) mode: Option<CallbackMode>,
    /// `xml` or `json`.
    pub(crate) format: Option<String>,
}

/// Whether the platform asks a server for an echo before it stores the address.
pub(crate) fn has_handshake(kind: AccountKind) -> bool {
    kind != AccountKind::Component
}

/// WECHAT: a third-party platform is pushed to in safe mode only.
pub(super) fn check_mode(kind: AccountKind, mode: CallbackMode) -> Result<(), Refused> {
    if kind == AccountKind::Component && mode != CallbackMode::Safe {
        return Err(Refused::unwilling(
            "a third-party platform is pushed to in mode `safe` only",
        ));
    }
    Ok(())
}

/// Checks server settings before the handshake; gives them back complete.
pub(crate) fn complete_callback(
    account: &Account,
    settings: &CallbackSettings,
) -> Result<Callback, Refused> {
    check_url("url", &settings.url)?;
    let message_url = match &settings.message_url {
        None => account.callback.message_url.clone(),
        Some(_) if account.kind != AccountKind::Component => {
            return Err(Refused::invalid(
                "`message_url` belongs to third-party platforms; an account has `url` only",
            ));
        }
        Some(url) => {
            check_url("message_url", url)?;
            Some(url.clone())
        }
    };
    let mode = settings.mode.unwrap_or(account.callback.mode);
    check_mode(account.kind, mode)?;
    check_keys(settings.token.as_deref(), settings.aes_key.as_deref())?;
    let format = settings
        .format
        .clone()
        .unwrap_or_else(|| account.callback.format.clone());
    match format.as_str() {
        "xml" => {}
        "json" if account.kind == AccountKind::MiniProgram => {
            return Err(Refused::not_built("pushing JSON (format `json`)"));
        }
        "json" => {
            return Err(Refused::unwilling(format!(
                "a {} is pushed XML only",
                account.kind
            )));
        }
        _ => return Err(Refused::invalid("`format` must be `xml` or `json`")),
    }
    let sealed = settings.mode.is_none_or(|mode| mode == CallbackMode::Safe);
    if account.of_corp().is_some() && !sealed {
        return Err(Refused::unwilling(
            "what an application of a corporation gets is always encrypted: `mode` is `safe`",
        ));
    }
    let own = &account.callback;
    Ok(Callback {
        url: settings.url.clone(),
        message_url,
        token: settings.token.clone().unwrap_or_else(|| own.token.clone()),
        aes_key: settings
            .aes_key
            .clone()
            .unwrap_or_else(|| own.aes_key.clone()),
        mode,
        format,
        failures: 0,
        paused_until: None,
    })
}

/// What may be an address to call.
pub(crate) fn check_url(name: &str, url: &str) -> Result<(), Refused> {
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(());
    }
    Err(Refused::invalid(format!(
        "`{name}` must begin with http:// or https://"
    )))
}

/// Stores server settings whose handshake succeeded, or that need none.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SetCallback {
    pub(crate) appid: String,
    pub(crate) settings: CallbackSettings,
}

impl Command for SetCallback {
    const NAME: &'static str = "accounts.set_callback";
    const WAS: &'static str = "set_callback";
    type Answer = Value;

    fn run(self, turn: &mut Turn<'_>) -> Result<Value, Refused> {
        let callback = complete_callback(account(turn.world, &self.appid)?, &self.settings)?;
        account_mut(turn.world, &self.appid)?.callback = callback;
        turn.effects.push(Effect::Accounts);
        turn.publish(CONNECTED, &json!({"account": self.appid}));
        Ok(json!({"verified": true}))
    }
}
