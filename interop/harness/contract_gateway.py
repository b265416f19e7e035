"""Through the gateway: one delivery, one answer in time, repeats, bad input, kill -9, configuration."""

import pathlib
import subprocess
import tempfile
import time

from . import envelope, web, xinqiao
from .bot_checks import connected, follower, seeded_service
from .raw import API, Bot
from .report import equal, expect
from .xinqiao import Control, Process


def behind(report):
    """`xinqiao dev --app URL --via gateway` with raw apps."""

    def behave(push, number):
        content = envelope.element(push.plain, "Content") or ""
        if content.startswith("睡"):
            time.sleep(6)
            return "太晚"
        return f"回 {content}"

    with Bot(behave) as bot, report.section("gateway"):
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
            with report.check(
                "gateway: a 6 s sleeper gets one delivery, the simulator one answer within 4.8 s"
            ):
                before = len(bot.messages())
                inbox = len(control.inbox(user, account))
                started = time.monotonic()
                answer = control.say(user, account, "睡一觉")
                took = time.monotonic() - started
                tries = answer["deliveries"][0]["attempts"]
                equal(len(tries), 1, "attempts of the simulator")
                expect(
                    tries[0]["ms"] <= 4800 and took < 5.2, f"{tries[0]['ms']} ms, the act took {took:.2f} s"
                )
                time.sleep(2.5)
                equal(len(bot.messages()) - before, 1, "deliveries to the app")
                equal(
                    [i["via"] for i in control.inbox(user, account)[inbox:] if i["via"] == "system"],
                    [],
                    "notices",
                )
            with report.check("gateway: a repeated callback reaches the app once and gets the stored answer"):
                before = len(bot.messages())
                openid, original = user["openids"][account["appid"]], account["original_id"]
                xml = envelope.text_message(original, openid, "重复")
                said = []
                for _ in range(3):
                    query, body = envelope.seal(
                        account["token"], account["aes_key"], account["appid"], xml, original, openid
                    )
                    got = web.request(
                        "POST",
                        f"{gateway}/callback/{account['appid']}?{query}",
                        body=body,
                        headers={"content-type": "text/xml"},
                    )
                    equal(got.status, 200, "status")
                    said.append(
                        envelope.element(
                            envelope.open_reply(
                                account["token"], account["aes_key"], account["appid"], got.text
                            ),
                            "Content",
                        )
                    )
                equal(said, ["回 重复"] * 3, "answers")
                equal(len(bot.messages()) - before, 1, "deliveries to the app")
            refusals(report, bot, control, dev, account, user, gateway)


def refusals(report, bot, control, dev, account, user, gateway):
    """Bad input at the inlet: one answer that says nothing, the rule for the operator; nothing stored or broken."""
    token, key, appid, original = (
        account["token"],
        account["aes_key"],
        account["appid"],
        account["original_id"],
    )
    openid = user["openids"][appid]
    xml = envelope.text_message(original, openid, "坏")
    sealed = envelope.encrypt(key, appid, xml.encode())
    other_key = "B" * 42 + "A"

    def push(**change):
        fields = {
            "token": token,
            "aes_key": key,
            "receiver": appid,
            "xml": xml,
            "to": original,
            "openid": openid,
            **change,
        }
        return envelope.seal(**fields)

    large = envelope.text_message(original, openid, "大" * 700_000)
    cases = {
        "wrong token": (push(token="nottheToken"), "callback.signature.token", None),
        "wrong AES key": (push(aes_key=other_key), "decrypt.", None),
        "truncated base64": (push(encrypted=sealed[:-7]), "decrypt.", None),
        "doubled base64": (push(encrypted=sealed + sealed), "decrypt.", None),
        "another account's ciphertext": (
            push(encrypted=envelope.encrypt(other_key, "wx00000000000000ff", xml.encode())),
            "decrypt.",
            None,
        ),
        "foreign receiver id": (push(receiver="wx00000000000000ff"), "decrypt.receiver_id", None),
        "DOCTYPE in the outer XML": ((push()[0], '<!DOCTYPE x [<!ENTITY a "b">]>' + push()[1]), "xml.doctype", None),
        "missing parameters": (("timestamp=1700000000&nonce=2", push()[1]), "callback.", None),
        "a parameter twice": ((push()[0] + "&%6eonce=1", push()[1]), "callback.parameters.repeated", None),
        "no query": (("", push()[1]), "callback.", None),
        "no body": ((push()[0], ""), "", None),
        "not XML": ((push()[0], "hello"), "", None),
        "unknown appid": (push(), "", "wx00000000000000ff"),
    }

    def stored():
        answer = web.request("GET", f"{gateway}/v1/events?limit=1000").json()
        return len(answer["items"])

    def last_problem():
        for found in web.request("GET", f"{gateway}/v1/accounts").json()["items"]:
            if found["appid"] == appid and found["callback"]["last_problem"]:
                return found["callback"]["last_problem"]
        return {"rule": "", "cause": ""}

    before, delivered = stored(), len(bot.messages())
    for what, ((query, body), rule, other) in cases.items():
        with report.check(f"bad input: {what}: the one answer, and the rule for the operator"):
            got = web.request(
                "POST",
                f"{gateway}/callback/{other or appid}?{query}",
                body=body,
                headers={"content-type": "text/xml"},
            )
            equal((got.status, got.text, got.header("x-xinqiao-rule")), (403, "forbidden\n", None), "answer")
            if rule:
                # Refusals are explained on a budget: a few at once, then one every two seconds.
                problem, end = last_problem(), time.monotonic() + 5
                while not problem["rule"].startswith(rule) and time.monotonic() < end:
                    time.sleep(2.1)
                    web.request("POST", f"{gateway}/callback/{appid}?{query}", body=body)
                    problem = last_problem()
                expect(problem["rule"].startswith(rule), f"want a rule {rule}…, got {problem}")
                for secret in (token, key, account["secret"]):
                    expect(secret not in problem["cause"], "the explanation shows a secret")
    with report.check("bad input: a body of 2 MB: the one answer"):
        got = web.request("POST", f"{gateway}/callback/{appid}?{push()[0]}", body=large)
        equal((got.status, got.text), (403, "forbidden\n"), "answer")
    with report.check("bad input: nothing was stored, nothing was delivered, the gateway lives"):
        equal(stored(), before, "stored events")
        equal(len(bot.messages()), delivered, "deliveries")
        equal(web.request("GET", f"{gateway}/healthz").status, 200, "healthz")
        control.say(user, account, "还在吗")
        equal(control.inbox(user, account)[-1]["content"], "回 还在吗", "content")
    with report.check("bad input: a wrong URL check gets the one answer"):
        got = web.request("GET", f"{gateway}/callback/{appid}?{envelope.handshake('nottheToken', 'e')}")
        equal((got.status, got.text), (403, "forbidden\n"), "answer")


def demo(report):
    """`xinqiao dev` without an app: the demo app answers, also late, straight and through the gateway."""
    for via in ("direct", "gateway"):
        with (
            report.section(f"demo, {via}"),
            Process("dev", "--via", via, "--memory", "--port", "0") as dev,
        ):
            control = Control(dev.ready["control"])
            account = seeded_service(control)
            user = follower(control, account)
            with report.check(f"demo, {via}: 你好 is answered"):
                equal((connected(control) or {}).get("state"), "connected", "state of the app")
                started = time.monotonic()
                control.say(user, account, "你好")
                shown = control.wait_inbox(user, account, bool)
                took = time.monotonic() - started
                equal(shown[-1]["via"], "reply", "via")
                expect("你好" in shown[-1]["content"], shown[-1])
                print(f"     the demo's bubble was there after {took * 1000:.0f} ms")
            with report.check(f"demo, {via}: a slow answer arrives as a customer message"):
                control.say(user, account, "慢")
                shown = control.wait_inbox(
                    user, account, lambda box: any(item["via"] == "custom" for item in box), 20
                )
                equal(shown[-1]["via"], "custom", "via")
                equal([item for item in shown if item["via"] == "system"], [], "notices")


def kept(report):
    """What is on disk after kill -9: the world of `dev`, and its credentials."""
    with (
        report.check("dev: killed with -9, the next start has the same accounts, users and chats"),
        tempfile.TemporaryDirectory() as folder,
    ):
        dev = Process("dev", "--port", "0", folder=folder)
        control = Control(dev.ready["control"])
        account = seeded_service(control)
        user = follower(control, account)
        connected(control)
        control.say(user, account, "记住")
        extra = control.account(name="新店", kind="subscription")
        before = control.wait_inbox(user, account, bool)
        dev.kill()
        dev.stop()
        dev = Process("dev", "--port", "0", folder=folder)
        try:
            control = Control(dev.ready["control"])
            again = seeded_service(control)
            for key in ("appid", "secret", "token", "aes_key"):
                equal(again[key], account[key], key)
            equal(control.call("GET", f"/accounts/{extra['appid']}")["secret"], extra["secret"], "secret")
            equal(control.inbox(user, account), before, "inbox")
            equal((connected(control) or {}).get("state"), "connected", "state of the app")
            control.say(user, account, "还在")
            box = control.wait_inbox(user, account, lambda box: len(box) > len(before))
            equal(len(box), len(before) + 1, "inbox items")
        finally:
            dev.stop()
    with report.check("dev: another folder, the same seed: the same credentials; another seed: others"):
        found = []
        for seed in ("1", "1", "2"):
            with Process("dev", "--port", "0", "--memory", "--seed", seed) as dev:
                account = seeded_service(Control(dev.ready["control"]))
                found.append(tuple(account[key] for key in ("appid", "secret", "token", "aes_key")))
        equal(found[0], found[1], "credentials")
        expect(not set(found[0]) & set(found[2]), "another seed has the same credentials")


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
accounts = ["{appid}"]
timeout_ms = 5000
"""


def serve(config, port):
    """A `xinqiao serve` that is up."""
    process = Process("serve", "--config", str(config), ready=False)

    def healthy():
        try:
            return web.request("GET", f"http://127.0.0.1:{port}/healthz").status == 200
        except OSError:
            return process.process.poll() is not None

    web.until(healthy, 20)
    if process.process.poll() is not None:
        said = process.output()
        process.stop()
        raise RuntimeError(f"serve ended: {said[-1500:]}")
    return process


def killed(report):
    """kill -9 right after the acknowledgement."""
    with report.check(
        "gateway: killed with -9 right after acknowledging: the event is there and is delivered after the restart"
    ):
        alive = []

        def behave(push, number):
            if not alive:
                time.sleep(8)
            return "晚到"

        with (
            Process("sim", "--port", "0", "--memory") as sim,
            tempfile.TemporaryDirectory() as folder,
            Bot(behave) as bot,
        ):
            control = Control(sim.ready["control"])
            account = control.account()
            bot.account = account
            config = pathlib.Path(folder) / "xinqiao.toml"
            port = web.free_block(6)
            base = f"http://127.0.0.1:{port}"
            admin = f"http://127.0.0.1:{port + 5}"  # without admin.key, administration has a port of its own
            config.write_text(
                CONFIG.format(
                    api=sim.ready["endpoints"][API],
                    store=pathlib.Path(folder) / "gateway.db",
                    port=port,
                    app=bot.url,
                    **{k: account[k] for k in ("appid", "secret", "token", "aes_key")},
                )
            )
            gateway = serve(config, port)
            try:
                equal(
                    control.callback(account, f"{base}/callback/{account['appid']}"),
                    {"verified": True},
                    "handshake",
                )
                user = control.user(follow=[account])
                events = len(web.request("GET", f"{admin}/v1/events?limit=1000").json()["items"])
                answer = control.say(user, account, "别丢")
                gateway.kill()
                equal([a["status"] for a in answer["deliveries"][0]["attempts"]], [200], "acknowledged")
                seen = len(bot.messages())
                gateway.stop()
                alive.append(True)
                gateway = serve(config, port)
                items = web.request("GET", f"{admin}/v1/events?limit=1000").json()["items"]
                equal(len(items), events + 1, "events after the restart")
                arrived = web.until(lambda: bot.messages()[seen:], 15)
                expect(
                    arrived and envelope.element(arrived[0].plain, "Content") == "别丢",
                    "not delivered after the restart",
                )
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
                done = subprocess.run(
                    [str(xinqiao.binary()), "serve", "--config", str(path)],
                    capture_output=True,
                    text=True,
                    timeout=20,
                    cwd=folder,
                )
                said = done.stderr + done.stdout
                expect(done.returncode in (1, 2), f"exit {done.returncode}: {said[-500:]}")
                for word in (*words, "xinqiao.toml"):
                    expect(word in said, f"{word} is not named: {said[-700:]}")
                expect("panicked" not in said, said[-500:])
