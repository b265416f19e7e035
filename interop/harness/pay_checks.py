"""Merchants on released SDKs: an order placed, paid in the phone, told by a notice; straight from the simulator."""

import json
import os
import subprocess
import time

from .bot_checks import ok
from .report import equal, expect
from .xinqiao import Control, Process, binary

HOST = "api.mch.weixin.qq.com"
# What runs here and nowhere else.
JUDGES = ("wechatpay-go", "wechatpy-pay")


class Merchant:
    """A merchant's program: one step, one result. Without an origin it runs under exec and asks the real host."""

    def __init__(self, command, origin, account, folder=None, **settings):
        if origin is None:
            command = [str(binary()), "exec", "--", *command]
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        env = {
            **clean,
            "BOT_APPID": account["appid"],
            "BOT_API": (origin or "").rstrip("/"),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONIOENCODING": "utf-8",
            **settings,
        }
        self.process = subprocess.Popen(
            command,
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        if not self.process.stdout.readline():
            raise RuntimeError("the merchant did not start: " + self.process.stderr.read()[-800:])

    def step(self, step, **fields):
        self.process.stdin.write(json.dumps({"step": step, **fields}, ensure_ascii=False) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the merchant ended at step {step}: " + self.process.stderr.read()[-800:])
        return json.loads(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def refused(result, status, code):
    expect(not result["ok"], f"the call succeeded: {result}")
    equal((result.get("status"), result.get("code")), (status, code), "refusal")


def third_settings(control, account, mode):
    """A merchant of the control interface, as wechatpay-go wants it."""
    own = control.call("POST", "/merchants", {"appids": [account["appid"]], "key_mode": mode})
    files = control.call("GET", f"/merchants/{own['mchid']}/files")
    settings = {
        "PAY_MCHID": own["mchid"],
        "PAY_SERIAL": own["serial_no"],
        "PAY_V3_KEY": own["api_v3_key"],
        "PAY_KEY": files["apiclient_key.pem"],
    }
    if mode == "public_key":
        settings |= {"PAY_PUBLIC_KEY_ID": own["platform_public_key_id"], "PAY_PUBLIC_KEY": files["pub_key.pem"]}
    return own, files, settings


def third(report, control, origin, command, mode):
    """wechatpay-go, with the platform's certificate or its public key."""
    label = f"wechatpay-go, {mode}, straight"
    account = control.account(name="桥头咖啡")
    user = control.user(nickname="小林", follow=[account])
    openid = user["openids"][account["appid"]]
    own, files, settings = third_settings(control, account, mode)
    with Merchant(command, origin, account, **settings) as merchant:
        if mode == "certificate":
            with report.check(f"{label}: the downloader gets the certificate, opens it and verifies its answer"):
                got = ok(merchant.step("certificates"))
                equal(list(got), [own["platform_serial_no"]], "serial numbers")
                equal(got[own["platform_serial_no"]].strip(), files["platform_cert.pem"].strip(), "certificate")
            with report.check(f"{label}: with a serial number of nobody the downloader is refused"):
                got = merchant.step("as", serial="51AB")
                refused(got, 401, "SIGN_ERROR")
                equal(got["detail"]["field"], "serial_no", "field")
        with report.check(f"{label}: an order is placed, paid with the SDK's paySign and found by both numbers"):
            params = ok(merchant.step("order", out_trade_no="T2026020100001", openid=openid, total=100))
            params.pop("prepay_id")
            equal(ok(merchant.step("query", out_trade_no="T2026020100001"))["trade_state"], "NOTPAY", "state")
            paid = control.act(user, "pay", account, jsapi=params)
            expect(paid["deliveries"][0]["settled"], paid)
            order = ok(merchant.step("query", out_trade_no="T2026020100001"))
            equal((order["trade_state"], order["amount"]["total"]), ("SUCCESS", 100), "order")
            by_id = ok(merchant.step("query_id", transaction_id=order["transaction_id"]))
            equal(by_id, order, "the order by the platform's number")
        with report.check(f"{label}: the notice is verified and opened"):
            notice = ok(merchant.step("notice"))
            equal(notice.get("event_type"), "TRANSACTION.SUCCESS", "event")
            told = notice["transaction"]
            equal(
                (told["out_trade_no"], told["payer"]["openid"], told["attach"]),
                ("T2026020100001", openid, "桌 7"),
                "transaction",
            )
        with report.check(f"{label}: a notice that is refused comes again by the clock, with the same id"):
            ok(merchant.step("refuse"))
            params = ok(merchant.step("order", out_trade_no="T2026020100002", openid=openid, total=1))
            params.pop("prepay_id")
            paid = control.act(user, "pay", account, jsapi=params)
            expect(not paid["deliveries"][0]["settled"], paid)
            first = ok(merchant.step("notice"))
            ok(merchant.step("take"))
            control.call("POST", "/clock", {"advance": 15})
            second = ok(merchant.step("notice"))
            equal((second["id"], second["transaction"]), (first["id"], first["transaction"]), "notice")
        with report.check(f"{label}: an order is closed with 204, an unknown one is ORDER_NOT_EXIST"):
            ok(merchant.step("order", out_trade_no="T2026020100003", openid=openid, total=1))
            equal(ok(merchant.step("close", out_trade_no="T2026020100003")), 204, "status")
            equal(ok(merchant.step("query", out_trade_no="T2026020100003"))["trade_state"], "CLOSED", "state")
            refused(merchant.step("close", out_trade_no="T2026020100001"), 400, "ORDER_PAID")
            refused(merchant.step("query", out_trade_no="T2026020100009"), 404, "ORDER_NOT_EXIST")
        with report.check(f"{label}: a code is paid by whoever scans it"):
            code = ok(merchant.step("native", out_trade_no="T2026020100005", total=1))
            control.act(user, "pay", account, code_url=code["code_url"])
            order = ok(merchant.step("query", out_trade_no="T2026020100005"))
            equal((order["trade_type"], order["payer"]["openid"]), ("NATIVE", openid), "order")
            equal(ok(merchant.step("notice"))["transaction"]["trade_type"], "NATIVE", "notice")
        with report.check(f"{label}: an order is refunded in parts, and each is found and told"):
            part = {"out_trade_no": "T2026020100001", "total": 100}
            refund = ok(merchant.step("refund", out_refund_no="R1", refund=60, **part))
            equal((refund["status"], refund["funds_account"]), ("PROCESSING", "UNSETTLED"), "refund")
            equal(ok(merchant.step("query", out_trade_no="T2026020100001"))["trade_state"], "REFUND", "state")
            control.call("POST", "/clock", {"advance": 2})
            equal(ok(merchant.step("query_refund", out_refund_no="R1"))["status"], "SUCCESS", "status")
            notice = ok(merchant.step("notice"))
            equal(notice.get("event_type"), "REFUND.SUCCESS", "event")
            equal((notice["refund"]["out_refund_no"], notice["refund"]["amount"]["refund"]), ("R1", 60), "refund")
            refused(merchant.step("refund", out_refund_no="R2", refund=41, **part), 400, "INVALID_REQUEST")
        with report.check(f"{label}: where today's takings are short, the available balance pays when it is asked to"):
            control.call("PATCH", f"/merchants/{own['mchid']}", {"unsettled": 0})
            refused(merchant.step("refund", out_refund_no="R2", refund=40, **part), 403, "NOT_ENOUGH")
            refund = ok(merchant.step("refund", out_refund_no="R2", refund=40, funds_account="AVAILABLE", **part))
            equal(refund["funds_account"], "AVAILABLE", "source")
        with report.check(f"{label}: the day's bill is asked for, fetched whole, and has every payment and refund"):
            now = control.call("GET", "/clock")["now"]
            day = time.strftime("%Y-%m-%d", time.gmtime(now + 8 * 3600))
            refused(merchant.step("bill", path=f"/v3/bill/tradebill?bill_date={day}"), 400, "NO_STATEMENT_EXIST")
            control.call("POST", "/clock", {"advance": 86400})
            bill = ok(merchant.step("bill", path=f"/v3/bill/tradebill?bill_date={day}&bill_type=ALL"))
            expect(bill["whole"], "the hash holds")
            rows = [line for line in bill["text"].splitlines() if line.startswith("`20")]
            equal([row.count(",`") for row in rows], [26] * 5, "columns of three payments and two refunds")
            flow = ok(merchant.step("bill", path=f"/v3/bill/fundflowbill?bill_date={day}"))
            expect("`退款,`退款,`支出,`0.60," in flow["text"], flow)
        with report.check(f"{label}: an openid of nobody is PARAM_ERROR, with the field"):
            got = merchant.step("order", out_trade_no="T2026020100004", openid="oNobody", total=1)
            refused(got, 400, "PARAM_ERROR")
            equal(got["detail"]["field"], "payer.openid", "field")


def second(report, control, origin, command):
    """wechatpy, XML."""
    label = "wechatpy, pay v2, straight"
    account = control.account(name="山城面馆")
    user = control.user(nickname="阿萍", follow=[account])
    openid = user["openids"][account["appid"]]
    own = control.call("POST", "/merchants", {"appids": [account["appid"]]})
    settings = {"PAY_MCHID": own["mchid"], "PAY_V2_KEY": own["api_v2_key"]}
    with Merchant(command, origin, account, **settings) as merchant:
        with report.check(f"{label}: an order is placed, paid with the SDK's paySign and queried"):
            order = ok(merchant.step("order", out_trade_no="T2026020100001", openid=openid, total=100))
            query = ok(merchant.step("query", out_trade_no="T2026020100001"))
            equal(query["trade_state"], "NOTPAY", "state")
            paid = control.act(user, "pay", account, jsapi=order["params"])
            expect(paid["deliveries"][0]["settled"], paid)
            query = ok(merchant.step("query", out_trade_no="T2026020100001"))
            equal((query["trade_state"], query["total_fee"]), ("SUCCESS", "100"), "order")
        with report.check(f"{label}: the notice's signature holds"):
            notice = ok(merchant.step("notice"))
            equal(
                (notice.get("out_trade_no"), notice.get("total_fee"), notice.get("attach")),
                ("T2026020100001", 100, "a&b=c"),
                "notice",
            )
        with report.check(f"{label}: an order signed with HMAC-SHA256 is taken"):
            fields = {"openid": openid, "total": 1, "sign_type": "HMAC-SHA256"}
            ok(merchant.step("order", out_trade_no="T2026020100002", **fields))
        with report.check(f"{label}: an order is closed once"):
            ok(merchant.step("close", out_trade_no="T2026020100002"))
            got = merchant.step("close", out_trade_no="T2026020100002")
            equal((got["ok"], got["code"]), (False, "ORDERCLOSED"), "refusal")
        with report.check(f"{label}: an order is refunded, and the sealed notice opens"):
            part = {"out_trade_no": "T2026020100001", "total": 100}
            ok(merchant.step("refund", out_refund_no="R1", refund=60, **part))
            control.call("POST", "/clock", {"advance": 2})
            query = ok(merchant.step("query_refund", out_refund_no="R1"))
            equal((query["refund_status_0"], query["refund_fee_0"]), ("SUCCESS", "60"), "refund")
            notice = ok(merchant.step("notice"))
            equal((notice["refund_status"], notice["out_refund_no"]), ("SUCCESS", "R1"), "notice")
            control.call("PATCH", f"/merchants/{own['mchid']}", {"unsettled": 0})
            got = merchant.step("refund", out_refund_no="R2", refund=40, **part)
            equal((got["ok"], got["code"]), (False, "NOTENOUGH"), "refusal")
            source = "REFUND_SOURCE_RECHARGE_FUNDS"
            ok(merchant.step("refund", out_refund_no="R2", refund=40, refund_account=source, **part))
        till(report, control, label, merchant, user, account)
        with report.check(f"{label}: a wrong key is 签名错误"):
            got = merchant.step("as", key="0" * 32)
            equal((got["ok"], got["code"], got["error"]), (False, "FAIL", "签名错误"), "refusal")


def till(report, control, label, merchant, user, account):
    """Payments by code."""
    with report.check(f"{label}: a code is charged at once, tells whose it is before, and pays once"):
        code = control.act(user, "pay_code", account)["auth_code"]
        openid = user["openids"][account["appid"]]
        equal(ok(merchant.step("openid", auth_code=code))["openid"], openid, "openid")
        paid = ok(merchant.step("charge", out_trade_no="T2026020100011", total=100, auth_code=code))
        equal((paid["trade_type"], paid["openid"]), ("MICROPAY", openid), "payment")
        got = merchant.step("charge", out_trade_no="T2026020100012", total=100, auth_code=code)
        equal((got["ok"], got["code"]), (False, "AUTH_CODE_INVALID"), "refusal")
    with report.check(f"{label}: a payment that needs a password is USERPAYING until it is entered"):
        code = control.act(user, "pay_code", account, password="always")["auth_code"]
        got = merchant.step("charge", out_trade_no="T2026020100013", total=100, auth_code=code)
        equal((got["ok"], got["code"]), (False, "USERPAYING"), "refusal")
        equal(ok(merchant.step("query", out_trade_no="T2026020100013"))["trade_state"], "USERPAYING", "state")
        control.act(user, "confirm_payment", account)
        equal(ok(merchant.step("query", out_trade_no="T2026020100013"))["trade_state"], "SUCCESS", "state")
    with report.check(f"{label}: an order at a till is taken back"):
        equal(ok(merchant.step("reverse", out_trade_no="T2026020100013"))["recall"], "N", "recall")
        equal(ok(merchant.step("query", out_trade_no="T2026020100013"))["trade_state"], "REVOKED", "state")


def second_for_another(report, control, origin, command):
    """wechatpy, XML, as a service provider."""
    label = "wechatpy, pay v2, provider"
    account = control.account(name="商场")
    user = control.user(nickname="阿萍", follow=[account])
    openid = user["openids"][account["appid"]]
    own = control.call("POST", "/merchants", {"appids": [account["appid"]], "kind": "service_provider"})
    sub = control.call("POST", "/merchants", {"provider": own["mchid"]})
    settings = {"PAY_MCHID": own["mchid"], "PAY_V2_KEY": own["api_v2_key"], "PAY_SUB_MCHID": sub["mchid"]}
    with Merchant(command, origin, account, **settings) as merchant:
        with report.check(f"{label}: an order for a sub-merchant is paid, told, found and refunded"):
            number = {"out_trade_no": "T2026020100001"}
            order = ok(merchant.step("order", openid=openid, total=100, **number))
            paid = control.act(user, "pay", account, jsapi=order["params"])
            equal(paid["order"]["mchid"], sub["mchid"], "whose order")
            notice = ok(merchant.step("notice"))
            equal((notice["mch_id"], notice["sub_mch_id"]), (own["mchid"], sub["mchid"]), "notice")
            equal(ok(merchant.step("query", **number))["sub_mch_id"], sub["mchid"], "order")
            ok(merchant.step("refund", out_refund_no="R1", refund=60, total=100, **number))
            control.call("POST", "/clock", {"advance": 2})
            equal(ok(merchant.step("notice"))["refund_status"], "SUCCESS", "refund's notice")
        with report.check(f"{label}: a code is charged for a sub-merchant"):
            code = control.act(user, "pay_code", account)["auth_code"]
            paid = ok(merchant.step("charge", out_trade_no="T2026020100002", total=100, auth_code=code))
            equal((paid["sub_mch_id"], paid["openid"]), (sub["mchid"], openid), "payment")


def third_for_another(report, control, origin, command):
    """wechatpay-go, as a service provider."""
    label = "wechatpay-go, provider"
    account = control.account(name="商场")
    user = control.user(nickname="小林", follow=[account])
    openid = user["openids"][account["appid"]]
    own, _, settings = third_settings(control, account, "certificate")
    control.call("PATCH", f"/merchants/{own['mchid']}", {"kind": "service_provider"})
    sub = control.call("POST", "/merchants", {"provider": own["mchid"]})
    settings["PAY_SUB_MCHID"] = sub["mchid"]
    with Merchant(command, origin, account, **settings) as merchant:
        with report.check(f"{label}: a code for a sub-merchant is paid, told and found"):
            number = {"out_trade_no": "T2026020100001"}
            code = ok(merchant.step("partner_native", total=100, **number))
            equal(ok(merchant.step("partner_query", **number))["trade_state"], "NOTPAY", "state")
            control.act(user, "pay", account, code_url=code["code_url"])
            order = ok(merchant.step("partner_query", **number))
            equal((order["trade_state"], order["sub_mchid"]), ("SUCCESS", sub["mchid"]), "order")
            equal(order["payer"]["sp_openid"], openid, "payer")
            expect(ok(merchant.step("notice"))["event_type"] == "TRANSACTION.SUCCESS", "the notice is verified and opened")
        with report.check(f"{label}: an order of a sub-merchant is closed, one of a stranger's is NO_AUTH"):
            number = {"out_trade_no": "T2026020100002"}
            ok(merchant.step("partner_native", total=100, **number))
            equal(ok(merchant.step("partner_close", **number)), 204, "status")
            equal(ok(merchant.step("partner_query", **number))["trade_state"], "CLOSED", "state")
            control.call("PATCH", f"/merchants/{sub['mchid']}", {"kind": "merchant"})
            refused(merchant.step("partner_query", **number), 403, "NO_AUTH")


def at_the_real_host(report, control, folder, commands, names):
    """Programs whose host nobody changed, under exec."""
    account = control.account(name="小河书店")
    user = control.user(nickname="小周", follow=[account])
    openid = user["openids"][account["appid"]]
    own, _, settings = third_settings(control, account, "certificate")
    settings["PAY_V2_KEY"] = own["api_v2_key"]
    for name in names:
        with report.check(f"{name}, exec: an order is placed at the real host's name"):
            with Merchant(commands[name], None, account, folder, **settings) as merchant:
                number = f"T20260201{name.replace('-', '_')}"
                ok(merchant.step("order", out_trade_no=number, openid=openid, total=100))
                equal(ok(merchant.step("query", out_trade_no=number))["trade_state"], "NOTPAY", "state")


def run(report, commands, reasons, names):
    """What runs where the packages are."""
    for name in (name for name in JUDGES if name in names and name in reasons):
        report.skip(f"{name}: all checks", str(reasons[name]))
    names = [name for name in JUDGES if name in names and name in commands]
    if not names:
        return
    with Process("sim", "--port", "0", "--memory") as sim:
        control, origin = Control(sim.ready["control"]), sim.ready["endpoints"][HOST]
        if "wechatpay-go" in names:
            for mode in ("certificate", "public_key"):
                with report.section(f"wechatpay-go, {mode}"):
                    third(report, control, origin, commands["wechatpay-go"], mode)
            with report.section("wechatpay-go, provider"):
                third_for_another(report, control, origin, commands["wechatpay-go"])
        if "wechatpy-pay" in names:
            with report.section("wechatpy, pay v2"):
                second(report, control, origin, commands["wechatpy-pay"])
            with report.section("wechatpy, pay v2, provider"):
                second_for_another(report, control, origin, commands["wechatpy-pay"])
        with report.section("merchants, exec"):
            at_the_real_host(report, control, sim.folder, commands, names)
