"""A merchant on released wechatpy, with the interface's second generation. See ../README.md for what it speaks."""

import json
import os
import queue
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wechatpy.exceptions import InvalidSignatureException, WeChatPayException
from wechatpy.pay import WeChatPay
from wechatpy.pay.utils import calculate_signature_hmac

APPID = os.environ["BOT_APPID"]
MCHID = os.environ["PAY_MCHID"]
KEY = os.environ["PAY_V2_KEY"]
TAKEN = b"<xml><return_code><![CDATA[SUCCESS]]></return_code><return_msg><![CDATA[OK]]></return_msg></xml>"


class Merchant(WeChatPay):
    """The released client. Only the base URL moves, by its class attribute."""

    if os.environ["BOT_API"]:
        API_BASE_URL = os.environ["BOT_API"] + "/"


merchant = Merchant(APPID, KEY, MCHID, sub_mch_id=os.environ.get("PAY_SUB_MCHID"))
notices = queue.Queue()


class Notify(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        try:
            sealed = b"<req_info>" in body
            parse = merchant.parse_refund_notify_result if sealed else merchant.parse_payment_result
            notices.put(dict(parse(body)))
            self.send_response(200)
        except InvalidSignatureException as error:
            notices.put({"error": repr(error)})
            self.send_response(401)
        self.end_headers()
        self.wfile.write(TAKEN)

    def log_message(self, *_):
        pass


def order(step, url):
    return merchant.order.create(
        trade_type="JSAPI",
        body="拿铁",
        total_fee=step["total"],
        notify_url=url,
        client_ip="127.0.0.1",
        user_id=step["openid"],
        out_trade_no=step["out_trade_no"],
        attach="a&b=c",
        **({"sign_type": step["sign_type"]} if "sign_type" in step else {}),
    )


def signed(answer):
    """Whether an answer is signed as it should be: wechatpy does not look itself."""
    fields = {name: value for name, value in answer.items() if value is not None}
    if "sign_type" in fields:
        sign = fields.pop("sign")
        return calculate_signature_hmac(fields, KEY) == sign
    return merchant.check_signature(fields)


def do(step, url):
    name = step["step"]
    if name == "order":
        answer = order(step, url)
        if step.get("sign_type") != "HMAC-SHA256" and not signed(answer):
            raise ValueError("the answer's signature is wrong")
        return {"params": merchant.jsapi.get_jsapi_params(answer["prepay_id"]), "answer": dict(answer)}
    if name == "query":
        answer = merchant.order.query(out_trade_no=step["out_trade_no"])
    elif name == "close":
        answer = merchant.order.close(step["out_trade_no"])
    elif name == "refund":
        more = {"refund_account": step["refund_account"]} if "refund_account" in step else {}
        answer = merchant.refund.apply(
            step["total"],
            step["refund"],
            step["out_refund_no"],
            out_trade_no=step["out_trade_no"],
            notify_url=url,
            **more,
        )
    elif name == "query_refund":
        answer = merchant.refund.query(out_refund_no=step["out_refund_no"])
    elif name == "charge":
        fields = {"client_ip": "127.0.0.1", "out_trade_no": step["out_trade_no"]}
        answer = merchant.micropay.create("拿铁", step["total"], step["auth_code"], **fields)
    elif name == "reverse":
        answer = merchant.order.reverse(out_trade_no=step["out_trade_no"])
    elif name == "openid":
        answer = merchant.tools.auto_code_to_openid(step["auth_code"])
    elif name == "as":
        answer = Merchant(APPID, step["key"], MCHID).order.query(out_trade_no="x")
    elif name == "notice":
        return notices.get(timeout=10)
    else:
        raise ValueError(f"no step {name}")
    if not signed(answer):
        raise ValueError("the answer's signature is wrong")
    return dict(answer)


def main():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Notify)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"listening": server.server_port}), flush=True)
    url = f"http://127.0.0.1:{server.server_port}/notify"
    for line in sys.stdin:
        try:
            said = {"ok": True, "value": do(json.loads(line), url)}
        except WeChatPayException as error:
            code = error.errcode if error.return_code == "SUCCESS" else error.return_code
            said = {"ok": False, "code": code, "error": error.errmsg or error.return_msg}
        except Exception as error:
            said = {"ok": False, "error": repr(error)}
        print(json.dumps(said, ensure_ascii=False), flush=True)


main()
