//! Every limit that payments ask the catalog for is there: one that is not would allow nothing.

use xinqiao_catalog::rules::limit::{count, fits, seconds};

#[test]
fn the_catalog_has_the_limits_that_are_asked_for() {
    for id in [
        super::order::PREPAY_LIFE,
        super::order::CODE_LIFE,
        super::order::PAGE_LIFE,
        super::order::EXPIRE_DEFAULT,
        super::order::EXPIRE_LEAST,
        super::order::EXPIRE_MOST,
        super::refund::WINDOW,
        super::refund::PAUSE,
        super::bill_download::LIFE,
        super::pay_code::LIFE,
        super::code_payment::WINDOW,
        super::pot::FREEZE,
        super::transfer::WINDOW,
        super::red_packet::LIFE,
        super::sandbox::LIFE,
    ] {
        assert!(seconds(id) > 0, "{id}");
    }
    for id in [
        super::refund::MOST,
        super::pay_code::LENGTH,
        super::pay_code::THRESHOLD,
        super::pay_code::FREE_PAYMENTS,
        super::sharing::MOST_PERCENT,
        super::sharing::REQUESTS,
        super::sharing::PARTS,
        super::transfer_v3::REMARK,
        super::transfer_v3::NAMED,
        super::transfer_v2::MOST,
        super::batch_v3::MOST,
        super::red_packet::PER_PERSON,
        super::red_packet_v2::AMOUNT,
        super::red_packet_v2::GROUP,
    ] {
        assert!(count(id) > 1, "{id}");
    }
    assert!(xinqiao_catalog::rules::limit::holds(
        super::combine_v3::SUB_ORDERS,
        2
    ));
    assert!(fits(super::combine_v3::NUMBER, "T2026020100001"));
    let numbers = [
        super::sharing::NUMBER,
        super::sharing_return::NUMBER,
        super::transfer::NUMBER,
        super::batch_v3::NUMBER,
    ];
    let texts = super::order::TEXTS.into_iter();
    let texts = texts.chain(super::v2::TEXTS).chain(super::refund::TEXTS);
    for id in texts.map(|(_, id)| id).chain(numbers) {
        assert!(!fits(id, &"x".repeat(1000)), "{id}");
    }
}
