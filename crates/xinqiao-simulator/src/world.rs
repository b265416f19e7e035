//! The simulated world: what the platform remembers, and how it changes.
//!
//! [`World::apply`] is the only way in which the world changes. It reads no clock, draws no chance that the seed
//! does not fix, and does no input or output: it takes a command and the real time, and returns an answer and the
//! effects that somebody else carries out. The same commands at the same times on the same seed give the same
//! world, byte for byte ([`World::export`]).
//!
//! Must always hold:
//! * what falls due before a command is done before it, in order;
//! * no command costs more than O(log n + page), `reset`, `import` and bulk users excepted;
//! * ordered maps only; nothing depends on a hash.
//!
//! Features live one a module, below a folder for their product: `official_account::token`,
//! `official_account::custom_message`, `official_account::passive_reply` and so on.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use xinqiao_types::UnixSeconds;

pub mod account;
pub mod chance;
pub mod clock;
pub mod command;
pub mod contact;
mod export;
pub(crate) mod faults;
pub mod media;
pub mod official_account;
pub(crate) mod people;
pub(crate) mod registration;
pub mod row;
pub(crate) mod rules;
pub(crate) mod seeded;
pub mod traffic;
pub mod user;

use self::{
    account::Account,
    chance::Chance,
    clock::{ClockChange, WorldClock},
    command::{Answer, Command, Effect, Fault, Refused},
    media::Media,
    row::{Row, RowKind, RowState, Words},
    traffic::Traffic,
    user::User,
};

/// The last second of the year 9999: no clock goes further.
const LAST_SECOND: i64 = 253_402_300_799;

/// Everything that the platform remembers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct World {
    pub(crate) chance: Chance,
    pub(crate) clock: WorldClock,
    /// Whether a reset brings the seeded accounts and users back.
    pub(crate) seeded: bool,
    pub(crate) accounts: BTreeMap<String, Account>,
    pub(crate) users: BTreeMap<String, User>,
    pub(crate) media: BTreeMap<String, Media>,
    pub(crate) faults: BTreeMap<String, Fault>,
    /// What falls due, by second and number.
    #[serde(default)]
    pub(crate) due: BTreeSet<Due>,
    /// Whether the five seconds are stretched.
    #[serde(skip)]
    pub(crate) patient: bool,
    /// Who owns which token; rebuilt from the accounts.
    #[serde(skip)]
    pub(crate) token_owners: BTreeMap<String, String>,
    /// Which user stands at which place of the order of making; rebuilt.
    #[serde(skip)]
    pub(crate) user_order: BTreeMap<u64, String>,
    /// Deliveries and trace ids: not exported.
    #[serde(skip)]
    pub(crate) traffic: Traffic,
    /// Where the platform's hosts are to be found in this run: not exported.
    #[serde(skip)]
    pub(crate) origins: Origins,
}

/// Where the platform's hosts are to be found in this run.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    /// Origin of the first port.
    pub control: String,
    /// Origin of the pages and pictures.
    pub pages: String,
}

/// Something that falls due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) at: i64,
    pub(crate) what: DueWhat,
}

/// What falls due.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DueWhat {
    /// A temporary file is thrown away.
    MediaEnds(String),
    /// A token's owner is forgotten, a day after its end: until then it is 42001, then 40014.
    TokenForgotten(String),
    /// Counters of a past window go.
    Housekeeping,
}

/// One command being carried out: the world, the time, and the effects so far.
#[derive(Debug)]
pub(crate) struct Turn<'w> {
    pub(crate) world: &'w mut World,
    pub(crate) now: UnixSeconds,
    pub(crate) wall_ms: i64,
    pub(crate) cause: String,
    pub(crate) effects: Vec<Effect>,
}

/// What a command came to.
#[derive(Debug)]
pub struct Outcome {
    /// The answer, or why not.
    pub answer: Result<Answer, Refused>,
    /// What is to be done outside.
    pub effects: Vec<Effect>,
}

impl World {
    /// An empty world, or the seeded one.
    pub fn new(seed: u64, seeded: bool) -> Self {
        let mut world = Self {
            chance: Chance::new(seed),
            clock: WorldClock::default(),
            seeded,
            accounts: BTreeMap::new(),
            users: BTreeMap::new(),
            media: BTreeMap::new(),
            faults: BTreeMap::new(),
            due: BTreeSet::new(),
            patient: false,
            token_owners: BTreeMap::new(),
            user_order: BTreeMap::new(),
            traffic: Traffic::default(),
            origins: Origins::default(),
        };
        if seeded {
            seeded::populate(&mut world);
        }
        world
    }

    /// Tells the world where the platform's hosts are in this run.
    pub fn set_origins(&mut self, origins: Origins) {
        self.origins = origins;
    }

    /// Simulated time at this real time.
    pub fn now(&self, wall_ms: i64) -> UnixSeconds {
        self.clock.read(wall_ms)
    }

    /// The next second at which something falls due.
    pub fn next_due(&self) -> Option<i64> {
        self.due.first().map(|due| due.at)
    }

    /// Carries out one command at this real time.
    pub fn apply(&mut self, command: Command, wall_ms: i64) -> Outcome {
        let now = self.now(wall_ms);
        let mut turn = Turn {
            world: self,
            now,
            wall_ms,
            cause: String::new(),
            effects: Vec::new(),
        };
        turn.let_fall_due(now);
        let answer = turn.carry_out(command);
        Outcome {
            answer,
            effects: turn.effects,
        }
    }

    /// Rebuilds what is not written down, after a load.
    pub(crate) fn index(&mut self) {
        self.token_owners.clear();
        for account in self.accounts.values_mut() {
            account.index();
            let tokens = account.tokens.known().chain(account.stable.known());
            for token in tokens {
                self.token_owners
                    .insert(token.to_owned(), account.appid.clone());
            }
        }
        self.user_order = self
            .users
            .values()
            .map(|user| (user.order, user.id.clone()))
            .collect();
    }

    /// The account that a reference names.
    ///
    /// # Errors
    /// 501 for a WeCom application, 404 otherwise.
    pub(crate) fn account(&self, reference: &str) -> Result<&Account, Refused> {
        match self.accounts.get(reference) {
            Some(account) => Ok(account),
            None if reference.contains(':') => Err(Refused::not_built(
                "WeCom (an account reference `corpid:agentid`)",
            )),
            None => Err(Refused::unknown("account", reference)),
        }
    }

    pub(crate) fn user(&self, id: &str) -> Result<&User, Refused> {
        self.users
            .get(id)
            .ok_or_else(|| Refused::unknown("user", id))
    }
}

impl Turn<'_> {
    fn carry_out(&mut self, command: Command) -> Result<Answer, Refused> {
        match command {
            Command::Reset { keep } => self.reset(&keep),
            Command::Clock(change) => self.change_clock(change),
            Command::Tick => Ok(Answer::Done),
            Command::Debug { pause } => {
                self.world.patient = pause;
                self.effects.push(Effect::Debug);
                Ok(Answer::Json(serde_json::json!({"pause": pause})))
            }
            Command::CreateAccount(new) => registration::create(self, *new),
            Command::PatchAccount { appid, patch } => registration::patch(self, &appid, *patch),
            Command::DeleteAccount { appid } => registration::delete(self, &appid),
            Command::NewSecret { appid } => registration::new_secret(self, &appid),
            Command::SetQuotas { appid, quotas } => registration::set_quotas(self, &appid, &quotas),
            Command::SetCallback { appid, settings } => {
                registration::set_callback(self, &appid, settings)
            }
            Command::CreateUser(new) => people::create(self, *new),
            Command::CreateUsers { count, follow } => people::create_many(self, count, &follow),
            Command::Act { user, act } => official_account::act::perform(self, &user, *act),
            Command::Trigger {
                account,
                user,
                event,
                set,
            } => official_account::trigger::push(self, &account, user.as_deref(), &event, set),
            Command::StoreMedia {
                content_type,
                bytes,
            } => official_account::media::keep_from_phone(self, &content_type, bytes),
            Command::MarkRead { user, account } => people::mark_read(self, &user, &account),
            Command::AddFault(fault) => faults::add(self, fault),
            Command::DeleteFault { id } => faults::delete(self, &id),
            Command::Import { document } => self.import(&document),
            Command::Call(call) => Ok(crate::front_door::answer(self, &call)),
            Command::PushOutcome(outcome) => Ok(official_account::push::conclude(self, *outcome)),
            Command::Resume => {
                official_account::push::resume(self);
                Ok(Answer::Done)
            }
        }
    }

    /// Does what is due up to this second, in order.
    fn let_fall_due(&mut self, until: UnixSeconds) {
        while let Some(due) = self.world.due.first() {
            if due.at > until.0 {
                break;
            }
            let Some(due) = self.world.due.pop_first() else {
                break;
            };
            match due.what {
                DueWhat::MediaEnds(media_id) => {
                    self.world.media.remove(&media_id);
                }
                DueWhat::TokenForgotten(token) => {
                    if let Some(appid) = self.world.token_owners.remove(&token)
                        && let Some(account) = self.world.accounts.get_mut(&appid)
                    {
                        account.tokens.forget(&token);
                        account.stable.forget(&token);
                    }
                }
                DueWhat::Housekeeping => {}
            }
        }
    }

    fn change_clock(&mut self, change: ClockChange) -> Result<Answer, Refused> {
        match change {
            ClockChange::Freeze(true) => self.world.clock.freeze(self.wall_ms),
            ClockChange::Freeze(false) => self.world.clock.thaw(self.wall_ms),
            ClockChange::Advance(seconds) => {
                if seconds < 0 {
                    return Err(Refused::invalid(
                        "`advance` must not be negative; use `now` to go back",
                    ));
                }
                let to = self.now + seconds;
                if to.0 > LAST_SECOND {
                    return Err(Refused::invalid("`advance` leads beyond the year 9999"));
                }
                self.move_clock(to);
            }
            ClockChange::Now(to) => {
                if !(0..=LAST_SECOND).contains(&to) {
                    return Err(Refused::invalid(
                        "`now` is not a second between 1970 and 9999",
                    ));
                }
                self.move_clock(UnixSeconds(to));
            }
        }
        self.now = self.world.now(self.wall_ms);
        self.effects.push(Effect::Clock);
        let frozen = self.world.clock.is_frozen();
        Ok(Answer::Json(
            serde_json::json!({"now": self.now, "frozen": frozen}),
        ))
    }

    fn move_clock(&mut self, to: UnixSeconds) {
        self.let_fall_due(to);
        self.world.clock.set(to, self.wall_ms);
        let from = self.now;
        self.now = to;
        let mut row = self.row(RowKind::System, RowState::Ok);
        row.title = Words::new(
            format!("时钟从 {from} 拨到 {to}"),
            format!("The clock moves from {from} to {to}"),
        );
        row.subtitle = Words::new(
            format!("{:+} 秒", to.0 - from.0),
            format!("{:+} s", to.0 - from.0),
        );
        row.label = Words::new("时钟", "clock");
        self.show(row);
    }

    #[expect(clippy::unnecessary_wraps, reason = "an arm of a match")]
    fn reset(&mut self, keep: &[String]) -> Result<Answer, Refused> {
        let kept: Vec<_> = keep
            .iter()
            .filter_map(|appid| self.world.accounts.get(appid))
            .map(|account| (account.appid.clone(), account.callback.clone()))
            .collect();
        let mut fresh = World::new(self.world.chance.seed(), self.world.seeded);
        for (appid, mut callback) in kept {
            callback.failures = 0;
            callback.paused_until = None;
            if let Some(account) = fresh.accounts.get_mut(&appid) {
                account.callback = callback;
            }
        }
        self.replace(fresh);
        Ok(Answer::Json(serde_json::json!({})))
    }

    fn import(&mut self, document: &str) -> Result<Answer, Refused> {
        let fresh = World::from_export(document)
            .map_err(|error| Refused::invalid(format!("not an export of a world: {error}")))?;
        self.replace(fresh);
        Ok(Answer::Json(serde_json::json!({})))
    }

    /// Another world takes this one's place; traffic is forgotten, its numbers go on.
    fn replace(&mut self, mut fresh: World) {
        fresh.origins = self.world.origins.clone();
        fresh.traffic = std::mem::take(&mut self.world.traffic);
        fresh.traffic.forget();
        *self.world = fresh;
        self.now = self.world.now(self.wall_ms);
        self.effects.extend([
            Effect::Replaced,
            Effect::Clock,
            Effect::Accounts,
            Effect::Users,
        ]);
    }

    /// A row about now, to be filled in.
    pub(crate) fn row(&self, kind: RowKind, state: RowState) -> Row {
        Row {
            id: String::new(),
            time: self.now.0,
            wall_ms: self.wall_ms,
            cause: self.cause.clone(),
            kind,
            account: None,
            account_name: None,
            user: None,
            user_name: None,
            openid: None,
            title: Words::default(),
            subtitle: Words::default(),
            ms: None,
            state,
            label: Words::default(),
            diagnosis: None,
            callback: None,
            call: None,
            request: None,
            response: None,
            plain: None,
            signature: None,
            timing: Vec::new(),
        }
    }

    pub(crate) fn show(&mut self, row: Row) {
        self.effects.push(Effect::Row(Box::new(row)));
    }

    pub(crate) fn account_mut(&mut self, appid: &str) -> Result<&mut Account, Refused> {
        if !self.world.accounts.contains_key(appid) {
            self.world.account(appid)?;
        }
        self.world
            .accounts
            .get_mut(appid)
            .ok_or_else(|| Refused::unknown("account", appid))
    }

    /// A value that some call answers with, as JSON.
    #[expect(clippy::unnecessary_wraps, reason = "commands end with it")]
    pub(crate) fn json(value: Value) -> Result<Answer, Refused> {
        Ok(Answer::Json(value))
    }
}

#[cfg(test)]
mod tests;
