"""A bot on released wechatpy, 1.8.18 or the pre-release 2. See ../README.md for what it speaks."""

import inspect
import io
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import wechatpy
from wechatpy import WeChatClient, parse_message
from wechatpy.client.api import WeChatCustomService, WeChatTemplate
from wechatpy.crypto import WeChatCrypto
from wechatpy.exceptions import InvalidSignatureException, WeChatClientException
from wechatpy.oauth import WeChatOAuth
from wechatpy.replies import (
    ArticlesReply,
    ImageReply,
    MusicReply,
    TextReply,
    TransferCustomerServiceReply,
    VideoReply,
    VoiceReply,
)
from wechatpy.utils import check_signature

APPID = os.environ["BOT_APPID"]
SECRET = os.environ["BOT_SECRET"]
TOKEN = os.environ.get("BOT_TOKEN", "")
AES_KEY = os.environ.get("BOT_AES_KEY", "")
API = os.environ.get("BOT_API", "")
NAME = "wechatpy" if wechatpy.__version__.startswith("1.") else "wechatpy2"


class Client(WeChatClient):
    """The released client. Only the base URL moves, by the class attribute that the SDK documents."""

    if API:
        API_BASE_URL = API + "/cgi-bin/"

        def fetch_access_token(self):
            return self._fetch_access_token(
                url=API + "/cgi-bin/token",
                params={"grant_type": "client_credential", "appid": self.appid, "secret": self.secret},
            )


if API and NAME == "wechatpy2":
    # Version 2 has more base URLs: customer service and templates have class attributes of their own.
    WeChatCustomService.API_BASE_URL = API + "/customservice/"
    WeChatTemplate.API_BASE_URL = API + "/"

client = Client(APPID, SECRET)


def answer(message):
    if message.type == "event":
        if message.event == "click":
            return TextReply(message=message, content=f"{NAME}: clicked {message.key}").render()
        return ""
    if message.type != "text":
        return TextReply(message=message, content=f"{NAME}: got {message.type}").render()
    word, _, rest = message.content.partition(" ")
    if word == "silence":
        return ""
    if word == "image":
        return ImageReply(message=message, media_id=rest).render()
    if word == "voice":
        return VoiceReply(message=message, media_id=rest).render()
    if word == "video":
        return VideoReply(message=message, media_id=rest, title=f"{NAME}: title").render()
    if word == "music":
        # The SDK writes no music without a cover.
        return MusicReply(
            message=message,
            thumb_media_id=rest,
            title=f"{NAME}: title",
            music_url="https://example.com/a.mp3",
        ).render()
    if word == "transfer":
        return TransferCustomerServiceReply(message=message, account=rest or None).render()
    if word == "news":
        reply = ArticlesReply(message=message)
        reply.add_article(
            {
                "title": f"{NAME}: title",
                "description": "description",
                "image": "https://example.com/a.jpg",
                "url": "https://example.com/a",
            }
        )
        return reply.render()
    if word == "cdata":
        return TextReply(message=message, content="a]]>b").render()
    if word == "push":
        client.message.send_text(message.source, f"{NAME}: pushed")
    return TextReply(message=message, content=f"{NAME}: {message.content}").render()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def query(self):
        return {k: v[0] for k, v in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()}

    def finish_with(self, status, text, kind="text/plain; charset=utf-8"):
        body = text.encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        query = self.query()
        try:
            check_signature(TOKEN, query["signature"], query["timestamp"], query["nonce"])
        except (InvalidSignatureException, KeyError):
            return self.finish_with(403, "bad signature")
        return self.finish_with(200, query["echostr"])

    def do_POST(self):
        query = self.query()
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        crypto = WeChatCrypto(TOKEN, AES_KEY, APPID)
        try:
            plain = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        except Exception as error:  # the SDK raises several kinds
            return self.finish_with(403, repr(error))
        reply = answer(parse_message(plain))
        if not reply:
            return self.finish_with(200, "")
        sealed = crypto.encrypt_message(reply, query["nonce"], query["timestamp"])
        return self.finish_with(200, sealed, "text/xml; charset=utf-8")


class Login(WeChatOAuth):
    """The released client of web login. Only the base URL moves."""

    if API:
        API_BASE_URL = API + "/"


def oauth(command):
    return Login(APPID, SECRET, command.get("redirect_uri", ""), command.get("scope", "snsapi_base"), "s1")


def run(command):
    step = command["step"]
    if step == "token":
        return client.access_token
    if step == "refetch":
        return client.fetch_access_token()["access_token"]
    if step == "user":
        return client.user.get(command["openid"])
    if step == "custom":
        return client.message.send_text(command["openid"], command["content"])
    if step == "custom_image":
        return client.message.send_image(command["openid"], command["media_id"])
    if step == "menu_get":
        return client.menu.get()
    if step == "menu_create":
        return client.menu.create(command["menu"])
    if step == "menu_delete":
        return client.menu.delete()
    if step == "media_upload":
        with open(command["path"], "rb") as file:
            return client.media.upload(
                "image", (os.path.basename(command["path"]), io.BytesIO(file.read()), "image/png")
            )
    if step == "media_get":
        answer_ = client.media.download(command["media_id"])
        return {"size": len(answer_.content), "type": answer_.headers.get("content-type")}
    if step == "material_upload":
        with open(command["path"], "rb") as file:
            return client.material.add(
                "image", (os.path.basename(command["path"]), io.BytesIO(file.read()), "image/png")
            )
    if step == "template_add":
        added = client.template.get(command["short"])
        return added["template_id"] if isinstance(added, dict) else added
    if step == "template_send":
        data = {"orderMoneySum": {"value": command["content"]}}
        return client.message.send_template(
            command["openid"], command["template_id"], data=data, url="https://example.com/a"
        )
    if step == "mass":
        send = client.message.send_mass_text
        # The releases call this argument differently.
        named = set(inspect.signature(send).parameters) & {"tag_or_users", "group_or_users"}
        return send(content=command["content"], is_to_all=True, **{named.pop(): None})
    if step == "mass_state":
        return client.message.get_mass(command["msg_id"])
    if step == "kf_list":
        return client.customservice.get_accounts()
    if step == "kf_online":
        return client.customservice.get_online_accounts()
    if step == "oauth_url":
        return oauth(command).authorize_url
    if step == "oauth_login":
        login = oauth(command)
        token = login.fetch_access_token(command["code"])
        user = login.get_user_info()
        again = login.refresh_access_token(token["refresh_token"])
        valid = login.check_access_token(openid=token["openid"], access_token=again["access_token"])
        return {"openid": token["openid"], "nickname": user["nickname"], "valid": bool(valid)}
    if step == "check":
        return client.misc.check_network(command["action"], command["operator"])
    raise ValueError(f"unknown step {step}")


def api(run=run):
    for line in sys.stdin:
        try:
            result = {"ok": True, "value": run(json.loads(line))}
        except WeChatClientException as error:
            result = {"ok": False, "code": error.errcode, "error": str(error.errmsg)}
        except Exception as error:  # what the SDK itself throws is part of the result
            result = {"ok": False, "code": None, "error": repr(error)}
        print(json.dumps(result, ensure_ascii=False), flush=True)


def serve(port, handler=Handler):
    server = ThreadingHTTPServer(("127.0.0.1", port), handler)
    print(json.dumps({"listening": server.server_address[1]}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(int(sys.argv[2]))
    elif sys.argv[1] == "component":
        import component_bot

        component_bot.component(int(sys.argv[2]))
    else:
        api()
