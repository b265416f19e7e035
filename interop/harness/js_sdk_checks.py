"""Pages in Chromium: the JS-SDK's released script in a page opened on the phone, and a website's code to scan."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from . import toolchains, web
from .report import equal, expect
from .toolchains import BOTS
from .xinqiao import Control, Process

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"

# Our script, then the platform's: a bundler's module without a bundler.
PAGE = """<!doctype html><meta charset="utf-8"><title>JS-SDK</title>
<script src="{bridge}"></script>
<script>const module = {{}};</script>
<script src="/sdk.js"></script>
<script>
const wx = module.exports;
const names = ["checkJsApi", "getNetworkType", "updateAppMessageShareData", "getLocation", "scanQRCode", "chooseWXPay", "startRecord"];
const show = (id, text) => {{
  const line = document.createElement("p");
  line.id = id;
  line.textContent = text;
  document.body.append(line);
}};
const call = (name, fields) => new Promise((done) => wx[name]({{ ...fields, complete: done }}));
wx.config({{ ...{config}, jsApiList: [...names] }});
wx.error((error) => show("error", error.errMsg));
wx.ready(async () => {{
  const said = {{ check: await call("checkJsApi", {{ jsApiList: ["getLocation", "startRecord"] }}) }};
  said.network = await call("getNetworkType", {{}});
  said.share = await call("updateAppMessageShareData", {{ title: "桥", desc: "d", link: location.href, imgUrl: "" }});
  said.place = await call("getLocation", {{ type: "gcj02" }});
  said.scan = await call("scanQRCode", {{ needResult: 1 }});
  said.unlisted = await call("openLocation", {{ latitude: 1, longitude: 2 }});
  said.record = await call("startRecord", {{}});
  said.pay = await call("chooseWXPay", {pay});
  show("said", JSON.stringify(said));
}});
</script>
"""


class App(ThreadingHTTPServer):
    """Signs its own pages: `/right` as it should, `/wrong` with the fragment that a page sent along."""

    def __init__(self, api, pages, account, sdk, pay):
        super().__init__(("127.0.0.1", 0), Page)
        self.api, self.pages, self.account, self.sdk, self.pay = api, pages, account, sdk, pay
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server_port}"

    def ticket(self):
        account = self.account
        query = {"grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"]}
        token = self.fetch("/cgi-bin/token", query)["access_token"]
        return self.fetch("/cgi-bin/ticket/getticket", {"access_token": token, "type": "jsapi"})["ticket"]

    def fetch(self, path, query):
        return web.request("GET", f"{self.api}{path}?{urllib.parse.urlencode(query)}").json()

    def config(self, url):
        text = f"jsapi_ticket={self.ticket()}&noncestr=n&timestamp=1414587457&url={url}"
        signature = hashlib.sha1(text.encode()).hexdigest()
        return {
            "appId": self.account["appid"],
            "timestamp": 1414587457,
            "nonceStr": "n",
            "signature": signature,
        }


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        app = self.server
        if self.path == "/sdk.js":
            return self.answer("text/javascript", app.sdk)
        url = app.origin + self.path + ("#/home" if self.path.startswith("/wrong") else "")
        page = PAGE.format(
            bridge=f"{app.pages}/xinqiao/bridge.js",
            config=json.dumps(app.config(url)),
            pay=json.dumps(app.pay),
        )
        return self.answer("text/html; charset=utf-8", page.encode())

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def signed(fields, key):
    """`fields` with the signature of the second generation's payments."""
    text = "&".join(f"{name}={fields[name]}" for name in sorted(fields)) + f"&key={key}"
    return hashlib.md5(text.encode()).hexdigest().upper()


def ordered(control, origin, account, user):
    """What a page hands to chooseWXPay, for an order of this account's merchant."""
    merchant = control.call("POST", "/merchants", {"appids": [account["appid"]]})
    key = merchant["api_v2_key"]
    order = {
        "appid": account["appid"],
        "mch_id": merchant["mchid"],
        "nonce_str": "n",
        "body": "book",
        "out_trade_no": "T2026120100001",
        "total_fee": "1",
        "spbill_create_ip": "127.0.0.1",
        "notify_url": "http://127.0.0.1:9/",
        "trade_type": "JSAPI",
        "openid": user["openids"][account["appid"]],
    }
    fields = {**order, "sign": signed(order, key)}
    xml = "<xml>" + "".join(f"<{name}>{value}</{name}>" for name, value in fields.items()) + "</xml>"
    answer = web.request("POST", f"{origin}/pay/unifiedorder", body=xml.encode()).text
    found = re.search(r"<prepay_id>(?:<!\[CDATA\[)?(wx\w+)", answer)
    expect(found, answer)
    handed = {
        "appId": account["appid"],
        "timeStamp": "1414587457",
        "nonceStr": "n",
        "package": f"prepay_id={found[1]}",
        "signType": "MD5",
    }
    return {
        "timestamp": 1414587457,
        "nonceStr": "n",
        "package": handed["package"],
        "signType": "MD5",
        "paySign": signed(handed, key),
    }


def run(report):
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    name = "weixin-js-sdk in Chromium: wx.config and what a page does in the phone"
    try:
        sdk = toolchains.browser()
    except toolchains.Missing as missing:
        report.skip(name, str(missing))
        return
    missing = [
        what
        for what, there in (
            ("Chromium", pathlib.Path(chromium).exists()),
            ("playwright-core", (WEB / "node_modules/playwright-core").is_dir()),
        )
        if not there
    ]
    if missing:
        report.skip(name, "no " + ", no ".join(missing))
        return
    with Process("sim", "--memory", "--port", "0") as sim, report.section("js-sdk"):
        control, endpoints = Control(sim.ready["control"]), sim.ready["endpoints"]
        account = control.account(name="桥头书店", js_domain="127.0.0.1")
        user = control.user(nickname="小林", follow=[account])
        pay = ordered(control, endpoints["api.mch.weixin.qq.com"], account, user)
        pages = endpoints["open.weixin.qq.com"]
        app = App(endpoints["api.weixin.qq.com"], pages, account, sdk.read_bytes(), pay)

        def looked(path):
            ticket = control.act(user, "browse", account, url=f"{app.origin}{path}")["open"]
            command = ["node", str(BOTS / "browser/js_sdk.mjs"), ticket, str(WEB / "package.json")]
            clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
            done = subprocess.run(command, env=clean, capture_output=True, text=True, timeout=60)
            expect(done.returncode == 0, done.stderr[-900:])
            return json.loads(done.stdout.strip().splitlines()[-1])

        with report.check(name):
            page = looked("/right?a=1#/home")
            equal(page["error"], None, "what wx.error says")
            said = page["said"]
            equal(said["check"]["checkResult"], {"getLocation": True, "startRecord": False}, "checkJsApi")
            equal(said["network"]["networkType"], "wifi", "networkType")
            equal(said["share"]["errMsg"], "updateAppMessageShareData:ok", "share")
            equal(said["place"]["latitude"], 30.5, "latitude")
            equal(said["scan"]["resultStr"], "https://shop.example/1", "resultStr")
            equal(said["unlisted"]["errMsg"], "openLocation:permission denied", "not listed")
            equal(said["record"]["errMsg"], "startRecord:function not exist", "not built")
            equal(said["pay"]["errMsg"], "chooseWXPay:ok", "pay")
        with report.check("weixin-js-sdk in Chromium: a page signed with its fragment is told so"):
            page = looked("/wrong?a=1#/home")
            equal(page["error"], "config:invalid signature", "what wx.error says")
            rules = [(row.get("diagnosis") or {}).get("rule") for row in control.timeline()]
            expect("jssdk.url_mismatch" in rules, rules)
        with report.check("a website's login page in Chromium: a phone scans its code, and the browser goes on"):
            website(control, user, endpoints["open.weixin.qq.com"], app.origin)


def website(control, user, pages, back):
    site = control.account(kind="website", name="书店", oauth_domain="127.0.0.1")
    query = {
        "appid": site["appid"],
        "redirect_uri": f"{back}/right",
        "response_type": "code",
        "scope": "snsapi_login",
        "state": "s1",
    }
    link = f"{pages}/connect/qrconnect?{urllib.parse.urlencode(query)}"
    command = ["node", str(BOTS / "browser/website.mjs"), link, str(WEB / "package.json")]
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    with subprocess.Popen(command, env=clean, stdout=subprocess.PIPE, text=True) as browser:
        says = browser.stdout.readline().strip()
        control.act(user, "scan", site, ticket=says)
        control.act(user, "scan", site, ticket=says, consent=True)
        address = browser.stdout.readline().strip()
        equal(browser.wait(timeout=30), 0, "how the browser ends")
    expect(address.startswith(f"{back}/right?code=") and address.endswith("&state=s1"), address)
