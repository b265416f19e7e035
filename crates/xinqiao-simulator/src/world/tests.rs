use serde_json::{Value, json};

use super::*;
use crate::world::command::{Act, NewAccount, PlatformCall};

const WALL: i64 = 1_800_000_000_000;

fn json_of(outcome: Outcome) -> Value {
    match outcome.answer.unwrap() {
        Answer::Json(value) => value,
        other => panic!("{other:?}"),
    }
}

fn call(path: &str, query: &str) -> Command {
    Command::Call(Box::new(PlatformCall {
        host: "api.weixin.qq.com".into(),
        method: "GET".into(),
        path: path.into(),
        query: query.into(),
        headers: Vec::new(),
        body: Vec::new(),
        peer: [127, 0, 0, 1].into(),
    }))
}

/// A script without a network: two accounts, a user, a token, a message.
fn script() -> Vec<Command> {
    let message = json!({"type": "text", "content": "你好"});
    let act = |verb: &str| Act {
        verb: verb.into(),
        account: Some("wxtest".into()),
        message: message.as_object().cloned(),
        ..Act::default()
    };
    let account = NewAccount {
        appid: Some("wxtest".into()),
        secret: Some("s".into()),
        ..NewAccount::default()
    };
    vec![
        Command::Clock(ClockChange::Freeze(true)),
        Command::CreateAccount(Box::new(account)),
        Command::CreateAccount(Box::default()),
        Command::CreateUser(Box::default()),
        Command::Act {
            user: "u1".into(),
            act: Box::new(act("follow")),
        },
        Command::Act {
            user: "u1".into(),
            act: Box::new(act("send")),
        },
        call(
            "/cgi-bin/token",
            "grant_type=client_credential&appid=wxtest&secret=s",
        ),
        Command::Clock(ClockChange::Advance(100)),
        call(
            "/cgi-bin/token",
            "grant_type=client_credential&appid=wxtest&secret=s",
        ),
        Command::CreateUsers {
            count: 20,
            follow: vec!["wxtest".into()],
        },
    ]
}

fn play(world: &mut World, commands: Vec<Command>) {
    for (step, command) in commands.into_iter().enumerate() {
        let wall_ms = WALL + i64::try_from(step).unwrap() * 1000;
        world.apply(command, wall_ms).answer.unwrap();
    }
}

#[test]
fn the_same_commands_give_the_same_world() {
    let (mut one, mut two) = (World::new(5, false), World::new(5, false));
    play(&mut one, script());
    play(&mut two, script());
    assert_eq!(one.export(), two.export());
}

#[test]
fn commands_and_times_are_all_that_a_journal_needs() {
    let mut one = World::new(5, true);
    play(&mut one, script());
    let mut two = World::new(5, true);
    for (step, command) in script().into_iter().enumerate() {
        let text = serde_json::to_string(&command).unwrap();
        let wall_ms = WALL + i64::try_from(step).unwrap() * 1000;
        two.apply(serde_json::from_str(&text).unwrap(), wall_ms)
            .answer
            .unwrap();
    }
    assert_eq!(one.export(), two.export());
}

#[test]
fn an_export_read_back_is_the_same_export() {
    let mut world = World::new(5, true);
    play(&mut world, script());
    let text = world.export();
    assert_eq!(World::from_export(&text).unwrap().export(), text);
    let revived = World::from_snapshot(&world.snapshot().unwrap()).unwrap();
    assert_eq!(revived.export(), text);
    assert!(World::from_export("{}").is_err());
}

#[test]
fn one_account_more_shifts_nothing() {
    let user = |world: &mut World| {
        json_of(world.apply(Command::CreateUser(Box::default()), WALL))["id"].clone()
    };
    let (mut one, mut two) = (World::new(5, false), World::new(5, false));
    two.apply(Command::CreateAccount(Box::default()), WALL)
        .answer
        .unwrap();
    assert_eq!(user(&mut one), user(&mut two));
}

#[test]
fn what_is_due_falls_due_before_the_command() {
    let mut world = World::new(5, false);
    world
        .apply(Command::Clock(ClockChange::Freeze(true)), WALL)
        .answer
        .unwrap();
    let bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let stored = Command::StoreMedia {
        content_type: "image/png".into(),
        bytes,
    };
    json_of(world.apply(stored, WALL));
    assert_eq!(world.media.len(), 1);
    world
        .apply(Command::Clock(ClockChange::Advance(3 * 86_400 + 1)), WALL)
        .answer
        .unwrap();
    assert!(world.media.is_empty());
}

#[test]
fn every_row_of_an_act_shares_its_cause_and_the_act_comes_first() {
    let mut world = World::new(5, false);
    play(&mut world, script().into_iter().take(5).collect());
    world.accounts.get_mut("wxtest").unwrap().callback.url = "http://127.0.0.1:1/".into();
    let act = script().remove(5);
    let effects = world.apply(act, WALL).effects;
    let rows: Vec<&Row> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Row(row) => Some(&**row),
            _ => None,
        })
        .collect();
    assert_eq!(rows[0].kind, RowKind::Act);
    let order = effects.iter().find_map(|effect| match effect {
        Effect::Push(order) => Some(order),
        _ => None,
    });
    assert_eq!(order.unwrap().cause, rows[0].cause);
}

#[test]
fn every_event_of_the_catalog_can_be_pushed_and_read() {
    let mut world = World::new(5, false);
    play(&mut world, script().into_iter().take(5).collect());
    world.accounts.get_mut("wxtest").unwrap().callback.url = "http://127.0.0.1:1/".into();
    let mut pushed = 0;
    for event in xinqiao_catalog::events() {
        use xinqiao_catalog::{EventKind, EventWire, Product};
        let fits = event.product == Product::OfficialAccount
            && matches!(event.kind, EventKind::Event | EventKind::Message)
            && event.wire != EventWire::Json;
        if !fits {
            continue;
        }
        let trigger = Command::Trigger {
            account: "wxtest".into(),
            user: None,
            event: event.id.into(),
            set: serde_json::Map::new(),
        };
        let outcome = world.apply(trigger, WALL);
        assert!(outcome.answer.is_ok(), "{}: {:?}", event.id, outcome.answer);
        let order = outcome.effects.into_iter().find_map(|effect| match effect {
            Effect::Push(order) => Some(order),
            _ => None,
        });
        let xml = order.unwrap().xml;
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
    let mut world = World::new(5, false);
    for change in [
        ClockChange::Advance(i64::MAX),
        ClockChange::Now(i64::MAX),
        ClockChange::Now(-1),
    ] {
        assert!(world.apply(Command::Clock(change), WALL).answer.is_err());
    }
}
