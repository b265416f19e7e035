"""The control interface: what is unbuilt says so, refusals have one shape, equal worlds export equally."""

import time

from . import web
from .bot_checks import MENU
from .raw import API, Bot, token_of
from .report import equal, expect
from .xinqiao import Control, Process

DOS = {
    "follow": {},
    "unfollow": {},
    "enter": {},
    "send": {"message": {"type": "text", "content": "x"}},
    "click": {"key": "V1"},
    "scan": {"ticket": "gQ"},
    "report_location": {"lat": 30.1, "lng": 120.1, "precision": 10},
    "block_templates": {},
    "open": {"url": "https://open.weixin.qq.com/connect/oauth2/authorize"},
    "login": {},
    "profile": {},
    "phone": {},
    "js_config": {
        "url": "https://example.com/",
        "timestamp": "1",
        "nonce": "n",
        "signature": "s",
        "apis": [],
    },
    "subscribe": {"templates": {}},
    "pay": {"prepay_id": "wx1"},
    "pay_code": {},
}


def unbuilt(report, control, api):
    """Whatever the contract names either works or says 501."""
    account = control.account()
    user = control.user(follow=[account])
    for do, fields in DOS.items():
        with report.check(f"control: do {do}: built, refused for a reason, or 501"):
            got = control.raw(
                "POST", f"/users/{user['id']}/actions", {"do": do, "account": account["appid"], **fields}
            )
            expect(got.status in (200, 201, 202, 204, 400, 422, 501), f"{got.status} {got.text[:300]}")
            if got.status >= 400:
                error = got.json()["error"]
                expect(error["code"] and error["message"], error)
    with report.check("control: an unknown do is 501"):
        got = control.raw(
            "POST", f"/users/{user['id']}/actions", {"do": "dance", "account": account["appid"]}
        )
        equal(got.status, 501, "status")
    appid = account["appid"]
    for method, path, body in (
        ("GET", "/", None),
        ("GET", "/clock", None),
        ("POST", "/faults", {"path": "/none", "errcode": -1, "times": 1}),
        ("DELETE", "/faults/1", None),
        ("GET", "/export", None),
        ("POST", "/trigger", {"account": appid, "event": "debug_demo"}),
        ("GET", "/timeline", None),
        ("GET", "/accounts", None),
        ("GET", "/users", None),
        ("GET", f"/accounts/{appid}", None),
        ("PATCH", f"/accounts/{appid}", {"name": "新名"}),
        ("PATCH", f"/accounts/{appid}/quotas", {"/cgi-bin/menu/get": {"limit": 1}}),
        ("POST", f"/accounts/{appid}/tickets", {}),
        ("POST", f"/accounts/{appid}/authorizations", {"account": appid}),
        ("DELETE", f"/accounts/{appid}/authorizations/{appid}", None),
        ("POST", f"/accounts/{appid}/secret", {}),
        ("GET", "/rules", None),
        ("POST", "/corps", {"name": "公司", "agents": [{"agentid": 1}]}),
        ("POST", "/merchants", {"appids": [appid]}),
        ("PATCH", "/merchants/1900000001", {"available": 1}),
        ("POST", "/users", {"count": 3, "follow": [appid]}),
        ("GET", f"/users/{user['id']}", None),
        ("GET", f"/users/{user['id']}/inbox?account={appid}", None),
        ("GET", f"/deliveries?account={appid}", None),
    ):
        with report.check(
            f"control: {method} {path.replace(appid, '{appid}').replace(user['id'], '{id}')}: built or 501"
        ):
            got = control.raw(method, path, body)
            fine = got.status in (200, 201, 202, 204, 501) or (
                got.status in (400, 404, 409, 422) and got.body and "error" in got.json()
            )
            expect(fine, f"{got.status} {got.text[:300]}")
            if got.status == 501:
                expect(got.json()["error"]["message"], got.text)
    with report.check("control: what is missing is 404, what makes no sense 400, always in one shape"):
        for method, path, body, status in (
            ("GET", "/accounts/wx0000000000000000", None, 404),
            ("GET", "/users/nobody", None, 404),
            ("POST", "/users/nobody/actions", {"do": "follow", "account": appid}, 404),
            ("POST", f"/users/{user['id']}/actions", {"do": "follow", "account": "wx0000000000000000"}, 404),
            ("POST", "/accounts", {"kind": "spaceship"}, 400),
            ("POST", "/clock", {"advance": "soon"}, 400),
        ):
            got = control.raw(method, path, body)
            equal(got.status, status, f"status of {method} {path} {body}")
            expect(got.json()["error"]["code"], got.text)
        got = web.request(
            "POST", control.base + "/accounts", body="{", headers={"content-type": "application/json"}
        )
        equal(got.status, 400, "status of broken JSON")
    with report.check("control: a foreign Origin is 403, a foreign Host 421"):
        equal(
            web.request("GET", control.base + "/accounts", headers={"origin": "https://evil.example"}).status,
            403,
            "status",
        )
        equal(
            web.request("GET", control.base + "/accounts", headers={"host": "evil.example"}).status,
            421,
            "status",
        )
        equal(
            web.request(
                "POST",
                control.base + "/reset",
                body="{}",
                headers={"origin": "https://evil.example", "content-type": "text/plain"},
            ).status,
            403,
            "status of a cross-site simple request",
        )
    with report.check("control: a callback URL outside loopback is refused"):
        got = control.raw(
            "PUT",
            f"/accounts/{appid}/callback",
            {
                "url": "http://192.0.2.1/",
                "token": account["token"],
                "aes_key": account["aes_key"],
                "mode": "safe",
            },
            timeout=20,
        )
        equal(got.status, 422, "status")
        equal(got.json().get("verified"), False, "verified")
    with report.check("control: a handshake that fails stores nothing"):
        with web.App(lambda push, n: (200, "not the echo")) as liar:
            got = control.raw(
                "PUT",
                f"/accounts/{appid}/callback",
                {"url": liar.url, "token": account["token"], "aes_key": account["aes_key"], "mode": "safe"},
            )
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
                web.request(
                    "POST",
                    f"{api}/cgi-bin/message/custom/send?access_token={token}",
                    json={
                        "touser": user["openids"][account["appid"]],
                        "msgtype": "text",
                        "text": {"content": "一样"},
                    },
                )
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
                expect(
                    False,
                    f"they differ at byte {at}: {one[max(0, at - 150) : at + 150]!r} / {two[max(0, at - 150) : at + 150]!r}",
                )
    with report.check("export: import brings the same world"):
        with Process("sim", "--port", "0", "--memory", "--seed", "9") as sim:
            control = Control(sim.ready["control"])
            control.clock(freeze=True)
            done = web.request(
                "POST", control.base + "/import", body=one, headers={"content-type": "application/json"}
            )
            expect(done.status in (200, 201, 204, 501), f"{done.status} {done.text[:300]}")
            if done.status != 501:
                equal(control.raw("GET", "/export").body, one, "export after import")
