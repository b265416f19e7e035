//! The row of the timeline that says what an account sent to one person, whichever call sent it.

use crate::{
    door::Asked,
    kernel::{
        Id, Turn,
        row::{RowState, Words},
    },
    people::{self, bubbles::preview, contact::ChatItem},
    push,
};

/// Shows that a message went out; `manner` is what it was sent as, in Chinese and English.
pub(super) fn show(
    turn: &mut Turn<'_>,
    asked: &Asked,
    openid: &Id,
    item: &ChatItem,
    manner: (&str, &str),
) {
    let Ok(account) = asked.account(turn.world) else {
        return;
    };
    let name = account.name.clone();
    let preview = preview(turn.world.house, item);
    let person = people::user::behind(turn.world, &asked.appid, openid);
    let mut row = turn.row(&push::REPLY, RowState::Ok);
    row.account = Some(asked.appid.to_string());
    row.account_name = Some(name.clone());
    row.user = person.as_ref().map(|(user, _)| people::user::name(*user));
    row.openid = Some(openid.to_string());
    let nickname = person.map(|(_, nickname)| nickname);
    let whom = nickname.clone().unwrap_or_default();
    row.user_name = nickname;
    row.title = Words::new(
        format!("{name} 给{whom}发“{preview}”"),
        format!("{name} sends “{preview}” to {whom}"),
    );
    row.subtitle = Words::new(manner.0, manner.1);
    row.label = Words::new(manner.0, manner.1);
    turn.show(row);
}
