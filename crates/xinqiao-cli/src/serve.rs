//! `xinqiao serve`: the gateway in front of the real platform.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Context as _;
use xinqiao_gateway::{AdminListen, Config, Context, Gateway, StartError};

use crate::dev::Stop;
use crate::fail::{Fail, Outcome};
use crate::lang::Lang;
use crate::talk;

/// Runs until SIGINT or SIGTERM. A configuration that cannot be used is the caller's mistake.
pub(crate) async fn run(path: &Path, lang: Lang) -> Outcome {
    let mut stop =
        Stop::listen().context(lang.pick("无法接收信号", "cannot listen for signals"))?;
    let config = Config::from_path(path).map_err(|error| refused(error.into(), lang))?;
    let (accounts, apps) = (config.accounts.len(), config.apps.len());
    let socket = match &config.admin.listen {
        Some(AdminListen::Unix(path)) => Some(path.display().to_string()),
        _ => None,
    };
    let gateway = Gateway::start(config, Context::default())
        .await
        .map_err(|error| refused(error, lang))?;
    let (origin, admin) = (gateway.public_origin(), gateway.origin());
    talk::data(match lang {
        Lang::Zh => format!("网关已在 {origin} 监听：{accounts} 个账号，{apps} 个应用"),
        Lang::En => format!("gateway listens at {origin}: {accounts} accounts, {apps} apps"),
    });
    let admin = match socket {
        Some(path) => format!("unix:{path}"),
        None => admin,
    };
    talk::data(match (admin == origin, lang) {
        (true, Lang::Zh) => format!("管理接口：{admin}，须带 admin.key"),
        (true, Lang::En) => format!("administration: {admin}, for whoever brings admin.key"),
        (false, Lang::Zh) => format!("管理接口：{admin}，只给本机"),
        (false, Lang::En) => format!("administration: {admin}, for this machine only"),
    });
    for (host, origin) in gateway.endpoints() {
        talk::data(format_args!("  {host:<28} {origin}"));
    }
    stop.wait().await;
    talk::say(lang.pick("正在停止……", "stopping …"));
    gateway.shutdown().await;
    Ok(())
}

/// Why the gateway did not start: what the caller wrote is the caller's mistake.
fn refused(error: StartError, lang: Lang) -> Fail {
    let usage = matches!(
        error,
        StartError::Config(_)
            | StartError::IssuedKey { .. }
            | StartError::NoMasterKey { .. }
            | StartError::MasterKeyVariable { .. }
    );
    let message = match lang {
        Lang::En => format!("{:#}", anyhow::Error::new(error)),
        Lang::Zh => chinese(&error),
    };
    if usage {
        Fail::usage(message)
    } else {
        Fail::failed(message)
    }
}

/// The place, the rule's cause, the names that it is about, and what to do.
fn chinese(error: &StartError) -> String {
    let names = match error {
        StartError::Config(error) => error.names(),
        _ => Vec::new(),
    };
    let mut message = error.place();
    let Some(diagnosis) = xinqiao_catalog::diagnosis(error.rule()) else {
        return message;
    };
    if !message.is_empty() {
        message.push('：');
    }
    message.push_str(diagnosis.cause.zh);
    if !names.is_empty() {
        let _ = write!(message, "（{}）", names.join("、"));
    }
    for step in &diagnosis.remedy_zh {
        let _ = write!(message, "\n  * {step}");
    }
    message
}
