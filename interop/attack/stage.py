"""A gateway as `xinqiao serve` runs it, a platform and an app around it, and sockets that keep to no rule."""

import base64
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness import envelope, web
from harness.xinqiao import binary

APPID, PLAIN_APPID, CORP = "wx5823bf96d3bd56c7", "wx0000000000000002", "ww5823bf96d3bd56c7"
COMPONENT, SUITE = "wx00000000000000c0", "ww00000000000005e7"
TOKEN, AES_KEY = "CANARYtoken0platform", "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFA"
APP_TOKEN, APP_AES_KEY = "CANARYtoken0app", "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefA"
SECRET = "CANARYSECRET0123456789abcdef0000"
REAL_TOKEN = "77_CANARYREALTOKEN-" + "r" * 110
KEY = "xqk_CANARY0key0of0an0app0for0us"
ADMIN, READ = "CANARYadmin0123456789abcdef", "CANARYread00123456789abcdef"
MASTER = "5a" * 32
GH, OPENID = "gh_0123456789ab", "o6_bmjrPTlm6_2sgVt7hMZOPfL2M"
# What must never be seen by anybody: not the key of the app, which its holder knows.
SECRETS = [TOKEN, AES_KEY, APP_TOKEN, APP_AES_KEY, SECRET, REAL_TOKEN, ADMIN, READ, MASTER]


class Platform:
    """Stands for every platform host. Keeps the raw requests; hands out real tokens that must not come out."""

    def __init__(self):
        self.seen, self.lock, self.instead = [], threading.Lock(), None
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def handle_any(self):
                body = b""
                if "chunked" in (self.headers.get("transfer-encoding") or ""):
                    while size := int(self.rfile.readline().split(b";")[0] or b"0", 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    self.rfile.readline()
                else:
                    body = self.rfile.read(int(self.headers.get("content-length") or 0))
                head = f"{self.command} {self.path}\n{self.headers}"
                with platform.lock:
                    platform.seen.append(head.encode() + body)
                if platform.instead:
                    return platform.instead(self)
                answer = json.dumps(platform.answer(self.path, body)).encode()
                self.send_response(200)
                self.send_header("content-type", "application/json; encoding=utf-8")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = do_DELETE = do_TRACE = do_CONNECT = handle_any

        class Server(ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 512

            def handle_error(self, request, client_address):
                pass  # somebody who went away in the middle

        self.server = Server(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, path, body):
        """Whatever it is asked, everything that is real."""
        return {
            "errcode": 0, "errmsg": "ok", "access_token": REAL_TOKEN, "expires_in": 7200,
            "component_access_token": REAL_TOKEN, "suite_access_token": REAL_TOKEN,
            "provider_access_token": REAL_TOKEN, "authorizer_access_token": REAL_TOKEN,
            "authorizer_refresh_token": REAL_TOKEN, "ticket": REAL_TOKEN, "menu": {"button": []},
        }

    def count(self):
        with self.lock:
            return len(self.seen)

    def since(self, count):
        with self.lock:
            return self.seen[count:]


def toml(ports, platform, app, **more):
    """The configuration of a gateway with everything in it."""
    hosts = ("api.weixin.qq.com", "qyapi.weixin.qq.com", "api.mch.weixin.qq.com", "open.weixin.qq.com", "mp.weixin.qq.com")
    upstream = ", ".join(f'"{host}" = "http://127.0.0.1:{platform}"' for host in hosts)
    admin = more.get("admin", f'[admin]\nkey = "{ADMIN}"\nread_key = "{READ}"')
    return f"""store = "{more.get("store", "gateway.db")}"
upstream = {{ {upstream} }}
{more.get("top", "")}
[listen]
port = {ports}
{admin}
[[account]]
appid = "{APPID}"
secret = "{more.get("secret", SECRET)}"
kind = "service"
token = "{more.get("token", TOKEN)}"
aes_key = "{more.get("aes_key", AES_KEY)}"
path = "/wechat/cafe"
[[account]]
appid = "{PLAIN_APPID}"
secret = "{SECRET}"
token = "{TOKEN}"
mode = "plain"
allow_plain = {more.get("allow_plain", "true")}
[[app]]
name = "shop"
url = "{app}"
token = "{more.get("app_token", APP_TOKEN)}"
aes_key = "{APP_AES_KEY}"
accounts = ["{APPID}", "{PLAIN_APPID}"]
[[key]]
id = "shop"
key = "{more.get("key", KEY)}"
app = "shop"
accounts = ["{APPID}"]
"""


class Gateway:
    """One `xinqiao serve` in a folder of its own."""

    def __init__(self, text, ports, folder=None, env=None, wait=True):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="xinqiao-attack-"))
        self.port, self.api, self.work, self.pay, self.pages = range(ports, ports + 5)
        self.origin = f"http://127.0.0.1:{self.port}"
        (self.folder / "x.toml").write_text(text)
        self.log = open(self.folder / "log", "ab")
        clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        environment = {**clean, "XINQIAO_MASTER_KEY": MASTER, "RUST_LOG": "trace", **(env or {})}
        self.process = subprocess.Popen(
            [str(binary()), "serve", "--config", "x.toml"], cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, env={k: v for k, v in environment.items() if v is not None},
        )
        if wait and not web.until(lambda: self.alive() or self.process.poll() is not None, 30):
            raise RuntimeError("the gateway does not answer")
        if wait and self.process.poll() is not None:
            raise RuntimeError(f"the gateway did not start: {self.said()[-1000:]}")

    def alive(self):
        with contextlib.suppress(OSError):
            return web.request("GET", f"{self.origin}/healthz", timeout=2).status == 200
        return False

    def said(self):
        return (self.folder / "log").read_text(errors="replace")

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(15)
            if self.process.poll() is None:
                self.kill()
        self.log.close()
        said = self.said()
        if "panicked at" in said:
            raise RuntimeError("xinqiao panicked: " + said[said.index("panicked at") - 60 :][:900])


def refuses(text, env=None, folder=None):
    """Starts a gateway that must not start: its exit code and what it said; None where it runs."""
    ports = int(re.search(r"port = (\d+)", text).group(1))
    gateway = Gateway(text, ports, folder=folder, env=env, wait=False)
    code = web.until(lambda: gateway.process.poll() if gateway.process.poll() is not None else gateway.alive() and "up", 20)
    said = gateway.said()
    gateway.stop()
    return (None, said) if code == "up" else (gateway.process.returncode, said)


# ---- bytes


class Reply:
    """One answer as it came over a raw socket."""

    def __init__(self, head, body):
        lines = head.split(b"\r\n")
        self.line, self.body = lines[0], body
        self.status = int(lines[0].split(b" ")[1])
        pairs = [line.split(b":", 1) for line in lines[1:] if b":" in line]
        self.headers = [(name.lower(), value.strip()) for name, value in pairs]

    def shape(self):
        """Everything that a sender sees, but for the time of day."""
        return self.line, [pair for pair in self.headers if pair[0] != b"date"], self.body


def replies(raw):
    """The answers in a stream of bytes."""
    found = []
    while b"\r\n\r\n" in raw and raw.startswith(b"HTTP/"):
        head, rest = raw.split(b"\r\n\r\n", 1)
        lower = head.lower()
        length = re.search(rb"\r\ncontent-length:\s*(\d+)", lower)
        if length:
            size = int(length.group(1))
            body, raw = rest[:size], rest[size:]
        elif b"transfer-encoding: chunked" in lower:
            body, raw = rest.split(b"0\r\n\r\n", 1) if b"0\r\n\r\n" in rest else (rest, b"")
        else:
            body, raw = rest, b""
        found.append(Reply(head, body))
        if head.startswith(b"HTTP/1.1 100"):
            found.pop()
    return found


def connect(port, timeout=5):
    made = socket.create_connection(("127.0.0.1", port), timeout)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def raw(port, data, seconds=2.0):
    """Sends bytes and reads until the server closes or is silent: the bytes."""
    out = b""
    with connect(port) as stream:
        stream.settimeout(seconds)
        with contextlib.suppress(OSError):
            stream.sendall(data)
        with contextlib.suppress(OSError):
            while part := stream.recv(65536):
                out += part
    return out


def once(port, method, target, body=b"", headers=(), host="127.0.0.1", seconds=10):
    """A well-formed request, whose target is sent as it is; the answer, or None."""
    lines = [f"{method} {target} HTTP/1.1", f"host: {host}", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method in ("POST", "PUT"):
        lines.append(f"content-length: {len(body)}")
    data = "\r\n".join(lines).encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body
    found = replies(raw(port, data, seconds))
    return found[0] if found else None


# ---- callbacks


def message(content="hello", number=None):
    return envelope.text_message(GH, OPENID, content, number)


def sealed(xml=None, token=TOKEN, aes_key=AES_KEY, receiver=APPID, stamp=None, nonce=None, encrypted=None):
    """A push in safe mode: its parameters in order, and its body."""
    stamp = str(stamp if stamp is not None else int(time.time()))
    nonce = nonce if nonce is not None else str(int.from_bytes(os.urandom(4), "big"))
    plain = xml if isinstance(xml, bytes) else (xml or message()).encode()
    encrypted = encrypted if encrypted is not None else envelope.encrypt(aes_key, receiver, plain)
    params = [
        ("signature", envelope.signature(token, stamp, nonce)), ("timestamp", stamp), ("nonce", nonce),
        ("openid", OPENID), ("encrypt_type", "aes"),
        ("msg_signature", envelope.signature(token, stamp, nonce, encrypted)),
    ]
    return params, f"<xml><ToUserName><![CDATA[{GH}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>".encode()


def query(params):
    return "&".join(f"{name}={value}" for name, value in params)


def push(gateway, params, body, path=f"/callback/{APPID}", kind="text/xml"):
    return once(gateway.port, "POST", f"{path}?{query(params)}", body, [("content-type", kind)])


def changed(params, **new):
    return [(name, new.get(name, value)) for name, value in params if new.get(name, value) is not None]


def random_text(length):
    return base64.b64encode(os.urandom(length * 3 // 4)).decode()[:length]
