//! What a scenario says, read from its tree: whom it is about, which app, and step by step what is done and expected.
//!
//! Acts, faults, the clock and events are bodies of the control interface (docs/control.md) and go there as they stand; only
//! who acts is filled in. What is wrong with them, the simulator says when their step comes; everything else is held
//! against its form here, before anything starts.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::fields::{Fields, unknown};
use super::yaml::{Kind, Node, Wrong};
use crate::control::seconds;
use crate::lang::Lang;
use crate::project::Via;

/// How long an expectation waits, where nothing is said: as long as the platform waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an app may take to come up.
const START: Duration = Duration::from_secs(30);

/// A scenario.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: Option<String>,
    /// Whom the steps are about, where they name nobody.
    pub(super) whose: Whose,
    /// With an app it gets a world of its own.
    pub(super) app: Option<App>,
    pub(super) seed: Option<u64>,
    pub(super) steps: Vec<Step>,
}

/// An account and a person of the world, by id or name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Whose {
    pub(super) account: Option<String>,
    pub(super) user: Option<String>,
}

/// The app under test.
#[derive(Debug)]
pub(super) struct App {
    pub(super) line: usize,
    /// Where it takes callbacks, as `--app` takes it; `$PORT` stands for a free port. None: the demo app.
    pub(super) url: Option<String>,
    /// What starts it; nothing where it runs already.
    pub(super) run: Vec<String>,
    pub(super) via: Via,
    /// How long it may take to come up.
    pub(super) within: Duration,
}

/// One step.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) whose: Whose,
    pub(super) does: Does,
}

/// What a step does. The values are bodies of the control interface.
#[derive(Debug)]
pub(super) enum Does {
    Act(Map<String, Value>),
    Trigger(Map<String, Value>),
    Clock(Map<String, Value>),
    Fault(Map<String, Value>),
    Control(Call),
    Expect(Expected),
}

/// Any call of the control interface.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) body: Option<Value>,
    /// What its answer must fit.
    pub(super) answer: Option<Value>,
}

/// Something that must happen, or must not.
#[derive(Debug)]
pub(super) struct Expected {
    pub(super) what: What,
    pub(super) fits: Value,
    pub(super) absent: bool,
    pub(super) within: Duration,
}

/// Where it is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// In what the person received.
    Reply,
    /// In the timeline.
    Row,
}

/// Reads a scenario.
pub(super) fn read(root: &Node, lang: Lang) -> Result<Plan, Wrong> {
    let known = ["name", "account", "user", "seed", "app", "steps"];
    let fields = Fields::of(root, &known, lang)?;
    let steps = fields.need("steps", root.line)?;
    let Kind::List(steps) = &steps.kind else {
        return Err(fields.must(steps.line, "steps", "是列表", "a list"));
    };
    if steps.is_empty() {
        return Err(Wrong::new(
            root.line,
            lang.pick("没有步骤", "there are no steps"),
        ));
    }
    let seed = match fields.get("seed") {
        None => None,
        Some(node) => Some(
            node.json()
                .as_u64()
                .ok_or_else(|| fields.must(node.line, "seed", "是整数", "a whole number"))?,
        ),
    };
    Ok(Plan {
        name: fields.text("name")?,
        whose: whose(&fields)?,
        app: match fields.get("app") {
            Some(node) => Some(app(node, lang)?),
            None => None,
        },
        seed,
        steps: steps
            .iter()
            .map(|node| step(node, lang))
            .collect::<Result<_, _>>()?,
    })
}

fn app(node: &Node, lang: Lang) -> Result<App, Wrong> {
    let mut app = App {
        line: node.line,
        url: None,
        run: Vec::new(),
        via: Via::Direct,
        within: START,
    };
    match node.text() {
        Some("demo") => return Ok(app),
        Some(url) => {
            app.url = Some(url.to_owned());
            return Ok(app);
        }
        None => {}
    }
    let fields = Fields::of(node, &["run", "url", "via", "within"], lang)?;
    if let Some(run) = fields.get("run") {
        app.run = match (&run.kind, run.text()) {
            (_, Some(line)) => line.split_whitespace().map(str::to_owned).collect(),
            (Kind::List(words), _) => words.iter().map(plain).collect(),
            _ => Vec::new(),
        };
        if app.run.is_empty() {
            return Err(fields.must(
                run.line,
                "run",
                "是命令，或由词组成的列表",
                "a command, or a list of its words",
            ));
        }
    }
    app.url = fields.text("url")?;
    if app.url.is_none() && !app.run.is_empty() {
        return Err(fields.lacks("url", node.line));
    }
    match fields.text("via")?.as_deref() {
        None | Some("direct") => {}
        Some("gateway") => app.via = Via::Gateway,
        Some(_) => {
            return Err(fields.must(
                node.line,
                "via",
                "是 direct 或 gateway",
                "`direct` or `gateway`",
            ));
        }
    }
    app.within = fields.within()?.unwrap_or(START);
    Ok(app)
}

fn whose(fields: &Fields<'_>) -> Result<Whose, Wrong> {
    Ok(Whose {
        account: fields.text("account")?,
        user: fields.text("user")?,
    })
}

/// A word of a command: `8080` and `1.50` are too, as they stand.
fn plain(node: &Node) -> String {
    { node.word().map(str::to_owned) }.unwrap_or_else(|| node.json().to_string())
}

/// What a step may begin with.
const VERBS: [&str; 7] = [
    "do", "say", "trigger", "clock", "fault", "control", "expect",
];

fn step(node: &Node, lang: Lang) -> Result<Step, Wrong> {
    let Kind::Map(entries) = &node.kind else {
        return Err(Wrong::new(
            node.line,
            lang.pick(
                "步骤写成 say: 你好 这样的键和值",
                "a step is a key and a value, such as `say: hello`",
            ),
        ));
    };
    let mut verbs = entries
        .iter()
        .filter(|entry| VERBS.contains(&entry.key.as_str()));
    let verb = match (verbs.next(), verbs.next()) {
        (Some(verb), None) => verb,
        (Some(_), Some(second)) => {
            return Err(Wrong::new(
                second.line,
                match lang {
                    Lang::Zh => format!("一步只做一件事；{} 另起一步", second.key),
                    Lang::En => format!("a step does one thing; `{}` is another", second.key),
                },
            ));
        }
        (None, _) => {
            let first = entries.first();
            let found = first.map_or("", |entry| &entry.key);
            let line = first.map_or(node.line, |entry| entry.line);
            return Err(unknown(line, found, &VERBS, lang));
        }
    };
    if verb.key == "do" {
        let mut body = object(node, lang)?;
        let whose = Whose {
            user: taken(&mut body, "user"),
            account: taken(&mut body, "account"),
        };
        return Ok(Step {
            line: node.line,
            whose,
            does: Does::Act(body),
        });
    }
    let fields = Fields::of(node, &[&verb.key, "user", "account"], lang)?;
    let mut whose = whose(&fields)?;
    let value = &verb.value;
    let does = match verb.key.as_str() {
        "say" => {
            let message = json!({"type": "text", "content": plain(value)});
            let mut act = Map::new();
            act.insert("do".to_owned(), "send".into());
            act.insert("message".to_owned(), message);
            Does::Act(act)
        }
        "trigger" => {
            let mut body = match value.text() {
                Some(event) => [("event".to_owned(), Value::from(event))]
                    .into_iter()
                    .collect(),
                None => object(value, lang)?,
            };
            whose.user = taken(&mut body, "user").or(whose.user);
            whose.account = taken(&mut body, "account").or(whose.account);
            Does::Trigger(body)
        }
        "clock" => {
            let mut body = object(value, lang)?;
            if let Some(Value::String(text)) = body.get("advance") {
                let advance = seconds(text)
                    .map_err(|wrong| Wrong::new(value.line, lang.pick(wrong.zh, wrong.en)))?;
                body.insert("advance".to_owned(), advance.into());
            }
            Does::Clock(body)
        }
        "fault" => {
            let mut body = object(value, lang)?;
            whose.account = taken(&mut body, "account").or(whose.account);
            Does::Fault(body)
        }
        "control" => Does::Control(call(value, lang)?),
        _ => Does::Expect(expected(value, lang)?),
    };
    Ok(Step {
        line: node.line,
        whose,
        does,
    })
}

fn call(node: &Node, lang: Lang) -> Result<Call, Wrong> {
    let fields = Fields::of(node, &["method", "path", "body", "answer"], lang)?;
    let body = fields.get("body").map(Node::json);
    let method = fields.text("method")?;
    Ok(Call {
        method: method.unwrap_or_else(|| if body.is_some() { "POST" } else { "GET" }.to_owned()),
        path: match fields.text("path")? {
            Some(path) => path,
            None => return Err(fields.lacks("path", node.line)),
        },
        body,
        answer: fields.get("answer").map(Node::json),
    })
}

fn expected(node: &Node, lang: Lang) -> Result<Expected, Wrong> {
    if node.text() == Some("no errors") {
        return Ok(Expected {
            what: What::Row,
            fits: json!({"state": "error"}),
            absent: true,
            within: Duration::ZERO,
        });
    }
    let known = ["reply", "row", "call", "absent", "within"];
    let fields = Fields::of(node, &known, lang)?;
    let kinds = ["reply", "row", "call"];
    let mut named = kinds
        .iter()
        .filter_map(|kind| Some((*kind, fields.get(kind)?)));
    let (Some((kind, value)), None) = (named.next(), named.next()) else {
        return Err(Wrong::new(
            node.line,
            lang.pick(
                "expect 里写 reply、row、call 中的一个，或整个写成 no errors",
                "an expectation names one of `reply`, `row` and `call`, or is `no errors`",
            ),
        ));
    };
    let what = if kind == "reply" {
        What::Reply
    } else {
        What::Row
    };
    let fits = match (kind, value.text()) {
        ("reply", Some(text)) => json!({"type": "text", "content": text}),
        ("reply", None) if matches!(value.kind, Kind::Scalar(..)) => {
            json!({"type": "text", "content": plain(value)})
        }
        ("call", Some(path)) if path.starts_with('/') => {
            json!({"kind": "call", "call": {"path": path}})
        }
        ("call", Some(id)) => json!({"kind": "call", "call": {"endpoint": id}}),
        ("call", None) => json!({"kind": "call", "call": object(value, lang)?}),
        _ => Value::Object(object(value, lang)?),
    };
    let absent = match fields.get("absent").map(Node::json) {
        None => false,
        Some(Value::Bool(absent)) => absent,
        Some(_) => {
            return Err(fields.must(node.line, "absent", "是 true 或 false", "`true` or `false`"));
        }
    };
    // What must not happen is looked for once: the acts before it have ended.
    let usual = if absent { Duration::ZERO } else { PATIENCE };
    Ok(Expected {
        what,
        fits,
        absent,
        within: fields.within()?.unwrap_or(usual),
    })
}

fn object(node: &Node, lang: Lang) -> Result<Map<String, Value>, Wrong> {
    match node.json() {
        Value::Object(fields) => Ok(fields),
        _ => Err(Wrong::new(
            node.line,
            lang.pick("这里要写键和值", "here stand keys and values"),
        )),
    }
}

/// Takes a text out of a body.
fn taken(body: &mut Map<String, Value>, name: &str) -> Option<String> {
    let value = body.shift_remove(name)?;
    Some(match value {
        Value::String(text) => text,
        other => other.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    fn plan(text: &str) -> Result<Plan, Wrong> {
        read(&yaml::read(text, Lang::En).expect("YAML"), Lang::En)
    }

    #[test]
    fn acts_are_bodies_of_the_control_interface() {
        let text = "account: A\nsteps:\n- {do: click, key: K, user: u2}\n- say: 12.50\n- clock: {advance: 2d}\n\
                    - trigger: {event: SCAN, user: u1, set: {EventKey: x}}\n- fault: {path: /x, errcode: -1}\n";
        let plan = plan(text).expect("a plan");
        assert_eq!(plan.whose.account.as_deref(), Some("A"));
        let Does::Act(act) = &plan.steps[0].does else {
            panic!()
        };
        assert_eq!(json!(act), json!({"do": "click", "key": "K"}));
        assert_eq!(plan.steps[0].whose.user.as_deref(), Some("u2"));
        let Does::Act(act) = &plan.steps[1].does else {
            panic!()
        };
        assert_eq!(act["message"], json!({"type": "text", "content": "12.50"}));
        let Does::Clock(clock) = &plan.steps[2].does else {
            panic!()
        };
        assert_eq!(json!(clock), json!({"advance": 172_800}));
        let Does::Trigger(trigger) = &plan.steps[3].does else {
            panic!()
        };
        assert_eq!(
            json!(trigger),
            json!({"event": "SCAN", "set": {"EventKey": "x"}})
        );
        let Does::Fault(fault) = &plan.steps[4].does else {
            panic!()
        };
        assert_eq!(fault["errcode"], json!(-1));
    }

    #[test]
    fn expectations_have_short_forms() {
        let text = "steps:\n- expect: {reply: hi}\n- expect: {call: /cgi-bin/x, within: 0.5}\n- expect: no errors\n\
                    - expect: {row: {kind: act}, absent: true}\n";
        let plan = plan(text).expect("a plan");
        let expected: Vec<&Expected> = plan
            .steps
            .iter()
            .map(|step| match &step.does {
                Does::Expect(expected) => expected,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(expected[0].fits, json!({"type": "text", "content": "hi"}));
        assert_eq!(
            (expected[0].what, expected[0].within),
            (What::Reply, PATIENCE)
        );
        assert_eq!(expected[1].fits["call"]["path"], json!("/cgi-bin/x"));
        assert_eq!(expected[1].within, Duration::from_millis(500));
        assert!(expected[2].absent && expected[3].absent);
        assert_eq!(expected[3].within, Duration::ZERO);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_line_in_both_languages() {
        for (text, line, en, zh) in [
            ("name: x\n", 1, "`steps` is missing", "缺少 steps"),
            (
                "stepps: []\nsteps: []\n",
                1,
                "did you mean `steps`?",
                "是不是要写 steps？",
            ),
            (
                "steps:\n- say: a\n- exspect: no errors\n",
                3,
                "did you mean `expect`?",
                "expect",
            ),
            (
                "steps:\n- say: a\n  clock: {}\n",
                3,
                "a step does one thing",
                "一步只做一件事",
            ),
            (
                "steps:\n- expect: {repply: a}\n",
                2,
                "did you mean `reply`?",
                "reply",
            ),
            (
                "steps:\n- expect:\n    reply: a\n    within: soon\n",
                4,
                "0 to 3600",
                "秒数",
            ),
            ("steps:\n- expect: {}\n", 2, "`no errors`", "no errors"),
            ("steps:\n- clock: {advance: soon}\n", 2, "seconds", "秒"),
            (
                "app: {run: x}\nsteps:\n- say: a\n",
                1,
                "`url` is missing",
                "缺少 url",
            ),
            (
                "app: {url: x, via: road}\nsteps:\n- say: a\n",
                1,
                "`gateway`",
                "gateway",
            ),
            ("seed: x\nsteps:\n- say: a\n", 1, "a whole number", "整数"),
            ("steps:\n- hello\n", 2, "such as `say: hello`", "say: 你好"),
        ] {
            let node = yaml::read(text, Lang::En).expect("YAML");
            for (lang, words) in [(Lang::En, en), (Lang::Zh, zh)] {
                let wrong = read(&node, lang).expect_err(text);
                assert_eq!(wrong.line, line, "{text}: {wrong:?}");
                assert!(wrong.words.contains(words), "{text}: {wrong:?}");
            }
        }
    }
}
