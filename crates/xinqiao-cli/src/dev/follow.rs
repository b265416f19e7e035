//! What `dev` prints while it runs: a line an event, as `xinqiao logs --follow`, and when the app comes or goes.

use std::time::Duration;

use http::Method;
use serde_json::Value;

use crate::control::{known_rows, row_line};
use crate::lang::Lang;
use crate::local::{self, Local};
use crate::project::{Ready, Via};
use crate::talk;

/// How often it is looked.
const EVERY: Duration = Duration::from_millis(300);
/// Behind the gateway nobody else says whether the app is there. While it is not, it is looked for in every fifth round;
/// while it is, only when something was pushed: a connection without a request is noise in an app's log.
const LOOK_AT_APP: u64 = 5;
/// Under load a terminal is no place for every row: so many are printed at once, the rest is counted.
const AT_ONCE: usize = 20;

/// Prints until it is dropped. What was there at the start is old news.
pub(super) async fn run(ready: &Ready, lang: Lang) {
    let local = Local::new(lang);
    let colours = talk::colours();
    let get = async |path: &str| {
        let url = format!("{}{path}", ready.control);
        local
            .call(Method::GET, &url, None)
            .await
            .unwrap_or_default()
    };
    let mut after = last_id(&items(&get("/timeline?after=").await)).unwrap_or_default();
    let (mut state, mut looks) = (None, 0);
    let (mut rounds, mut pushed) = (0u64, false);
    loop {
        tokio::time::sleep(EVERY).await;
        let now = match &ready.app {
            Some(app) if ready.via == Via::Gateway => {
                rounds += 1;
                let is_up = state.as_deref() == Some("connected");
                let asks = if is_up {
                    pushed
                } else {
                    rounds % LOOK_AT_APP == 1
                };
                if !asks {
                    state.clone()
                } else if local::accepts(app).await {
                    Some("connected".to_owned())
                } else {
                    Some("down".to_owned())
                }
            }
            _ => {
                let found = get("/dev").await;
                let state = found.pointer("/app/state").and_then(Value::as_str);
                state.map(str::to_owned)
            }
        };
        if now != state {
            if let (Some(now), Some(app)) = (&now, &ready.app) {
                talk::data(app_line(app, now, &ready.console, lang));
            }
            state = now;
        }
        let mut rows = items(&get(&format!("/timeline?after={after}")).await);
        rows.truncate(known_rows(&rows, &mut looks));
        pushed = rows.iter().any(|row| row.get("callback").is_some());
        for row in rows.iter().take(AT_ONCE) {
            talk::data(row_line(row, colours, lang));
        }
        if let Some(more) = rows.len().checked_sub(AT_ONCE).filter(|more| *more > 0) {
            let console = &ready.console;
            talk::data(match lang {
                Lang::Zh => format!("…… 另有 {more} 行，见 {console}/#/timeline"),
                Lang::En => format!("… {more} more rows, see {console}/#/timeline"),
            });
        }
        if let Some(last) = last_id(&rows) {
            after = last;
        }
    }
}

fn items(answer: &Value) -> Vec<Value> {
    let items = answer.get("items").and_then(Value::as_array);
    items.cloned().unwrap_or_default()
}

fn last_id(rows: &[Value]) -> Option<String> {
    rows.last()?.get("id")?.as_str().map(str::to_owned)
}

/// The app's state in a sentence; where it is away, what to do.
fn app_line(app: &str, state: &str, console: &str, lang: Lang) -> String {
    match (state, lang) {
        ("connected", Lang::Zh) => format!("● 应用 {app} 已接通"),
        ("connected", Lang::En) => format!("● the app at {app} is connected"),
        ("down", Lang::Zh) => {
            format!("○ 应用 {app} 没有在运行：网关先收着消息，应用启动后补投；{console}")
        }
        ("down", Lang::En) => format!(
            "○ the app at {app} is down: the gateway keeps what arrives and delivers it when the app is up; {console}"
        ),
        (_, Lang::Zh) => format!("○ 应用 {app} 还没有应答：启动它即可，不用重启这里；{console}"),
        (_, Lang::En) => format!(
            "○ the app at {app} does not answer yet: start it, nothing here has to start again; {console}"
        ),
    }
}
