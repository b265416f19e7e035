//! What becomes of the world's thread when something goes wrong in it, and who is served first.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::*;
use crate::{
    kernel::{Command, Refused, Turn},
    people::phone::{self, NewUser},
};

/// Takes a while.
#[derive(Serialize, Deserialize)]
struct Slow;

impl Command for Slow {
    const NAME: &'static str = "test.slow";
    type Answer = ();

    fn run(self, turn: &mut Turn<'_>) -> Result<(), Refused> {
        std::thread::sleep(Duration::from_millis(2));
        phone::add(turn.world, NewUser::default());
        Ok(())
    }
}

/// Panics with half of its work done.
#[derive(Serialize, Deserialize)]
struct Panics;

impl Command for Panics {
    const NAME: &'static str = "test.panics";
    type Answer = ();

    fn run(self, turn: &mut Turn<'_>) -> Result<(), Refused> {
        phone::add(turn.world, NewUser::default());
        panic!("a fault that a test made");
    }
}

fn kept_in(folder: &std::path::Path) -> Options {
    Options {
        storage: Storage::Dir(folder.to_owned()),
        ..Options::default()
    }
}

async fn people(simulator: &Simulator) -> usize {
    let world = &simulator.shared.world;
    world.ask(|world| USERS.len(world)).await.unwrap()
}

#[tokio::test]
async fn a_panic_in_the_world_ends_it_loudly_and_leaves_nothing_by_halves() {
    let folder = tempfile::tempdir().unwrap();
    let simulator = Simulator::start(kept_in(folder.path())).await.unwrap();
    let world = &simulator.shared.world;
    world.apply(phone::Create::default()).await.unwrap();
    let refused = world.apply(Panics).await.unwrap_err();
    assert_eq!(refused.status, 503);
    let told = tokio::time::timeout(Duration::from_secs(10), simulator.broken()).await;
    told.expect("whoever runs it is told");
    simulator.shutdown().await;

    let simulator = Simulator::start(kept_in(folder.path())).await.unwrap();
    assert_eq!(people(&simulator).await, 1);
    simulator.shutdown().await;
}

#[tokio::test]
async fn long_work_lets_others_go_first_and_comes_to_its_end_beside_them() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let world = simulator.shared.world.clone();
    let long = tokio::spawn(async move { world.apply_behind((0..100).map(|_| Slow)).await });
    let mut looks = 0;
    while people(&simulator).await < 100 {
        looks += 1;
    }
    assert!(looks > 10, "looked only {looks} times meanwhile");
    long.await.unwrap().unwrap();
    simulator.shutdown().await;
}

#[tokio::test]
async fn long_work_ends_when_nobody_waits_for_it() {
    let simulator = Simulator::start(Options::default()).await.unwrap();
    let world = simulator.shared.world.clone();
    let endless = std::iter::repeat_with(|| Slow);
    let long = tokio::spawn(async move { world.apply_behind(endless).await });
    while people(&simulator).await == 0 {}
    long.abort();
    let _ = long.await;
    people(&simulator).await;
    let then = people(&simulator).await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(people(&simulator).await <= then + 1);
    simulator.shutdown().await;
}
