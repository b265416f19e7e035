"""Slow and silent peers: whatever they hold, a callback is answered."""

import contextlib
import socket
import threading
import time

import stage
from harness import web
from harness.report import expect
from stage import APPID, connect, push, sealed


@contextlib.contextmanager
def held(port, count, first):
    """So many connections that have sent something and now do nothing; those that could be made."""
    streams = []
    try:
        for _ in range(count):
            with contextlib.suppress(OSError):
                stream = connect(port, 1)
                stream.sendall(first)
                streams.append(stream)
        yield streams
    finally:
        for stream in streams:
            stream.close()


def answered(gateway, count=10):
    """Seconds that the slowest of some callbacks takes; none where one fails."""
    slowest = 0
    for _ in range(count):
        started = time.monotonic()
        params, body = sealed()
        answer = None
        with contextlib.suppress(OSError):
            answer = push(gateway, params, body)
        if answer is None or answer.status != 200:
            return None
        slowest = max(slowest, time.monotonic() - started)
    return slowest


def ended(streams, seconds):
    """How many of these the server has closed within so long."""
    end = time.monotonic() + seconds
    open_ = list(streams)
    while open_ and time.monotonic() < end:
        for stream in list(open_):
            stream.settimeout(0.001)
            try:
                if not stream.recv(65536):
                    open_.remove(stream)
            except TimeoutError:
                pass
            except OSError:
                open_.remove(stream)
        time.sleep(0.1)
    return len(streams) - len(open_)


def run(report, scene):
    gateway, platform = scene.gateway, scene.platform
    big = f"POST /cgi-bin/media/upload?access_token=x HTTP/1.1\r\nhost: api.weixin.qq.com\r\ncontent-length: 1000000\r\n\r\n".encode() + b"a" * 60_000
    callback = f"POST /callback/{APPID}?timestamp=1 HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n".encode()
    cases = {
        "half heads on the first port": (gateway.port, 800, b"POST /callback/x HTTP/1.1\r\nhost: "),
        "half heads on the proxy's port": (gateway.api, 800, b"POST /cgi-bin/x HTTP/1.1\r\nhost: "),
        "held bodies on the proxy's port": (gateway.api, 800, big),
        "held bodies of callbacks": (gateway.port, 800, callback + b"a" * 50_000),
        "held bodies of strangers on the first port": (gateway.port, 800, big),
        "connections that say nothing": (gateway.port, 1500, b""),
    }
    for name, (port, count, first) in cases.items():
        with report.check(f"callbacks are answered beside {count} {name}"):
            with held(port, count, first) as streams:
                expect(len(streams) > 50, f"only {len(streams)} could be made")
                slowest = answered(gateway)
                expect(slowest is not None and slowest < 2, f"slowest {slowest} s with {len(streams)} held")

    with report.check("slow heads, bodies and silence end by themselves"):
        drip = connect(gateway.port)
        drip.sendall(callback)

        def feed():
            with contextlib.suppress(OSError):
                while True:
                    drip.sendall(b"a")
                    time.sleep(1)

        threading.Thread(target=feed, daemon=True).start()
        with held(gateway.port, 5, b"GET / HTTP/1.1\r\nx: ") as heads, held(gateway.port, 5, callback) as bodies:
            # Heads have ten seconds; bodies and a byte a second somewhat more.
            expect(ended(heads, 20) == 5, "slow heads are kept")
            expect(ended(bodies, 45) == 5, "silent bodies are kept")
            expect(ended([drip], 60) == 1, "a byte a second is kept for more than a minute")

    with report.check("answers that nobody reads hold nothing back"):
        def large(handler):
            handler.send_response(200)
            handler.send_header("content-length", str(50_000_000))
            handler.end_headers()
            with contextlib.suppress(OSError):
                for _ in range(50):
                    handler.wfile.write(b"a" * 1_000_000)

        platform.instead = large
        try:
            head = b"GET /cgi-bin/media/get?access_token=x&media_id=m HTTP/1.1\r\nhost: api.weixin.qq.com\r\n\r\n"
            with held(gateway.api, 60, head):
                time.sleep(1)
                slowest = answered(gateway)
                expect(slowest is not None and slowest < 2, f"slowest {slowest} s")
        finally:
            platform.instead = None

    with report.check("pipelining without reading holds nothing back"):
        one = f"GET /callback/{APPID}?timestamp=1 HTTP/1.1\r\nhost: a\r\n\r\n".encode() * 2000
        with contextlib.ExitStack() as stack:
            for _ in range(50):
                stream = stack.enter_context(connect(gateway.port))
                stream.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    stream.send(one)
            slowest = answered(gateway)
            expect(slowest is not None and slowest < 2, f"slowest {slowest} s")

    with report.check("connections that are reset at once leave nothing behind"):
        before = descriptors(gateway)
        for _ in range(500):
            stream = connect(gateway.port)
            stream.sendall(callback)
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            stream.close()
        expect(web.until(lambda: descriptors(gateway) < before + 50, 20), f"{before} descriptors before, {descriptors(gateway)} after")


def descriptors(gateway):
    import os

    return len(os.listdir(f"/proc/{gateway.process.pid}/fd"))
