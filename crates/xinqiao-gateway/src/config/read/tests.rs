//! Configurations that are read, and those that are refused.

use super::*;

const AES: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";

#[track_caller]
fn refused(text: &str) -> String {
    Config::from_toml(text)
        .expect_err("must be refused")
        .to_string()
}

#[test]
fn a_whole_configuration_reads() {
    let config = Config::from_toml(&format!(
        r#"
        upstream = {{ "api.weixin.qq.com" = "http://127.0.0.1:8601" }}
        store = ":memory:"
        preflight = "enforce"
        [listen]
        port = 0
        [[account]]
        appid = "wx1"
        secret = "0123456789abcdef0123456789abcdef"
        kind = "subscription"
        token = "tok"
        aes_key = "{AES}"
        path = "/wx/entry"
        [[app]]
        name = "shop"
        url = "http://127.0.0.1:9000/wx/{{appid}}"
        token = "own"
        accounts = ["wx1"]
        [[key]]
        id = "ci"
        key = "xqk_0123456789abcdefghijklmn"
        app = "shop"
        "#
    ))
    .unwrap();
    assert_eq!(config.store, StoreAt::Memory);
    assert_eq!(config.apps[0].timeout_ms, 30_000);
    assert!(config.adopt && !config.dev);
}

#[test]
fn an_unknown_key_names_line_table_and_what_is_allowed() {
    let error =
        refused("store = \":memory:\"\n[[account]]\nappid = \"wx1\"\napsecret = \"CANARY\"\n");
    assert!(
        error.starts_with("configuration, line 4, [[account]]: unknown field `apsecret`"),
        "{error}"
    );
    assert!(error.contains("`appid`, `secret`"), "{error}");
    assert!(!error.contains("CANARY"), "{error}");
}

#[test]
fn a_text_cut_by_a_missing_quote_is_not_taken_for_a_key() {
    for text in [
        "[[account]]\nappid = \"wx1\"\nsecret=\"CANARY01234m={\"api.weixin.qq.com\"=\"x\"}\n",
        "[[account]]\nappid = \"wx1\"\nsecret = \"abc CANARY=\\q\"\n",
        "CANARY = \\q\n",
    ] {
        let error = refused(text);
        assert!(!error.contains("CANARY"), "{error}");
    }
    let error = refused("[[account]]\nappid = \"wx1\"\nsecret = \\q\n");
    assert!(error.contains("[[account]]: secret: "), "{error}");
}

#[test]
fn a_wrong_value_names_what_is_allowed() {
    let error = refused("preflight = \"maybe\"");
    assert!(
        error.contains("unknown variant `maybe`") && error.contains("`enforce`"),
        "{error}"
    );
    let error = refused("upstream = \"alipay\"");
    assert!(error.contains("\"wechat\""), "{error}");
    let error = refused("[[account]]\nappid=\"wx1\"\ntoken=\"tok\"\naes_key=\"CANARY\"\n");
    assert!(error.contains("[[account]]: aes_key:"), "{error}");
    assert!(!error.contains("CANARY"), "{error}");
    let error = refused("[[account]]\nappid=\"wx1\"\nsecret = { env = \"XINQIAO_TEST_UNSET\" }");
    assert!(error.contains("XINQIAO_TEST_UNSET"), "{error}");
}

#[test]
fn a_wrong_type_names_its_key() {
    let error = refused("[listen]\nport = \"many\"\n");
    assert!(
        error.contains("line 2, [listen]: port: invalid type"),
        "{error}"
    );
}

#[test]
fn a_secret_in_a_wrong_place_is_not_repeated() {
    // `[admin]` was lost, so that its key is a list's.
    for text in [
        "key = \"CANARY\"",
        "[listen]\nport = \"CANARY\"",
        "adopt = \"\\\"CANARY\\\\\"",
        "[[account]]\nappid = \"wx1\"\nallow_plain = \"CANARY\"",
    ] {
        let error = refused(text);
        assert!(!error.contains("CANARY"), "{error}");
        assert!(error.contains("a string, expected"), "{error}");
    }
}

#[test]
fn plain_mode_must_be_allowed() {
    let error = refused("[[account]]\nappid=\"wx1\"\ntoken=\"tok\"\nmode=\"plain\"\n");
    assert!(error.contains("allow_plain"), "{error}");
}

#[test]
fn an_account_is_named_in_one_of_four_ways() {
    let config = Config::from_toml(&format!(
        r#"
        callback_window = 600
        [[account]]
        corpid = "ww1"
        agentid = 1000002
        token = "tok"
        aes_key = "{AES}"
        path = "/old/$CORPID$/agent"
        [[account]]
        suiteid = "ww-suite"
        provider = "wwprovider"
        path = "/old/$CORPID$/data"
        [[account]]
        suiteid = "ww-personal"
        personal = true
        [[account]]
        botid = "aibX"
        [[account]]
        appid = "wxcomponent"
        kind = "component"
        [[app]]
        name = "shop"
        url = "http://127.0.0.1:9000/{{account}}/{{appid}}"
        token = "own"
        accounts = ["ww1:1000002", "ww-suite", "ww-personal", "aibX", "wxcomponent"]
        "#
    ))
    .unwrap();
    let names: Vec<_> = config
        .accounts
        .iter()
        .map(|account| (account.appid.as_str(), account.receiver_id()))
        .collect();
    let want = [
        ("ww1:1000002", "ww1"),
        ("ww-suite", "ww-suite"),
        ("ww-personal", ""),
        ("aibX", ""),
        ("wxcomponent", "wxcomponent"),
    ];
    assert_eq!(names, want);
    let paths: Vec<_> = config
        .accounts
        .iter()
        .map(AccountConfig::own_path)
        .collect();
    assert_eq!(paths[0].as_deref(), Some("/old/ww1/agent"));
    assert_eq!(paths[1].as_deref(), Some("/old/$CORPID$/data"));

    for (keys, at) in [
        ("", "appid"),
        ("corpid=\"ww1\"", "agentid"),
        ("agentid=1", "agentid"),
        ("appid=\"wx1\"\ncorpid=\"ww1\"\nagentid=1", "appid"),
        (
            "corpid=\"ww1\"\nagentid=1\nsuiteid=\"s\"\nprovider=\"ww2\"",
            "appid",
        ),
        ("suiteid=\"s\"", "provider"),
        ("suiteid=\"s\"\nprovider=\"ww2\"\npersonal=true", "provider"),
        ("appid=\"wx1\"\nprovider=\"ww2\"", "suiteid"),
        ("botid=\"a/b\"", "botid"),
        (
            "botid=\"a\"\nsecret=\"0123456789abcdef0123456789abcdef\"",
            "secret",
        ),
        ("botid=\"a\"\nmode=\"plain\"\nallow_plain=true", "mode"),
        (
            "suiteid=\"s\"\nprovider=\"p\"\npath=\"/$CORPID$/$APPID$\"",
            "path",
        ),
    ] {
        let error = refused(&format!("[[account]]\n{keys}\n"));
        assert!(error.contains(&format!(", {at}: ")), "{keys}: {error}");
    }
    for window in [0, 299, 604_801] {
        let error = refused(&format!("callback_window = {window}"));
        assert!(error.contains("callback_window"), "{error}");
    }
}

#[test]
fn a_third_party_platform_takes_no_plain_callbacks() {
    let account = "[[account]]\nappid = \"wx1\"\nkind = \"component\"\n";
    Config::from_toml(account).unwrap();
    for keys in [
        "allow_plain = true",
        "mode = \"plain\"",
        "mode = \"plain\"\nallow_plain = true",
    ] {
        let error = Config::from_toml(&format!("{account}{keys}\n")).unwrap_err();
        assert_eq!(error.rule(), "config.mode", "{keys}: {error}");
        assert!(
            error.to_string().contains("wx1, mode: a third-party"),
            "{error}"
        );
    }
}

#[test]
fn an_account_has_one_primary() {
    let error = refused(
        "[[account]]\nappid=\"wx1\"\n[[app]]\nname=\"a\"\nurl=\"http://a\"\ntoken=\"tok\"\naccounts=[\"wx1\"]\n\
         [[app]]\nname=\"b\"\nurl=\"http://b\"\ntoken=\"tok\"\naccounts=[\"wx1\"]\n",
    );
    assert!(error.contains("answered by the app `a`"), "{error}");
}

#[test]
fn empty_and_impossible_secrets_do_not_start() {
    let folder = std::env::temp_dir().join(format!("xinqiao-secrets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |text: &str| {
        let path = folder.join(format!("s{}", text.len()));
        std::fs::write(&path, text).unwrap();
        format!("{{ file = '{}' }}", path.display())
    };
    let (blank, short) = (file(" \n\t\n"), file("CA\n"));
    let account = "[[account]]\nappid = \"wx1\"\n";
    for (table, key) in [
        ("[admin]\n", "key"),
        ("[admin]\n", "read_key"),
        (account, "secret"),
        (account, "token"),
        (account, "aes_key"),
        ("[[app]]\nname = \"a\"\nurl = \"http://a\"\n", "token"),
        ("[[key]]\nid = \"a\"\napp = \"a\"\n", "key"),
    ] {
        for value in ["\"\"", "\"  \"", "\"CA\"", "\"CA NA\"", &blank, &short] {
            let error = refused(&format!("{table}{key} = {value}\n"));
            assert!(error.contains(key) && !error.contains("CA"), "{error}");
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn an_app_is_called_at_an_address_that_names_a_host() {
    let app = |url: &str| format!("[[app]]\nname=\"a\"\nurl=\"{url}\"\ntoken=\"token\"\n");
    for url in [
        "127.0.0.1:9000",
        "http:///wx",
        "http://微信.cn",
        "http://a:b",
    ] {
        assert!(refused(&app(url)).contains("a URL"), "{url}");
    }
    for url in ["http://{appid}.in:80/{account}", "https://me:a%40b@a/微信"] {
        Config::from_toml(&app(url)).unwrap();
    }
}

#[test]
fn each_kind_of_secret_has_a_least_length() {
    for (key, least) in [("secret", 32), ("token", 3)] {
        let with = |length: usize| {
            let text = "a".repeat(length);
            format!(
                "[[account]]\nappid = \"wx1\"\nmode = \"plain\"\nallow_plain = true\n{key} = \"{text}\"\n"
            )
        };
        let error = refused(&with(least - 1));
        assert!(error.contains(&format!("at least {least}")), "{error}");
        Config::from_toml(&with(least)).unwrap();
    }
    let admin = |length| format!("[admin]\nkey = \"{}\"\n", "a".repeat(length));
    assert!(refused(&admin(23)).contains("at least 24"));
    assert!(Config::from_toml(&admin(24)).is_ok());
}

#[test]
fn what_cannot_be_seen_or_stands_for_a_secret_is_none() {
    let account = |keys: &str| {
        format!("[[account]]\nappid = \"wx1\"\nmode = \"plain\"\nallow_plain = true\n{keys}\n")
    };
    for (key, value) in [
        ("token", "\u{200b}\u{200b}\u{200b}".to_owned()),
        ("token", "\u{3164}\u{3164}\u{3164}".to_owned()),
        ("token", "a\u{a0}b".to_owned()),
        ("secret", "*".repeat(32)),
        ("secret", "密".repeat(32)),
        ("aes_key", "A".repeat(43)),
        ("aes_key", "z".repeat(43)),
    ] {
        let error = refused(&account(&format!("{key} = \"{value}\"")));
        assert!(error.contains(key) && !error.contains(&value), "{error}");
    }
    let long = refused(&account(&format!("aes_key = \"{AES}A\"")));
    assert!(long.contains("exactly 43"), "{long}");
    let key = "xqk_0123456789abcdefghijklmn";
    let both =
        format!("[admin]\nkey = \"{key}\"\n[[key]]\nid = \"a\"\napp = \"a\"\nkey = \"{key}\"\n");
    let error = refused(&both);
    assert!(
        error.contains("[[key]] a, key") && !error.contains(key),
        "{error}"
    );
}

#[test]
fn an_own_path_is_nobody_elses() {
    for path in ["/", "/a b", "/cgi-bin/token", "/\u{200b}"] {
        let error = refused(&format!(
            "[[account]]\nappid = \"wx1\"\npath = \"{path}\"\n"
        ));
        assert!(error.contains("[[account]] wx1, path: "), "{error}");
    }
}

#[test]
fn an_upstream_stands_for_a_host_of_the_platform() {
    let error = refused("upstream = { \"api.wexin.qq.com\" = \"http://127.0.0.1:1\" }\n");
    assert!(
        error.contains("upstream.\"api.wexin.qq.com\": is not a host"),
        "{error}"
    );
}

#[test]
fn a_secrets_file_is_found_beside_the_configuration() {
    let folder = std::env::temp_dir().join(format!("xinqiao-beside-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("gateway.toml");
    std::fs::write(&path, "[admin]\nkey = { file = \"admin\" }\n").unwrap();
    std::fs::write(folder.join("admin"), "0123456789abcdef01234567\n").unwrap();
    let read = Config::from_path(&path).unwrap();
    assert!(read.admin.key.is_some());
    std::fs::write(folder.join("admin"), "\n").unwrap();
    let error = Config::from_path(&path).unwrap_err().to_string();
    assert!(
        error.contains("the file ") && error.contains(" is empty"),
        "{error}"
    );
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_secret_built_in_code_is_checked_too() {
    let mut config = Config::default();
    config.admin.key = Some(AppKey::from(""));
    let error = config.check("configuration").unwrap_err().to_string();
    assert!(error.contains("admin.key"), "{error}");
    let mut config = Config::default();
    let mut account = AccountConfig::new("wx1");
    account.secret = Some("short".into());
    config.accounts.push(account);
    let error = config.check("configuration").unwrap_err().to_string();
    assert!(error.contains("[[account]] wx1, secret"), "{error}");
}

#[test]
fn a_variable_that_is_not_set_is_named() {
    let error = refused("[admin]\nkey = { env = \"XINQIAO_TEST_UNSET\" }\n");
    let wanted = "key: the environment variable `XINQIAO_TEST_UNSET` is not set";
    assert!(error.contains(wanted), "{error}");
}

#[test]
fn administration_without_a_key_is_for_this_machine_only() {
    for own in ["127.0.0.1:8615", "[::1]:1", "unix:admin.socket"] {
        Config::from_toml(&format!("[admin]\nlisten = \"{own}\"\n")).unwrap();
    }
    for open in ["0.0.0.0:8615", "[::]:8615", "192.0.2.1:80"] {
        let text = format!("[admin]\nlisten = \"{open}\"\n");
        assert!(refused(&text).contains("admin.listen"));
        let key = format!("{text}key = \"{}\"\n", "a".repeat(24));
        Config::from_toml(&key).unwrap();
    }
    for wrong in ["8615", "localhost:1", "unix:", "http://127.0.0.1:1"] {
        let error = refused(&format!("[admin]\nlisten = \"{wrong}\"\n"));
        assert!(error.contains("unix:/path"), "{error}");
    }
    assert_eq!(
        Config::default().admin_listen(),
        Some(AdminListen::Tcp(([127, 0, 0, 1], 8615).into()))
    );
    let mut keyed = Config::default();
    keyed.admin.key = Some(AppKey::from("a".repeat(24)));
    assert_eq!(keyed.admin_listen(), None, "the first port has it");
}

#[test]
fn dev_cannot_be_switched_on_in_a_file() {
    assert!(refused("dev = true").contains("unknown field `dev`"));
}

#[test]
fn a_header_that_is_no_table_is_not_repeated() {
    for text in [
        "[[accounecret=\"CANARY\"",
        "[CANARY",
        "[listen]\nport = 1\n[[CANARY]]\nx =",
    ] {
        let error = Config::from_toml(text).expect_err(text).to_string();
        assert!(!error.contains("CANARY"), "{error}");
    }
}

#[test]
fn every_error_names_a_rule_that_the_catalog_explains() {
    let check = |text: &str, rule: &str| {
        let error = Config::from_toml(text).expect_err(text);
        assert_eq!(error.rule(), rule, "{error}");
        assert!(xinqiao_catalog::diagnosis(rule).is_some(), "{rule}");
    };
    check("store = ", "config.syntax");
    check("store = \":memory:\"\nstore = \"x\"", "config.twice");
    check("stroe = \"x\"", "config.key.unknown");
    check("[[app]]\nname = \"x\"", "config.key.missing");
    check("[listen]\nport = \"many\"", "config.type");
    check("[listen]\nbind = \"here\"", "config.value");
    check("upstream = \"alipay\"", "config.value");
    check("upstream = 7", "config.value");
    check("store = \"\"", "config.value");
    check("[admin]\nlisten = \"x\"", "config.value");
    check("preflight = \"maybe\"", "config.value");
    check("[admin]\nkey = \"short\"", "config.secret");
    check(
        "[admin]\nkey = { env = \"XINQIAO_TEST_UNSET\" }",
        "config.secret",
    );
    check("[admin]\nkey = { file = \"/none\" }", "config.secret");
    check("[admin]\nkey = \"\"", "config.secret");
    check("retention_days = 1", "config.range");
    let error = Config::from_path(Path::new("/none/x.toml")).unwrap_err();
    assert_eq!(error.rule(), "config.file");
}

#[test]
fn what_an_error_is_about_is_told_without_words() {
    let error = Config::from_toml("[listen]\nprot = 1").unwrap_err();
    assert_eq!(error.place(), "configuration:2: [listen]");
    assert_eq!(error.names()[..2], ["prot", "bind"]);
    let error = Config::from_toml("[listen]\nport = \"many\"").unwrap_err();
    assert_eq!(error.place(), "configuration:2: [listen], port");
    let error = Config::from_toml("retention_days = 1").unwrap_err();
    assert_eq!(error.place(), "configuration: retention_days");
    assert_eq!(error.names(), ["2"]);
}

#[test]
fn an_address_for_others_needs_an_account_with_others_behind_it() {
    let config = |kind: &str, url: &str| {
        format!(
            "[[account]]\nappid = \"wx1\"\nkind = \"{kind}\"\ntoken = \"tok\"\naes_key = \"{AES}\"\n\
             [[app]]\nname = \"open\"\nurl = \"http://127.0.0.1/\"\nmessage_url = \"{url}\"\ntoken = \"own\"\naccounts = [\"wx1\"]\n"
        )
    };
    let url = "http://127.0.0.1/$APPID$/callback";
    let read = Config::from_toml(&config("component", url)).unwrap();
    assert_eq!(read.apps[0].message_url.as_deref(), Some(url));
    let error = refused(&config("service", url));
    assert!(
        error.contains("[[app]] open, message_url") && error.contains("`url` only"),
        "{error}"
    );
    let error = refused(&config("component", "127.0.0.1/x"));
    assert!(error.contains("begins with http://"), "{error}");
}

#[test]
fn a_database_is_named_by_its_address_or_as_a_secret_and_not_shown() {
    let direct = Config::from_toml("store = \"postgres://u:CANARY@db/x\"\nnode = \"a\"").unwrap();
    assert!(matches!(&direct.store, StoreAt::Postgres(url) if url.expose().ends_with("@db/x")));
    assert!(!format!("{direct:?}").contains("CANARY"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("url");
    std::fs::write(&file, "postgresql://u:CANARY@db/y\n").unwrap();
    let named = format!("store = {{ file = {:?} }}", file.display().to_string());
    let named = Config::from_toml(&named).unwrap();
    assert!(matches!(&named.store, StoreAt::Postgres(url) if url.expose().ends_with("@db/y")));
    let unset = Config::from_toml("store = { env = \"XINQIAO_NO_SUCH_VARIABLE\" }").unwrap_err();
    assert!(
        unset.to_string().contains("XINQIAO_NO_SUCH_VARIABLE"),
        "{unset}"
    );
    let blank = Config::from_toml("node = \"a b\"").unwrap_err();
    assert!(blank.to_string().contains("node"), "{blank}");
}
