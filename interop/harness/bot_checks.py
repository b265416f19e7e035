"""The same checks for every bot: straight from the simulator and through the gateway."""

import pathlib
import re
import struct
import tempfile
import time
import urllib.parse
import zlib

from . import web
from .bots import Api, Bot
from .raw import token_of
from .relay import Relay
from .report import equal, expect
from .xinqiao import Control, Process, Refused

NOTICE = "该公众号提供的服务出现故障，请稍后再试"
HAS_API = ("wechatpy", "wechatpy2", "co-wechat", "wxjava", "silenceper")
# Writers that put `]]>` into a CDATA section as it is: the answer is broken XML.
BREAKS_CDATA = ("wechatpy", "wechatpy2", "werobot", "co-wechat", "wxjava")
# Bots that know every word of bots/README.md.
EVERY_REPLY = ("wechatpy", "wechatpy2", "werobot", "co-wechat")
# A gateway whose administration the checks do not ask.
UNSEEN = "unseen"
MENU = {
    "button": [
        {"type": "click", "name": "点我", "key": "V1"},
        {"type": "view", "name": "看看", "url": "https://example.com/"},
    ]
}


def png(folder):
    """A real 1 × 1 picture."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    path = pathlib.Path(folder) / "像素.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"\0\xff\0\0"))
        + chunk(b"IEND", b"")
    )
    return path


def ok(result):
    expect(result.get("ok"), f"the SDK reports {result}")
    return result.get("value")


def failed_with(result, code):
    expect(not result.get("ok"), f"the call succeeded: {result}")
    said = result.get("code")
    expect(
        str(said) == str(code) or str(code) in str(result.get("error")),
        f"want {code}, the SDK reports {result}",
    )


def last(items):
    expect(items, "the inbox is empty")
    return items[-1]


def replies(report, label, name, control, user, account, media_id=None, gateway=None):
    """Every kind of answer, as the phone shows it."""

    def say(text):
        before = len(control.inbox(user, account))
        control.say(user, account, text)
        return control.wait_inbox(user, account, lambda box: len(box) > before, 6)[before:]

    with report.check(f"{label}: a text is answered in the phone"):
        shown = last(say("你好"))
        equal(
            (shown["via"], shown["type"], shown["content"]), ("reply", "text", f"{name}: 你好"), "inbox item"
        )
    with report.check(f"{label}: an emoji and markup survive both directions"):
        equal(last(say("😀 <b>&amp;\"'"))["content"], f"{name}: 😀 <b>&amp;\"'", "content")
    with report.check(f"{label}: a news reply shows its article"):
        shown = last(say("news"))
        equal(shown["type"], "news", "type")
        equal(shown["articles"][0]["title"], f"{name}: title", "title")
        equal(shown["articles"][0]["url"], "https://example.com/a", "url")
    if media_id:
        with report.check(f"{label}: an image reply shows the uploaded picture"):
            shown = last(say(f"image {media_id}"))
            equal((shown["type"], shown["media_id"]), ("image", media_id), "inbox item")
    if name in EVERY_REPLY:
        every_reply(report, label, name, control, user, account, say)
    with report.check(f"{label}: silence shows nothing and no notice"):
        shows_nothing(control, user, account, "silence")
    with report.check(f"{label}: `]]>` in a reply"):
        if name not in BREAKS_CDATA:
            equal(last(say("cdata"))["content"], "a]]>b", "content")
        elif gateway:
            # The app's broken XML stays at the gateway, which says so; the platform gets silence.
            equal(say("cdata"), [], "inbox")
            if gateway == UNSEEN:
                return
            rows = web.request("GET", f"{gateway}/v1/deliveries?limit=1000").json()["items"]
            expect((rows[-1]["last"]["rule"] or "").startswith(("xml.", "reply.")), rows[-1])
        else:
            shown = last(say("cdata"))
            equal((shown["via"], shown["content"]), ("system", NOTICE), "the SDK writes broken XML; item")


def shows_nothing(control, user, account, text):
    """The text is answered at once, and nothing appears."""
    before = len(control.inbox(user, account))
    answer = control.say(user, account, text)
    time.sleep(0.2)
    equal(control.inbox(user, account)[before:], [], "inbox")
    for delivery in answer["deliveries"]:
        equal(len(delivery["attempts"]), 1, "attempts")


def every_reply(report, label, name, control, user, account, say):
    """The reply types beside text and news, with all that the SDK leaves out."""
    files = {}
    for kind in ("image", "voice", "video"):
        with report.check(f"{label}: a reply of type {kind} is shown"):
            control.act(user, "send", account, message={"type": kind})
            chat = control.call("GET", f"/users/{user['id']}/chat?account={account['appid']}")["items"]
            files[kind] = file = [item["media_id"] for item in chat if item["type"] == kind][-1]
            shown = last(say(f"{kind} {file}"))
            equal((shown["via"], shown["type"], shown["media_id"]), ("reply", kind, file), "inbox item")
    cover = files.get("image", "")
    music = {"co-wechat": ("", " bare"), "werobot": ("",)}.get(name, (f" {cover}", ""))
    for rest in music:
        covered = "with" if cover and rest[1:] == cover else "without"
        with report.check(f"{label}: music is shown {covered} a cover ({rest.strip()})"):
            shown = last(say(f"music{rest}"))
            equal((shown["via"], shown["type"]), ("reply", "music"), "inbox item")
            equal(
                (shown["title"], shown["url"]), (f"{name}: title", "https://example.com/a.mp3"), "title, url"
            )
    for words in ("transfer", f"transfer test1@{account['alias']}"):
        with report.check(f"{label}: handing over to staff shows nothing and no notice ({words})"):
            shows_nothing(control, user, account, words)
    with report.check(f"{label}: a file that the account does not have is the notice"):
        shown = last(say("image nobody-uploaded-this"))
        equal((shown["via"], shown["content"]), ("system", NOTICE), "inbox item")


def straight(report, control, endpoints, name, command, folder):
    """One bot against the simulator. Returns (account, user, api) for the clock checks."""
    api_origin = endpoints["api.weixin.qq.com"]
    account = control.account(name=f"{name} 的店")
    label = f"{name}, straight"
    user = None
    picture = png(folder)
    api = Api(command, account, api_origin) if name in HAS_API else None
    with Bot(command, account, api_origin) as bot:
        with report.check(f"{label}: the generated key has its spare bits zero"):
            expect(account["aes_key"][-1] in "AEIMQUYcgkosw048", account["aes_key"])
        with report.check(f"{label}: the handshake is answered"):
            equal(control.callback(account, bot.url), {"verified": True}, "answer")
        with report.check(f"{label}: a follow is delivered once"):
            user = control.user(nickname=f"{name} 的客人", follow=[account])
            got = control.deliveries(account)
            equal([(d["attempts"][-1]["status"], len(d["attempts"])) for d in got], [(200, 1)], "deliveries")
        if user is None:
            return account, None, api
        openid = user["openids"][account["appid"]]
        with report.check(f"{label}: the openid has 28 characters of the SDKs' alphabet"):
            expect(re.fullmatch(r"[\w\-]{28}", openid, re.A), openid)
        media_id = None
        if api:
            media_id = calls(report, label, name, control, user, account, openid, api, picture, api_origin)
        replies(report, label, name, control, user, account, media_id)
        if api:
            with report.check(f"{label}: an API call is served while the push is open"):
                before = len(control.inbox(user, account))
                control.say(user, account, "push it")
                box = control.wait_inbox(user, account, lambda box: len(box) >= before + 2)[before:]
                equal(
                    [(i["via"], i["content"]) for i in box],
                    [("custom", f"{name}: pushed"), ("reply", f"{name}: push it")],
                    "inbox",
                )
        with report.check(f"{label}: pushes say text/xml and carry real time"):
            for delivery in control.deliveries(account):
                headers = delivery["request"]["headers"]
                pairs = headers.items() if isinstance(headers, dict) else headers
                kind = next((v for k, v in pairs if k.lower() == "content-type"), "")
                expect(kind.startswith("text/xml"), f"content-type {kind}")
        with report.check(f"{label}: a key with spare bits set is taken"):
            # WxJava 4.7.0 decodes with the JDK here; its other modules refuse such keys with the
            # commons-codec that they bring, so the simulator generates none.
            odd = dict(account, aes_key=account["aes_key"][:-1] + "C")
            try:
                with Bot(command, odd, api_origin) as other:
                    equal(control.callback(odd, other.url), {"verified": True}, "answer")
                    control.say(user, account, "odd")
                    equal(last(control.inbox(user, account))["content"], f"{name}: odd", "content")
            finally:
                control.callback(account, bot.url)
        if name == "wxjava":
            duplicates(report, label, control, user, account)
        with report.check(f"{label}: a wrong Token is named when the URL is saved"):
            try:
                control.callback(dict(account, token="wrong" + account["token"][:20]), bot.url)
            except Refused as refused:
                equal(refused.status, 422, "status")
                body = refused.answer.json()
                equal(body.get("verified"), False, "verified")
                expect(body.get("reason"), body)
            else:
                expect(False, "the simulator verified a wrong Token")
            kept = control.call("GET", f"/accounts/{account['appid']}")
            equal(kept["token"], account["token"], "stored token")
    return account, user, api


def calls(report, label, name, control, user, account, openid, api, picture, origin):
    """The API side. Returns the media id of the uploaded picture."""
    media_id = None
    with report.check(f"{label}: token"):
        expect(len(ok(api.step("token"))) >= 64, "the token is short")
    with report.check(f"{label}: custom message"):
        ok(api.step("custom", openid=openid, content=f"{name} 主动说"))
        shown = last(control.inbox(user, account))
        equal((shown["via"], shown["content"]), ("custom", f"{name} 主动说"), "inbox item")
    with report.check(f"{label}: user info in the types that the SDK wants"):
        info = ok(api.step("user", openid=openid))
        text = str({k.lower(): v for k, v in info.items()})
        expect(openid in text, info)
    with report.check(f"{label}: menu of an account without one"):
        got = api.step("menu_get")
        if name in ("wechatpy", "wechatpy2", "wxjava"):
            equal((got["ok"], got.get("value")), (True, None), "the SDK turns 46003 into null; result")
        else:
            failed_with(got, 46003)
    with report.check(f"{label}: menu create and get"):
        ok(api.step("menu_create", menu=MENU))
        got = ok(api.step("menu_get"))
        expect("V1" in str(got) and "点我" in str(got), got)
    with report.check(f"{label}: a click on that menu is answered"):
        control.act(user, "click", account, key="V1")
        equal(last(control.inbox(user, account))["content"], f"{name}: clicked V1", "content")
    with report.check(f"{label}: media upload with a Chinese file name"):
        got = ok(api.step("media_upload", path=str(picture)))
        media_id = next(v for k, v in got.items() if k.lower().replace("_", "") == "mediaid")
        expect(media_id, got)
    if media_id:
        with report.check(f"{label}: media download gives the same bytes"):
            got = ok(api.step("media_get", media_id=media_id))
            equal(got["size"], picture.stat().st_size, "size")
            if name == "co-wechat":
                expect(got["buffer"], "co-wechat-api gives a Buffer only if the type is not JSON or text")
        with report.check(f"{label}: custom message with that picture"):
            ok(api.step("custom_image", openid=openid, media_id=media_id))
            equal(last(control.inbox(user, account)).get("media_id"), media_id, "media_id")
    with report.check(f"{label}: permanent material (WxJava names no boundary)"):
        expect("SIM" in str(ok(api.step("material_upload", path=str(picture)))), "no media id")
    with report.check(f"{label}: customer-service accounts, kf_id a number"):
        token = token_of(origin, account)["access_token"]
        body = {"kf_account": f"test1@{account['alias']}", "nickname": "客服"}
        url = f"{origin}/customservice/kfaccount/add?access_token={token}"
        equal(web.request("POST", url, json=body).json(), {"errcode": 0, "errmsg": "ok"}, "answer")
        expect("客服" in str(ok(api.step("kf_list"))), "the account is not in the SDK's list")
    if name.startswith("wechatpy"):
        with report.check(f"{label}: staff online, and the same list by the newer path"):
            token = token_of(origin, account)["access_token"]
            for step, path in (("kf_list", "getkflist"), ("kf_online", "getonlinekflist")):
                url = f"{origin}/cgi-bin/customservice/{path}?access_token={token}"
                [newer] = web.request("GET", url).json().values()
                equal(ok(api.step(step)), newer, path)
    if name == "wechatpy2":
        with report.check(f"{label}: the network check, and its own codes"):
            expect("dns" in ok(api.step("check", action="all", operator="DEFAULT")), "no dns")
            failed_with(api.step("check", action="trace", operator="DEFAULT"), 40202)
            failed_with(api.step("check", action="all", operator="MOBILE"), 40203)
    template_and_mass(report, label, control, user, account, openid, api)
    if not label.startswith("co-wechat"):
        web_login(report, label, control, user, account, openid, api)
    with report.check(f"{label}: an error reaches the SDK as its own error"):
        failed_with(api.step("custom", openid="o" + "x" * 27, content="谁"), 40003)
    with report.check(f"{label}: menu delete"):
        ok(api.step("menu_delete"))
        ok(api.step("menu_create", menu=MENU))
    return media_id


def template_and_mass(report, label, control, user, account, openid, api):
    """What is sent by template, and to all at once."""
    with report.check(f"{label}: template message"):
        template = ok(api.step("template_add", short="TM00015"))
        ok(api.step("template_send", openid=openid, template_id=template, content="30.00元"))
        shown = last(control.inbox(user, account))
        equal((shown["via"], shown["url"]), ("template", "https://example.com/a"), "inbox item")
        equal(shown["lines"], [{"name": "支付金额", "value": "30.00元"}], "lines")
    with report.check(f"{label}: a template that the account does not have"):
        failed_with(api.step("template_send", openid=openid, template_id="none", content="1"), 40037)
    with report.check(f"{label}: mass message, and its state"):
        sent = ok(api.step("mass", content=f"{label} 群发"))
        number = next(v for k, v in sent.items() if k.lower().replace("_", "") == "msgid")
        for _ in range(40):
            state = str(ok(api.step("mass_state", msg_id=int(number))))
            if "SENDING" not in state:
                break
            time.sleep(0.1)
        expect("SEND_SUCCESS" in state, state)
        shown = last(control.inbox(user, account))
        equal((shown["via"], shown["content"]), ("mass", f"{label} 群发"), "inbox item")


def web_login(report, label, control, user, account, openid, api):
    """A person opens the SDK's link, agrees, and the SDK spends the code. The API of co-wechat has none of it."""
    back = "https://shop.example/back?from=a%2Fb"
    with report.check(f"{label}: a person logs in by the SDK's link, once a code"):
        control.call("PATCH", f"/accounts/{account['appid']}", {"oauth_domain": "shop.example"})
        link = ok(api.step("oauth_url", redirect_uri=back, scope="snsapi_userinfo"))
        opened = control.act(user, "open", account, url=link)
        led = urllib.parse.urlsplit(opened["final_url"])
        query = dict(urllib.parse.parse_qsl(led.query))
        equal((led.netloc, query["from"], query["state"]), ("shop.example", "a/b", "s1"), "where it leads")
        said = ok(api.step("oauth_login", code=query["code"]))
        equal((said["openid"], said["nickname"], said["valid"]), (openid, user["nickname"], True), "who it is")
        got = api.step("oauth_login", code=query["code"])
        expect(not got["ok"] and "40163" in f"{got.get('code')} {got.get('error')}", got)
    with report.check(f"{label}: a person who refuses comes back without a code"):
        link = ok(api.step("oauth_url", redirect_uri=back, scope="snsapi_userinfo"))
        opened = control.act(user, "open", account, url=link, consent=False)
        expect("code=" not in opened["final_url"], opened)


def without_right(report, control, endpoints, command):
    """An account that has neither the right nor a callback URL."""
    account = control.account(kind="subscription", verified=False)
    with Api(command, account, endpoints["api.weixin.qq.com"]) as api:
        for step in ("kf_list", "kf_online"):
            with report.check(f"wechatpy2, straight: {step} by its older path needs the same right"):
                failed_with(api.step(step), 48001)
        with report.check("wechatpy2, straight: the network check without a URL"):
            failed_with(api.step("check", action="all", operator="DEFAULT"), 40201)


def duplicates(report, label, control, user, account):
    with report.check(f"{label}: equal texts have their own MsgId and are all answered"):
        before = len(control.inbox(user, account))
        control.say(user, account, "同")
        control.say(user, account, "同")
        equal([i["content"] for i in control.inbox(user, account)[before:]], ["wxjava: 同"] * 2, "contents")
    with report.check(
        f"{label}: the router takes equal clicks of one frozen second for a retry, not those of two"
    ):
        control.clock(freeze=True)
        try:
            control.clock(advance=5)
            before = len(control.inbox(user, account))
            control.act(user, "click", account, key="V1")
            control.act(user, "click", account, key="V1")
            equal(len(control.inbox(user, account)) - before, 1, "answers in one second")
            control.clock(advance=1)
            control.act(user, "click", account, key="V1")
            equal(len(control.inbox(user, account)) - before, 2, "answers after the next second")
        finally:
            control.clock(freeze=False)


def expired(report, control, bots):
    """After +7,201 s: who fetches a new token and who never does (CLIENTS.md)."""
    control.clock(advance=7201)
    for name, (account, user, api) in bots.items():
        if not (api and user):
            continue
        openid = user["openids"][account["appid"]]
        with report.check(f"{name}, straight: what it does about 42001"):
            got = api.step("user", openid=openid)
            if name == "silenceper":
                # Caches by the real clock and never fetches again. The callback side of the bot fetched a
                # token of its own after this one, so it is the replaced one that ends.
                failed_with(got, 40001)
            else:
                ok(got)


def replaced(report, control, endpoints, bots):
    """After another program fetched two tokens: 40001."""
    for name, (account, user, api) in bots.items():
        if not (api and user) or name == "silenceper":
            continue
        openid = user["openids"][account["appid"]]
        with report.check(f"{name}, straight: what it does about 40001"):
            ok(api.step("user", openid=openid))
            for _ in range(2):
                web.request(
                    "GET",
                    f"{endpoints['api.weixin.qq.com']}/cgi-bin/token?grant_type=client_credential"
                    f"&appid={account['appid']}&secret={account['secret']}",
                )
            ok(api.step("user", openid=openid))


def faults(report, control, bots):
    """Repeats that need a fault rule; absent while the control interface answers 501 to it."""
    probe = control.raw("POST", "/faults", {"path": "/cgi-bin/none", "times": 1, "errcode": -1})
    if probe.status == 501:
        return
    codes = {
        "wechatpy": (40001, 40014, 42001),
        "wechatpy2": (40001, 40014, 42001),
        "co-wechat": (40001, 42001),
        "wxjava": (40001, 40014, 42001, -1),
    }
    for name, (account, user, api) in bots.items():
        if not (api and user):
            continue
        openid = user["openids"][account["appid"]]
        for code in codes.get(name, ()):
            with report.check(f"{name}, straight: repeats after {code}"):
                control.call(
                    "POST",
                    "/faults",
                    {"account": account["appid"], "path": "/cgi-bin/user/info", "times": 1, "errcode": code},
                )
                ok(api.step("user", openid=openid))


def seeded_service(control):
    """The verified service account of the seeded world that `--app` connects."""
    answer = control.call("GET", "/accounts")
    items = answer["items"] if isinstance(answer, dict) else answer
    return next(a for a in items if a["kind"] == "service" and a["verified"])


def follower(control, account):
    answer = control.call("GET", "/users")
    items = answer["items"] if isinstance(answer, dict) else answer
    for item in items:
        user = control.call("GET", f"/users/{item['id']}")
        if account["appid"] in user.get("openids", {}):
            return user
    raise LookupError("no seeded user follows the seeded account")


def connected(control, seconds=15):
    def state():
        app = control.call("GET", "/dev")["app"]
        return app if app["state"] in ("connected", "failed") else None

    return web.until(state, seconds)


def through_gateway(report, name, command, folder):
    """One bot as the primary app behind `xinqiao dev --via gateway`."""
    label = f"{name}, through the gateway"
    port = web.free_port()
    with Process(
        "dev", "--app", f"http://127.0.0.1:{port}/", "--via", "gateway", "--memory", "--port", "0"
    ) as dev:
        control = Control(dev.ready["control"])
        account = seeded_service(control)
        gateway = dev.ready["gateway"].rstrip("/")
        origin = web.request("GET", f"{gateway}/v1/endpoints").json()["endpoints"]["api.weixin.qq.com"]
        api = None
        with Bot(command, account, origin, port):
            with report.check(f"{label}: the late app is found and connected"):
                equal((connected(control) or {}).get("state"), "connected", "state of the app")
            user = follower(control, account)
            openid = user["openids"][account["appid"]]
            control.say(user, account, "silence")  # opens the interaction window
            media_id = None
            try:
                if name in HAS_API:
                    api = Api(command, account, origin)
                    picture = png(folder)
                    media_id = calls(
                        report, label, name, control, user, account, openid, api, picture, origin
                    )
                replies(report, label, name, control, user, account, media_id, gateway)
            finally:
                if api:
                    api.close()
            if name in HAS_API:
                issued_key(report, label, name, command, control, account, user, gateway, origin, dev)


def issue_key(gateway, account):
    """An issued key for the account."""
    answer = web.request(
        "POST", f"{gateway}/v1/keys", json={"app": "interop", "accounts": [account["appid"]]}
    )
    expect(answer.status in (200, 201), f"POST /v1/keys: {answer.status} {answer.text}")
    return answer.json()["key"]


def real_secrets(dev, account):
    """What must not be seen: the secret, and the token that the gateway's centre holds."""
    answer = web.request(
        "POST",
        f"{dev.ready['endpoints']['api.weixin.qq.com']}/cgi-bin/stable_token",
        json={"grant_type": "client_credential", "appid": account["appid"], "secret": account["secret"]},
    )
    return {"secret": account["secret"], "stable token": answer.json()["access_token"]}


def issued_key(report, label, name, command, control, account, user, gateway, origin, dev):
    openid = user["openids"][account["appid"]]
    with report.check(f"{label}: with an issued key, the real secret and token are nowhere in its traffic"):
        key = issue_key(gateway, account)
        host, _, port = origin.removeprefix("http://").partition(":")
        relay = Relay(host, int(port.rstrip("/")))
        try:
            with Api(command, dict(account, secret=key), relay.origin) as api:
                token = ok(api.step("token"))
                ok(api.step("custom", openid=openid, content="凭钥匙"))
                ok(api.step("user", openid=openid))
            seen = relay.traffic()
            expect(key.encode() in seen and token.encode() in seen, "the relay did not see the calls")
            for what, value in real_secrets(dev, account).items():
                expect(value.encode() not in seen, f"the real {what} is in the traffic")
                expect(value != token, f"the token is the real {what}")
        finally:
            relay.close()
        equal(last(control.inbox(user, account))["content"], "凭钥匙", "content")


def run(report, commands, reasons, names):
    """All bots, straight and through the gateway."""
    with tempfile.TemporaryDirectory(prefix="xinqiao-interop-") as folder:
        bots = {}
        for name in names:
            if name in reasons:
                report.skip(f"{name}: all checks", str(reasons[name]))
        names = [n for n in names if n in commands]
        if not names:
            return
        try:
            with Process("sim", "--port", "0", "--memory") as sim:
                control = Control(sim.ready["control"])
                for name in names:
                    with report.section(f"{name}, straight"):
                        bots[name] = straight(
                            report, control, sim.ready["endpoints"], name, commands[name], folder
                        )
                for name in names:
                    if name == "wechatpy2":
                        with report.section("wechatpy2, an account without the right"):
                            without_right(report, control, sim.ready["endpoints"], commands[name])
                with report.section("token expiry"):
                    replaced(report, control, sim.ready["endpoints"], bots)
                    expired(report, control, bots)
                    faults(report, control, bots)
        finally:
            for _, _, api in bots.values():
                if api:
                    api.close()
        for name in names:
            with report.section(f"{name}, through the gateway"):
                through_gateway(report, name, commands[name], folder)
