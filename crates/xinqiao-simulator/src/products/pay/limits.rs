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
    ] {
        assert!(seconds(id) > 0, "{id}");
    }
    assert!(count(super::refund::MOST) > 1);
    for id in [
        super::pay_code::LENGTH,
        super::pay_code::THRESHOLD,
        super::pay_code::FREE_PAYMENTS,
    ] {
        assert!(count(id) > 1, "{id}");
    }
    assert!(xinqiao_catalog::rules::limit::holds(
        super::combine_v3::SUB_ORDERS,
        2
    ));
    assert!(fits(super::combine_v3::NUMBER, "T2026020100001"));
    let texts = super::order::TEXTS.into_iter();
    for (_, id) in texts.chain(super::v2::TEXTS).chain(super::refund::TEXTS) {
        assert!(!fits(id, &"x".repeat(1000)), "{id}");
    }
}
