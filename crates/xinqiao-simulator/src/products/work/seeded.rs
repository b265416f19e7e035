//! The corporation that `dev` starts with: the seeded people work there.

use super::{
    corps::{self, NewAgent, NewCorp},
    members,
};
use crate::{kernel::Turn, people::USERS, products::Feature};

pub(super) static FEATURE: Feature = Feature {
    name: "work.seeded",
    seed: Some(populate),
    ..Feature::EMPTY
};

/// Name of the corporation, and of its application.
const CORP: (&str, &str) = ("桥头企业", "桥头助手");
/// Userids of the people, in the order in which they were made.
const MEMBERS: &[&str] = &["xiaolin", "aping"];

fn populate(turn: &mut Turn<'_>) {
    let agent = NewAgent {
        name: Some(CORP.1.to_owned()),
        ..NewAgent::default()
    };
    let new = NewCorp {
        name: Some(CORP.0.to_owned()),
        agents: Some(vec![agent]),
        ..NewCorp::default()
    };
    let Ok(corp) = corps::make(turn, new) else {
        return;
    };
    let people: Vec<u64> = USERS.all(turn.world).map(|(number, _)| *number).collect();
    for (person, userid) in people.into_iter().zip(MEMBERS) {
        members::seed(turn, &corp, person, userid);
    }
}
