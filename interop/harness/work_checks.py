"""Applications of WeCom on released SDKs: straight against the simulator, and through the gateway in adopt mode."""

from . import web
from .bot_checks import failed_with, issue_key, last, ok
from .bots import Api, Bot
from .relay import Relay
from .report import equal, expect
from .xinqiao import Control, Process, Refused

# Bots whose SDK has a client for WeCom, in a command of its own.
HAS_WORK = ("wechatpy", "wechatpy2", "wxjava")


def contacts(report, label, command, corp, agent, origin, members):
    """Members and departments, as the contacts' secret changes them. `members` are there before."""
    sync = dict(agent, secret=corp["contacts_secret"])
    with Api(command, sync, origin) as api:
        with report.check(f"{label}: a token of the contacts' secret, the same when asked again"):
            token = ok(api.step("token"))
            again = ok(api.step("refetch"))
            equal((again["access_token"], again["errcode"]), (token, 0), "token and errcode")
        with report.check(f"{label}: a department is made and listed"):
            equal(ok(api.step("department_create", name="门店"))["id"], 2, "id")
            names = [one["name"] for one in ok(api.step("department_list"))]
            equal(names, [corp["name"], "门店"], "names")
        with report.check(f"{label}: a member is made, told, changed and listed"):
            made = ok(
                api.step("user_create", user_id="zhang", name="张三", mobile="13800000000", department=[2])
            )
            equal((made["errcode"], made["errmsg"]), (0, "created"), "answer")
            told = ok(api.step("user", userid="zhang"))
            equal((told["name"], told["gender"], told["status"]), ("张三", "0", 4), "member")
            ok(api.step("user_update", user_id="zhang", position="掌柜"))
            for simple in (True, False):
                listed = ok(api.step("user_list", department=1, simple=simple))
                equal([one["userid"] for one in listed], sorted([*members, "zhang"]), "userids")
            equal(listed[-1]["position"], "掌柜", "position")
        with report.check(f"{label}: the same userid again is 60102"):
            failed_with(api.step("user_create", user_id="ZHANG", name="x", mobile="13800000001"), 60102)
        with report.check(f"{label}: the contacts' secret sends no messages"):
            failed_with(api.step("send", to=members[0], content="x"), 301002)
        with report.check(f"{label}: a member is deleted"):
            ok(api.step("user_delete", userid="zhang"))
            failed_with(api.step("user", userid="zhang"), 60111)


def agent_calls(report, label, control, agent, user, userid, api):
    with report.check(f"{label}: an application reads a member, not the number"):
        told = ok(api.step("user", userid=userid))
        equal((told["userid"], told["status"], "mobile" in told), (userid, 1, False), "member")
    with report.check(f"{label}: an application may not make members"):
        failed_with(api.step("user_create", user_id="li", name="李四", mobile="13800000002"), 48002)
    with report.check(f"{label}: a message reaches the phone and names who is nobody"):
        sent = ok(api.step("send", to=[userid, "nobody"], content="早"))
        equal(sent["invaliduser"], "nobody", "invaliduser")
        shown = last(control.inbox(user, agent))
        equal((shown["via"], shown["type"], shown["content"]), ("custom", "text", "早"), "inbox item")
    with report.check(f"{label}: a card reaches the phone"):
        ok(api.step("send_card", to="@all", title="票"))
        shown = last(control.inbox(user, agent))
        equal((shown["type"], shown["title"]), ("textcard", "票"), "inbox item")
    with report.check(f"{label}: nobody to send to is 81013"):
        failed_with(api.step("send", to="nobody", content="x"), 81013)
    for code in (40001, 40014, 42001):
        with report.check(f"{label}: repeats after {code}"):
            fault = {"account": agent["appid"], "path": "/cgi-bin/user/get", "times": 1, "errcode": code}
            control.call("POST", "/faults", fault)
            ok(api.step("user", userid=userid))
    with report.check(f"{label}: a token that ended is fetched anew"):
        control.clock(advance=7201)
        ok(api.step("user", userid=userid))


def callbacks(report, label, name, control, agent, user, command, origin, port=0, inlet=None):
    """The messages of the application's members; they come by `inlet` if they come through the gateway."""
    with Bot(command, agent, origin, port) as bot:
        url = inlet or bot.url
        with report.check(f"{label}: the check of the address is answered"):
            equal(control.callback(agent, url), {"verified": True}, "answer")
        # The first push of all wakes a JVM up: for an app that is slow the gateway answers with silence.
        control.say(user, agent, "silence")
        with report.check(f"{label}: a text is answered in the phone"):
            control.say(user, agent, "你好 😀 <b>&amp;")
            shown = last(control.inbox(user, agent))
            equal((shown["via"], shown["content"]), ("reply", f"{name}: 你好 😀 <b>&amp;"), "inbox item")
        with report.check(f"{label}: opening the application is an event with the agent's number"):
            control.act(user, "enter", agent)
            equal(
                last(control.inbox(user, agent))["content"], f"{name}: enter_agent {agent['agentid']}", "content"
            )
        with report.check(f"{label}: a news reply keeps both its articles"):
            control.say(user, agent, "news")
            shown = last(control.inbox(user, agent))
            equal((shown["type"], len(shown["articles"])), ("news", 2), "inbox item")
        with report.check(f"{label}: silence shows nothing, with one attempt"):
            before = len(control.inbox(user, agent))
            [delivery] = control.say(user, agent, "silence")["deliveries"]
            equal((len(delivery["attempts"]), len(control.inbox(user, agent))), (1, before), "attempts, items")
        with report.check(f"{label}: a message is sent while the push is open"):
            before = len(control.inbox(user, agent))
            control.say(user, agent, "push")
            box = control.inbox(user, agent)[before:]
            equal([item["content"] for item in box], [f"{name}: pushed", f"{name}: push"], "contents")
        with report.check(f"{label}: a wrong Token is named when the address is saved"):
            try:
                control.callback(dict(agent, token="wrong" + agent["token"][:20]), url)
            except Refused as refused:
                equal(refused.status, 422, "status")
            else:
                expect(False, "the simulator verified a wrong Token")


def wrong_secrets(report, label, command, agent, origin):
    with report.check(f"{label}: a wrong secret is 40001, a wrong corporation 40013"):
        for wrong, code in (
            (dict(agent, secret="wrong"), 40001),
            (dict(agent, appid=f"wwnone:{agent['agentid']}"), 40013),
        ):
            with Api(command, wrong, origin) as api:
                failed_with(api.step("token"), code)


def straight(report, control, endpoints, name, command):
    label = f"{name} for WeCom, straight"
    origin = endpoints["qyapi.weixin.qq.com"]
    corp = control.call("POST", "/corps", {"name": f"{name} 的企业"})
    [agent] = corp["agents"]
    user = control.user(nickname="小林", corp={"corpid": corp["corpid"], "userid": "lin"})
    wrong_secrets(report, label, command, agent, origin)
    contacts(report, label, command, corp, agent, origin, ["lin"])
    callbacks(report, label, name, control, agent, user, command, origin)
    with Api(command, agent, origin) as api:
        agent_calls(report, label, control, agent, user, "lin", api)


def token_of(origin, agent):
    """What the platform itself gives for the application's secret."""
    corp = agent["corpid"]
    answer = web.request("GET", f"{origin}/cgi-bin/gettoken?corpid={corp}&corpsecret={agent['secret']}")
    return answer.json()["access_token"]


def through_gateway(report, name, command):
    """The application behind `xinqiao dev --via gateway`: its secret, Token and key stay what they are."""
    label = f"{name} for WeCom, through the gateway"
    port = web.free_port()
    app = f"work=http://127.0.0.1:{port}/"
    with Process("dev", "--app", app, "--via", "gateway", "--memory", "--port", "0") as dev:
        control = Control(dev.ready["control"])
        gateway = dev.ready["gateway"].rstrip("/")
        host = "qyapi.weixin.qq.com"
        origin = web.request("GET", f"{gateway}/v1/endpoints").json()["endpoints"][host]
        [corp] = control.call("GET", "/corps")["items"]
        [agent] = corp["agents"]
        members = control.call("GET", f"/corps/{corp['corpid']}/members")["items"]
        userids = sorted(one["userid"] for one in members)
        member = next(one for one in members if one["user"] == dev.ready["users"][0]["id"])
        user, userid = control.call("GET", f"/users/{member['user']}"), member["userid"]
        wrong_secrets(report, label, command, agent, origin)
        contacts(report, label, command, corp, agent, origin, userids)
        inlet = f"{gateway}/callback/{agent['appid']}"
        callbacks(report, label, name, control, agent, user, command, origin, port, inlet)
        with Api(command, agent, origin) as api:
            with report.check(f"{label}: the real secret gets the one token that the platform gives (adopt)"):
                equal(ok(api.step("token")), token_of(dev.ready["endpoints"][host], agent), "token")
            agent_calls(report, label, control, agent, user, userid, api)
        issued_key(report, label, command, control, agent, user, userid, gateway, origin, dev)


def issued_key(report, label, command, control, agent, user, userid, gateway, origin, dev):
    with report.check(f"{label}: with an issued key, the real secret and token are nowhere in its traffic"):
        key = issue_key(gateway, agent)
        host, _, port = origin.removeprefix("http://").partition(":")
        relay = Relay(host, int(port.rstrip("/")))
        try:
            with Api(command, dict(agent, secret=key), relay.origin) as api:
                token = ok(api.step("token"))
                ok(api.step("send", to=userid, content="凭钥匙"))
                ok(api.step("user", userid=userid))
            seen = relay.traffic()
            expect(key.encode() in seen and token.encode() in seen, "the relay did not see the calls")
            real = token_of(dev.ready["endpoints"]["qyapi.weixin.qq.com"], agent)
            for what, value in (("secret", agent["secret"]), ("token", real)):
                expect(value.encode() not in seen, f"the real {what} is in the traffic")
        finally:
            relay.close()
        equal(last(control.inbox(user, agent))["content"], "凭钥匙", "content")


def run(report, commands, names):
    """What runs where the packages are; what is missing was reported with the other checks."""
    names = [name for name in names if name in HAS_WORK and f"{name}-work" in commands]
    if not names:
        return
    with Process("sim", "--port", "0", "--memory") as sim:
        control = Control(sim.ready["control"])
        for name in names:
            with report.section(f"{name} for WeCom"):
                straight(report, control, sim.ready["endpoints"], name, commands[f"{name}-work"])
    for name in names:
        with report.section(f"{name} for WeCom, through the gateway"):
            through_gateway(report, name, commands[f"{name}-work"])
