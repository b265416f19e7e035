"""The proxy relays nothing for strangers, and gives nothing real to whoever holds a key that the gateway issued."""

import json
import time

import stage
from harness import web
from harness.report import equal, expect
from stage import APPID, COMPONENT, CORP, KEY, REAL_TOKEN, SECRETS, SUITE, once

API, WORK = "api.weixin.qq.com", "qyapi.weixin.qq.com"
JSON = ("content-type", "application/json")
# Where a platform hands out credentials: host, path, what is sent. `KEY` stands where a secret would.
ISSUING = [
    (API, "/cgi-bin/token", {"grant_type": "client_credential", "appid": APPID, "secret": KEY}),
    (API, "/cgi-bin/stable_token", {"grant_type": "client_credential", "appid": APPID, "secret": KEY}),
    (API, "/sns/oauth2/access_token", {"appid": APPID, "secret": KEY, "code": "c", "grant_type": "authorization_code"}),
    (API, "/sns/jscode2session", {"appid": APPID, "secret": KEY, "js_code": "c", "grant_type": "authorization_code"}),
    (API, "/cgi-bin/component/api_component_token", {"component_appid": COMPONENT, "component_appsecret": KEY, "component_verify_ticket": "t"}),
    (API, "/cgi-bin/component/api_query_auth?component_access_token=" + KEY, {"component_appid": COMPONENT, "authorization_code": "q"}),
    (API, "/cgi-bin/component/api_authorizer_token?component_access_token=" + KEY, {"component_appid": COMPONENT, "authorizer_appid": APPID, "authorizer_refresh_token": KEY}),
    (API, "/sns/component/jscode2session", {"appid": APPID, "js_code": "c", "grant_type": "authorization_code", "component_appid": COMPONENT, "component_access_token": KEY}),
    (WORK, "/cgi-bin/gettoken", {"corpid": CORP, "corpsecret": KEY}),
    (WORK, "/cgi-bin/service/get_suite_token", {"suite_id": SUITE, "suite_secret": KEY, "suite_ticket": "t"}),
    (WORK, "/cgi-bin/service/get_provider_token", {"corpid": CORP, "provider_secret": KEY}),
    (WORK, "/cgi-bin/service/get_corp_token?suite_access_token=" + KEY, {"auth_corpid": CORP, "permanent_code": KEY}),
    (WORK, "/cgi-bin/service/get_permanent_code?suite_access_token=" + KEY, {"auth_code": "c"}),
    (API, "/cgi-bin/ticket/getticket?access_token=" + KEY, {"type": "jsapi"}),
    (API, "/cgi-bin/express/delivery/token", {"appid": APPID, "secret": KEY}),
]


def spellings(host, path, fields):
    """One call in the ways that somebody may write it: (method, target, body, headers)."""
    base, _, first = path.partition("?")
    pairs = "&".join(f"{name}={value}" for name, value in fields.items())
    joined = "&".join(part for part in (first, pairs) if part)
    percent = lambda text: "".join(f"%{ord(c):02x}" for c in text)
    odd = "&".join(f"{percent(name[0])}{name[1:]}={percent(str(value)[:4])}{str(value)[4:]}" for name, value in fields.items())
    odd = "&".join(part for part in (first, odd) if part)
    body = json.dumps(fields).encode()
    escaped = json.dumps(fields).replace("xqk_", "\\u0078qk\\u005f").encode()
    form = ("content-type", "application/x-www-form-urlencoded")
    with_first = base + (f"?{first}" if first else "")
    yield "GET", f"{base}?{joined}", b"", []
    yield "GET", f"{base}?{odd}", b"", []
    yield "GET", f"{base}?{joined}&{pairs}", b"", []
    yield "POST", with_first, body, [JSON]
    yield "POST", with_first, escaped, [JSON]
    yield "POST", with_first, body, [("content-type", "text/plain")]
    yield "POST", with_first, b"\xef\xbb\xbf" + body, []
    yield "POST", with_first, pairs.encode(), [form]
    yield "POST", with_first, odd.encode(), [form]
    yield "POST", with_first, pairs.encode(), [JSON]
    yield "POST", f"{base}?{joined}", body, [JSON]
    yield "POST", with_first, b"--x\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n" + KEY.encode() + b"\r\n--x--", [("content-type", "multipart/form-data; boundary=x")]
    for method in ("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH"):
        yield method, f"{base}?{joined}", body if method == "PUT" else b"", [JSON]
    for odd_path in (f"/x/..{base}", f"/{base}", f"{base}/", base.replace("/", "/%2e/", 1), base.replace("cgi", "%63gi").replace("sns", "%73ns"),
                     f"/cgi-bin/..{base}", base.replace("/", "/./", 1), f"{base};a", base.upper(), base.replace("/", "\\"), f"/x/%2e%2e{base}", f"{base}%00"):
        yield "GET", f"{odd_path}?{joined}", b"", []
        yield "POST", odd_path + (f"?{first}" if first else ""), body, [JSON]
    yield "GET", f"http://{host}{base}?{joined}", b"", []
    yield "GET", f"https://evil.example{base}?{joined}", b"", []


def real(answer):
    """What of the real credentials is in an answer."""
    text = b"".join(name + b":" + value + b"\n" for name, value in answer.headers) + answer.body
    return [secret for secret in SECRETS if secret.encode() in text]


def virtual(gateway):
    answer = once(gateway.api, "GET", f"/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={KEY}", host=API)
    return json.loads(answer.body)["access_token"]


def is_late(seen):
    """Whether this is a call that was broken off for the key in its streamed body: the platform notes it late."""
    return seen.startswith(b"POST /cgi-bin/unknown")


def run(report, scene):
    gateway, platform = scene.gateway, scene.platform

    with report.check("an issued key gets a virtual token, and with it an answer of the platform"):
        token = virtual(gateway)
        expect(token != REAL_TOKEN and len(token) > 20, token[:30])
        before = platform.count()
        answer = once(gateway.api, "GET", f"/cgi-bin/menu/get?access_token={token}", host=API)
        equal(answer.status, 200, "status")
        seen = b"".join(platform.since(before))
        expect(REAL_TOKEN.encode() in seen and token.encode() not in seen, "the token was not swapped")
        equal(real(answer), [], "real credentials in the answer")

    for host, path, fields in ISSUING:
        with report.check(f"an issued key gets nothing real from {path.split('?')[0]}, and never reaches the platform"):
            leaks, carried = [], []
            faces = {(gateway.port, host), ((gateway.work if host == WORK else gateway.api), host), ((gateway.work if host == WORK else gateway.api), "127.0.0.1"),
                     (gateway.api, host.upper()), (gateway.api, host + "."), (gateway.api, f"{host}:443"), (gateway.pages, host)}
            for number, (method, target, body, headers) in enumerate(spellings(host, path, fields)):
                for port, name in faces if number < 4 else list(faces)[:2]:
                    before = platform.count()
                    answer = once(port, method, target, body, headers, host=name, seconds=4)
                    if answer and (found := real(answer)):
                        leaks.append((method, target[:90], name, port - gateway.port, found[0][:20]))
                    carried += [(method, target[:90], name) for seen in platform.since(before) if b"xqk_" in seen or b"%78qk" in seen or b"u0078qk" in seen]
            expect(not leaks, f"{len(leaks)} leaks: {leaks[:3]}")
            expect(not carried, f"{len(carried)} times the key went out: {carried[:3]}")

    with report.check("a key anywhere else is refused: path, header, cookie, streamed body"):
        chunks = b"400000\r\n" + b"a" * 0x400000 + b"\r\n" + b"%x\r\n" % 3 + b"xqk" + b"\r\n" + b"%x\r\n" % len(KEY[3:]) + KEY[3:].encode() + b"\r\n0\r\n\r\n"
        before = platform.count()
        once(gateway.api, "GET", f"/cgi-bin/{KEY}", host=API)
        once(gateway.api, "GET", "/cgi-bin/menu/get", headers=[("x-key", KEY)], host=API)
        once(gateway.api, "GET", "/cgi-bin/menu/get", headers=[("cookie", f"a={KEY}")], host=API)
        once(gateway.api, "GET", "/cgi-bin/menu/get", headers=[("authorization", f"Bearer {KEY}")], host=API)
        head = f"POST /cgi-bin/unknown HTTP/1.1\r\nhost: {API}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n".encode()
        stage.raw(gateway.api, head + chunks, 4)
        carried = [seen[:80] for seen in platform.since(before) if KEY.encode() in seen]
        expect(not carried, carried)

    with report.check("strangers are relayed nothing on the first port, and are not told whom it knows"):
        before, shapes = platform.count(), set()
        for target in ("/cgi-bin/menu/get?access_token=77_stranger", f"/cgi-bin/token?grant_type=client_credential&appid={APPID}&secret={'0' * 32}",
                       f"/cgi-bin/token?grant_type=client_credential&appid=wx0000000000000009&secret={'0' * 32}", "/sns/userinfo?access_token=u&openid=o", "/cgi-bin/nothing", "/",
                       f"/cgi-bin/menu/get?access_token={stage.REAL_TOKEN}"):
            for method in ("GET", "POST"):
                answer = once(gateway.port, method, target, host=API)
                shapes.add((answer.status, answer.body))
        equal([seen[:160] for seen in platform.since(before) if not is_late(seen)], [], "requests at the platform")
        expect(len(shapes) <= 2, shapes)

    with report.check("a virtual token is swapped for endpoints of the account only"):
        token = virtual(gateway)
        for port, host, target in ((gateway.pay, "api.mch.weixin.qq.com", f"/v3/certificates?access_token={token}"), (gateway.work, WORK, f"/cgi-bin/user/get?access_token={token}"),
                                   (gateway.pages, "open.weixin.qq.com", f"/connect/qrconnect?access_token={token}"), (gateway.api, API, f"/cgi-bin/component/api_get_authorizer_info?component_access_token={token}"),
                                   (gateway.api, API, f"/sns/userinfo?access_token={token}&openid=o")):
            before = platform.count()
            once(port, "GET", target, host=host)
            swapped = [seen[:100] for seen in platform.since(before) if REAL_TOKEN.encode() in seen]
            expect(not swapped, f"{host}{target[:40]}: {swapped}")

    with report.check("bytes pass as they are: path, query and body but for the token"):
        token = virtual(gateway)
        target = f"/cgi-bin/menu/create?b=%7E+%2B&&a&access_token={token}&=x&c=%E4%BD%A0&d=a%2fb"
        body = b'{ "a" : 1.0e5,\t"\\u4f60": "\xff" }'
        before = platform.count()
        once(gateway.api, "POST", target, body, [("content-type", "application/json; charset=gbk")], host=API)
        seen = [seen for seen in platform.since(before) if not is_late(seen)]
        line = seen[-1].split(b"\n")[0].decode() if seen else ""
        equal(line, f"POST {target.replace(token, REAL_TOKEN)}", "request line")
        expect(seen[-1].endswith(body), "the body changed")

    with report.check("without a token a path passes as it is too"):
        target = "/cgi-bin/%6denu/../x//get;a=%2f?access_token=real%2Dtoken"
        before = platform.count()
        once(gateway.api, "GET", target, host=API)
        seen = platform.since(before)
        expect(not seen or seen[0].split(b"\n")[0].decode() == f"GET {target}", seen and seen[0][:200])

    with report.check("answers are scrubbed while they stream, wherever they are cut"):
        token = virtual(gateway)
        pieces = [REAL_TOKEN[:7], REAL_TOKEN[7:60], REAL_TOKEN[60:] + " " + stage.SECRET[:5], stage.SECRET[5:], "x" * 100_000,
                  "".join(f"%{ord(c):02X}" for c in REAL_TOKEN), " ", "end"]

        def stream(handler):
            handler.send_response(200)
            handler.send_header("content-type", "application/octet-stream")
            handler.send_header("x-echo", REAL_TOKEN)
            handler.send_header("transfer-encoding", "chunked")
            handler.end_headers()
            for piece in pieces:
                handler.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece.encode()))
                handler.wfile.flush()
                time.sleep(0.02)
            handler.wfile.write(b"0\r\n\r\n")

        platform.instead = stream
        try:
            answer = web.request("GET", f"http://127.0.0.1:{gateway.api}/cgi-bin/media/get?access_token={token}&media_id=m", headers={"host": API})
        finally:
            platform.instead = None
        text = answer.text + str(answer.headers)
        for secret in (REAL_TOKEN, stage.SECRET, "".join(f"%{ord(c):02X}" for c in REAL_TOKEN)):
            expect(secret not in text, f"{secret[:24]}… came through")
        expect(answer.text.endswith("end"), answer.text[-40:])

    with report.check("an answer that is packed brings nothing real"):
        import gzip

        token = virtual(gateway)

        def packed(handler):
            data = gzip.compress(REAL_TOKEN.encode())
            handler.send_response(200)
            for name, value in (("content-encoding", "gzip"), ("content-type", "application/json"), ("content-length", str(len(data)))):
                handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(data)

        platform.instead = packed
        try:
            answer = once(gateway.api, "GET", f"/cgi-bin/menu/get?access_token={token}", host=API)
        finally:
            platform.instead = None
        body = answer.body
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        expect(REAL_TOKEN.encode() not in body, "it came through")

    with report.check("a redirect of an app is not followed"):
        hits = []
        with web.App(lambda push, _: (hits.append(push) or (200, "secret"))) as inner:
            for status in (301, 302, 303, 307, 308):
                scene.behave = lambda push, status=status: (status, "", "text/plain", {"location": f"{inner.url}secret"})
                try:
                    params, body = stage.sealed(stage.message(f"REDIRECT{status}"))
                    stage.push(gateway, params, body)
                    expect(web.until(lambda: scene.reached(f"REDIRECT{status}")), f"{status}: the app was not asked")
                    time.sleep(0.5)
                finally:
                    scene.behave = lambda push: (200, "success")
                equal(len(hits), 0, f"{status}: requests behind the redirect")
