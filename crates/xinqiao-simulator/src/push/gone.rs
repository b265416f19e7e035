//! What the timeline says of pushes to who is no longer there.

use crate::kernel::{
    Id, Turn,
    row::{RowState, Words},
};

/// A push to a deleted account or merchant comes to nothing.
pub(super) fn show(
    turn: &mut Turn<'_>,
    (id, name): (Id, Option<String>),
    (user, user_name): (Option<String>, Option<String>),
    url: String,
) {
    let mut row = turn.row(&super::CALLBACK, RowState::Warn);
    row.account = Some(id.to_string());
    row.account_name = name;
    (row.user, row.user_name) = (user, user_name);
    row.title = Words::new(
        format!("没有推送：{id} 已删除"),
        format!("Not pushed: {id} was deleted"),
    );
    row.subtitle = Words::same(url);
    row.label = Words::new("已删除", "deleted");
    turn.show(row);
}
