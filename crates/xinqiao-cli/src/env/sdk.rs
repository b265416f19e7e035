//! Settings in the form that an SDK takes, for the SDKs of which `docs/gateway-sdk.md` says how they were tried.

use std::collections::BTreeMap;

use xinqiao_client::Environment;

use crate::exec::environment::WXJAVA_HOSTS;
use crate::lang::Lang;
use crate::project::Account;

/// The host whose origin most SDKs call their base URL.
const API_HOST: &str = "api.weixin.qq.com";

/// An account's appid, secret, Token and AES key under these names; nothing without an account.
fn settings(account: Option<&Account>, names: [&str; 4]) -> Vec<String> {
    let Some(account) = account else {
        return Vec::new();
    };
    let values = [
        &*account.appid,
        &*account.secret,
        &*account.token,
        &*account.aes_key,
    ];
    let all = names.iter().zip(values);
    all.map(|(name, value)| [*name, value].join("=")).collect()
}

/// All three hosts: with the first alone, OAuth and QR-code addresses go to the real platform.
pub(super) fn spring(
    account: Option<&Account>,
    endpoints: &BTreeMap<String, String>,
) -> Vec<String> {
    let names = [
        "wx.mp.app-id",
        "wx.mp.secret",
        "wx.mp.token",
        "wx.mp.aes-key",
    ];
    let mut lines = settings(account, names);
    for (property, (_, host)) in ["api-host", "open-host", "mp-host"]
        .iter()
        .zip(WXJAVA_HOSTS)
    {
        if let Some(origin) = endpoints.get(host) {
            lines.push(format!("wx.mp.hosts.{property}={origin}"));
        }
    }
    lines
}

/// EasyWeChat's own variables, and what it does not read from variables.
pub(super) fn dotenv(
    account: Option<&Account>,
    endpoints: &BTreeMap<String, String>,
    lang: Lang,
) -> Vec<String> {
    let names = [
        "WECHAT_OFFICIAL_ACCOUNT_APPID",
        "WECHAT_OFFICIAL_ACCOUNT_SECRET",
        "WECHAT_OFFICIAL_ACCOUNT_TOKEN",
        "WECHAT_OFFICIAL_ACCOUNT_AES_KEY",
    ];
    let mut lines = settings(account, names);
    if let Some(origin) = endpoints.get(API_HOST) {
        lines.push(format!("WECHAT_BASE_URI={origin}/"));
    }
    lines.push(
        lang.pick(
            "# EasyWeChat 6 不读 WECHAT_BASE_URI，需要在账号配置里写：",
            "# EasyWeChat 6 does not read WECHAT_BASE_URI; the account's configuration needs:",
        )
        .to_owned(),
    );
    lines.push("#   'http' => ['base_uri' => env('WECHAT_BASE_URI')],".to_owned());
    lines.push("#   'use_stable_access_token' => false,".to_owned());
    lines.push(
        lang.pick(
            "# 网页授权地址写死在 overtrue/socialite 里：请改用 xinqiao exec",
            "# web login addresses are fixed in overtrue/socialite: use `xinqiao exec` for those",
        )
        .to_owned(),
    );
    lines
}

/// An account with the origin of its calls; code needs both.
fn parts<'a>(
    account: Option<&'a Account>,
    endpoints: &'a BTreeMap<String, String>,
) -> [&'a str; 3] {
    let (appid, secret) = account.map_or(("", ""), |account| (&*account.appid, &*account.secret));
    let origin = endpoints.get(API_HOST).map_or("", String::as_str);
    [appid, secret, origin]
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

/// wechatpy: one `requests` session makes all calls; `API_BASE_URL` leaves out some.
pub(super) fn python(
    account: Option<&Account>,
    endpoints: &BTreeMap<String, String>,
    lang: Lang,
) -> Vec<String> {
    let [appid, secret, origin] = parts(account, endpoints);
    let note = lang.pick(
        "网页授权在浏览器里走 open.weixin.qq.com：用 xinqiao exec，或在手机里打开",
        "web login goes to open.weixin.qq.com in the browser: use `xinqiao exec`, or open it in the phone",
    );
    lines(&format!(
        r#"# {note}
from requests.adapters import HTTPAdapter
from wechatpy import WeChatClient


class Xinqiao(HTTPAdapter):
    def send(self, request, **options):
        request.headers["Host"] = "{API_HOST}"
        request.url = request.url.replace("https://{API_HOST}", "{origin}", 1)
        return super().send(request, **options)


client = WeChatClient("{appid}", "{secret}")
client._http.mount("https://{API_HOST}/", Xinqiao())"#
    ))
}

/// co-wechat-api: its prefixes leave some modules out, the method that all use does not.
pub(super) fn node(
    account: Option<&Account>,
    endpoints: &BTreeMap<String, String>,
    lang: Lang,
) -> Vec<String> {
    let [appid, secret, origin] = parts(account, endpoints);
    let note = lang.pick(
        "不改代码：xinqiao exec -- node app.js",
        "without a change of code: xinqiao exec -- node app.js",
    );
    lines(&format!(
        r"// {note}
class Xinqiao extends require('co-wechat-api') {{
  request(url, options, retry) {{
    return super.request(url.replace('https://{API_HOST}', '{origin}'), options, retry);
  }}
}}
const api = new Xinqiao('{appid}', '{secret}');"
    ))
}

/// silenceper/wechat: one client makes all calls, a modifier of addresses does not see all.
pub(super) fn go(
    account: Option<&Account>,
    endpoints: &BTreeMap<String, String>,
    lang: Lang,
) -> Vec<String> {
    let [appid, secret, origin] = parts(account, endpoints);
    let authority = origin.trim_start_matches("http://");
    let token = account.map_or("", |account| &account.token);
    let aes_key = account.map_or("", |account| &account.aes_key);
    let note = lang.pick(
        "不改代码：xinqiao exec -- go run .",
        "without a change of code: xinqiao exec -- go run .",
    );
    lines(&format!(
        r#"// {note}
type xinqiao struct{{}}

func (xinqiao) RoundTrip(request *http.Request) (*http.Response, error) {{
	if request.URL.Host == "{API_HOST}" {{
		request = request.Clone(request.Context())
		request.Host = request.URL.Host
		request.URL.Scheme, request.URL.Host = "http", "{authority}"
	}}
	return http.DefaultTransport.RoundTrip(request)
}}

func init() {{
	util.DefaultHTTPClient = &http.Client{{Transport: xinqiao{{}}}}
}}

var settings = &offConfig.Config{{
	AppID: "{appid}", AppSecret: "{secret}",
	Token: "{token}", EncodingAESKey: "{aes_key}",
}}"#
    ))
}

/// What `Client::from_env` and `Environment` read.
pub(super) fn rust(account: Option<&Account>, endpoints: &BTreeMap<String, String>) -> Vec<String> {
    let names = [
        "WECHAT_APPID",
        "WECHAT_SECRET",
        "WECHAT_TOKEN",
        "WECHAT_AES_KEY",
    ];
    let mut lines = settings(account, names);
    for (host, origin) in endpoints {
        lines.push(format!("{}={origin}", Environment::host_variable(host)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoints() -> BTreeMap<String, String> {
        ["api", "open", "mp"]
            .iter()
            .enumerate()
            .map(|(i, name)| {
                (
                    format!("{name}.weixin.qq.com"),
                    format!("http://127.0.0.1:{}", 8601 + i),
                )
            })
            .collect()
    }

    #[test]
    fn spring_gets_all_three_hosts() {
        let lines = spring(None, &endpoints());
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert_eq!(lines[1], "wx.mp.hosts.open-host=http://127.0.0.1:8602");
    }

    #[test]
    fn code_names_the_account_and_the_address_that_stands_for_the_host() {
        let account: Account = serde_json::from_value(serde_json::json!({
            "appid": "wx01", "secret": "xqk_1", "token": "t", "aes_key": "k",
        }))
        .expect("an account");
        let account = Some(&account);
        for code in [
            python(account, &endpoints(), Lang::En),
            node(account, &endpoints(), Lang::Zh),
            go(account, &endpoints(), Lang::En),
            rust(account, &endpoints()),
        ] {
            let text = code.join("\n");
            for part in ["wx01", "xqk_1", "127.0.0.1:8601"] {
                assert!(text.contains(part), "{part}: {text}");
            }
        }
    }
}
