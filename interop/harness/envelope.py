"""The callback envelope, written from the platform's documents and independent of Xinqiao's own code."""

import base64
import hashlib
import os
import re
import struct
import time
from urllib.parse import urlencode

from . import aes


def signature(*parts):
    """SHA-1 over the sorted parts."""
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def key_bytes(aes_key):
    """The 32 bytes behind 43 characters; the two spare bits of the last one may be anything."""
    return base64.b64decode(aes_key + "=")


def encrypt(aes_key, receiver, plain):
    key = key_bytes(aes_key)
    inner = os.urandom(16) + struct.pack(">I", len(plain)) + plain + receiver.encode()
    pad = 32 - len(inner) % 32
    return base64.b64encode(aes.encrypt_cbc(key, key[:16], inner + bytes([pad]) * pad)).decode()


def decrypt(aes_key, text):
    """Returns (message, receiver)."""
    key = key_bytes(aes_key)
    inner = aes.decrypt_cbc(key, key[:16], base64.b64decode(text))
    inner = inner[: -inner[-1]]
    length = struct.unpack(">I", inner[16:20])[0]
    return inner[20 : 20 + length], inner[20 + length :].decode()


def element(xml, name):
    """The text of the first element of that name, CDATA or bare; None where there is none."""
    found = re.search(rf"<{name}>(?:<!\[CDATA\[(.*?)\]\]>|(.*?))</{name}>", xml, re.S)
    return None if found is None else (found.group(1) if found.group(1) is not None else found.group(2))


def text_message(to, sender, content, msg_id=None, created=None):
    return (
        f"<xml><ToUserName><![CDATA[{to}]]></ToUserName><FromUserName><![CDATA[{sender}]]></FromUserName>"
        f"<CreateTime>{created or int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content><![CDATA[{content}]]></Content><MsgId>{msg_id or new_msg_id()}</MsgId></xml>"
    )


_last = [int(time.time() * 1000) * 1000]


def new_msg_id():
    _last[0] += 1
    return _last[0]


def seal(token, aes_key, receiver, xml, to, openid="oNobody", encrypted=None):
    """A safe-mode push: (query, body)."""
    encrypted = encrypted if encrypted is not None else encrypt(aes_key, receiver, xml.encode())
    stamp, nonce = str(int(time.time())), str(int.from_bytes(os.urandom(4), "big"))
    query = urlencode(
        {
            "signature": signature(token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": openid,
            "encrypt_type": "aes",
            "msg_signature": signature(token, stamp, nonce, encrypted),
        }
    )
    body = f"<xml><ToUserName><![CDATA[{to}]]></ToUserName><Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
    return query, body


def seal_plain(token, xml, openid="oNobody"):
    """A plain-mode push: (query, body)."""
    stamp, nonce = str(int(time.time())), str(int.from_bytes(os.urandom(4), "big"))
    return urlencode(
        {
            "signature": signature(token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "openid": openid,
        }
    ), xml


def handshake(token, echostr):
    stamp, nonce = str(int(time.time())), "1234567"
    return urlencode(
        {
            "signature": signature(token, stamp, nonce),
            "timestamp": stamp,
            "nonce": nonce,
            "echostr": echostr,
        }
    )


def open_push(token, aes_key, appid, query, body):
    """What an app does with a push in any mode: the plain XML, or ValueError with the reason."""
    if query.get("encrypt_type") != "aes":
        if query.get("signature") != signature(token, query["timestamp"], query["nonce"]):
            raise ValueError("signature")
        return body
    sealed = element(body, "Encrypt")
    if query.get("msg_signature") != signature(token, query["timestamp"], query["nonce"], sealed):
        raise ValueError("msg_signature")
    plain, receiver = decrypt(aes_key, sealed)
    if receiver != appid:
        raise ValueError(f"receiver {receiver}")
    return plain.decode()


def seal_reply(token, aes_key, appid, xml):
    encrypted = encrypt(aes_key, appid, xml.encode())
    stamp, nonce = str(int(time.time())), "7654321"
    return (
        f"<xml><Encrypt><![CDATA[{encrypted}]]></Encrypt>"
        f"<MsgSignature><![CDATA[{signature(token, stamp, nonce, encrypted)}]]></MsgSignature>"
        f"<TimeStamp>{stamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
    )


def open_reply(token, aes_key, appid, body):
    """What the platform does with an encrypted answer."""
    sealed = element(body, "Encrypt")
    if element(body, "MsgSignature") != signature(
        token, element(body, "TimeStamp"), element(body, "Nonce"), sealed
    ):
        raise ValueError("MsgSignature")
    plain, receiver = decrypt(aes_key, sealed)
    if receiver != appid:
        raise ValueError(f"receiver {receiver}")
    return plain.decode()


def text_reply(push, content):
    """The plain XML that answers a push with a text."""
    return (
        f"<xml><ToUserName><![CDATA[{element(push, 'FromUserName')}]]></ToUserName>"
        f"<FromUserName><![CDATA[{element(push, 'ToUserName')}]]></FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content><![CDATA[{content}]]></Content></xml>"
    )
