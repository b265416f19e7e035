"""HTTP that is wrong on purpose: nothing is smuggled, nothing hangs, nobody tunnels."""

import time

import stage
from harness import web
from harness.report import equal, expect
from stage import APPID, once, raw, replies

SMUGGLED = b"GET /cgi-bin/smuggled?access_token=x HTTP/1.1\r\nhost: api.weixin.qq.com\r\n\r\n"


def cases(target):
    """Heads that say two things, by name; each carries a request in its body."""
    line = f"POST {target} HTTP/1.1\r\nhost: api.weixin.qq.com\r\n".encode()
    chunk = b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"
    length = b"content-length: %d\r\n" % len(SMUGGLED)
    chunked = b"transfer-encoding: chunked\r\n"
    return {
        "CL.TE": line + b"content-length: %d\r\n" % (len(SMUGGLED) + 5) + chunked + b"\r\n0\r\n\r\n" + SMUGGLED,
        "TE.CL": line + chunked + b"content-length: 4\r\n\r\n" + chunk,
        "two lengths": line + length + b"content-length: 0\r\n\r\n" + SMUGGLED,
        "two lengths in one": line + b"content-length: 0, %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
        "length with a sign": line + b"content-length: +%d\r\n\r\n" % len(SMUGGLED) + SMUGGLED,
        "negative length": line + b"content-length: -1\r\n\r\n" + SMUGGLED,
        "length in hexadecimal": line + b"content-length: 0x0\r\n\r\n" + SMUGGLED,
        "xchunked": line + b"transfer-encoding: xchunked\r\n\r\n" + chunk,
        "chunked twice": line + chunked + chunked + length + b"\r\n" + chunk,
        "chunked, identity": line + b"transfer-encoding: chunked, identity\r\n" + length + b"\r\n" + chunk,
        "chunked behind a tab": line + b"transfer-encoding:\tchunked\r\n" + length + b"\r\n" + chunk,
        "space before the colon": line + b"content-length : 0\r\n" + length + b"\r\n" + SMUGGLED,
        "obs-fold": line + b"x: a\r\n content-length: 0\r\n" + length + b"\r\n" + SMUGGLED,
        "bare LF that hides a length": line + b"x: a\ncontent-length: 0\r\n" + length + b"\r\n" + SMUGGLED,
        "bare CR in a value": line + b"x: a\rcontent-length: 0\r\n" + length + b"\r\n" + SMUGGLED,
        "NUL in a value": line + b"x: a\0b\r\n" + length + b"\r\n" + SMUGGLED,
        "chunk size too large": line + chunked + b"\r\nffffffffffffffffff\r\n" + SMUGGLED,
        "chunk size with a sign": line + chunked + b"\r\n+5\r\nhello\r\n0\r\n\r\n" + SMUGGLED,
        "chunk extension of a megabyte": line + chunked + b"\r\n5;" + b"a" * 1_000_000 + b"\r\nhello\r\n0\r\n\r\n",
        "chunk without its end": line + chunked + b"\r\n5\r\nhelloXX0\r\n\r\n" + SMUGGLED,
        "HTTP/1.0 with chunks": line.replace(b"1.1", b"1.0") + chunked + b"\r\n" + chunk,
        "two Host headers": line + b"host: evil.example\r\ncontent-length: 0\r\n\r\n",
        "no Host": b"POST " + target.encode() + b" HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
        "Expect and a body": line + b"expect: 100-continue\r\n" + length + chunked + b"\r\n" + chunk,
    }


def run(report, scene):
    gateway, platform = scene.gateway, scene.platform
    menu = "/cgi-bin/menu/get?access_token=some-token-of-somebody"
    for name, port, target in (
        ("inlet", gateway.port, f"/callback/{APPID}?timestamp=1"),
        ("proxy's port", gateway.api, menu),
    ):
        with report.check(f"nothing is smuggled through the {name}"):
            bad = []
            for case, data in cases(target).items():
                before = platform.count()
                found = replies(raw(port, data, 0.6))
                inside = [seen for seen in platform.since(before) if seen.split(b"\n")[0].find(b"smuggled") >= 0]
                # The second request must not be answered by itself after a head that was wrong.
                if inside or (len(found) > 1 and found[0].status != 400 and case not in ("chunked twice", "chunked behind a tab", "TE.CL", "Expect and a body")):
                    bad.append((case, [answer.line for answer in found], inside[:1]))
            expect(not bad, bad)

    with report.check("TE.CL is read as chunks or not at all: what follows is no request"):
        before = platform.count()
        found = replies(raw(gateway.api, cases(menu)["TE.CL"], 0.6))
        expect(len(found) <= 1, [answer.line for answer in found])
        expect(all(b" /cgi-bin/smuggled" not in seen.split(b"\n")[0] for seen in platform.since(before)), "relayed")

    for method in ("CONNECT", "TRACE", "TRACK"):
        with report.check(f"{method} is refused on every port"):
            for port in (gateway.port, gateway.api, gateway.work, gateway.pay, gateway.pages):
                before = platform.count()
                target = "api.weixin.qq.com:443" if method == "CONNECT" else "/cgi-bin/menu/get"
                answer = once(port, method, target, headers=[("x-canary", "CANARYHEADER")], host="api.weixin.qq.com", seconds=2)
                expect(answer is None or 400 <= answer.status < 600, answer and answer.line)
                expect(answer is None or b"CANARYHEADER" not in answer.body, "the head came back")
                equal(platform.count(), before, "requests at the platform")

    with report.check("a head of 200 kB is refused"):
        answer = replies(raw(gateway.port, b"GET / HTTP/1.1\r\nhost: a\r\nx: " + b"a" * 200_000 + b"\r\n\r\n", 2))
        expect(not answer or answer[0].status in (400, 431), answer and answer[0].line)

    with report.check("a thousand headers are refused"):
        head = b"GET /healthz HTTP/1.1\r\nhost: a\r\n" + b"".join(b"x%d: 1\r\n" % n for n in range(1000)) + b"\r\n"
        answer = replies(raw(gateway.port, head, 2))
        expect(not answer or answer[0].status in (400, 431), answer and answer[0].line)

    with report.check("HTTP/0.9, HTTP/2 by prior knowledge and TLS on a plain port are no harm"):
        for data in (b"GET /healthz\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 200):
            raw(gateway.port, data, 0.5)
        expect(gateway.alive(), "the gateway is gone")

    with report.check("unknown paths cost like known ones"):
        times = {}
        for name, path in {"known": "/cgi-bin/menu/get", "unknown": "/cgi-bin/menu/gett" + "x" * 900}.items():
            taken = []
            for _ in range(60):
                started = time.perf_counter()
                once(gateway.port, "GET", path, host="api.weixin.qq.com")
                taken.append(time.perf_counter() - started)
            times[name] = sorted(taken)[len(taken) // 2]
        expect(times["unknown"] < 2 * times["known"] + 0.001, times)

    with report.check("pipelined forgeries are answered one by one, or the connection ends"):
        one = f"GET /callback/{APPID}?timestamp=1 HTTP/1.1\r\nhost: a\r\n\r\n".encode()
        found = replies(raw(gateway.port, one * 50, 2))
        expect(all(answer.status == 403 for answer in found), {answer.status for answer in found})
        expect(web.until(gateway.alive), "the gateway is gone")
