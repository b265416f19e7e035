"""HTTP without proxies, redirects or retries, and a small server to listen with."""

import contextlib
import http.client
import json as json_module
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode("utf-8", "replace")

    def json(self):
        return json_module.loads(self.body)

    def header(self, name):
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)


def request(method, url, body=None, headers=None, json=None, timeout=30):
    """One request. `json` is sent as application/json."""
    parts = urlsplit(url)
    headers = dict(headers or {})
    if json is not None:
        body = json_module.dumps(json, ensure_ascii=False).encode()
        headers.setdefault("content-type", "application/json")
    if isinstance(body, str):
        body = body.encode()
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=timeout)
    try:
        target = parts.path or "/"
        if parts.query:
            target += "?" + parts.query
        try:
            connection.request(method, target, body=body, headers=headers)
        except (BrokenPipeError, ConnectionResetError):
            if body is None:  # with a body: refused before it was read whole, and the answer may be there
                raise
        answer = connection.getresponse()
        return Answer(answer.status, answer.getheaders(), answer.read())
    finally:
        connection.close()


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def free_block(count):
    """The first of so many free ports in a row."""
    for first in range(31_000, 40_000, count + 3):
        try:
            for port in range(first, first + count):
                with socket.socket() as listener:
                    listener.bind(("127.0.0.1", port))
        except OSError:
            continue
        return first
    raise OSError(f"no {count} free ports in a row")


def until(condition, seconds=10, pause=0.03):
    """The first true value of the condition, or its last value when the time is over."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(pause)


class Push:
    """One request that an app received."""

    def __init__(self, method, path, query, headers, body):
        self.method, self.path, self.query, self.headers, self.body = method, path, query, headers, body
        self.at, self.plain = time.monotonic(), None


class App:
    """A callback server. `handler(push, n)` returns (status, body[, content type[, headers]]); n counts POSTs from 1."""

    def __init__(self, handler, port=0):
        self.handler, self.pushes, self.connections, self.lock = handler, [], set(), threading.Lock()
        app = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def setup(self):
                super().setup()
                with app.lock:
                    app.connections.add(self.request)

            def finish(self):
                with app.lock:
                    app.connections.discard(self.request)
                super().finish()

            def answer(self):
                parts = urlsplit(self.path)
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length).decode("utf-8", "replace")
                query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
                push = Push(self.command, parts.path, query, dict(self.headers.items()), body)
                number = 0
                if self.command == "POST":
                    with app.lock:
                        app.pushes.append(push)
                        number = len(app.pushes)
                out = app.handler(push, number)
                status, text, kind, more = (*out, "text/xml; charset=utf-8", {})[:4] if len(out) == 2 else (*out, {})[:4]
                data = text.encode()
                try:
                    self.send_response(status)
                    self.send_header("content-type", kind)
                    self.send_header("content-length", str(len(data)))
                    for name, value in more.items():
                        self.send_header(name, value)
                    self.end_headers()
                    self.wfile.write(data)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = answer

        self.server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def close(self):
        """Closes the kept connections too: an app that is gone answers nowhere."""
        self.server.shutdown()
        self.server.server_close()
        with self.lock:
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
