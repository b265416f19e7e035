//! The campaign in short: `make attack` is a million cases of each scheme.

use xinqiao_attack::campaign::{SCHEMES, run};

#[test]
fn no_changed_message_says_something_else() {
    for scheme in SCHEMES {
        let cases = if scheme.name.starts_with("v3") {
            300
        } else {
            1_500
        };
        let tally = run(scheme, 8, 0..cases);
        assert_eq!(
            tally.findings,
            [] as [serde_json::Value; 0],
            "{}",
            scheme.name
        );
        let refused: u64 = tally.refused.values().sum();
        assert!(refused > cases / 3, "{}: {tally:?}", scheme.name);
    }
}

#[test]
fn a_campaign_goes_on_where_it_stopped() {
    use std::time::{Duration, Instant};

    use xinqiao_attack::campaign::{Bounds, State};
    let scheme = SCHEMES
        .iter()
        .find(|scheme| scheme.name == "js-sdk")
        .unwrap();
    let mut bounds = Bounds {
        cases: 300,
        until: Instant::now() + Duration::from_mins(1),
        seed: 3,
        threads: 2,
    };
    let mut part = State::read("", 3);
    part.go_on(scheme, &bounds, |_| {});
    bounds.cases = 700;
    let mut rest = State::read(&part.write(), 3);
    rest.go_on(scheme, &bounds, |_| {});
    let mut whole = State::read("", 3);
    whole.go_on(scheme, &bounds, |_| {});
    assert_eq!(rest.write(), whole.write());
    assert_eq!(State::read(&rest.write(), 4).cases("js-sdk"), 0);
}
