"""Forged, stale, repeated and broken callbacks: whoever is not verified learns nothing, and nothing verified is lost."""

import base64
import time

import stage
from harness import envelope, web
from harness.report import equal, expect
from stage import APPID, changed, once, push, query, random_text, sealed


def forged():
    """Requests that must all get the same answer, by name: (method, query, body)."""
    params, body = sealed()
    good = dict(params)
    cipher = envelope.element(body.decode(), "Encrypt")
    now = int(time.time())
    post = {"wrong signature": (changed(params, msg_signature="0" * 40), body)}
    post["no parameters"] = ([], body)
    for name in ("timestamp", "nonce", "msg_signature"):
        post[f"no {name}"] = (changed(params, **{name: None}), body)
        post[f"empty {name}"] = (changed(params, **{name: ""}), body)
    post["signature made with another Token"] = sealed(token="another")
    post["signature of the plain form only"] = (changed(params, msg_signature=None, encrypt_type="aes"), body)
    post["one digit off at the end"] = (changed(params, msg_signature=good["msg_signature"][:-1] + "x"), body)
    post["capitals"] = (changed(params, msg_signature="A" + good["msg_signature"][1:]), body)
    post["another receiver"] = sealed(receiver="wx0000000000000009")
    post["no receiver"] = sealed(receiver="")
    post["another key"] = sealed(aes_key=stage.APP_AES_KEY)
    post["random ciphertext, rightly signed"] = sealed(encrypted=random_text(256))
    post["no base64, rightly signed"] = sealed(encrypted="%%%%")
    post["no ciphertext, rightly signed"] = sealed(encrypted="")
    post["half a block, rightly signed"] = sealed(encrypted=base64.b64encode(b"x" * 40).decode())
    for name, stamp in {
        "a day and an hour old": now - 90_000, "a day and an hour ahead": now + 90_000, "zero": 0, "negative": -now,
        "with a plus": f"%2B{now}", "full-width digits": "%EF%BC%91%EF%BC%97", "milliseconds": now * 1000,
        "beyond 64 bits": 2**63, "with blanks": f"%20{now}", "a fraction": f"{now}.0", "hexadecimal": hex(now),
    }.items():
        made, text = sealed(stamp=stamp)
        post[f"time: {name}"] = (made, text)
    for name, nonce in {"long": "9" * 3000, "control character": "1%0A2", "NUL": "1%002", "empty": ""}.items():
        post[f"nonce: {name}"] = sealed(nonce=nonce)
    stamp, nonce = str(now), "8123"
    moved = [("timestamp", stamp + nonce[:1]), ("nonce", nonce[1:]), ("encrypt_type", "aes")]
    joined, text = sealed(stamp=stamp, nonce=nonce)
    post["fields joined anew"] = (moved + [("msg_signature", dict(joined)["msg_signature"])], text)
    for name in ("signature", "timestamp", "nonce", "msg_signature", "encrypt_type"):
        post[f"{name} twice"] = (params + [(name, good[name])], body)
        post[f"{name} twice, once in percent signs"] = (params + [(f"%{ord(name[0]):02x}{name[1:]}", "1")], body)
    two = body.replace(b"</xml>", f"<Encrypt>{random_text(128)}</Encrypt></xml>".encode())
    post["two ciphertexts"] = (params, two)
    post["DOCTYPE outside"] = (params, b'<!DOCTYPE a [<!ENTITY x "y">]>' + body)
    post["nested ciphertext"] = (params, f"<xml><a><Encrypt>{cipher}</Encrypt></a></xml>".encode())
    post["no XML"] = (params, b"\0\1\2" * 100)
    post["empty body"] = (params, b"")
    post["plain into a safe account"] = (
        [(n, v) for n, v in params if n in ("signature", "timestamp", "nonce")], stage.message().encode()
    )
    post["encrypt_type raw"] = (changed(params, encrypt_type="raw", msg_signature=None), stage.message().encode())
    requests = {name: ("POST", query(made), text) for name, (made, text) in post.items()}
    for name, text in {
        "check without a signature": f"timestamp={now}&nonce=1&echostr=5",
        "check with a wrong one": f"signature={'0' * 40}&timestamp={now}&nonce=1&echostr=5",
        "check of another Token": envelope.handshake("another", "5"),
        "check without echostr": envelope.handshake(stage.TOKEN, "5").replace("echostr", "other"),
        "no check at all": "",
    }.items():
        requests[name] = ("GET", text, b"")
    return requests


def run(report, scene):
    gateway = scene.gateway
    target = f"/callback/{APPID}"

    with report.check("a genuine message is answered, and reaches the app once"):
        params, body = sealed(stage.message("GENUINE1"))
        equal(push(gateway, params, body).status, 200, "status")
        expect(web.until(lambda: scene.reached("GENUINE1")), "it did not reach the app")

    with report.check("a genuine URL check hears its echo, as text that no browser takes for a page"):
        answer = once(gateway.port, "GET", f"{target}?{envelope.handshake(stage.TOKEN, '<b>5</b>')}")
        equal((answer.status, answer.body), (200, b"<b>5</b>"), "answer")
        headers = dict(answer.headers)
        expect(headers.get(b"content-type", b"").startswith(b"text/plain"), headers)
        equal(headers.get(b"x-content-type-options"), b"nosniff", "x-content-type-options")

    answers = {}
    with report.check("whatever does not verify gets the same 403, byte for byte"):
        for name, (method, text, body) in forged().items():
            answers[name] = once(gateway.port, method, f"{target}?{text}", body, [("content-type", "text/xml")])
        expect(all(answers.values()), f"no answer to {[n for n, a in answers.items() if a is None]}")
        first = answers["wrong signature"].shape()
        other = {name: answer.shape() for name, answer in answers.items() if answer.shape() != first}
        expect(not other, f"{len(other)} of {len(answers)} differ from {first}: {list(other.items())[:4]}")
        equal(answers["wrong signature"].status, 403, "status")

    with report.check("the 403 names no rule, no account and no reason"):
        answer = answers["wrong signature"]
        text = repr(answer.shape()).lower()
        for word in ("rule", "token", "aes", "decrypt", "padding", "receiver", APPID.lower()):
            expect(word not in text, f"{word} in {text}")

    with report.check("nothing forged reached the app"):
        expect(not scene.reached("hello"), "it did")

    with report.check("a captured ciphertext is no padding oracle: 256 last bytes, one answer"):
        params, body = sealed()
        cipher = bytearray(base64.b64decode(envelope.element(body.decode(), "Encrypt")))
        shapes = set()
        for value in range(256):
            cipher[-17] = value
            text = base64.b64encode(cipher).decode()
            made = f"<xml><Encrypt><![CDATA[{text}]]></Encrypt></xml>".encode()
            answer = push(gateway, changed(params, msg_signature="0" * 40), made)
            shapes.add(repr(answer.shape()))
        equal(len(shapes), 1, "different answers")

    with report.check("the account's own path gives the same 403"):
        answer = once(gateway.port, "POST", f"/wechat/cafe?{query(sealed(token='x')[0])}", sealed()[1])
        equal(answer.shape(), answers["wrong signature"].shape(), "answer")

    with report.check("whoever asks for accounts learns none: unknown ones answer alike"):
        shapes = set()
        for name in ("wx0000000000000009", "ww1", "x", "a" * 64, "wx5823bf96d3bd56c8"):
            params, body = sealed()
            shapes.add(repr(push(gateway, params, body, path=f"/callback/{name}").shape()))
        equal(len(shapes), 1, "different answers")

    with report.check("an unknown parameter twice does no harm"):
        params, body = sealed(stage.message("TWICE1"))
        equal(push(gateway, params + [("a", "1"), ("a", "2")], body).status, 200, "status")

    with report.check("a repeat is answered and reaches the app once, also with other parameters"):
        xml = stage.message("REPEAT1")
        for _ in range(3):
            params, body = sealed(xml)
            equal(push(gateway, params, body).status, 200, "status")
            equal(push(gateway, params, body).status, 200, "status")
        expect(web.until(lambda: scene.reached("REPEAT1")), "it did not reach the app")
        time.sleep(0.5)
        equal(scene.reached("REPEAT1"), 1, "deliveries")

    with report.check("a message of 23 hours ago is taken, of 25 hours ago refused"):
        for hours, status in ((23, 200), (25, 403), (-23, 200), (-25, 403)):
            params, body = sealed(stamp=int(time.time()) - hours * 3600)
            equal(push(gateway, params, body).status, status, f"{hours} hours")

    for number, (name, xml) in enumerate({
        "bad UTF-8": b"<xml><ToUserName>gh</ToUserName><FromUserName>o1</FromUserName><CreateTime>1</CreateTime>"
        b"<MsgType>text</MsgType><Content>\xff\xfe BROKEN1</Content><MsgId>901</MsgId></xml>",
        "NUL": b"<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><Content>\0BROKEN2</Content><MsgId>902</MsgId></xml>",
        "control characters": b"<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><Content>\x08BROKEN3</Content><MsgId>903</MsgId></xml>",
        "`]]>` inside CDATA": b"<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><Content><![CDATA[a]]>BROKEN4]]></Content><MsgId>904</MsgId></xml>",
        "cut off": b"<xml><FromUserName>o1</FromUserName><MsgType>text</MsgType><Content>BROKEN5",
        "no XML at all": b"BROKEN6",
    }.items(), 1):
        with report.check(f"a verified message is never lost: {name}"):
            params, body = sealed(xml)
            equal(push(gateway, params, body).status, 200, "status")
            expect(web.until(lambda: scene.reached(f"BROKEN{number}"), 5), "it did not reach the app")

    with report.check("a verified message with a DOCTYPE is taken, and withheld from the app"):
        xml = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><xml><MsgType>text</MsgType><Content>DOCTYPE1&x;</Content></xml>'
        params, body = sealed(xml)
        equal(push(gateway, params, body).status, 200, "status")
        time.sleep(0.5)
        equal(scene.reached("DOCTYPE1"), 0, "deliveries")

    with report.check("bombs in what is not verified cost nothing: each is refused within a second"):
        laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
        bombs = {
            "depth": b"<xml>" + b"<a>" * 200_000, "laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><xml>&l11;</xml>'.encode(),
            "attributes": b"<xml " + b"a='1' " * 100_000 + b"/>", "JSON": b'{"a":' * 150_000,
            "base64": b"<xml><Encrypt>" + b"A" * 900_000 + b"</Encrypt></xml>",
        }
        for name, bomb in bombs.items():
            started = time.monotonic()
            answer = push(gateway, changed(sealed()[0], msg_signature="0" * 40), bomb)
            expect(answer is not None and answer.status == 403, f"{name}: {answer and answer.line}")
            expect(time.monotonic() - started < 1, f"{name}: {time.monotonic() - started:.2f} s")

    with report.check("bombs in what is verified are taken or refused within a second, and the gateway lives"):
        for bomb in (b"<xml>" + b"<a>" * 60_000, b"<xml>" + b"<a><![CDATA[x]]>]]></a>" * 15_000 + b"</xml>"):
            params, body = sealed(bomb)
            started = time.monotonic()
            answer = push(gateway, params, body)
            expect(answer is not None and answer.status == 200, answer and answer.line)
            expect(time.monotonic() - started < 1.5, f"{time.monotonic() - started:.2f} s")

    with report.check("too large is refused before the body is read"):
        head = f"POST {target} HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999\r\n\r\n".encode()
        found = stage.replies(stage.raw(gateway.port, head, 3))
        expect(found and found[0].status == 403, found and found[0].line)

    with report.check("work is the same: a wrong signature over what opens takes as long as over random bytes"):
        times = {True: [], False: []}
        wrong = {"msg_signature": "0" * 40}
        genuine = sealed()
        random = sealed(encrypted=random_text(len(envelope.element(genuine[1].decode(), "Encrypt"))))
        for number in range(400):
            which = number % 2 == 0
            params, body = genuine if which else random
            started = time.perf_counter()
            push(gateway, changed(params, **wrong), body)
            times[which].append(time.perf_counter() - started)
        middle = {which: sorted(all_)[len(all_) // 2] for which, all_ in times.items()}
        expect(0.7 < middle[True] / middle[False] < 1.4, f"medians {middle}; the exact test is `make attack`")
