//! Plays a scenario: each act goes to the control interface, each expectation is looked for in what happened since the acts
//! before it.
//!
//! What an expectation found is used up: the next one finds something else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Map, Value};
use xinqiao_types::percent;

use super::fits::fits;
use super::plan::{Call, Does, Expected, Plan, Step, What, Whose};
use super::yaml::Wrong;
use crate::control::{Control, row_line};
use crate::fail::Fail;
use crate::lang::Lang;

/// How often it is looked for what must come.
const EVERY: Duration = Duration::from_millis(40);
/// How many of the things that did not fit are shown.
const SHOWN: usize = 6;
/// Longest line about one of them.
const WIDTH: usize = 240;

/// Plays all steps; the first that fails ends it.
pub(super) async fn play(plan: &Plan, control: &Control, lang: Lang) -> Result<(), Wrong> {
    let mut play = Play {
        control,
        lang,
        whose: &plan.whose,
        row: String::new(),
        inboxes: BTreeMap::new(),
        used: BTreeSet::new(),
    };
    for step in &plan.steps {
        if let Does::Expect(expected) = &step.does
            && expected.what == What::Reply
        {
            let person = play.person(&step.whose).map_err(|fail| at(step, fail))?;
            play.inboxes.insert(person, String::new());
        }
    }
    let mut acted = false;
    for step in &plan.steps {
        let acts = !matches!(step.does, Does::Expect(_));
        if acts && !acted {
            play.mark().await.map_err(|fail| at(step, fail))?;
        }
        acted = acts;
        play.step(step).await?;
    }
    Ok(())
}

fn at(step: &Step, fail: Fail) -> Wrong {
    Wrong::new(step.line, fail.message)
}

/// An account and a user of it.
type Person = (String, String);

struct Play<'p> {
    control: &'p Control,
    lang: Lang,
    whose: &'p Whose,
    /// The last row before the latest acts.
    row: String,
    /// The last item that each person had received before them.
    inboxes: BTreeMap<Person, String>,
    /// Ids of rows and items that an expectation found already.
    used: BTreeSet<String>,
}

impl Play<'_> {
    async fn step(&mut self, step: &Step) -> Result<(), Wrong> {
        let done = match &step.does {
            Does::Act(act) => self.act(step, act).await,
            Does::Trigger(body) => self.trigger(step, body).await,
            Does::Clock(body) => self.post("/clock", body.clone()).await,
            Does::Fault(body) => {
                let mut body = body.clone();
                if let Some(account) = &step.whose.account {
                    let account = self.control.account(Some(account), self.lang);
                    body.insert(
                        "account".to_owned(),
                        account.map_err(|fail| at(step, fail))?.into(),
                    );
                }
                self.post("/faults", body).await
            }
            Does::Control(call) => return self.any(step, call).await,
            Does::Expect(expected) => return self.expect(step, expected).await,
        };
        done.map_err(|fail| at(step, fail))
    }

    async fn act(&self, step: &Step, act: &Map<String, Value>) -> Result<(), Fail> {
        let (account, user) = self.person(&step.whose)?;
        let mut body = act.clone();
        body.insert("account".to_owned(), account.into());
        self.post(&format!("/users/{}/actions", percent::encode(&user)), body)
            .await
    }

    async fn trigger(&self, step: &Step, body: &Map<String, Value>) -> Result<(), Fail> {
        let (account, user) = self.person(&step.whose)?;
        let mut body = body.clone();
        body.insert("account".to_owned(), account.into());
        if step.whose.user.is_some() || self.whose.user.is_some() {
            body.insert("user".to_owned(), user.into());
        }
        self.post("/trigger", body).await
    }

    async fn post(&self, path: &str, body: Map<String, Value>) -> Result<(), Fail> {
        let body = Some(Value::Object(body));
        self.control.call(Method::POST, path, body).await.map(drop)
    }

    async fn any(&self, step: &Step, call: &Call) -> Result<(), Wrong> {
        let method = Method::from_bytes(call.method.as_bytes()).map_err(|_| {
            Wrong::new(
                step.line,
                self.lang
                    .pick("没有这个 HTTP 方法", "there is no such HTTP method"),
            )
        })?;
        let answer = self.control.call(method, &call.path, call.body.clone());
        let answer = answer.await.map_err(|fail| at(step, fail))?;
        match &call.answer {
            Some(wanted) if !fits(wanted, &answer) => Err(Wrong::new(
                step.line,
                match self.lang {
                    Lang::Zh => format!(
                        "应答不符\n  期望：{wanted}\n  得到：{}",
                        cut(&answer.to_string())
                    ),
                    Lang::En => format!(
                        "the answer does not fit\n  expected: {wanted}\n  came: {}",
                        cut(&answer.to_string())
                    ),
                },
            )),
            _ => Ok(()),
        }
    }

    /// Who acts or receives: as the step says, else the scenario, else the first that there are.
    fn person(&self, whose: &Whose) -> Result<Person, Fail> {
        let account = whose.account.as_deref().or(self.whose.account.as_deref());
        let user = whose.user.as_deref().or(self.whose.user.as_deref());
        Ok((
            self.control.account(account, self.lang)?,
            self.control.user(user, self.lang)?,
        ))
    }

    /// Remembers what there is before the next acts.
    async fn mark(&mut self) -> Result<(), Fail> {
        let last = self
            .control
            .call(Method::GET, "/timeline?limit=1", None)
            .await?;
        if let Some(id) = last.pointer("/items/0/id").and_then(Value::as_str) {
            id.clone_into(&mut self.row);
        }
        let people: Vec<(Person, String)> = self.inboxes.clone().into_iter().collect();
        for (person, last) in people {
            let items = self.received(&person, &last).await?;
            if let Some(id) = items.last().and_then(id) {
                self.inboxes.insert(person, id);
            }
        }
        Ok(())
    }

    /// What a person received after an item.
    async fn received(&self, person: &Person, after: &str) -> Result<Vec<Value>, Fail> {
        let (account, user) = person;
        let mut after = after.to_owned();
        let mut all = Vec::new();
        loop {
            let path = format!(
                "/users/{}/inbox?account={}&after={after}",
                percent::encode(user),
                percent::encode(account)
            );
            let mut page = self.control.call(Method::GET, &path, None).await?;
            if let Some(items) = page.get_mut("items").and_then(Value::as_array_mut) {
                all.append(items);
            }
            match page.get("next").and_then(Value::as_str) {
                Some(next) => next.clone_into(&mut after),
                None => return Ok(all),
            }
        }
    }

    async fn rows(&self) -> Result<Vec<Value>, Fail> {
        let path = format!("/timeline?after={}", self.row);
        let mut answer = self.control.call(Method::GET, &path, None).await?;
        let items = answer.get_mut("items").and_then(Value::as_array_mut);
        Ok(items.map(std::mem::take).unwrap_or_default())
    }

    async fn expect(&mut self, step: &Step, expected: &Expected) -> Result<(), Wrong> {
        let person = self.person(&step.whose).map_err(|fail| at(step, fail))?;
        let until = Instant::now() + expected.within;
        loop {
            let found = match expected.what {
                What::Row => self.rows().await,
                What::Reply => {
                    let after = self.inboxes.get(&person).cloned().unwrap_or_default();
                    self.received(&person, &after).await
                }
            };
            let mut found = found.map_err(|fail| at(step, fail))?;
            let tag = |one: &Value| match expected.what {
                What::Row => format!("row {}", id(one).unwrap_or_default()),
                What::Reply => format!("{person:?} {}", id(one).unwrap_or_default()),
            };
            found.retain(|one| !self.used.contains(&tag(one)));
            let hit = found.iter().find(|one| fits(&expected.fits, one));
            match hit {
                Some(hit) if expected.absent => {
                    return Err(Wrong::new(step.line, self.unwanted(expected, hit)));
                }
                Some(hit) => {
                    let tag = tag(hit);
                    self.used.insert(tag);
                    return Ok(());
                }
                None if Instant::now() < until => tokio::time::sleep(EVERY).await,
                None if expected.absent => return Ok(()),
                None => {
                    let rows = self.rows().await.map_err(|fail| at(step, fail))?;
                    return Err(Wrong::new(step.line, self.missed(expected, &found, &rows)));
                }
            }
        }
    }

    /// One thing that happened, in a line.
    fn shown(&self, what: What, one: &Value) -> String {
        match what {
            What::Row => row_line(one, false, self.lang),
            What::Reply => {
                let mut item = one.clone();
                if let Some(fields) = item.as_object_mut() {
                    fields
                        .retain(|name, _| !["id", "time", "from", "via"].contains(&name.as_str()));
                }
                cut(&item.to_string())
            }
        }
    }

    fn unwanted(&self, expected: &Expected, hit: &Value) -> String {
        let shown = self.shown(expected.what, hit);
        match self.lang {
            Lang::Zh => format!("不应发生的发生了：{shown}"),
            Lang::En => format!("this must not happen, but did: {shown}"),
        }
    }

    fn missed(&self, expected: &Expected, found: &[Value], rows: &[Value]) -> String {
        let seconds = expected.within.as_secs_f64();
        let wanted = &expected.fits;
        let mut words = match (self.lang, expected.what) {
            (Lang::Zh, What::Reply) => format!("{seconds} 秒内没有收到这样的回复：{wanted}"),
            (Lang::Zh, What::Row) => format!("{seconds} 秒内没有发生：{wanted}"),
            (Lang::En, What::Reply) => format!("no such reply within {seconds} s: {wanted}"),
            (Lang::En, What::Row) => format!("this did not happen within {seconds} s: {wanted}"),
        };
        words.push_str(match (found.is_empty(), self.lang) {
            (true, Lang::Zh) => "\n  什么也没有来",
            (true, Lang::En) => "\n  nothing came",
            (false, Lang::Zh) => "\n  来的是：",
            (false, Lang::En) => "\n  what came:",
        });
        let list = |words: &mut String, what: What, all: &[&Value]| {
            for one in &all[all.len().saturating_sub(SHOWN)..] {
                let shown = self.shown(what, one).replace('\n', "\n    ");
                words.push_str("\n    ");
                words.push_str(&shown);
            }
        };
        list(&mut words, expected.what, &found.iter().collect::<Vec<_>>());
        if expected.what == What::Reply {
            // Where the app failed, the timeline says how.
            let wrong = |row: &&Value| row.get("diagnosis").is_some();
            let wrong: Vec<&Value> = rows.iter().filter(wrong).collect();
            list(&mut words, What::Row, &wrong);
        }
        words
    }
}

fn id(one: &Value) -> Option<String> {
    one.get("id").and_then(Value::as_str).map(str::to_owned)
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(WIDTH).collect();
    short.push('…');
    short
}
