"""An app in nothing but Python's own library: it acknowledges each callback and greets by a customer message.

It knows the platform by its real name only; `xinqiao test` and `xinqiao exec` lead it to the simulator.
"""

import hashlib
import http.server
import json
import os
import threading
import urllib.parse
import urllib.request

API = "https://api.weixin.qq.com/cgi-bin"


def call(path, body=None):
    data = json.dumps(body, ensure_ascii=False).encode() if body else None
    with urllib.request.urlopen(API + path, data, timeout=10) as answer:
        return json.load(answer)


def greet(openid):
    account = {"appid": os.environ["XINQIAO_APPID"], "secret": os.environ["XINQIAO_SECRET"]}
    query = urllib.parse.urlencode({"grant_type": "client_credential", **account})
    token = call("/token?" + query)["access_token"]
    message = {"touser": openid, "msgtype": "text", "text": {"content": "你好，我在。"}}
    # -1 means that the platform is busy: once more.
    for _ in range(2):
        if call("/message/custom/send?access_token=" + token, message)["errcode"] != -1:
            return


class App(http.server.BaseHTTPRequestHandler):
    def genuine(self, query):
        parts = sorted([os.environ["XINQIAO_TOKEN"], query.get("timestamp", ""), query.get("nonce", "")])
        return hashlib.sha1("".join(parts).encode()).hexdigest() == query.get("signature")

    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def query(self):
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))

    def do_GET(self):
        query = self.query()
        self.answer(query.get("echostr", "").encode() if self.genuine(query) else b"")

    def do_POST(self):
        query = self.query()
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(b"success")
        if self.genuine(query):
            threading.Thread(target=greet, args=[query["openid"]]).start()

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), App).serve_forever()
