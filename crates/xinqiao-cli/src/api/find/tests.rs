use std::path::Path;

use super::*;

#[track_caller]
fn ids(text: &str) -> Vec<&'static str> {
    match find(text, Lang::En) {
        Ok(Found::Endpoints(found)) => found.iter().map(|one| one.id).collect(),
        Ok(Found::Event(event)) => vec![event.id],
        Err(fail) => panic!("{text}: {}", fail.message),
    }
}

#[test]
fn every_route_of_the_catalog_finds_its_endpoint() {
    for endpoint in all() {
        for (method, path) in endpoint.routes() {
            let route = format!("{method} {path}");
            assert!(ids(&route).contains(&endpoint.id), "{route}");
        }
    }
}

#[test]
fn every_route_of_the_fact_base_is_found() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/facts/api");
    let Ok(files) = std::fs::read_dir(&folder) else {
        println!("SKIP: there is no {}", folder.display());
        return;
    };
    let mut routes = 0;
    for file in files {
        let path = file.expect("an entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let data = path.extension().is_some_and(|end| end == "jsonl");
        if !data || name == "events.jsonl" || name == "pages.jsonl" {
            continue;
        }
        for line in std::fs::read_to_string(&path).expect("a file").lines() {
            let fact: serde_json::Value = serde_json::from_str(line).expect("JSON");
            let product = fact["family"].as_str().expect("a family").replace('-', "_");
            let alternatives = fact["path_alt"].as_array().into_iter().flatten();
            let spellings = std::iter::once(&fact["path"]).chain(alternatives);
            for path in spellings.filter_map(|path| path.as_str()) {
                let method = fact["method"].as_str().expect("a method");
                // A guess may be a newer path's older spelling with a method that it does not take.
                let guessed = fact["method_guessed"] == true;
                let method = if guessed { "" } else { method };
                let route = format!("{method} {path}").trim_start().to_owned();
                let found = ids(&route);
                assert!(
                    found
                        .iter()
                        .any(|id| catalog::Product::of_id(id).is_some_and(|p| p.name() == product)),
                    "{route} of {product}: {found:?}"
                );
                routes += 1;
            }
        }
    }
    assert!(routes >= 3860, "{routes}");
}

#[test]
fn a_route_may_be_typed_in_many_ways() {
    let create = "official_account.menu.create";
    assert_eq!(ids(create), [create]);
    for text in [
        "POST https://api.weixin.qq.com/cgi-bin/menu/create?access_token=x",
        "post https://api.weixin.qq.com/cgi-bin/menu/create",
        "https://sh.api.weixin.qq.com:443/cgi-bin/menu/create#top",
        "api.weixin.qq.com/cgi-bin/menu/create",
    ] {
        assert_eq!(ids(text), [create], "{text}");
    }
    assert_eq!(ids("cgi-bin/menu/create"), [create, "work.menu.create"]);
    assert_eq!(
        ids("/v3/pay/transactions/id/4200000001"),
        ["pay_v3.pay.transactions.get_by_transaction_id"]
    );
    assert_eq!(
        ids("official_account.event.subscribe"),
        ["official_account.event.subscribe"]
    );
}

#[test]
fn a_telling_parameter_narrows_a_shared_route() {
    assert_eq!(ids("/publisher/stat").len(), 3);
    assert_eq!(ids("/publisher/stat?action=publisher_settlement").len(), 1);
}

#[test]
fn what_is_not_there_has_neighbours() {
    for (text, near) in [
        (
            "official_account.menus.create",
            "official_account.menu.create",
        ),
        (
            "offical_account.menu.create",
            "official_account.menu.create",
        ),
        ("menu.create", "official_account.menu.create"),
        ("POST /cgi-bin/menu/crate", "/cgi-bin/menu/create"),
        ("PUT /cgi-bin/stable_token", "POST /cgi-bin/stable_token"),
        ("完全没有这个词", "xinqiao api ls"),
        ("FETCH /cgi-bin/menu/create", "PATCH"),
    ] {
        let fail = find(text, Lang::En).expect_err(text);
        assert_eq!(fail.code, 2, "{text}");
        assert!(fail.message.contains(near), "{text}: {}", fail.message);
    }
}

#[test]
fn a_token_in_a_url_is_not_repeated() {
    let text = "https://api.weixin.qq.com/cgi-bin/menu/crate?access_token=SECRET";
    let fail = find(text, Lang::En).expect_err("no such path");
    assert!(!fail.message.contains("SECRET"), "{}", fail.message);
}
