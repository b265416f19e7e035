//! `xinqiao logs`: the timeline, a line a row.

use std::fmt::Write as _;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use xinqiao_types::{UnixSeconds, shanghai};

use super::{Control, LogsOptions};
use crate::fail::Outcome;
use crate::lang::Lang;
use crate::talk;

/// Prints the timeline, oldest first.
pub(crate) async fn logs(options: LogsOptions, lang: Lang) -> Outcome {
    let control = Control::open(options.ready_file, lang).await?;
    let colours = talk::colours();
    let account = match &options.account {
        Some(account) => Some(control.account(Some(account), lang)?),
        None => None,
    };
    let user = match &options.user {
        Some(user) => Some(control.user(Some(user), lang)?),
        None => None,
    };
    let mut after = String::new();
    let mut looks = 0;
    loop {
        let mut path = format!("/timeline?after={after}");
        for (name, value) in [("account", &account), ("user", &user)] {
            if let Some(value) = value {
                let _ = write!(path, "&{name}={}", xinqiao_types::percent::encode(value));
            }
        }
        let answer = control.call(Method::GET, &path, None).await?;
        let rows = answer
            .get("items")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let told = if options.follow {
            known(&rows, &mut looks)
        } else {
            rows.len()
        };
        for row in &rows[..told] {
            if let Some(id) = row.get("id").and_then(Value::as_str) {
                id.clone_into(&mut after);
            }
            let open = talk::data(if options.json {
                row.to_string()
            } else {
                line(row, colours, lang)
            });
            if !open {
                return Ok(());
            }
        }
        if !options.follow && rows.is_empty() {
            return Ok(());
        }
        if told == 0 {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => return Ok(()),
                () = tokio::time::sleep(Duration::from_millis(250)) => {}
            }
        }
    }
}

/// How often a row is looked at whose outcome is still open; the platform gives an app five seconds.
const LOOKS: u32 = 24;

/// How many of the rows can be told: those before the first whose outcome is open, and that one too after a while.
pub(crate) fn known(rows: &[Value], looks: &mut u32) -> usize {
    let open = |row: &Value| row.get("state").and_then(Value::as_str) == Some("pending");
    match rows.iter().position(open) {
        Some(0) if *looks < LOOKS => {
            *looks += 1;
            0
        }
        Some(0) => {
            *looks = 0;
            1
        }
        Some(at) => at,
        None => {
            *looks = 0;
            rows.len()
        }
    }
}

/// One row as a line: time, state, title, subtitle, verdict, milliseconds; the diagnosis under it.
pub(crate) fn line(row: &Value, colours: bool, lang: Lang) -> String {
    let text = |value: Option<&Value>| {
        value
            .and_then(|both| both.get(lang.pick("zh", "en")))
            .and_then(Value::as_str)
            .map(escaped)
            .unwrap_or_default()
    };
    let is_fallback = row.pointer("/call/fidelity").and_then(Value::as_str) == Some(FALLBACK);
    let state = row.get("state").and_then(Value::as_str);
    let (mark, colour) = match state {
        Some("ok") if is_fallback => ("!", "33"),
        Some("ok") => ("✓", "32"),
        Some("warn") => ("!", "33"),
        Some("error") => ("✗", "31"),
        _ => ("…", "90"),
    };
    let painted = |text: &str| {
        if colours {
            format!("\u{1b}[{colour}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    };
    let time = row.get("time").and_then(Value::as_i64);
    let mut parts: Vec<String> = time
        .map(|time| shanghai::written(UnixSeconds(time), "%H:%M:%S"))
        .into_iter()
        .collect();
    parts.push(painted(mark));
    for name in ["title", "subtitle"] {
        let part = text(row.get(name));
        if !part.is_empty() {
            parts.push(part);
        }
    }
    let label = text(row.get("label"));
    if !label.is_empty() {
        parts.push(painted(&label));
    }
    if let Some(ms) = row.get("ms").and_then(Value::as_f64) {
        parts.push(format!("{ms:.0} ms"));
    }
    // What `xinqiao resend` takes.
    parts.extend(delivery(row).map(str::to_owned));
    if is_fallback {
        parts.push(painted(schema_only(lang)));
    }
    let mut all = parts.join("  ");
    if let Some(diagnosis) = row.get("diagnosis") {
        let rule = diagnosis
            .get("rule")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let _ = write!(all, "\n    {rule}: {}", text(diagnosis.get("cause")));
    }
    all
}

/// The delivery that a row of a callback tells of; the check of an address is none.
pub(super) fn delivery(row: &Value) -> Option<&str> {
    let id = row.pointer("/callback/delivery")?.as_str()?;
    Some(id).filter(|id| !id.is_empty())
}

/// How the simulator marks a call that has no behaviour.
pub(crate) const FALLBACK: &str = "fallback";

/// What an answer of such a call is worth.
pub(crate) fn schema_only(lang: Lang) -> &'static str {
    lang.pick(
        "只按结构应答：什么也没有发生，手机上看不到",
        "answered from its schema only: nothing happened, the phone shows nothing",
    )
}

/// What people write may hold line breaks and worse; a row is one line.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => {}
            '\t' => out.push(' '),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_is_told_with_its_outcome() {
        let (open, done) = (json!({"state": "pending"}), json!({"state": "ok"}));
        let mut looks = 0;
        assert_eq!(
            known(&[done.clone(), open.clone(), done.clone()], &mut looks),
            1
        );
        for _ in 0..LOOKS {
            assert_eq!(known(&[open.clone(), done.clone()], &mut looks), 0);
        }
        assert_eq!(known(&[open, done.clone()], &mut looks), 1, "not for ever");
        assert_eq!(known(&[done], &mut looks), 1);
    }

    #[test]
    fn a_call_that_was_answered_from_its_schema_says_so() {
        let row = json!({
            "state": "ok", "title": {"zh": "应用发模板消息", "en": "The app sends a template"},
            "call": {"fidelity": "fallback"},
        });
        assert!(line(&row, false, Lang::Zh).contains("!  应用发模板消息  只按结构应答"));
        assert!(line(&row, true, Lang::En).contains("\u{1b}[33m!"));
        let known = json!({"state": "ok", "call": {"fidelity": "stateful"}});
        assert_eq!(line(&known, false, Lang::En), "✓");
    }

    #[test]
    fn a_row_is_one_line_and_its_diagnosis_another() {
        let row = json!({
            "id": "1", "time": 1_796_039_687, "state": "error", "ms": 12.4,
            "title": {"zh": "回调", "en": "Callback"},
            "subtitle": {"zh": "第一行\n第二行\u{1b}[2J", "en": ""},
            "label": {"zh": "签名不对", "en": "bad signature"},
            "diagnosis": {"rule": "callback.signature.token", "cause": {"zh": "Token 不同", "en": "other token"}},
        });
        assert_eq!(
            line(&row, false, Lang::Zh),
            "19:54:47  ✗  回调  第一行\\n第二行\u{fffd}[2J  签名不对  12 ms\n    callback.signature.token: Token 不同"
        );
        assert!(line(&row, true, Lang::En).contains("\u{1b}[31m✗"));
    }
}
