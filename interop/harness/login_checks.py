"""Web login in Chromium: an app on released wechatpy, a link opened on the phone, and the platform's real host names."""

import html
import json
import os
import pathlib
import shutil
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .bots import Api
from .bot_checks import ok
from .exec_checks import execute
from .report import equal, expect
from .toolchains import BOTS
from .xinqiao import Control, Process

WEB = pathlib.Path(__file__).resolve().parents[2] / "web"


class App(ThreadingHTTPServer):
    """Sends whoever comes to the platform, and greets them by the name that the SDK learns."""

    def __init__(self, api):
        super().__init__(("127.0.0.1", 0), Page)
        self.api, self.lock = api, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def origin(self):
        return f"http://127.0.0.1:{self.server_port}"


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        app, address = self.server, urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(address.query))
        with app.lock:
            if address.path == "/login":
                back = f"{app.origin}/back"
                link = ok(app.api.step("oauth_url", redirect_uri=back, scope="snsapi_userinfo"))
                return self.answer(302, "", location=link)
            if address.path == "/back" and "code" in query:
                who = ok(app.api.step("oauth_login", code=query["code"]))
                return self.answer(200, f"<p id=who>{html.escape(who['nickname'])}</p>")
        return self.answer(404, "")

    def answer(self, status, text, **headers):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", "text/html; charset=utf-8")
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def run(report, commands, names):
    if "wechatpy" not in names or "wechatpy" not in commands:
        return
    chromium = os.environ.get("CHROMIUM", "/usr/bin/chromium")
    missing = [what for what, there in (
        ("node", shutil.which("node")),
        ("Chromium", pathlib.Path(chromium).exists()),
        ("playwright-core", (WEB / "node_modules/playwright-core").is_dir()),
    ) if not there]
    name = "wechatpy in Chromium, exec: a link on the phone, consent, and the app knows the person"
    if missing:
        report.skip(name, "no " + ", no ".join(missing))
        return
    with Process("dev", "--memory", "--port", "0") as dev:
        control, origin = Control(dev.ready["control"]), dev.ready["endpoints"]["api.weixin.qq.com"]
        account = control.account(name="桥头书店", oauth_domain="127.0.0.1")
        user = control.user(nickname="小林 <b>", follow=[])
        with report.check(name), Api(commands["wechatpy"], account, origin) as api:
            app = App(api)
            ticket = control.act(user, "browse", account, url=f"{app.origin}/login")["open"]
            shot = pathlib.Path(dev.folder) / "consent.png"
            script = str(BOTS / "browser/login.mjs")
            out = execute(dev, ["node", script, ticket, str(WEB / "package.json"), str(shot)])
            said = json.loads(out.strip().splitlines()[-1])
            equal(said["says"], "小林 <b>", "what the app's page says")
            expect("code=" in said["address"], said)
            expect(shot.stat().st_size > 1000, "a page was drawn")
            if folder := os.environ.get("INTEROP_SHOTS"):
                shutil.copy(shot, folder)
