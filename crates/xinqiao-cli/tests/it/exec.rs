//! `exec` and `env` against a running `dev`.

use serde_json::Value;

use crate::process::{Running, command, folder, installed, run, stderr, stdout};

const TOKEN: &str = "https://api.weixin.qq.com/cgi-bin/token?grant_type=client_credential";

fn token_call(variables: &str) -> String {
    format!("{TOKEN}&appid={variables}")
}

#[track_caller]
fn has_a_token(output: &std::process::Output) {
    let answer = stdout(output);
    assert_eq!(output.status.code(), Some(0), "{answer} {}", stderr(output));
    assert!(
        answer.contains("access_token"),
        "{answer} {}",
        stderr(output)
    );
}

#[test]
fn curl_reaches_the_simulator_under_the_real_name() {
    if !installed("curl", &["--version"]) {
        return;
    }
    let folder = folder();
    let _dev = Running::start(folder.path(), &["dev", "--memory"]);
    let script = format!(
        "curl -sS --fail '{}'",
        token_call("'$XINQIAO_APPID'&secret='$XINQIAO_SECRET'")
    );
    has_a_token(&run(
        folder.path(),
        &["exec", "--offline", "--", "sh", "-c", &script],
    ));
}

#[test]
fn through_the_gateway_a_key_stands_where_the_secret_stood() {
    if !installed("curl", &["--version"]) {
        return;
    }
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    let script = format!(
        "echo $XINQIAO_SECRET; curl -sS --fail '{}'",
        token_call("'$XINQIAO_APPID'&secret='$XINQIAO_SECRET'")
    );
    let output = run(
        folder.path(),
        &["exec", "--via", "gateway", "--", "sh", "-c", &script],
    );
    has_a_token(&output);
    let secret = dev.text("/accounts/0/secret");
    assert!(
        !stdout(&output).contains(&secret),
        "the real secret was shown"
    );
    assert!(stdout(&output).starts_with("xqk_"), "{}", stdout(&output));
}

#[test]
fn python_reaches_the_simulator_with_its_own_library() {
    if !installed("python3", &["-c", "import ssl"]) {
        return;
    }
    let folder = folder();
    let _dev = Running::start(folder.path(), &["dev", "--memory"]);
    let script = format!(
        "import os, urllib.request as u; e = os.environ; \
         print(u.urlopen('{TOKEN}&appid=' + e['XINQIAO_APPID'] + '&secret=' + e['XINQIAO_SECRET']).read().decode())"
    );
    has_a_token(&run(
        folder.path(),
        &["exec", "--", "python3", "-c", &script],
    ));
}

#[test]
fn node_reaches_the_simulator_with_fetch_and_https() {
    if !installed("node", &["-e", "fetch"]) {
        return;
    }
    let folder = folder();
    let _dev = Running::start(folder.path(), &["dev", "--memory"]);
    let script = format!(
        "const e = process.env, url = `{TOKEN}&appid=${{e.XINQIAO_APPID}}&secret=${{e.XINQIAO_SECRET}}`;\
         (async () => {{ const a = await (await fetch(url)).json();\
         require('https').get(url, r => {{ let t = ''; r.on('data', d => t += d); r.on('end', () => {{\
         const b = JSON.parse(t); if (!a.access_token || !b.access_token) throw new Error(t); console.log(t) }}) }}) }})()"
    );
    has_a_token(&run(folder.path(), &["exec", "--", "node", "-e", &script]));
}

#[cfg(unix)]
#[test]
fn exit_codes_and_missing_programs_are_passed_on() {
    let folder = folder();
    let _dev = Running::start(folder.path(), &["sim", "--memory"]);
    for (script, code) in [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", 137)] {
        let output = run(folder.path(), &["exec", "--", "sh", "-c", script]);
        assert_eq!(
            output.status.code(),
            Some(code),
            "{script}: {}",
            stderr(&output)
        );
    }
    let missing = run(folder.path(), &["exec", "--", "no-such-program"]);
    assert_eq!(missing.status.code(), Some(127));
    assert!(
        stderr(&missing).contains("no-such-program"),
        "{}",
        stderr(&missing)
    );
}

#[cfg(unix)]
#[test]
fn a_signal_is_passed_on() {
    let folder = folder();
    let _dev = Running::start(folder.path(), &["sim", "--memory"]);
    let script = "trap 'exit 5' TERM; touch started; while :; do sleep 0.05; done";
    let mut child = command(folder.path(), &["exec", "--", "sh", "-c", script])
        .spawn()
        .expect("the binary starts");
    crate::process::wait_for("a started child", || {
        folder.path().join("started").exists().then_some(())
    });
    std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .expect("kill runs");
    assert_eq!(child.wait().expect("it ends").code(), Some(5));
}

#[test]
fn an_unknown_account_is_refused_with_the_known_ones() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    let output = run(
        folder.path(),
        &["exec", "--account", "nobody", "--", "true"],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains(&dev.text("/accounts/0/appid")),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_sim_has_no_gateway_to_go_through() {
    let folder = folder();
    let _dev = Running::start(folder.path(), &["sim", "--memory"]);
    let output = run(folder.path(), &["exec", "--via", "gateway", "--", "true"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("xinqiao dev"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn env_prints_the_same_addresses_as_settings() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    let endpoints: Value = dev.ready["endpoints"].clone();
    let api = endpoints["api.weixin.qq.com"].as_str().expect("an origin");
    let spring = stdout(&run(folder.path(), &["env", "--spring"]));
    assert!(
        spring.contains(&format!("wx.mp.hosts.api-host={api}")),
        "{spring}"
    );
    assert!(spring.contains("wx.mp.hosts.open-host="), "{spring}");
    let shell = stdout(&run(folder.path(), &["env"]));
    assert!(
        shell.contains(&format!("export XINQIAO_HOST_API_WEIXIN_QQ_COM={api}")),
        "{shell}"
    );
    let gateway = stdout(&run(folder.path(), &["env", "--via", "gateway"]));
    assert_ne!(shell, gateway);
    let docker = stdout(&run(folder.path(), &["env", "--docker"]));
    assert!(docker.contains("host.docker.internal"), "{docker}");
}

#[test]
fn an_endpoint_is_called_by_its_id() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    let openid = dev.ready["users"][0]["openids"]
        .as_object()
        .and_then(|all| all.get(&dev.text("/accounts/0/appid")))
        .and_then(Value::as_str)
        .expect("a follower")
        .to_owned();
    let parameters = format!("{{\"openid\": \"{openid}\"}}");
    let output = run(
        folder.path(),
        &["api", "call", "official_account.user.info", &parameters],
    );
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let user: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(user["openid"], openid.as_str());
}

#[test]
fn programs_for_wecom_find_their_variables_and_get_a_token() {
    if !installed("curl", &["--version"]) {
        return;
    }
    let folder = folder();
    let _dev = Running::start(folder.path(), &["dev", "--memory"]);
    let script = "echo user $XINQIAO_USERID agent $XINQIAO_AGENTID; curl -sS --fail \
        \"https://qyapi.weixin.qq.com/cgi-bin/gettoken?corpid=$XINQIAO_CORPID&corpsecret=$XINQIAO_CORPSECRET\"";
    for via in ["direct", "gateway"] {
        let arguments = ["exec", "--via", via, "--", "sh", "-c", script];
        let output = run(folder.path(), &arguments);
        has_a_token(&output);
        let said = stdout(&output);
        assert!(said.contains("agent 1000002"), "{said}");
        assert!(!said.contains("user agent"), "a member is named: {said}");
    }
}

#[test]
fn settings_to_paste_hold_a_key_where_calls_go_through_the_gateway() {
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    let secret = dev.text("/accounts/0/secret");
    for form in [
        "--shell", "--spring", "--dotenv", "--docker", "--python", "--node", "--go", "--rust",
        "--json",
    ] {
        let direct = stdout(&run(folder.path(), &["env", form]));
        assert!(direct.contains(&secret), "{form}: {direct}");
        let keyed = stdout(&run(folder.path(), &["env", form, "--via", "gateway"]));
        assert!(
            !keyed.contains(&secret) && keyed.contains("xqk_"),
            "{form}: {keyed}"
        );
    }
    let json = stdout(&run(folder.path(), &["env", "--json"]));
    let json: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["variables"]["XINQIAO_SECRET"], secret.as_str());
    assert_eq!(json["endpoints"], dev.ready["endpoints"]);
}

#[test]
fn what_the_proxy_answers_itself_is_in_the_readers_language() {
    if !installed("curl", &["--version"]) {
        return;
    }
    let folder = folder();
    let dev = Running::start(folder.path(), &["dev", "--memory"]);
    let pid = dev.child.id();
    // The simulator goes while the program runs; and an address at which nobody is.
    let script = format!(
        "kill -9 {pid}; sleep 0.3; curl -s https://api.weixin.qq.com/; curl -s --noproxy '' -x $http_proxy http://127.0.0.1:1/"
    );
    let arguments = ["--lang", "zh", "exec", "--", "sh", "-c", &script];
    let said = stdout(&run(folder.path(), &arguments));
    assert!(said.contains("没有应答（连接被拒绝）"), "{said}");
    assert!(said.contains("连不上 127.0.0.1：连接被拒绝"), "{said}");
}
