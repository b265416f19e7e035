//! What may be switched about the rights of an account, and the numbers of its calls.
//!
//! Whether it has a right is decided by the door, and before a push ([`super::message::denied`]).
//!
//! Source: doc pages "接口权限说明", "接口调用频次限制说明"; catalog tables `permissions`, `quotas`.

use crate::{
    accounts::{
        account::{CONSOLE, PERMISSION_TABLE, QUOTA_NUMBERS},
        rules::{Preset, Rule},
    },
    products::Feature,
};

pub(super) static FEATURE: Feature = Feature {
    name: "official_account.rights",
    rules: &[&TABLE, &NUMBERS],
    ..Feature::EMPTY
};

/// The states of the table that the catalog has, the usual one first.
static TABLE: Rule = Rule {
    name: PERMISSION_TABLE,
    default: Preset::Word("2025-07", &["2025-07", "2025-06", "2025-07.staff"]),
    about: (
        "接口权限表以哪个时期为准：2025-07 现行；2025-06 草稿与发布也给未认证账号；2025-07.staff 另给认证订阅号多客服",
        "which state of the permission table holds: `2025-07` now; `2025-06` drafts and publishing for unverified accounts too; \
         `2025-07.staff` staff for verified subscription accounts too",
    ),
    source: "the table of rights, and the pages of its endpoints where they say otherwise",
};

static NUMBERS: Rule = Rule {
    name: QUOTA_NUMBERS,
    default: Preset::Word("documentation", &["documentation", CONSOLE]),
    about: (
        "每天的调用上限以哪里为准：documentation 文档；console 真实账号后台显示的数字（获取用户信息 500000，不是 5000000）",
        "which daily limits hold: `documentation` those of the page, `console` those that consoles of real accounts show \
         (500,000 calls of user/info, not 5,000,000)",
    ),
    source: "the page on call limits; staff in the community: the console's number wins",
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_switch_knows_the_tables_of_the_catalog() {
        let known: Vec<&str> = { xinqiao_catalog::permission_tables().iter() }
            .map(|table| table.id)
            .collect();
        let Preset::Word(usual, words) = TABLE.default else {
            panic!("it takes a word");
        };
        assert_eq!(words, known);
        assert_eq!(usual, known[0]);
    }
}
