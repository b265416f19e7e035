"""A bot for an application of WeCom on released wechatpy: `enterprise` of 1.8.18, `work` of the pre-release 2.

Speaks as ../README.md says. `BOT_APPID` is `corpid:agentid`; `BOT_SECRET` that of the application or of the contacts.
"""

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import wechatpy

if wechatpy.__version__.startswith("1."):
    from wechatpy.enterprise import WeChatClient, create_reply, parse_message
    from wechatpy.enterprise.crypto import WeChatCrypto

    NAME = "wechatpy"
else:
    from wechatpy.work import WeChatClient, create_reply, parse_message
    from wechatpy.work.crypto import WeChatCrypto

    NAME = "wechatpy2"
from wechatpy.exceptions import InvalidSignatureException, WeChatClientException

CORP, AGENT = os.environ["BOT_APPID"].split(":")
AGENT = int(AGENT)
SECRET = os.environ["BOT_SECRET"]
TOKEN = os.environ.get("BOT_TOKEN", "")
AES_KEY = os.environ.get("BOT_AES_KEY", "")
API = os.environ.get("BOT_API", "")


class Client(WeChatClient):
    """The released client. Only the base URL moves, by the class attribute that the SDK documents."""

    if API:
        API_BASE_URL = API + "/cgi-bin/"

        def fetch_access_token(self):
            return self._fetch_access_token(
                url=API + "/cgi-bin/gettoken", params={"corpid": self.corp_id, "corpsecret": self.secret}
            )


client = Client(CORP, SECRET)


def answer(message):
    if message.type == "event":
        return create_reply(f"{NAME}: {message.event} {message.agent}", message, render=True)
    if message.type != "text":
        return create_reply(f"{NAME}: got {message.type}", message, render=True)
    if message.content == "silence":
        return ""
    if message.content == "news":
        article = {
            "title": f"{NAME}: title",
            "description": "description",
            "image": "https://example.com/a.jpg",
            "url": "https://example.com/a",
        }
        return create_reply([article, article], message, render=True)
    if message.content == "push":
        client.message.send_text(AGENT, message.source, f"{NAME}: pushed")
    return create_reply(f"{NAME}: {message.content}", message, render=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def query(self):
        return {k: v[0] for k, v in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}

    def finish_with(self, status, text, kind="text/plain; charset=utf-8"):
        body = text if isinstance(text, bytes) else text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        query = self.query()
        try:
            echo = WeChatCrypto(TOKEN, AES_KEY, CORP).check_signature(
                query["msg_signature"], query["timestamp"], query["nonce"], query["echostr"]
            )
        except (InvalidSignatureException, KeyError):
            return self.finish_with(403, "bad signature")
        return self.finish_with(200, echo)

    def do_POST(self):
        query = self.query()
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        crypto = WeChatCrypto(TOKEN, AES_KEY, CORP)
        try:
            plain = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        except Exception as error:  # the SDK raises several kinds
            return self.finish_with(403, repr(error))
        reply = answer(parse_message(plain))
        if not reply:
            return self.finish_with(200, "")
        sealed = crypto.encrypt_message(reply, query["nonce"], query["timestamp"])
        return self.finish_with(200, sealed, "text/xml; charset=utf-8")


def run(command):
    step, fields = command.pop("step"), command
    if step == "token":
        return client.access_token
    if step == "refetch":
        return client.fetch_access_token()
    if step == "user":
        return client.user.get(fields["userid"])
    if step == "user_create":
        return client.user.create(**fields)
    if step == "user_update":
        return client.user.update(**fields)
    if step == "user_delete":
        return client.user.delete(fields["userid"])
    if step == "user_list":
        return client.user.list(fields["department"], fetch_child=True, simple=fields["simple"])
    if step == "department_list":
        # Version 1 has the list under the name that version 2 gives to one department.
        return client.department.get() if NAME == "wechatpy" else client.department.list()
    if step == "department_create":
        return client.department.create(fields["name"])
    if step == "send":
        return client.message.send_text(AGENT, fields["to"], fields["content"])
    if step == "send_card":
        return client.message.send_text_card(
            AGENT, fields["to"], fields["title"], "description", "https://example.com/a"
        )
    raise ValueError(f"unknown step {step}")


def api():
    for line in sys.stdin:
        try:
            result = {"ok": True, "value": run(json.loads(line))}
        except WeChatClientException as error:
            result = {"ok": False, "code": error.errcode, "error": str(error.errmsg)}
        except Exception as error:  # what the SDK itself throws is part of the result
            result = {"ok": False, "code": None, "error": repr(error)}
        print(json.dumps(result, ensure_ascii=False), flush=True)


def serve(port):
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    print(json.dumps({"listening": server.server_address[1]}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    else:
        api()
