//! What becomes of a file when something goes wrong on the way.

use super::*;
use crate::{
    people::{USERS, user::User},
    products,
};

fn named(name: &str) -> User {
    User {
        nickname: name.into(),
        ..User::default()
    }
}

fn count(connection: &Connection) -> i64 {
    let of = "SELECT count(*) FROM rows JOIN tables ON id = tbl WHERE name = 'people.users'";
    connection.query_row(of, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_world_of_format_1_stays_until_its_successor_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/worlds/format-1.db");
    std::fs::copy(old, folder.path().join(FILE)).unwrap();
    let house = products::house();
    for _ in 0..2 {
        // A program that ends before it writes.
        let opened = open(folder.path(), false, 7, house).unwrap();
        assert!(opened.schema.is_some() && opened.world.is_some());
    }
    let opened = open(folder.path(), false, 7, house).unwrap();
    let mut world = World::new(7, false, house);
    USERS.put(&mut world, 1, named("小林"));
    opened.keep(&mut world).unwrap().stop();
    let opened = open(folder.path(), false, 7, house).unwrap();
    assert!(opened.schema.is_none());
    assert_eq!(USERS.len(&opened.world.unwrap()), 1);
}

#[test]
fn what_cannot_be_written_is_written_later_and_nothing_on_top_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let mut connection = Connection::open(&path).unwrap();
    connection.execute_batch(load::SCHEMA).unwrap();
    connection.busy_timeout(Duration::from_millis(1)).unwrap();
    let mut world = World::empty(1, products::house());
    world.watch();
    write(&mut connection, &[take(&mut world)], None).unwrap();

    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (jobs, waiting) = mpsc::channel();
    let backlog = Backlog::default();
    let written = backlog.clone();
    let thread = std::thread::spawn(move || run(connection, &waiting, &written));
    let store = Store { jobs, backlog };
    for (number, name) in [(1, "甲"), (2, "乙")] {
        USERS.put(&mut world, number, named(name));
        let (told, answered) = mpsc::channel();
        let then = Box::new(move || told.send(()).unwrap());
        store.hand_over_and(&mut world, then);
        answered.recv_timeout(Duration::from_secs(10)).unwrap();
        assert!(store.is_busy(), "it still waits to be written");
    }
    other.execute_batch("ROLLBACK").unwrap();
    while store.is_busy() {
        std::thread::sleep(Duration::from_millis(10));
    }
    store.stop();
    thread.join().unwrap();
    assert_eq!(count(&other), 2);
}
