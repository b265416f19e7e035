//! Every limit that official accounts ask the catalog for is there: one that is not would allow nothing.

use xinqiao_catalog::rules::limit::{count, fits, seconds};

use super::{comment, groups, material, menu, qr_code, short_key};
use crate::people::phone;

#[test]
fn the_catalog_has_the_limits_that_are_asked_for() {
    for id in [
        comment::PAGE,
        comment::FEATURED_MOST,
        groups::BATCH,
        material::PICTURES_MOST,
        material::OTHERS_MOST,
        menu::conditional::HOSTS,
        phone::TEST_FOLLOWERS,
        qr_code::PERMANENT_MOST,
        qr_code::PERMANENT_SCENE,
        short_key::DATA,
    ] {
        assert!(count(id) > 1, "{id}");
    }
    for id in [qr_code::SHORT, qr_code::LONG, short_key::LONG] {
        assert!(seconds(id) > 0, "{id}");
    }
    for id in [comment::TEXT, qr_code::TEXT_SCENE] {
        assert!(fits(id, "x") && !fits(id, &"x".repeat(1000)), "{id}");
    }
}
