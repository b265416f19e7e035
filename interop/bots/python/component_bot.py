"""A third-party platform on released wechatpy: told of tickets and grants at `/`, of messages at `/<appid>`; steps come on
standard input. See ../README.md."""

import os
import threading

from wechatpy import parse_message
from wechatpy.client import WeChatComponentClient
from wechatpy.component import WeChatComponent
from wechatpy.replies import TextReply

import bot

if bot.API:
    WeChatComponent.API_BASE_URL = bot.API + "/cgi-bin"
    WeChatComponentClient.API_BASE_URL = bot.API + "/cgi-bin/"

platform = WeChatComponent(bot.APPID, bot.SECRET, bot.TOKEN, bot.AES_KEY)


def answer(appid, message):
    if message.type != "text":
        return ""
    if message.content == "push":
        platform.get_client_by_appid(appid).message.send_text(message.source, f"{bot.NAME}: pushed")
    return TextReply(message=message, content=f"{bot.NAME}: {message.content}").render()


class Handler(bot.Handler):
    def do_POST(self):
        query = self.query()
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        sealed = (body, query["msg_signature"], query["timestamp"], query["nonce"])
        appid = self.path.split("?")[0].strip("/")
        try:
            if not appid:
                platform.parse_message(*sealed)
                return self.finish_with(200, "success")
            plain = platform.crypto.decrypt_message(*sealed)
        except Exception as error:  # the SDK raises several kinds
            return self.finish_with(403, repr(error))
        reply = answer(appid, parse_message(plain))
        if reply:
            reply = platform.crypto.encrypt_message(reply, query["nonce"], query["timestamp"])
        return self.finish_with(200, reply, "text/xml; charset=utf-8")


def run(command):
    step, appid = command["step"], command.get("appid")
    if step == "component_token":
        return platform.fetch_access_token()["component_access_token"]
    if step == "pre_code":
        return platform.create_preauthcode()["pre_auth_code"]
    if step == "query_auth":
        return platform.query_auth(command["code"])["authorization_info"]
    if step == "info":
        told = platform.get_authorizer_info(appid)
        return {"about": told["authorizer_info"], "grant": told["authorization_info"]}
    if step == "list":
        return platform.get_authorizer_list()
    if step == "set_option":
        return platform.set_authorizer_option(appid, command["name"], command["value"])
    if step == "get_option":
        return platform.get_authorizer_option(appid, command["name"])
    if step == "user":
        return platform.get_client_by_appid(appid).user.get(command["openid"])
    raise ValueError(f"unknown step {step}")


def component(port):
    threading.Thread(target=bot.serve, args=(port, Handler), daemon=True).start()
    bot.api(run)
    os._exit(0)
