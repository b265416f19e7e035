//! An endpoint stands under every product line that has it, and is the same type there.

use std::any::TypeId;

use xinqiao::{mini_game, mini_program, official_account};

#[track_caller]
fn same<A: 'static, B: 'static>() {
    assert_eq!(TypeId::of::<A>(), TypeId::of::<B>());
}

#[test]
fn customer_messages_with_their_bodies_are_mini_programs_too() {
    same::<mini_program::message::custom::Send, official_account::message::custom::Send>();
    same::<mini_program::message::Body, official_account::message::Body>();
    same::<mini_program::media::Upload, official_account::media::Upload>();
    same::<mini_program::base::StableToken, official_account::base::StableToken>();
}

#[test]
fn subscription_messages_are_official_accounts_too() {
    same::<official_account::message::subscribe::BizSend, mini_program::message::subscribe::BizSend>(
    );
    same::<
        official_account::wxa_api::new_tmpl::GetTemplate,
        mini_program::wxa_api::new_tmpl::GetTemplate,
    >();
}

#[test]
fn mini_games_share_the_calls_of_mini_programs() {
    same::<mini_game::wxa::CheckSession, mini_program::wxa::CheckSession>();
    same::<mini_game::base::Token, official_account::base::Token>();
}

#[cfg(feature = "channels")]
#[test]
fn shop_calls_are_mini_programs_too() {
    use xinqiao::channels;

    same::<mini_program::product::category::Get, channels::product::category::Get>();
    same::<channels::base::Token, official_account::base::Token>();
}

#[cfg(feature = "open-platform")]
#[test]
fn a_platform_calls_for_its_accounts() {
    use xinqiao::open_platform;

    same::<official_account::sns::UserInfo, open_platform::sns::UserInfo>();
    same::<
        open_platform::message::template::Subscribe,
        official_account::message::template::Subscribe,
    >();
}
