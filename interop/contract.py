#!/usr/bin/env python3
"""The raw contract, with nothing but Python's standard library: retries, tokens, clock, export, refusals, bad input.

    python3 interop/contract.py [--only TEXT]      one part, by a word of its function's name

Run by interop/run as well. The envelope code is the harness's own, so it cannot agree with Xinqiao by accident.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from harness import envelope, web, xinqiao
from harness.bot_checks import MENU, NOTICE, connected, follower, png, seeded_service
from harness.report import Report, equal, expect
from harness.xinqiao import Control, Process

API = "api.weixin.qq.com"


class Bot(web.App):
    """An app of one account that verifies what arrives and answers with `behave(push xml, n)` → text, raw tuple or None."""

    def __init__(self, behave, port=0):
        self.account, self.behave, self.problems = None, behave, []
        super().__init__(self._handle, port)

    def _handle(self, push, number):
        account = self.account
        if account is None:
            return 503, "no account yet"
        if push.method == "GET":
            good = push.query.get("signature") == envelope.signature(account["token"], push.query["timestamp"], push.query["nonce"])
            return (200, push.query["echostr"], "text/plain") if good else (403, "bad signature")
        try:
            push.plain = envelope.open_push(account["token"], account["aes_key"], account["appid"], push.query, push.body)
        except ValueError as error:
            self.problems.append(str(error))
            return 403, str(error)
        if envelope.element(push.plain, "MsgType") == "event" and envelope.element(push.plain, "Event") in ("subscribe", "unsubscribe"):
            return 200, "success"
        said = self.behave(push, number)
        if said is None:
            return 200, "success"
        if isinstance(said, tuple):
            return said
        xml = envelope.text_reply(push.plain, said)
        if push.query.get("encrypt_type") == "aes":
            xml = envelope.seal_reply(account["token"], account["aes_key"], account["appid"], xml)
        return 200, xml

    def messages(self):
        """The pushes that are no follow or unfollow."""
        return [p for p in self.pushes if p.plain and envelope.element(p.plain, "Event") not in ("subscribe", "unsubscribe")]


def shop(control, bot, mode="safe", **fields):
    """An account whose callback is the bot, and a user who follows it."""
    account = control.account(**fields)
    bot.account = account
    equal(control.callback(account, bot.url, mode), {"verified": True}, "handshake")
    return account, control.user(follow=[account])


def token_of(api, account, **change):
    query = {"grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"], **change}
    text = "&".join(f"{k}={v}" for k, v in query.items() if v is not None)
    return web.request("GET", f"{api}/cgi-bin/token?{text}").json()


def stable_of(api, account, **more):
    return web.request("POST", f"{api}/cgi-bin/stable_token", json={
        "grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"], **more}).json()


def ips(api, token):
    """A call that needs nothing but a good token: its errcode, 0 where it worked."""
    return web.request("GET", f"{api}/cgi-bin/get_api_domain_ip?access_token={token}").json().get("errcode", 0)


# --- straight ---------------------------------------------------------------------------------------------------------

def attempts(report, control, api):
    """Five seconds, three times, one MsgId. The slow ones run side by side."""
    def sleeper():
        with report.check("straight: a 6 s sleeper gets exactly three deliveries with one MsgId, then the notice"):
            with Bot(lambda push, n: time.sleep(6) or "zu spät") as bot:
                account, user = shop(control, bot)
                started = time.monotonic()
                answer = control.say(user, account, "慢")
                took = time.monotonic() - started
                time.sleep(2.5)
                got = bot.messages()
                equal(len(got), 3, "deliveries")
                equal(len({envelope.element(p.plain, "MsgId") for p in got}), 1, "different MsgIds")
                equal(len({envelope.element(p.plain, "CreateTime") for p in got}), 1, "different CreateTimes")
                gaps = [b.at - a.at for a, b in zip(got, got[1:])]
                expect(all(4.8 < gap < 5.6 for gap in gaps), f"gaps {gaps}")
                expect(14.5 < took < 17, f"the act took {took:.1f} s")
                equal(len(answer["deliveries"][0]["attempts"]), 3, "attempts told")
                equal([(i["via"], i["content"]) for i in control.inbox(user, account)], [("system", NOTICE)], "inbox")

    def second():
        with report.check("straight: an answer on the second try is shown once"):
            first = []

            def behave(push, n):
                if not first:
                    first.append(push)
                    time.sleep(6)
                return "第二次"

            with Bot(behave) as bot:
                account, user = shop(control, bot)
                control.say(user, account, "慢一点")
                time.sleep(2)
                equal(len(bot.messages()), 2, "deliveries")
                equal([(i["via"], i["content"]) for i in control.inbox(user, account)], [("reply", "第二次")], "inbox")

    def refusing():
        with report.check("straight: HTTP 500 is retried, 3 deliveries, then the notice"):
            with Bot(lambda push, n: (500, "oops")) as bot:
                account, user = shop(control, bot)
                control.say(user, account, "坏")
                equal(len(bot.messages()), 3, "deliveries")
                equal([i["via"] for i in control.inbox(user, account)], ["system"], "inbox")

    def gone():
        with report.check("straight: an app that is gone: three attempts, then the notice, and the reason is told"):
            bot = Bot(lambda push, n: None)
            account, user = shop(control, bot)
            bot.close()
            answer = control.say(user, account, "在吗")
            tries = answer["deliveries"][0]["attempts"]
            equal(len(tries), 3, "attempts")
            expect(all(t.get("error") for t in tries), tries)
            equal([i["via"] for i in control.inbox(user, account)], ["system"], "inbox")

    with ThreadPoolExecutor(4) as pool:
        for job in [pool.submit(f) for f in (sleeper, second, refusing, gone)]:
            job.result()


ILLEGAL = {
    "JSON": '{"errcode": 0}',
    "HTML": "<html><body>ok</body></html>",
    "stray text": "ok",
    "leading space before XML": None,
    "empty Content": None,
    "wrong ToUserName": None,
    "DOCTYPE": None,
}


def answers(report, control, api):
    """What counts as silence and what as an illegal answer."""
    for mode in ("plain", "compat", "safe"):
        with report.check(f"straight: {mode} mode: handshake, message, reply, silence"):
            with Bot(lambda push, n: None if "静" in push.plain else "好 " + envelope.element(push.plain, "Content")) as bot:
                account, user = shop(control, bot, mode)
                control.say(user, account, "你好")
                control.say(user, account, "静")
                equal(bot.problems, [], "problems")
                equal([i["content"] for i in control.inbox(user, account)], ["好 你好"], "inbox")
                body, query = bot.messages()[-1].body, bot.messages()[-1].query
                openid = user["openids"][account["appid"]]
                equal(query.get("openid"), openid, "openid of the query")
                expect(abs(int(query["timestamp"]) - time.time()) < 5, "the timestamp is not real time")
                equal("Encrypt" in body, mode != "plain", "has Encrypt")
                equal("<Content>" in body, mode != "safe", "has Content")
                equal("encrypt_type" in query, mode != "plain", "has encrypt_type")
                xml = bot.messages()[0].plain
                equal(envelope.element(xml, "ToUserName"), account["original_id"], "ToUserName")
                equal(envelope.element(xml, "FromUserName"), openid, "FromUserName")
    with report.check("straight: an empty body is silence too"):
        with Bot(lambda push, n: (200, "")) as bot:
            account, user = shop(control, bot)
            equal(len(control.say(user, account, "?")["deliveries"][0]["attempts"]), 1, "attempts")
            equal(control.inbox(user, account), [], "inbox")
    for what in ILLEGAL:
        def illegal(push, n, what=what):
            good = envelope.text_reply(push.plain, "x")
            return 200, {
                "leading space before XML": " " + good,
                "empty Content": envelope.text_reply(push.plain, ""),
                "wrong ToUserName": good.replace(envelope.element(push.plain, "FromUserName"), "o" + "z" * 27),
                "DOCTYPE": '<!DOCTYPE x [<!ENTITY a "b">]>' + good,
            }.get(what, ILLEGAL[what])

        with report.check(f"straight: illegal answer ({what}): the notice, and the timeline says why"):
            with Bot(illegal) as bot:
                account, user = shop(control, bot, "plain")
                control.say(user, account, "?")
                equal([(i["via"], i["content"]) for i in control.inbox(user, account)], [("system", NOTICE)], "inbox")
                rows = [r for r in control.call("GET", f"/timeline?account={account['appid']}")["items"] if r.get("diagnosis")]
                expect(rows, "no row of the timeline carries a diagnosis")
                found = rows[-1]["diagnosis"]
                expect(found["rule"] and found["cause"]["zh"] and found["remedy"]["en"], found)
    with report.check("straight: a reply sealed with another key is refused and named"):
        def wrong(push, n):
            key = "A" * 42 + "E"
            return 200, envelope.seal_reply(account["token"], key, account["appid"], envelope.text_reply(push.plain, "x"))

        with Bot(wrong) as bot:
            account, user = shop(control, bot)
            control.say(user, account, "?")
            equal([i["via"] for i in control.inbox(user, account)], ["system"], "inbox")


def tokens(report, control, api):
    """Tokens to the letter."""
    account = control.account()
    with report.check("tokens: the wrong pieces have their own codes"):
        for change, code in (({"grant_type": "x"}, 40002), ({"appid": "wx0000000000000000"}, 40013), ({"secret": "0" * 32}, 40125),
                             ({"appid": None}, 41002), ({"secret": None}, 41004)):
            equal(token_of(api, account, **change).get("errcode"), code, f"errcode of {change}")
        equal(web.request("GET", f"{api}/cgi-bin/get_api_domain_ip").json().get("errcode"), 41001, "without a token")
        equal(ips(api, "nonsense"), 40014, "an odd token")
    with report.check("tokens: an error carries a rid and the platform's form"):
        got = web.request("GET", f"{api}/cgi-bin/token?grant_type=client_credential&appid=wx0000000000000000&secret=x")
        equal(got.status, 200, "status")
        expect(re.search(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$", got.json()["errmsg"]), got.text)
    with report.check("tokens: a success of a read call has no errcode, of a write call exactly 0 and ok"):
        token = token_of(api, account)
        equal(sorted(token), ["access_token", "expires_in"], "keys")
        equal(token["expires_in"], 7200, "expires_in")
        expect(len(token["access_token"]) <= 512, "token too long")
        done = web.request("POST", f"{api}/cgi-bin/menu/create?access_token={token['access_token']}", json=MENU)
        equal(done.json(), {"errcode": 0, "errmsg": "ok"}, "answer")
        expect((done.header("content-type") or "").startswith(("application/json", "text/plain")), done.header("content-type"))
    with report.check("tokens: a second call leaves the first alive for five minutes, then kills it"):
        first, second = token_of(api, account)["access_token"], token_of(api, account)["access_token"]
        expect(first != second, "the same token")
        equal((ips(api, first), ips(api, second)), (0, 0), "both at once")
        control.clock(advance=290)
        equal(ips(api, first), 0, "after 290 s")
        control.clock(advance=20)
        equal((ips(api, first), ips(api, second)), (40001, 0), "after 310 s")
    with report.check("tokens: stable_token is not affected by token, nor it by stable_token"):
        stable = stable_of(api, account)["access_token"]
        plain = token_of(api, account)["access_token"]
        token_of(api, account), token_of(api, account)
        equal(stable_of(api, account)["access_token"], stable, "repeated")
        control.clock(advance=310)
        equal(ips(api, stable), 0, "the stable one after two token calls and 310 s")
        equal(ips(api, plain), 40001, "the plain one")
    with report.check("tokens: force_refresh kills at once, and not twice within 30 s"):
        control.clock(advance=60)
        old = stable_of(api, account)["access_token"]
        new = stable_of(api, account, force_refresh=True)["access_token"]
        expect(old != new, "not refreshed")
        expect(ips(api, old) in (40001, 42001), "the old one lives")
        equal(stable_of(api, account, force_refresh=True)["access_token"], new, "within 30 s")
    with report.check("clock: +7,201 s → 42001; a stable token's expires_in never falls below 300"):
        fresh = token_of(api, account)["access_token"]
        stable = stable_of(api, account)
        before = control.call("GET", "/clock")["now"]
        now = control.clock(advance=7201)["now"]
        expect(7201 <= now - before <= 7203, f"moved {now - before}")
        equal((ips(api, fresh), ips(api, stable["access_token"])), (42001, 42001), "errcodes")
        for step in (7000, 500):
            control.clock(advance=step)
            expect(stable_of(api, account)["expires_in"] >= 300, "expires_in below 300")
    with report.check("tokens: another account's token is not good here"):
        other = control.account()
        user = control.user(follow=[account])
        token = token_of(api, other)["access_token"]
        got = web.request("GET", f"{api}/cgi-bin/user/info?access_token={token}&openid={user['openids'][account['appid']]}").json()
        equal(got.get("errcode"), 40003, "errcode")


def calls(report, control, api):
    """Front door and interaction window."""
    with Bot(lambda push, n: None) as bot:
        account, user = shop(control, bot)
        openid, token = user["openids"][account["appid"]], token_of(api, account)["access_token"]

        def send(content="嗨", to=openid, with_token=None):
            return web.request("POST", f"{api}/cgi-bin/message/custom/send?access_token={with_token or token}", json={
                "touser": to, "msgtype": "text", "text": {"content": content}}).json()

        with report.check("calls: the interaction window opens by an act and closes after 48 h with 45015"):
            control.say(user, account, "在")
            equal(send(), {"errcode": 0, "errmsg": "ok"}, "inside")
            control.clock(advance=48 * 3600 + 60)
            equal(send(with_token=token_of(api, account)["access_token"])["errcode"], 45015, "outside")
        with report.check("calls: five messages after one act (20 per message of the user), then 45047"):
            token = token_of(api, account)["access_token"]
            control.say(user, account, "再来")
            codes = []
            while len(codes) < 40 and (not codes or codes[-1] == 0):
                codes.append(send()["errcode"])
            equal(codes[-1], 45047, f"errcode after {len(codes) - 1} messages")
            control.say(user, account, "又来")
            equal(send()["errcode"], 0, "after a new act")
        with report.check("calls: a user who left cannot be reached"):
            control.act(user, "unfollow", account)
            expect(send()["errcode"] in (43004, 45015), "reached")
            control.act(user, "follow", account)
        with report.check("calls: user info has the fields that typed clients require, in their types"):
            info = web.request("GET", f"{api}/cgi-bin/user/info?access_token={token}&openid={openid}&lang=zh_CN").json()
            for key, kind in (("nickname", str), ("headimgurl", str), ("groupid", int), ("tagid_list", list), ("subscribe_scene", str),
                              ("subscribe_time", int), ("qr_scene", int), ("qr_scene_str", str), ("remark", str), ("subscribe", int)):
                expect(isinstance(info.get(key), kind), f"{key}: {info.get(key)!r}")
            expect(info["subscribe_time"] < 2**31 and "errcode" not in info, info)
        with report.check("calls: an unverified subscription account is refused with 48001 before anything happens"):
            small = control.account(kind="subscription", verified=False)
            got = web.request("POST", f"{api}/cgi-bin/menu/create?access_token={token_of(api, small)['access_token']}", json=MENU)
            equal(got.json()["errcode"], 48001, "errcode")
        with report.check("calls: an unknown path is 404 and names the nearest, never passed on"):
            got = web.request("GET", f"{api}/cgi-bin/mneu/create?access_token={token}")
            equal(got.status, 404, "status")
            expect("/cgi-bin/menu/create" in got.text, got.text[:300])
        with report.check("calls: bad parameters have the platform's code, and nothing is stored"):
            for body in ("{", '{"button": "x"}', "[]"):
                got = web.request("POST", f"{api}/cgi-bin/menu/create?access_token={token}", body=body,
                                  headers={"content-type": "application/json"})
                equal(got.status, 200, f"status for {body}")
                expect(got.json()["errcode"] not in (0, None), f"{body} → {got.text}")
            equal(web.request("GET", f"{api}/cgi-bin/menu/get?access_token={token}").json().get("errcode"), 46003, "menu/get")
        with report.check("calls: the fidelity of an endpoint is told"):
            got = web.request("GET", f"{api}/cgi-bin/get_api_domain_ip?access_token={token}")
            expect(got.header("x-xinqiao-fidelity") in ("stateful", "modelled", "fallback"), got.headers)
        with report.check("calls: the Host header picks the platform host on the simulator's own port"):
            base = control.base.split("/_sim")[0]
            got = web.request("GET", f"{base}/cgi-bin/get_api_domain_ip?access_token={token}", headers={"host": API})
            equal(got.json().get("errcode", 0), 0, "errcode")
        with report.check("calls: multipart without a boundary in the header, octet-stream part (WxJava's uploads)"):
            with tempfile.TemporaryDirectory() as folder:
                data = png(folder).read_bytes()
            body = (b'--sEp\r\nContent-Disposition: form-data; name="media"; filename="a.png"\r\nContent-Type: application/octet-stream\r\n'
                    b"Content-Transfer-Encoding: binary\r\n\r\n" + data + b"\r\n--sEp--\r\n")
            got = web.request("POST", f"{api}/cgi-bin/media/upload?access_token={token}&type=image", body=body,
                              headers={"content-type": "multipart/form-data; charset=ISO-8859-1"}).json()
            expect(got.get("media_id"), got)
            file = web.request("GET", f"{api}/cgi-bin/media/get?access_token={token}&media_id={got['media_id']}")
            equal(file.body, data, "bytes")
            expect(re.search(r'filename="[^"]+"', file.header("content-disposition") or ""), file.header("content-disposition"))


# --- control interface ------------------------------------------------------------------------------------------------

DOS = {
    "follow": {}, "unfollow": {}, "enter": {}, "send": {"message": {"type": "text", "content": "x"}}, "click": {"key": "V1"},
    "scan": {"ticket": "gQ"}, "report_location": {"lat": 30.1, "lng": 120.1, "precision": 10}, "block_templates": {},
    "open": {"url": "https://open.weixin.qq.com/connect/oauth2/authorize"}, "login": {}, "profile": {}, "phone": {},
    "js_config": {"url": "https://example.com/", "timestamp": "1", "nonce": "n", "signature": "s", "apis": []},
    "subscribe": {"templates": {}}, "pay": {"prepay_id": "wx1"}, "pay_code": {},
}


def unbuilt(report, control, api):
    """Whatever the contract names either works or says 501."""
    account = control.account()
    user = control.user(follow=[account])
    for do, fields in DOS.items():
        with report.check(f"control: do {do}: built, refused for a reason, or 501"):
            got = control.raw("POST", f"/users/{user['id']}/actions", {"do": do, "account": account["appid"], **fields})
            expect(got.status in (200, 201, 202, 204, 400, 422, 501), f"{got.status} {got.text[:300]}")
            if got.status >= 400:
                error = got.json()["error"]
                expect(error["code"] and error["message"], error)
    with report.check("control: an unknown do is 501"):
        got = control.raw("POST", f"/users/{user['id']}/actions", {"do": "dance", "account": account["appid"]})
        equal(got.status, 501, "status")
    appid = account["appid"]
    for method, path, body in (
        ("GET", "/", None), ("GET", "/clock", None), ("POST", "/faults", {"path": "/none", "errcode": -1, "times": 1}),
        ("DELETE", "/faults/1", None), ("GET", "/export", None), ("POST", "/trigger", {"account": appid, "event": "debug_demo"}),
        ("GET", "/timeline", None), ("GET", "/accounts", None), ("GET", "/users", None), ("GET", f"/accounts/{appid}", None),
        ("PATCH", f"/accounts/{appid}", {"name": "新名"}), ("PATCH", f"/accounts/{appid}/quotas", {"/cgi-bin/menu/get": {"limit": 1}}),
        ("POST", f"/accounts/{appid}/tickets", {}), ("POST", f"/accounts/{appid}/authorizations", {"account": appid}),
        ("DELETE", f"/accounts/{appid}/authorizations/{appid}", None), ("POST", f"/accounts/{appid}/secret", {}), ("GET", "/rules", None),
        ("POST", "/corps", {"name": "公司", "agents": [{"agentid": 1}]}), ("POST", "/merchants", {"appids": [appid]}),
        ("PATCH", "/merchants/1900000001", {"available": 1}), ("POST", "/users", {"count": 3, "follow": [appid]}),
        ("GET", f"/users/{user['id']}", None), ("GET", f"/users/{user['id']}/inbox?account={appid}", None),
        ("GET", f"/deliveries?account={appid}", None),
    ):
        with report.check(f"control: {method} {path.replace(appid, '{appid}').replace(user['id'], '{id}')}: built or 501"):
            got = control.raw(method, path, body)
            fine = got.status in (200, 201, 202, 204, 501) or (got.status in (400, 404, 409, 422) and got.body and "error" in got.json())
            expect(fine, f"{got.status} {got.text[:300]}")
            if got.status == 501:
                expect(got.json()["error"]["message"], got.text)
    with report.check("control: what is missing is 404, what makes no sense 400, always in one shape"):
        for method, path, body, status in (
            ("GET", "/accounts/wx0000000000000000", None, 404), ("GET", "/users/nobody", None, 404),
            ("POST", "/users/nobody/actions", {"do": "follow", "account": appid}, 404),
            ("POST", f"/users/{user['id']}/actions", {"do": "follow", "account": "wx0000000000000000"}, 404),
            ("POST", "/accounts", {"kind": "spaceship"}, 400), ("POST", "/clock", {"advance": "soon"}, 400),
        ):
            got = control.raw(method, path, body)
            equal(got.status, status, f"status of {method} {path} {body}")
            expect(got.json()["error"]["code"], got.text)
        got = web.request("POST", control.base + "/accounts", body="{", headers={"content-type": "application/json"})
        equal(got.status, 400, "status of broken JSON")
    with report.check("control: a foreign Origin is 403, a foreign Host 421"):
        equal(web.request("GET", control.base + "/accounts", headers={"origin": "https://evil.example"}).status, 403, "status")
        equal(web.request("GET", control.base + "/accounts", headers={"host": "evil.example"}).status, 421, "status")
        equal(web.request("POST", control.base + "/reset", body="{}", headers={"origin": "https://evil.example", "content-type": "text/plain"}).status,
              403, "status of a cross-site simple request")
    with report.check("control: a callback URL outside loopback is refused"):
        got = control.raw("PUT", f"/accounts/{appid}/callback", {"url": "http://192.0.2.1/", "token": account["token"],
                                                                "aes_key": account["aes_key"], "mode": "safe"}, timeout=20)
        equal(got.status, 422, "status")
        equal(got.json().get("verified"), False, "verified")
    with report.check("control: a handshake that fails stores nothing"):
        with web.App(lambda push, n: (200, "not the echo")) as liar:
            got = control.raw("PUT", f"/accounts/{appid}/callback", {"url": liar.url, "token": account["token"],
                                                                    "aes_key": account["aes_key"], "mode": "safe"})
            equal(got.status, 422, "status")
            expect(got.json().get("reason"), got.text)
            expect(not control.call("GET", f"/accounts/{appid}").get("callback_url"), "the URL was stored")
    with report.check("control: reset empties the world and sets the clock back"):
        control.clock(advance=100000)
        control.call("POST", "/reset", {})
        answer = control.call("GET", "/accounts")
        equal(answer["items"] if isinstance(answer, dict) else answer, [], "accounts")
        expect(abs(control.call("GET", "/clock")["now"] - time.time()) < 5, "the clock is not real")


def deterministic(report):
    """Frozen clock, same seed, same script: byte-equal export."""
    def play():
        with Process("sim", "--port", "0", "--memory", "--seed", "7") as sim:
            control, api = Control(sim.ready["control"]), sim.ready["endpoints"][API]
            control.clock(freeze=True)
            control.clock(now=1_800_000_000)
            account = control.account(name="甲")
            control.account(kind="subscription", verified=False)
            bot.account = account
            control.callback(account, bot.url)
            users = [control.user(nickname=f"客 {n}", follow=[account]) for n in range(3)]
            token = token_of(api, account)["access_token"]
            web.request("POST", f"{api}/cgi-bin/menu/create?access_token={token}", json=MENU)
            for user in users:
                control.say(user, account, "一样吗")
                web.request("POST", f"{api}/cgi-bin/message/custom/send?access_token={token}", json={
                    "touser": user["openids"][account["appid"]], "msgtype": "text", "text": {"content": "一样"}})
            control.act(users[1], "click", account, key="V1")
            control.act(users[2], "unfollow", account)
            control.clock(advance=3600)
            export = control.raw("GET", "/export")
            equal(export.status, 200, "status of the export")
            return export.body, sim.ready

    with report.check("export: frozen clock, same seed and script: byte-equal"):
        with Bot(lambda push, n: "一样") as bot:
            (one, _), (two, _) = play(), play()
            expect(len(one) > 500, f"{len(one)} bytes")
            if one != two:
                at = next(i for i, (a, b) in enumerate(zip(one, two)) if a != b)
                expect(False, f"they differ at byte {at}: {one[max(0, at - 150):at + 150]!r} / {two[max(0, at - 150):at + 150]!r}")
    with report.check("export: import brings the same world"):
        with Process("sim", "--port", "0", "--memory", "--seed", "9") as sim:
            control = Control(sim.ready["control"])
            control.clock(freeze=True)
            done = web.request("POST", control.base + "/import", body=one, headers={"content-type": "application/json"})
            expect(done.status in (200, 201, 204, 501), f"{done.status} {done.text[:300]}")
            if done.status != 501:
                equal(control.raw("GET", "/export").body, one, "export after import")


# --- through the gateway ----------------------------------------------------------------------------------------------

def behind(report):
    """`xinqiao dev --app URL --via gateway` with raw apps."""
    def behave(push, number):
        content = envelope.element(push.plain, "Content") or ""
        if content.startswith("睡"):
            time.sleep(6)
            return "太晚"
        return f"回 {content}"

    with Bot(behave) as bot, report.check("gateway: ran to the end"):
        with Process("dev", "--app", bot.url, "--via", "gateway", "--memory", "--port", "0") as dev:
            control = Control(dev.ready["control"])
            account = seeded_service(control)
            bot.account = account
            gateway = dev.ready["gateway"].rstrip("/")
            with report.check("gateway: the app is connected through it"):
                equal((connected(control) or {}).get("state"), "connected", "state")
            user = follower(control, account)
            with report.check("gateway: a message travels through it and back"):
                control.say(user, account, "过桥")
                equal(control.wait_inbox(user, account, bool)[-1]["content"], "回 过桥", "content")
                equal(bot.problems, [], "problems of the app")
            with report.check("gateway: a 6 s sleeper gets one delivery, the simulator one answer within 4.8 s"):
                before = len(bot.messages())
                inbox = len(control.inbox(user, account))
                started = time.monotonic()
                answer = control.say(user, account, "睡一觉")
                took = time.monotonic() - started
                tries = answer["deliveries"][0]["attempts"]
                equal(len(tries), 1, "attempts of the simulator")
                expect(tries[0]["ms"] <= 4800 and took < 5.2, f"{tries[0]['ms']} ms, the act took {took:.2f} s")
                time.sleep(2.5)
                equal(len(bot.messages()) - before, 1, "deliveries to the app")
                equal([i["via"] for i in control.inbox(user, account)[inbox:] if i["via"] == "system"], [], "notices")
            with report.check("gateway: a repeated callback reaches the app once and gets the stored answer"):
                before = len(bot.messages())
                openid, original = user["openids"][account["appid"]], account["original_id"]
                xml = envelope.text_message(original, openid, "重复")
                said = []
                for _ in range(3):
                    query, body = envelope.seal(account["token"], account["aes_key"], account["appid"], xml, original, openid)
                    got = web.request("POST", f"{gateway}/callback/{account['appid']}?{query}", body=body, headers={"content-type": "text/xml"})
                    equal(got.status, 200, "status")
                    said.append(envelope.element(envelope.open_reply(account["token"], account["aes_key"], account["appid"], got.text), "Content"))
                equal(said, ["回 重复"] * 3, "answers")
                equal(len(bot.messages()) - before, 1, "deliveries to the app")
            refusals(report, bot, control, dev, account, user, gateway)


def refusals(report, bot, control, dev, account, user, gateway):
    """Bad input at the inlet: a clear answer with the rule's name and a remedy; nothing stored, nothing broken."""
    token, key, appid, original = account["token"], account["aes_key"], account["appid"], account["original_id"]
    openid = user["openids"][appid]
    xml = envelope.text_message(original, openid, "坏")
    sealed = envelope.encrypt(key, appid, xml.encode())
    other_key = "B" * 42 + "A"

    def push(**change):
        fields = {"token": token, "aes_key": key, "receiver": appid, "xml": xml, "to": original, "openid": openid, **change}
        return envelope.seal(**fields)

    large = envelope.text_message(original, openid, "大" * 700_000)
    cases = {
        "wrong token": (push(token="nottheToken"), "callback.signature.token", None),
        "wrong AES key": (push(aes_key=other_key), "decrypt.", None),
        "truncated base64": (push(encrypted=sealed[:-7]), "decrypt.", None),
        "doubled base64": (push(encrypted=sealed + sealed), "decrypt.", None),
        "another account's ciphertext": (push(encrypted=envelope.encrypt(other_key, "wx00000000000000ff", xml.encode())), "decrypt.", None),
        "foreign receiver id": (push(receiver="wx00000000000000ff"), "decrypt.receiver_id", None),
        "DOCTYPE": (push(xml='<!DOCTYPE x [<!ENTITY a "b">]>' + xml), "xml.doctype", None),
        "DOCTYPE in the outer XML": ((push()[0], '<!DOCTYPE x [<!ENTITY a "b">]>' + push()[1]), "", None),
        "2 MB body": ((push()[0], large), "callback.too_large", None),
        "missing parameters": (("timestamp=1&nonce=2", push()[1]), "callback.", None),
        "no query": (("", push()[1]), "callback.", None),
        "no body": ((push()[0], ""), "", None),
        "not XML": ((push()[0], "hello"), "", None),
        "unknown appid": (push(), "", "wx00000000000000ff"),
    }

    def stored():
        answer = web.request("GET", f"{gateway}/v1/events").json()
        return len(answer["items"])

    before, delivered = stored(), len(bot.messages())
    for what, ((query, body), rule, other) in cases.items():
        with report.check(f"bad input: {what}: refused with rule, cause and remedy"):
            got = web.request("POST", f"{gateway}/callback/{other or appid}?{query}", body=body, headers={"content-type": "text/xml"})
            expect(400 <= got.status < 500, f"{got.status} {got.text[:300]}")
            expect(rule in got.text, f"want a rule {rule}…, got {got.status} {got.text[:400]}")
            error = got.json()["error"]
            expect(error.get("code") and error.get("remedy"), error)
            for secret in (token, key, account["secret"]):
                expect(secret not in got.text, "the refusal shows a secret")
    with report.check("bad input: nothing was stored, nothing was delivered, the gateway lives"):
        equal(stored(), before, "stored events")
        equal(len(bot.messages()), delivered, "deliveries")
        equal(web.request("GET", f"{gateway}/healthz").status, 200, "healthz")
        control.say(user, account, "还在吗")
        equal(control.inbox(user, account)[-1]["content"], "回 还在吗", "content")
    with report.check("bad input: a wrong URL check is refused by name"):
        got = web.request("GET", f"{gateway}/callback/{appid}?{envelope.handshake('nottheToken', 'e')}")
        expect(400 <= got.status < 500 and "callback.signature" in got.text, f"{got.status} {got.text[:300]}")


CONFIG = """
upstream = {{ "api.weixin.qq.com" = "{api}" }}
store = "{store}"

[listen]
bind = "127.0.0.1"
port = {port}

[[account]]
appid = "{appid}"
secret = "{secret}"
kind = "service"
token = "{token}"
aes_key = "{aes_key}"
mode = "safe"

[[app]]
name = "main"
url = "{app}"
token = "{token}"
aes_key = "{aes_key}"
accounts = {{ primary = ["{appid}"] }}
"""


def killed(report):
    """kill -9 right after the acknowledgement."""
    with report.check("gateway: killed with -9 right after acknowledging: the event is there and is delivered after the restart"):
        alive = []

        def behave(push, number):
            if not alive:
                time.sleep(8)
            return "晚到"

        with Process("sim", "--port", "0", "--memory") as sim, tempfile.TemporaryDirectory() as folder, Bot(behave) as bot:
            control = Control(sim.ready["control"])
            account = control.account()
            bot.account = account
            config = pathlib.Path(folder) / "xinqiao.toml"
            port = web.free_port()
            config.write_text(CONFIG.format(api=sim.ready["endpoints"][API], store=pathlib.Path(folder) / "gateway.db", port=port,
                                            app=bot.url, **{k: account[k] for k in ("appid", "secret", "token", "aes_key")}))
            gateway = Process("serve", "--config", str(config))
            try:
                base = (gateway.ready.get("gateway") or f"http://127.0.0.1:{port}").rstrip("/")
                equal(control.callback(account, f"{base}/callback/{account['appid']}"), {"verified": True}, "handshake")
                user = control.user(follow=[account])
                events = len(web.request("GET", f"{base}/v1/events").json()["items"])
                answer = control.say(user, account, "别丢")
                gateway.kill()
                equal([a["status"] for a in answer["deliveries"][0]["attempts"]], [200], "acknowledged")
                seen = len(bot.messages())
                gateway.stop()
                alive.append(True)
                gateway = Process("serve", "--config", str(config))
                base = (gateway.ready.get("gateway") or f"http://127.0.0.1:{port}").rstrip("/")
                items = web.request("GET", f"{base}/v1/events").json()["items"]
                equal(len(items), events + 1, "events after the restart")
                arrived = web.until(lambda: bot.messages()[seen:], 15)
                expect(arrived and envelope.element(arrived[0].plain, "Content") == "别丢", "not delivered after the restart")
            finally:
                gateway.stop()


def configuration(report):
    """A config with an unknown key."""
    for what, text, words in (
        ("an unknown key", 'upsteram = "wechat"\n', ("upsteram", "upstream")),
        ("an unknown key in an account", '[[account]]\nappid = "wx1"\nsecert = "x"\n', ("secert", "secret")),
        ("a wrong value", 'upstream = "wechat"\n[listen]\nport = "many"\n', ("port",)),
        ("broken TOML", "[[account\n", ("xinqiao.toml",)),
    ):
        with report.check(f"bad input: a config with {what} names file, key and an allowed one"):
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder) / "xinqiao.toml"
                path.write_text(text)
                done = subprocess.run([str(xinqiao.binary()), "serve", "--config", str(path)], capture_output=True, text=True, timeout=20, cwd=folder)
                said = done.stderr + done.stdout
                expect(done.returncode in (1, 2), f"exit {done.returncode}: {said[-500:]}")
                for word in (*words, "xinqiao.toml"):
                    expect(word in said, f"{word} is not named: {said[-700:]}")
                expect("panicked" not in said, said[-500:])


def simulator_checks(report):
    with Process("sim", "--port", "0", "--memory") as sim:
        control, api = Control(sim.ready["control"]), sim.ready["endpoints"][API].rstrip("/")
        with report.check("ready file: pid, control, console, gateway, endpoints"):
            equal(sim.ready["pid"], sim.process.pid, "pid")
            expect("gateway" in sim.ready and sim.ready["gateway"] is None, "gateway")
            expect(set(sim.ready["endpoints"]) >= {API, "qyapi.weixin.qq.com", "api.mch.weixin.qq.com", "open.weixin.qq.com", "mp.weixin.qq.com"},
                   sim.ready["endpoints"])
            equal(control.call("GET", "/")["endpoints"], sim.ready["endpoints"], "endpoints told by the control interface")
        for part in (answers, calls, tokens, attempts, unbuilt):
            if wanted(part):
                with report.check(f"{part.__name__}: ran to the end"):
                    part(report, control, api)


ONLY = None


def wanted(part):
    return ONLY is None or ONLY in part.__name__


def run(report):
    """Everything."""
    if any(wanted(p) for p in (answers, calls, tokens, attempts, unbuilt)):
        with report.check("simulator: ran to the end"):
            simulator_checks(report)
    for part in (deterministic, behind, killed, configuration):
        if wanted(part):
            with report.check(f"{part.__name__}: ran to the end"):
                part(report)


def main():
    global ONLY
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help="only the parts with this word in their name")
    ONLY = parser.parse_args().only
    if xinqiao.binary() is None:
        print("no xinqiao binary: build one, or name it in XINQIAO", file=sys.stderr)
        return 2
    report = Report()
    run(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
