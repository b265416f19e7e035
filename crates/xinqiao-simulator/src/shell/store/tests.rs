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
        assert!(!opened.schema.is_empty() && opened.world.is_some());
    }
    let opened = open(folder.path(), false, 7, house).unwrap();
    let mut world = World::new(7, false, house);
    USERS.put(&mut world, 1, named("小林"));
    opened.keep(&mut world).unwrap().stop();
    let opened = open(folder.path(), false, 7, house).unwrap();
    assert!(opened.schema.is_empty());
    assert_eq!(USERS.len(&opened.world.unwrap()), 1);
}

#[test]
fn what_cannot_be_written_is_written_later_and_nothing_on_top_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(&load::SCHEMA.concat()).unwrap();
    connection.busy_timeout(Duration::from_millis(1)).unwrap();
    let shelf = Shelf::of(folder.path());
    let mut disk = Disk {
        connection,
        seed: 1,
        shelf,
    };
    let mut world = World::empty(1, products::house());
    world.watch();
    write(&mut disk, &[take(&mut world)], &[]).unwrap();

    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let (jobs, waiting) = mpsc::channel();
    let backlog = Backlog::default();
    let written = backlog.clone();
    let thread = std::thread::spawn(move || run(disk, &waiting, &written));
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

fn opened(folder: &Path) -> (World, Store) {
    let mut opened = open(folder, false, 1, products::house()).unwrap();
    let mut world = { opened.world.take() }.unwrap_or_else(|| World::empty(1, products::house()));
    world.watch();
    let store = opened.keep(&mut world).unwrap();
    (world, store)
}

/// Hands over what changed, and waits until it is written.
fn settled(store: &Store, world: &mut World) {
    let (told, written) = mpsc::channel();
    store.hand_over_and(world, Box::new(move || told.send(()).unwrap()));
    written.recv_timeout(Duration::from_mins(1)).unwrap();
}

fn lying(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder.join("files")).unwrap();
    let mut names: Vec<String> = { entries }
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn content(world: &World, id: &str) -> Option<bytes::Bytes> {
    world.files.get(id).map(|content| content.read().unwrap())
}

#[test]
fn what_is_written_is_not_held_in_memory_and_not_read_at_the_start() {
    const MEGABYTE: usize = 1024 * 1024;
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = opened(folder.path());
    for number in 0..200_u8 {
        let id = format!("file {number:03}");
        world
            .files
            .put((&*id).into(), vec![number; MEGABYTE].into());
    }
    assert_eq!(world.files.in_memory(), 200 * MEGABYTE);
    settled(&store, &mut world);
    assert_eq!(world.files.in_memory(), 0);
    assert_eq!(lying(folder.path()).len(), 200);
    assert_eq!(content(&world, "file 007").unwrap(), vec![7; MEGABYTE]);
    store.stop();

    // What is not there cannot have been read.
    let (there, aside) = (folder.path().join("files"), folder.path().join("aside"));
    std::fs::rename(&there, &aside).unwrap();
    let opened = open(folder.path(), false, 1, products::house()).unwrap();
    let world = opened.world.unwrap();
    assert_eq!(
        (world.files.ids().count(), world.files.in_memory()),
        (200, 0)
    );
    std::fs::rename(&aside, &there).unwrap();
    assert_eq!(content(&world, "file 199").unwrap(), vec![199; MEGABYTE]);
}

#[test]
fn a_file_lies_there_as_long_as_anybody_names_its_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = opened(folder.path());
    world.files.put("a".into(), "same".into());
    world.files.put("b".into(), "same".into());
    settled(&store, &mut world);
    world.files.share("a", "c".into());
    world.files.remove("a");
    settled(&store, &mut world);
    world.files.remove("b");
    settled(&store, &mut world);
    assert_eq!(content(&world, "c").unwrap(), "same");
    let reader = world.files.get("c").unwrap();
    // The name goes on, with other bytes.
    world.files.put("c".into(), "other".into());
    settled(&store, &mut world);
    assert_eq!(reader.read().unwrap(), "same", "whoever reads, reads on");
    assert_eq!(content(&world, "c").unwrap(), "other");
    assert_eq!(lying(folder.path()).len(), 1);
    world.files.remove("c");
    settled(&store, &mut world);
    assert!(lying(folder.path()).is_empty());
    store.stop();
}

#[test]
fn what_a_killed_process_left_is_swept_and_what_others_laid_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = opened(folder.path());
    world.files.put("a".into(), "kept".into());
    settled(&store, &mut world);
    store.stop();
    let kept = lying(folder.path());
    let files = folder.path().join("files");
    let orphan = "0".repeat(64);
    for name in [orphan.clone(), format!("{orphan}.new"), "mine.txt".into()] {
        std::fs::write(files.join(name), "left").unwrap();
    }
    let (world, store) = opened(folder.path());
    let mut expected = kept;
    expected.push("mine.txt".to_owned());
    assert_eq!(lying(folder.path()), expected);
    assert_eq!(content(&world, "a").unwrap(), "kept");
    store.stop();
}

#[test]
fn a_file_that_is_missing_or_another_is_as_none_and_its_name_can_be_used_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = opened(folder.path());
    world.files.put("gone".into(), "gone".into());
    world.files.put("cut".into(), "shortened".into());
    settled(&store, &mut world);
    store.stop();
    for name in lying(folder.path()) {
        let path = folder.path().join("files").join(name);
        if std::fs::read(&path).unwrap() == b"gone" {
            std::fs::remove_file(&path).unwrap();
        } else {
            std::fs::write(&path, "short").unwrap();
        }
    }
    let disk = open(folder.path(), false, 1, products::house())
        .unwrap()
        .disk;
    let named = all_named(&disk.connection).unwrap();
    let swept = disk.shelf.sweep(named.clone()).unwrap();
    assert_eq!((swept.taken, swept.missing.len()), (0, 1));
    assert!(swept.missing.is_subset(&named));
    drop(disk);
    let (mut world, store) = opened(folder.path());
    assert!(content(&world, "gone").is_none());
    assert!(content(&world, "cut").is_none());
    for (id, bytes) in [("gone", "gone"), ("cut", "shortened")] {
        world.files.put(id.into(), bytes.into());
    }
    settled(&store, &mut world);
    assert_eq!(world.files.in_memory(), 0);
    assert_eq!(content(&world, "gone").unwrap(), "gone");
    assert_eq!(content(&world, "cut").unwrap(), "shortened");
    store.stop();
}

#[test]
fn a_file_that_cannot_be_written_stays_in_memory_until_it_can() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = opened(folder.path());
    std::fs::write(folder.path().join("files"), "in the way").unwrap();
    world.files.put("a".into(), "kept".into());
    settled(&store, &mut world);
    assert_eq!(world.files.in_memory(), 4, "it still waits to be written");
    assert_eq!(content(&world, "a").unwrap(), "kept");
    std::fs::remove_file(folder.path().join("files")).unwrap();
    for _ in 0..1000 {
        if world.files.in_memory() == 0 {
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(world.files.in_memory(), 0);
    store.stop();
    let (world, store) = opened(folder.path());
    assert_eq!(content(&world, "a").unwrap(), "kept");
    store.stop();
}

#[test]
fn a_new_world_takes_the_files_of_the_old_one_off_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = opened(folder.path());
    world.files.put("a".into(), "kept".into());
    settled(&store, &mut world);
    store.stop();
    for (fresh, seed) in [(true, 1), (false, 2)] {
        let mut opened = open(folder.path(), fresh, seed, products::house()).unwrap();
        assert!(opened.world.take().is_none());
        let mut world = World::empty(seed, products::house());
        world.watch();
        world.files.put("b".into(), seed.to_string().into());
        opened.keep(&mut world).unwrap().stop();
        assert_eq!(lying(folder.path()).len(), 1);
    }
}

#[test]
fn a_name_that_leads_out_of_the_folder_is_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, store) = opened(folder.path());
    world.files.put("a".into(), "kept".into());
    settled(&store, &mut world);
    store.stop();
    let file = Connection::open(folder.path().join(FILE)).unwrap();
    file.execute("UPDATE files SET name = '../simulator.db'", [])
        .unwrap();
    drop(file);
    let refused = open(folder.path(), false, 1, products::house()).unwrap_err();
    assert!(
        refused.to_string().contains("no name of a file"),
        "{refused}"
    );
}
