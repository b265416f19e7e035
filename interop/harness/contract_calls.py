"""Platform calls: tokens to the letter, the front door, the interaction window."""

import re
import tempfile

from . import web
from .bot_checks import MENU, png
from .raw import API, Bot, ips, shop, stable_of, token_of
from .report import equal, expect


def tokens(report, control, api):
    """Tokens to the letter."""
    account = control.account()
    with report.check("tokens: the wrong pieces have their own codes"):
        for change, code in (
            ({"grant_type": "x"}, 40002),
            ({"appid": "wx0000000000000000"}, 40013),
            ({"secret": "0" * 32}, 40125),
            ({"appid": None}, 41002),
            ({"secret": None}, 41004),
        ):
            equal(token_of(api, account, **change).get("errcode"), code, f"errcode of {change}")
        equal(
            web.request("GET", f"{api}/cgi-bin/get_api_domain_ip").json().get("errcode"),
            41001,
            "without a token",
        )
        equal(ips(api, "nonsense"), 40014, "an odd token")
    with report.check("tokens: an error carries a rid and the platform's form"):
        got = web.request(
            "GET", f"{api}/cgi-bin/token?grant_type=client_credential&appid=wx0000000000000000&secret=x"
        )
        equal(got.status, 200, "status")
        expect(re.search(r" rid: [0-9a-f]{8}-[0-9a-f]{8}-[0-9a-f]{8}$", got.json()["errmsg"]), got.text)
    with report.check("tokens: a success of a read call has no errcode, of a write call exactly 0 and ok"):
        token = token_of(api, account)
        equal(sorted(token), ["access_token", "expires_in"], "keys")
        equal(token["expires_in"], 7200, "expires_in")
        expect(len(token["access_token"]) <= 512, "token too long")
        done = web.request(
            "POST", f"{api}/cgi-bin/menu/create?access_token={token['access_token']}", json=MENU
        )
        equal(done.json(), {"errcode": 0, "errmsg": "ok"}, "answer")
        expect(
            (done.header("content-type") or "").startswith(("application/json", "text/plain")),
            done.header("content-type"),
        )
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
        got = web.request(
            "GET", f"{api}/cgi-bin/user/info?access_token={token}&openid={user['openids'][account['appid']]}"
        ).json()
        equal(got.get("errcode"), 40003, "errcode")


def calls(report, control, api):
    """Front door and interaction window."""
    with Bot(lambda push, n: None) as bot:
        account, user = shop(control, bot)
        openid, token = user["openids"][account["appid"]], token_of(api, account)["access_token"]

        def send(content="嗨", to=openid, with_token=None):
            return web.request(
                "POST",
                f"{api}/cgi-bin/message/custom/send?access_token={with_token or token}",
                json={"touser": to, "msgtype": "text", "text": {"content": content}},
            ).json()

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
            info = web.request(
                "GET", f"{api}/cgi-bin/user/info?access_token={token}&openid={openid}&lang=zh_CN"
            ).json()
            for key, kind in (
                ("nickname", str),
                ("headimgurl", str),
                ("groupid", int),
                ("tagid_list", list),
                ("subscribe_scene", str),
                ("subscribe_time", int),
                ("qr_scene", int),
                ("qr_scene_str", str),
                ("remark", str),
                ("subscribe", int),
            ):
                expect(isinstance(info.get(key), kind), f"{key}: {info.get(key)!r}")
            expect(info["subscribe_time"] < 2**31 and "errcode" not in info, info)
        with report.check(
            "calls: an unverified subscription account is refused with 48001 before anything happens"
        ):
            small = control.account(kind="subscription", verified=False)
            got = web.request(
                "POST",
                f"{api}/cgi-bin/menu/create?access_token={token_of(api, small)['access_token']}",
                json=MENU,
            )
            equal(got.json()["errcode"], 48001, "errcode")
        with report.check("calls: an unknown path is 404 and names the nearest, never passed on"):
            got = web.request("GET", f"{api}/cgi-bin/mneu/create?access_token={token}")
            equal(got.status, 404, "status")
            expect("/cgi-bin/menu/create" in got.text, got.text[:300])
        with report.check("calls: bad parameters have the platform's code, and nothing is stored"):
            for body in ("{", '{"button": "x"}', "[]"):
                got = web.request(
                    "POST",
                    f"{api}/cgi-bin/menu/create?access_token={token}",
                    body=body,
                    headers={"content-type": "application/json"},
                )
                equal(got.status, 200, f"status for {body}")
                expect(got.json()["errcode"] not in (0, None), f"{body} → {got.text}")
            equal(
                web.request("GET", f"{api}/cgi-bin/menu/get?access_token={token}").json().get("errcode"),
                46003,
                "menu/get",
            )
        with report.check("calls: the fidelity of an endpoint is told"):
            got = web.request("GET", f"{api}/cgi-bin/get_api_domain_ip?access_token={token}")
            expect(got.header("x-xinqiao-fidelity") in ("stateful", "modelled", "fallback"), got.headers)
        with report.check("calls: the Host header picks the platform host on the simulator's own port"):
            base = control.base.split("/_sim")[0]
            got = web.request(
                "GET", f"{base}/cgi-bin/get_api_domain_ip?access_token={token}", headers={"host": API}
            )
            equal(got.json().get("errcode", 0), 0, "errcode")
        with report.check(
            "calls: multipart without a boundary in the header, octet-stream part (WxJava's uploads)"
        ):
            with tempfile.TemporaryDirectory() as folder:
                data = png(folder).read_bytes()
            head = (
                b'--sEp\r\nContent-Disposition: form-data; name="media"; filename="a.png"\r\n'
                b"Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\n"
            )
            body = head + data + b"\r\n--sEp--\r\n"
            got = web.request(
                "POST",
                f"{api}/cgi-bin/media/upload?access_token={token}&type=image",
                body=body,
                headers={"content-type": "multipart/form-data; charset=ISO-8859-1"},
            ).json()
            expect(got.get("media_id"), got)
            file = web.request(
                "GET", f"{api}/cgi-bin/media/get?access_token={token}&media_id={got['media_id']}"
            )
            equal(file.body, data, "bytes")
            expect(
                re.search(r'filename="[^"]+"', file.header("content-disposition") or ""),
                file.header("content-disposition"),
            )
