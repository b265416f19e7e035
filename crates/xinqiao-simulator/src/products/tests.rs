mod declared;
mod fidelity;

use serde_json::{Value, json};
use xinqiao_catalog::{EventKind, EventWire, Product, id};

use super::*;
use crate::{
    accounts::{
        ACCOUNTS,
        files::FILES,
        registration::{Create, NewAccount},
    },
    door::{
        Reply,
        call::{Arrival, PlatformCall},
        modelled,
    },
    kernel::{Command, Effect, clock::ClockChange, command::Entry, row::Row},
    people::{act::Perform, phone},
    products::official_account::{Keep, Trigger},
    push::deliveries::DELIVERIES,
};

const WALL: i64 = 1_800_000_000_000;

fn entry(command: &impl Command) -> Entry {
    Entry::of(command).unwrap()
}

fn call(path: &str, query: &str) -> Entry {
    entry(&asked(path, query))
}

fn asked(path: &str, query: &str) -> Box<PlatformCall> {
    Box::new(PlatformCall {
        host: "api.weixin.qq.com".into(),
        method: http::Method::GET,
        path: path.into(),
        query: query.into(),
        headers: http::HeaderMap::new(),
        body: bytes::Bytes::new(),
        peer: [127, 0, 0, 1].into(),
        arrival: Arrival::Plain,
    })
}

fn act(verb: &str) -> Perform {
    let message = json!({"type": "text", "content": "你好"});
    let act = json!({"do": verb, "account": "wxtest", "message": message});
    Perform {
        user: "u1".into(),
        act: serde_json::from_value(act).unwrap(),
    }
}

/// A script without a network: two accounts, a user, a token, a message.
fn script() -> Vec<Entry> {
    let account = NewAccount {
        appid: Some("wxtest".into()),
        secret: Some("s".into()),
        ..NewAccount::default()
    };
    let token = || {
        call(
            "/cgi-bin/token",
            "grant_type=client_credential&appid=wxtest&secret=s",
        )
    };
    vec![
        entry(&ClockChange::Freeze(true)),
        entry(&Create(account)),
        entry(&Create::default()),
        entry(&phone::Create::default()),
        entry(&act("follow")),
        entry(&act("send")),
        token(),
        entry(&ClockChange::Advance(100)),
        token(),
        entry(&phone::CreateMany {
            count: 20,
            follow: vec!["wxtest".into()],
            more: false,
        }),
    ]
}

fn play(world: &mut World, entries: &[Entry]) {
    for (step, entry) in entries.iter().enumerate() {
        let wall_ms = WALL + i64::try_from(step).unwrap() * 1000;
        world.replay(entry, wall_ms).unwrap();
    }
}

fn world(seeded: bool) -> World {
    World::new(5, seeded, house())
}

fn played(steps: usize) -> World {
    let mut world = world(false);
    play(&mut world, &script()[..steps]);
    world
}

#[test]
fn the_same_commands_give_the_same_world() {
    assert_eq!(played(10).export(), played(10).export());
}

#[test]
fn commands_and_times_are_all_that_a_journal_needs() {
    let (mut one, mut two) = (world(true), world(true));
    play(&mut one, &script());
    let text = serde_json::to_string(&script()).unwrap();
    let journal: Vec<Entry> = serde_json::from_str(&text).unwrap();
    play(&mut two, &journal);
    assert_eq!(one.export(), two.export());
    let mut newer = script().remove(0);
    newer.version += 1;
    let refused = two.replay(&newer, WALL).unwrap_err();
    assert!(refused.contains("kernel.set_clock"), "{refused}");
}

#[test]
fn an_export_read_back_is_the_same_export() {
    let mut world = world(true);
    play(&mut world, &script());
    let text = world.export();
    assert_eq!(World::from_export(&text, house()).unwrap().export(), text);
    assert!(World::from_export("{}", house()).is_err());
}

#[test]
fn a_table_of_another_version_is_refused_by_its_name() {
    let text = played(3).export();
    let why = |text: &str| World::from_export(text, house()).unwrap_err().to_string();
    let newer = text.replace(
        "\"accounts.accounts\": {\"version\": 1",
        "\"accounts.accounts\": {\"version\": 9",
    );
    assert_ne!(text, newer);
    assert!(
        why(&newer).contains("accounts.accounts is of version 9, newer"),
        "{}",
        why(&newer)
    );
    let foreign = text.replace("\"accounts.accounts\"", "\"accounts.unheard\"");
    assert!(why(&foreign).contains("no table accounts.unheard"));
    let newer = text.replace("\"version\": 2,\n \"seed\"", "\"version\": 3,\n \"seed\"");
    assert!(
        why(&newer).contains("version 3 is newer"),
        "{}",
        why(&newer)
    );
}

#[test]
fn one_account_more_shifts_nothing() {
    let user = |world: &mut World| world.apply(phone::Create::default(), WALL).answer.unwrap();
    let (mut one, mut two) = (world(false), world(false));
    two.apply(Create::default(), WALL).answer.unwrap();
    assert_eq!(user(&mut one)["id"], user(&mut two)["id"]);
}

#[test]
fn what_is_due_falls_due_before_the_command() {
    let mut world = world(false);
    let stored = Keep {
        content_type: "image/png".into(),
        bytes: b"\x89PNG\r\n\x1a\n".to_vec(),
    };
    world.apply(ClockChange::Freeze(true), WALL).answer.unwrap();
    world.apply(stored, WALL).answer.unwrap();
    assert_eq!((FILES.len(&world), world.files.ids().count()), (1, 1));
    let later = ClockChange::Advance(3 * 86_400 + 1);
    world.apply(later, WALL).answer.unwrap();
    assert_eq!((FILES.len(&world), world.files.ids().count()), (0, 0));
}

#[test]
fn every_row_of_an_act_shares_its_cause_and_the_act_comes_first() {
    let mut world = played(5);
    ACCOUNTS.get_mut(&mut world, "wxtest").unwrap().callback.url = "http://127.0.0.1:1/".into();
    let effects = world.apply(act("send"), WALL).effects;
    let sent = effects.iter().find_map(|effect| match effect {
        Effect::Send { delivery, .. } => DELIVERIES.get(&world, delivery),
        _ => None,
    });
    let rows: Vec<Row> = { effects.into_iter() }
        .filter_map(|effect| match effect {
            Effect::Row(row) => Some((row.make)()),
            _ => None,
        })
        .collect();
    assert_eq!(rows[0].kind.name, "act");
    assert_eq!(sent.unwrap().order.cause, rows[0].cause);
}

#[test]
fn every_event_of_the_catalog_can_be_pushed_and_read() {
    let mut world = played(5);
    let account = ACCOUNTS.get_mut(&mut world, "wxtest").unwrap();
    account.callback.url = "http://127.0.0.1:1/".into();
    let all = xinqiao_catalog::permissions().iter();
    account.permissions = all.map(|row| (row.id.to_owned(), true)).collect();
    let mut pushed = 0;
    for event in xinqiao_catalog::events() {
        let fits = event.product == Product::OfficialAccount
            && matches!(event.kind, EventKind::Event | EventKind::Message)
            && event.wire != EventWire::Json;
        if !fits {
            continue;
        }
        let trigger = Trigger {
            account: "wxtest".into(),
            user: None,
            event: event.id.into(),
            set: serde_json::Map::new(),
        };
        let outcome = world.apply(trigger, WALL);
        assert!(outcome.answer.is_ok(), "{}: {:?}", event.id, outcome.answer);
        let sent = outcome.effects.iter().find_map(|effect| match effect {
            Effect::Send { delivery, .. } => DELIVERIES.get(&world, delivery),
            _ => None,
        });
        let xml = &sent.unwrap().order.plain;
        let message = xinqiao_message::Message::parse(xml.clone().into_bytes());
        let message = message.unwrap_or_else(|error| panic!("{}: {error}: {xml}", event.id));
        assert_eq!(
            message.msg_type(),
            if event.msg_type.is_empty() {
                "event"
            } else {
                event.msg_type
            }
        );
        pushed += 1;
    }
    assert!(pushed > 60, "{pushed}");
}

#[test]
fn no_clock_goes_beyond_the_year_9999() {
    let mut world = world(false);
    for change in [
        ClockChange::Advance(i64::MAX),
        ClockChange::Now(i64::MAX),
        ClockChange::Now(-1),
    ] {
        assert!(world.apply(change, WALL).answer.is_err());
    }
}

#[test]
fn every_behaviour_belongs_to_an_endpoint_and_names_begin_with_their_feature() {
    for feature in all() {
        for behaviour in feature.behaviours {
            let known = xinqiao_catalog::endpoint(behaviour.id);
            assert!(known.is_some(), "{}", behaviour.id);
        }
        let product = feature.name.split('.').next().unwrap();
        for table in feature.tables {
            assert!(table.name().starts_with(product), "{}", table.name());
        }
    }
    let mut names: Vec<_> = house().tables().map(AnyTable::name).collect();
    names.extend(house().verbs().map(|verb| verb.name));
    names.sort_unstable();
    let mut once = names.clone();
    once.dedup();
    assert_eq!(names, once, "a name stands for one thing");
}

#[test]
fn features_index_again_what_they_had_in_memory() {
    let mut one = world(true);
    play(&mut one, &script());
    let mut two = World::from_export(&one.export(), house()).unwrap();
    let account = json!({"account": "wxtest"});
    let view = |world: &World| {
        let account = ACCOUNTS
            .get(world, account["account"].as_str().unwrap())
            .unwrap();
        accounts::view(world, account)
    };
    assert_eq!(view(&one)["followers"], Value::from(21));
    assert_eq!(view(&one), view(&two));
    play(&mut one, &script()[4..]);
    play(&mut two, &script()[4..]);
    assert_eq!(one.export(), two.export());
}

#[test]
fn an_answer_that_its_schema_does_not_have_is_not_sent() {
    static LIAR: Behaviour = modelled(id::official_account::base::GET_API_DOMAIN_IP, "", |_, _| {
        Ok(Reply::Json(json!({"ip_list": ["127.0.0.1", 1], "more": 1})))
    });
    let mut desk = desk();
    desk.behaviours.insert(LIAR.id, &LIAR);
    let mut world = World::new(5, false, Box::leak(Box::new(built(desk))));
    play(&mut world, &script()[..3]);
    let mut get = |path: &str, query: &str| {
        let outcome = world.apply(asked(path, query), WALL);
        let answer = outcome.answer.unwrap();
        let body: Value = serde_json::from_slice(&answer.body.read().unwrap()).unwrap();
        let rules = outcome
            .effects
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Row(row) => Some((row.make)().diagnosis?.rule),
                _ => None,
            });
        (answer.status, body, rules.collect::<Vec<String>>())
    };
    let asked = "grant_type=client_credential&appid=wxtest&secret=s";
    let (status, token, _) = get("/cgi-bin/token", asked);
    assert_eq!(status, 200, "{token}");
    let token = token["access_token"].as_str().unwrap();
    let (status, body, rules) = get(
        "/cgi-bin/get_api_domain_ip",
        &format!("access_token={token}"),
    );
    assert_eq!(
        (status, rules),
        (500, vec!["answer.misfit".to_owned()]),
        "{body}"
    );
    let misfits = &body["error"]["misfits"];
    assert_eq!(
        misfits,
        &json!(["ip_list[1] must be text", "more is not in the schema"])
    );
}
