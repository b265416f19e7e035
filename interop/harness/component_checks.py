"""Third-party platforms on released SDKs: straight from the simulator, and through the gateway in adopt mode."""

import re

from . import web
from .bot_checks import BREAKS_CDATA, failed_with, issue_key, last, ok
from .bots import Platform
from .relay import Relay
from .report import equal, expect
from .xinqiao import Control, Process

# Bots whose SDK plays a third-party platform.
PLATFORMS = ("silenceper", "wechatpy", "wechatpy2")
# Platforms whose SDK knows lists and options of accounts.
LISTS = ("wechatpy", "wechatpy2")
# What an SDK reports of a token that the account withdrew: wechatpy asks for another one first.
WITHDRAWN = {"silenceper": 40001, "wechatpy": 61003, "wechatpy2": 61003}


def answered(deliveries):
    """Each push was answered with `success` at once."""
    got = [(len(d["attempts"]), d["attempts"][-1]["status"], d["response"]["body"]) for d in deliveries]
    equal(got, [(1, 200, "success")] * len(got), "deliveries")
    expect(got, "nothing was pushed")


def straight(report, control, endpoints, name, command):
    label = f"{name}, third-party platform, straight"
    component = control.account(kind="component", name=f"{name} 的平台")
    with Platform(command, component, endpoints["api.weixin.qq.com"]) as bot:
        with report.check(f"{label}: addresses are stored without a handshake, and a ticket comes"):
            control.callback(component, bot.url, message_url=f"{bot.url}$APPID$")
            web.until(lambda: all(d["settled"] for d in control.deliveries(component)), 5)
            answered(control.deliveries(component))
        with report.check(f"{label}: the ticket gives a token"):
            token = ok(bot.step("component_token"))
            expect(len(token) > 100, token)
        with report.check(f"{label}: the next ticket gives another"):
            answered(push_ticket(control, component))
            expect(ok(bot.step("component_token")) != token, "the same token")
        platform(report, label, control, name, component, bot)


def push_ticket(control, component):
    return control.call("POST", f"/accounts/{component['appid']}/tickets", {})["deliveries"]


def through_gateway(report, name, command):
    """The platform behind `xinqiao dev --via gateway`: its secret, Token and key stay what they are."""
    label = f"{name}, third-party platform, through the gateway"
    port = web.free_port()
    apps = [f"component=http://127.0.0.1:{port}/", f"component=http://127.0.0.1:{port}/$APPID$"]
    apps = [argument for app in apps for argument in ("--app", app)]
    with Process("dev", *apps, "--via", "gateway", "--memory", "--port", "0") as dev:
        control = Control(dev.ready["control"])
        gateway = dev.ready["gateway"].rstrip("/")
        origin = web.request("GET", f"{gateway}/v1/endpoints").json()["endpoints"]["api.weixin.qq.com"]
        items = control.call("GET", "/accounts")["items"]
        component = next(one for one in items if one["kind"] == "component")
        with Platform(command, component, origin, port) as bot:
            with report.check(f"{label}: tickets come through the gateway, and the newest gives a token"):
                answered(push_ticket(control, component))
                token = ok(bot.step("component_token"))
                expect(len(token) > 100, token)
            with report.check(f"{label}: whoever asks again gets the one token that the gateway holds"):
                answered(push_ticket(control, component))
                equal(ok(bot.step("component_token")), token, "token")
            platform(report, label, control, name, component, bot)
        issued_key(report, label, control, name, command, component, gateway, origin, port)


def issued_key(report, label, control, name, command, component, gateway, origin, port):
    key = issue_key(gateway, component)
    host, _, own = origin.removeprefix("http://").partition(":")
    relay = Relay(host, int(own.rstrip("/")))
    try:
        with Platform(command, dict(component, secret=key), relay.origin, port) as bot:
            keyed = f"{label}: with an issued key"
            with report.check(f"{keyed}, an account authorizes, is called for and answered"):
                answered(push_ticket(control, component))
                expect(ok(bot.step("component_token")).startswith("90_"), "the token is not virtual")
                account = control.account(name=f"{name} 凭钥匙代管的店")
                user = control.user(nickname="客人", follow=[account])
                grants = f"/accounts/{component['appid']}/authorizations"
                code = ok(bot.step("pre_code"))
                grant = control.call("POST", grants, {"account": account["appid"], "pre_auth_code": code})
                answered(grant["deliveries"])
                ok(bot.step("query_auth", code=grant["auth_code"]))
                openid = user["openids"][account["appid"]]
                told = ok(bot.step("user", appid=account["appid"], openid=openid))
                equal(told["subscribe"], 1, "subscribe")
                control.say(user, account, "你好")
                equal(last(control.inbox(user, account))["content"], f"{name}: 你好", "content")
            with report.check(f"{keyed}, the real secret and tokens are nowhere in its traffic"):
                seen = relay.traffic()
                expect(key.encode() in seen, "the relay did not see the calls")
                expect(component["secret"].encode() not in seen, "the real secret is in the traffic")
                tokens = set(re.findall(rb'access_token(?:=|" ?: ?")([^"& ]+)', seen))
                expect(tokens, "the relay saw no tokens")
                real = [token for token in tokens if not token.startswith(b"90_")]
                equal(real, [], "tokens that are not virtual")
    finally:
        relay.close()


def platform(report, label, control, name, component, bot):
    account = control.account(name=f"{name} 代管的店")
    appid = account["appid"]
    grants = f"/accounts/{component['appid']}/authorizations"
    user = control.user(nickname="平台的客人", follow=[account])
    openid = user["openids"][appid]
    with report.check(f"{label}: an account authorizes, and the code of the event is exchanged"):
        code = ok(bot.step("pre_code"))
        grant = control.call("POST", grants, {"account": appid, "pre_auth_code": code})
        answered(grant["deliveries"])
    with report.check(f"{label}: the code is exchanged again where the browser comes back"):
        info = ok(bot.step("query_auth", code=grant["auth_code"]))
        equal(info["authorizer_appid"], appid, "account")
        expect({"funcscope_category": {"id": 1}} in info["func_info"], info)
    with report.check(f"{label}: it is told about the account"):
        told = ok(bot.step("info", appid=appid))
        got = (told["about"]["user_name"], told["about"]["service_type_info"]["id"])
        equal(got, (account["original_id"], 2), "original id, kind")
        equal(told["grant"]["authorizer_appid"], appid, "account")
    with report.check(f"{label}: it calls for the account"):
        equal(ok(bot.step("user", appid=appid, openid=openid))["subscribe"], 1, "subscribe")
    with report.check(f"{label}: messages of the account's users come to it, and it answers"):
        text = "你好 😀 <b>" if name in BREAKS_CDATA else "你好 😀 <b>]]>"
        control.say(user, account, text)
        shown = last(control.inbox(user, account))
        equal((shown["via"], shown["content"]), ("reply", f"{name}: {text}"), "inbox item")
        delivery = control.deliveries(account)[-1]
        expect(delivery["url"].endswith(f"/{appid}"), delivery["url"])
    with report.check(f"{label}: it writes to a user of the account while the push is open"):
        before = len(control.inbox(user, account))
        control.say(user, account, "push")
        box = control.wait_inbox(user, account, lambda box: len(box) >= before + 2)[before:]
        got = [(item["via"], item["content"]) for item in box]
        equal(got, [("custom", f"{name}: pushed"), ("reply", f"{name}: push")], "inbox")
    if name in LISTS:
        with report.check(f"{label}: it lists the account, and sets an option of it"):
            listed = ok(bot.step("list"))
            equal([one["authorizer_appid"] for one in listed["list"]], [appid], "accounts")
            option = {"appid": appid, "name": "location_report"}
            ok(bot.step("set_option", value="2", **option))
            equal(ok(bot.step("get_option", **option))["option_value"], "2", "option")
            failed_with(bot.step("set_option", value="7", **option), 61013)
    with report.check(f"{label}: a changed grant is exchanged"):
        answered(control.call("POST", grants, {"account": appid, "functions": [1, 2]})["deliveries"])
        told = ok(bot.step("info", appid=appid))["grant"]["func_info"]
        equal([one["funcscope_category"]["id"] for one in told], [1, 2], "permission sets")
    with report.check(f"{label}: after the account withdrew, its token is refused"):
        answered(control.call("DELETE", f"{grants}/{appid}")["deliveries"])
        failed_with(bot.step("user", appid=appid, openid=openid), WITHDRAWN[name])


def run(report, commands, names):
    """What runs where the packages are; what is missing was reported with the other checks."""
    names = [name for name in names if name in PLATFORMS and name in commands]
    if not names:
        return
    with Process("sim", "--port", "0", "--memory") as sim:
        control = Control(sim.ready["control"])
        for name in names:
            with report.section(f"{name}, third-party platform"):
                straight(report, control, sim.ready["endpoints"], name, commands[name])
    for name in names:
        with report.section(f"{name}, third-party platform, through the gateway"):
            through_gateway(report, name, commands[name])
