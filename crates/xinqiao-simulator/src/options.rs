//! What a simulator is started with.

use std::{
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
    time::Duration,
};

use serde::Serialize;
use xinqiao_http::Cidr;

/// Everything that can be chosen at the start.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Fixes every id, token and key that the world hands out.
    pub seed: u64,
    /// Whether the world starts with the seeded accounts and users, and comes back to them on reset.
    pub seeded: bool,
    /// Where to listen.
    pub bind: IpAddr,
    /// The first of five neighbouring ports; `None` takes five random ones.
    pub port: Option<u16>,
    /// Where the world is kept.
    pub storage: Storage,
    /// Forget what was kept.
    pub fresh: bool,
    /// Address ranges besides loopback that callbacks may go to.
    pub callback_allow: Vec<Cidr>,
    /// Names besides loopback that the control interface answers to.
    pub hosts: Vec<String>,
    /// The pages, mounted behind the interfaces on the first port.
    pub console: Option<axum::Router>,
    /// What `GET /_sim/v1/dev` shows besides the simulator's own facts.
    pub dev: DevInfo,
    /// How long an app has for the answer to a callback. The platform gives five seconds; tests scale it.
    pub attempt_timeout: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            seed: 1,
            seeded: false,
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: None,
            storage: Storage::Memory,
            fresh: false,
            callback_allow: Vec::new(),
            hosts: Vec::new(),
            console: None,
            dev: DevInfo::default(),
            attempt_timeout: Duration::from_secs(5),
        }
    }
}

/// Where the world is kept.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Storage {
    /// Nowhere: it is gone when the program ends.
    #[default]
    Memory,
    /// In this folder, which is made if it is missing: rows in a SQLite file, the bytes of uploaded files in `files/`.
    Dir(PathBuf),
}

/// What `dev` knows and the page wants to show.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct DevInfo {
    /// `true` when events go through the gateway.
    #[serde(skip)]
    pub via_gateway: bool,
    /// The gateway's origin, if one runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
}

/// The app that `dev` connects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct AppInfo {
    /// Its callback address.
    pub url: Option<String>,
    /// The account that it is connected to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Whether it answered.
    pub state: AppState,
    /// Why not, in one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The same in both languages.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<serde_json::Value>,
    /// The diagnosis that explains it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<serde_json::Value>,
}

/// Whether the connected app answered the handshake.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AppState {
    /// No app was named.
    #[default]
    None,
    /// Nothing listens there yet.
    Waiting,
    /// The handshake succeeded.
    Connected,
    /// Something answers, but not as it must.
    Failed,
}
