"""Administration is for whoever brings its key, whatever the address looks like."""

import base64
import contextlib
import socket
import threading

import stage
from harness import web
from harness.report import equal, expect
from stage import ADMIN, READ, once

# A body that makes a key for whoever may.
NEW_KEY = b'{"app":"shop","accounts":[]}'
WHERE = [("POST", "/v1/keys", NEW_KEY), ("GET", "/v1/keys", b""), ("GET", "/v1/events", b""), ("GET", "/v1/deliveries", b""),
         ("GET", "/v1/accounts", b""), ("GET", "/metrics", b""), ("GET", "/v1/endpoints", b"")]
JSON = ("content-type", "application/json")


@contextlib.contextmanager
def plain_proxy(port):
    """What `proxy_pass` without a header is: bytes to and fro, from loopback."""
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listener.accept()
                behind = socket.create_connection(("127.0.0.1", port))
                for pair in ((client, behind), (behind, client)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def bearer(key):
    return ("authorization", f"Bearer {key}")


def run(report, scene):
    gateway = scene.gateway
    tricks = {
        "nothing": [], "X-Forwarded-For": [("x-forwarded-for", "127.0.0.1")], "X-Real-IP": [("x-real-ip", "127.0.0.1")],
        "Forwarded": [("forwarded", "for=127.0.0.1;host=localhost")], "a wrong key": [bearer("x" * 30)], "an empty key": [bearer("")],
        "an app's key": [bearer(stage.KEY)], "half the key": [bearer(ADMIN[:-1])], "a longer key": [bearer(ADMIN + "x")],
        "the key with blanks": [("authorization", f"Bearer  {ADMIN} x")], "Basic": [("authorization", f"Basic {ADMIN}")],
        "the key in a cookie": [("cookie", f"key={ADMIN}")], "a browser of ours": [("origin", "http://localhost"), ("sec-fetch-site", "same-origin")],
    }
    with report.check("without its key administration is closed on the first port, through a plain reverse proxy too"):
        open_ = []
        with plain_proxy(gateway.port) as behind:
            for port in (gateway.port, behind):
                for method, path, body in WHERE:
                    for name, headers in tricks.items():
                        for host in ("127.0.0.1", "localhost", "gateway.example.com"):
                            answer = once(port, method, path, body, [JSON, *headers], host=host, seconds=3)
                            if answer is None or answer.status < 400:
                                open_.append((method, path, name, host, answer and answer.line))
        expect(not open_, open_[:5])

    with report.check("nor on the proxy's ports"):
        open_ = [
            (port, path) for port in (gateway.api, gateway.work, gateway.pay, gateway.pages) for method, path, body in WHERE
            if (answer := once(port, method, path, body, [JSON], seconds=3)) is None or (answer.status < 400 and b"errcode" not in answer.body)
        ]
        expect(not open_, open_[:5])

    with report.check("with its key it answers"):
        for method, path, body in WHERE:
            answer = once(gateway.port, method, path, body, [JSON, bearer(ADMIN)])
            equal(answer.status, 201 if method == "POST" else 200, f"{method} {path}")

    with report.check("a key in a URL is no key"):
        for path in (f"/v1/keys?key={ADMIN}", f"/v1/keys?access_token={ADMIN}", f"/v1/keys?authorization=Bearer%20{ADMIN}"):
            answer = once(gateway.port, "GET", path)
            expect(answer.status >= 400, answer.line)

    with report.check("bodies must be JSON, by their header"):
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""):
            answer = once(gateway.port, "POST", "/v1/keys", NEW_KEY, [bearer(ADMIN), ("content-type", kind)])
            equal(answer.status, 415, kind)

    with report.check("the key that reads changes nothing, and reads metrics and reasons"):
        answer = once(gateway.port, "POST", "/v1/keys", NEW_KEY, [bearer(READ), JSON])
        equal(answer.status, 403, "status")
        equal(once(gateway.port, "GET", "/metrics", headers=[bearer(READ)]).status, 200, "metrics")

    with report.check("health and readiness are open and say no more than that"):
        for path in ("/healthz", "/readyz"):
            answer = once(gateway.port, "GET", path)
            expect(answer.status in (200, 503), answer.line)
            expect(stage.APPID.encode() not in answer.body and len(answer.body) < 200, answer.body)

    with report.check("what a browser sends by itself for a page of another site is no key"):
        for headers in ([("origin", "https://evil.example")], [("origin", "null")], [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")]):
            for kept in (("cookie", f"key={ADMIN}"), ("authorization", "Basic " + base64.b64encode(f"admin:{ADMIN}".encode()).decode())):
                answer = once(gateway.port, "POST", "/v1/keys", NEW_KEY, [JSON, kept, *headers])
                expect(answer.status in (401, 403), (headers, kept, answer.line))

    with report.check("a name that was bound anew (DNS rebinding) reaches nothing"):
        for host in ("evil.example", "evil.example:80", "127.0.0.1.evil.example", "localhost.evil.example", ""):
            answer = once(gateway.port, "GET", "/v1/keys", headers=[("origin", f"http://{host}")], host=host)
            expect(answer is None or answer.status >= 400, answer and answer.line)

    with report.check("paths that look otherwise reach no administration"):
        for path in ("//v1/keys", "/v1//keys", "/V1/keys", "/%76%31/keys", "/x/../v1/keys", "/v1/keys/", "/v1/keys;x", "/v1/keys%00", "/./v1/keys", "http://127.0.0.1/v1/keys"):
            answer = once(gateway.port, "GET", path)
            expect(answer is None or answer.status >= 400, f"{path}: {answer and answer.line}")

    with report.check("hundreds of wrong keys are refused, and do not lock the right one out"):
        for number in range(300):
            answer = once(gateway.port, "GET", "/v1/keys", headers=[bearer(f"wrong{number:030}")], seconds=3)
            expect(answer.status == 403, answer.line)
        equal(once(gateway.port, "GET", "/v1/keys", headers=[bearer(ADMIN)], seconds=3).status, 200, "the right key")

    with report.check("without a key of its own, administration is on its own loopback port only"):
        ports = web.free_block(8)
        text = stage.toml(ports, scene.platform.port, f"http://127.0.0.1:{scene.app.port}/wx", admin=f'[admin]\nlisten = "127.0.0.1:{ports + 6}"')
        own = stage.Gateway(text, ports)
        try:
            for method, path, body in WHERE:
                answer = once(own.port, method, path, body, [JSON])
                expect(answer.status >= 400, f"{path}: {answer.line}")
            equal(once(ports + 6, "GET", "/v1/keys").status, 200, "its own port")
            answer = once(ports + 6, "GET", "/v1/keys", host="evil.example", headers=[("origin", "http://evil.example")])
            expect(answer.status >= 400, answer.line)
        finally:
            own.stop()

    with report.check("a network's address for administration needs a key"):
        ports = web.free_block(8)
        text = stage.toml(ports, scene.platform.port, "http://127.0.0.1:1/wx", admin=f'[admin]\nlisten = "0.0.0.0:{ports + 6}"')
        code, said = stage.refuses(text)
        expect(code == 2 and "admin" in said, (code, said[-400:]))
