"""The same callbacks on released WeRoBot 1.13.1 (no API calls: its client has the host built in)."""

import json
import os
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from werobot import WeRoBot
from werobot.replies import (
    Article,
    ArticlesReply,
    ImageReply,
    MusicReply,
    TextReply,
    TransferCustomerServiceReply,
    VideoReply,
    VoiceReply,
)

robot = WeRoBot(
    token=os.environ["BOT_TOKEN"],
    app_id=os.environ["BOT_APPID"],
    app_secret=os.environ["BOT_SECRET"],
    encoding_aes_key=os.environ["BOT_AES_KEY"],
    enable_session=False,
)
robot.config["SERVER"] = "wsgiref"
NAME = "werobot"


@robot.text
def text(message):
    word, _, rest = message.content.partition(" ")
    if word == "silence":
        return ""
    if word == "image":
        return ImageReply(message=message, media_id=rest)
    if word == "voice":
        return VoiceReply(message=message, media_id=rest)
    if word == "video":
        return VideoReply(message=message, media_id=rest, title=f"{NAME}: title")
    if word == "music":
        url = "https://example.com/a.mp3"
        return MusicReply(message=message, title=f"{NAME}: title", description="", url=url)
    if word == "transfer":
        account = {"account": rest} if rest else {}
        return TransferCustomerServiceReply(message=message, **account)
    if word == "news":
        reply = ArticlesReply(message=message)
        reply.add_article(
            Article(f"{NAME}: title", "description", "https://example.com/a.jpg", "https://example.com/a")
        )
        return reply
    if word == "cdata":
        return TextReply(message=message, content="a]]>b")
    return f"{NAME}: {message.content}"


@robot.click
def click(message):
    return f"{NAME}: clicked {message.key}"


@robot.handler
def other(message):
    return ""


class Quiet(WSGIRequestHandler):
    def log_message(self, *args):
        pass


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


if __name__ == "__main__":
    server = make_server("127.0.0.1", int(sys.argv[2]), robot.wsgi, Server, Quiet)
    print(json.dumps({"listening": server.server_port}), flush=True)
    server.serve_forever()
