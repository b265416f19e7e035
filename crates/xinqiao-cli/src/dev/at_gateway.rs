//! What the gateway of `dev` is told: accounts, apps, ports.

use std::path::Path;

use xinqiao_gateway::{AccountConfig, AppConfig, Config, StoreAt};
use xinqiao_simulator::SeededAccount;
use xinqiao_types::{AccountKind, AesKeyText, AppId, AppSecret, CallbackToken, CorpId};

use super::{Running, Settings};

/// Distance from the simulator's ports to the gateway's.
const GATEWAY_PORTS: u16 = 10;

/// A gateway that knows the seeded accounts; the app keeps the Token and AES key of its account, so
/// the same configuration works straight and through the gateway.
pub(super) fn config(options: &Settings, running: &Running, folder: Option<&Path>) -> Config {
    let mut config = Config {
        dev: true,
        ..Config::default()
    };
    config.listen.bind = options.bind;
    config.proxy.bind = options.bind;
    config.listen.hosts.clone_from(&options.host);
    config.listen.port = match options.port {
        0 => 0,
        first => first.saturating_add(GATEWAY_PORTS),
    };
    config.store = folder.map_or(StoreAt::Memory, |folder| {
        StoreAt::File(folder.join("gateway.db"))
    });
    config.seal.key_file = folder.map(|folder| folder.join("gateway.key"));
    let seeded = running.seeded.clone();
    for account in seeded.accounts.into_iter().chain(seeded.others) {
        config.accounts.push(account_config(account));
    }
    for app in &running.apps {
        let SeededAccount {
            appid,
            token,
            aes_key,
            ..
        } = &app.account;
        let token = CallbackToken::new(token.as_str());
        let mut at_gateway = AppConfig::new(running.app_name(app), app.url.as_str(), token);
        at_gateway.message_url.clone_from(&app.message_url);
        at_gateway.aes_key = Some(AesKeyText::new(aes_key.as_str()));
        at_gateway.accounts = vec![AppId::new(appid.as_str())];
        config.apps.push(at_gateway);
    }
    config
}

/// A seeded account as the gateway is told of it.
fn account_config(seeded: SeededAccount) -> AccountConfig {
    let mut account = AccountConfig::new(seeded.appid.as_str());
    if let Some((corp, agent)) = seeded.appid.split_once(':') {
        account.corpid = Some(CorpId::new(corp));
        account.agentid = agent.parse().ok();
    }
    account.secret = Some(AppSecret::new(seeded.secret));
    account.kind = seeded.kind;
    // Whether it is verified tells rights of official accounts and mini programs only.
    let has_rights = !matches!(seeded.kind, AccountKind::Corp | AccountKind::Component);
    account.verified = has_rights.then_some(seeded.verified);
    account.name = seeded.name;
    account.token = Some(CallbackToken::new(seeded.token));
    account.aes_key = Some(AesKeyText::new(seeded.aes_key));
    account.mode = seeded.mode;
    account.allow_plain = has_rights;
    account
}
