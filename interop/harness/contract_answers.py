"""Deliveries and answers: five seconds, three times, three modes, silence, illegal answers."""

import time
from concurrent.futures import ThreadPoolExecutor

from . import envelope
from .bot_checks import NOTICE
from .raw import Bot, shop
from .report import equal, expect


def attempts(report, control, api):
    """Five seconds, three times, one MsgId. The slow ones run side by side."""

    def sleeper():
        with (
            report.check(
                "straight: a 6 s sleeper gets exactly three deliveries with one MsgId, then the notice"
            ),
            Bot(lambda push, n: time.sleep(6) or "zu spät") as bot,
        ):
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
            expect(all(4.8 < gap < 7 for gap in gaps), f"gaps {gaps}")
            expect(14.5 < took < 20, f"the act took {took:.1f} s")
            equal(len(answer["deliveries"][0]["attempts"]), 3, "attempts told")
            equal(
                [(i["via"], i["content"]) for i in control.inbox(user, account)],
                [("system", NOTICE)],
                "inbox",
            )

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
                equal(
                    [(i["via"], i["content"]) for i in control.inbox(user, account)],
                    [("reply", "第二次")],
                    "inbox",
                )

    def refusing():
        with report.check("straight: HTTP 500 is retried, 3 deliveries, then the notice"):
            with Bot(lambda push, n: (500, "oops")) as bot:
                account, user = shop(control, bot)
                control.say(user, account, "坏")
                equal(len(bot.messages()), 3, "deliveries")
                equal([i["via"] for i in control.inbox(user, account)], ["system"], "inbox")

    def gone():
        with report.check(
            "straight: an app that is gone: three attempts, then the notice, and the reason is told"
        ):
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
    "leading space before XML, where the account is strict about it": None,
    "byte order mark before XML": None,
    "empty Content": None,
    "wrong ToUserName": None,
    "DOCTYPE": None,
}


def answers(report, control, api):
    """What counts as silence and what as an illegal answer."""
    for mode in ("plain", "compat", "safe"):
        with (
            report.check(f"straight: {mode} mode: handshake, message, reply, silence"),
            Bot(
                lambda push, n: (
                    None if "静" in push.plain else "好 " + envelope.element(push.plain, "Content")
                )
            ) as bot,
        ):
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
    with report.check("straight: an empty body is silence too"), Bot(lambda push, n: (200, "")) as bot:
        account, user = shop(control, bot)
        equal(len(control.say(user, account, "?")["deliveries"][0]["attempts"]), 1, "attempts")
        equal(control.inbox(user, account), [], "inbox")
    with (
        report.check("straight: white space around a reply is shown"),
        Bot(lambda push, n: (200, f"\n    {envelope.text_reply(push.plain, 'x')}\n    ")) as bot,
    ):
        account, user = shop(control, bot, "plain")
        control.say(user, account, "?")
        equal([(i["via"], i["content"]) for i in control.inbox(user, account)], [("reply", "x")], "inbox")
    for what in ILLEGAL:

        def illegal(push, n, what=what):
            good = envelope.text_reply(push.plain, "x")
            return 200, {
                "leading space before XML, where the account is strict about it": " " + good,
                "byte order mark before XML": "\ufeff" + good,
                "empty Content": envelope.text_reply(push.plain, ""),
                "wrong ToUserName": good.replace(
                    envelope.element(push.plain, "FromUserName"), "o" + "z" * 27
                ),
                "DOCTYPE": '<!DOCTYPE x [<!ENTITY a "b">]>' + good,
            }.get(what, ILLEGAL[what])

        with report.check(f"straight: illegal answer ({what}): the notice, and the timeline says why"):
            with Bot(illegal) as bot:
                account, user = shop(control, bot, "plain")
                if "strict" in what:
                    rules = {"rules": {"callback.blank_before_reply": "refused"}}
                    control.call("PATCH", f"/accounts/{account['appid']}", rules)
                control.say(user, account, "?")
                equal(
                    [(i["via"], i["content"]) for i in control.inbox(user, account)],
                    [("system", NOTICE)],
                    "inbox",
                )
                rows = [
                    r
                    for r in control.call("GET", f"/timeline?account={account['appid']}")["items"]
                    if r.get("diagnosis")
                ]
                expect(rows, "no row of the timeline carries a diagnosis")
                found = rows[-1]["diagnosis"]
                expect(found["rule"] and found["cause"]["zh"] and found["remedy"]["en"], found)
    with report.check("straight: a reply sealed with another key is refused and named"):

        def wrong(push, n):
            key = "A" * 42 + "E"
            return 200, envelope.seal_reply(
                account["token"], key, account["appid"], envelope.text_reply(push.plain, "x")
            )

        with Bot(wrong) as bot:
            account, user = shop(control, bot)
            control.say(user, account, "?")
            equal([i["via"] for i in control.inbox(user, account)], ["system"], "inbox")
