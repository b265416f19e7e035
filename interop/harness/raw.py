"""A raw app of one account, and the few platform calls that the contract checks make."""

from . import envelope, web
from .report import equal

API = "api.weixin.qq.com"


class Bot(web.App):
    """An app of one account that verifies what arrives and answers with `behave(push xml, n)` → text, raw tuple or None."""

    def __init__(self, behave, port=0):
        self.account, self.behave, self.problems = None, behave, []
        super().__init__(self._handle, port)

    def _handle(self, push, number):
        account = self.account
        if account is None:
            return 503, "no account yet"
        if push.method == "GET":
            good = push.query.get("signature") == envelope.signature(
                account["token"], push.query["timestamp"], push.query["nonce"]
            )
            return (200, push.query["echostr"], "text/plain") if good else (403, "bad signature")
        try:
            push.plain = envelope.open_push(
                account["token"], account["aes_key"], account["appid"], push.query, push.body
            )
        except ValueError as error:
            self.problems.append(str(error))
            return 403, str(error)
        if envelope.element(push.plain, "MsgType") == "event" and envelope.element(push.plain, "Event") in (
            "subscribe",
            "unsubscribe",
        ):
            return 200, "success"
        said = self.behave(push, number)
        if said is None:
            return 200, "success"
        if isinstance(said, tuple):
            return said
        xml = envelope.text_reply(push.plain, said)
        if push.query.get("encrypt_type") == "aes":
            xml = envelope.seal_reply(account["token"], account["aes_key"], account["appid"], xml)
        return 200, xml

    def messages(self):
        """The pushes that are no follow or unfollow."""
        return [
            p
            for p in self.pushes
            if p.plain and envelope.element(p.plain, "Event") not in ("subscribe", "unsubscribe")
        ]


def shop(control, bot, mode="safe", **fields):
    """An account whose callback is the bot, and a user who follows it."""
    account = control.account(**fields)
    bot.account = account
    equal(control.callback(account, bot.url, mode), {"verified": True}, "handshake")
    return account, control.user(follow=[account])


def token_of(api, account, **change):
    query = {
        "grant_type": "client_credential",
        "appid": account["appid"],
        "secret": account["secret"],
        **change,
    }
    text = "&".join(f"{k}={v}" for k, v in query.items() if v is not None)
    return web.request("GET", f"{api}/cgi-bin/token?{text}").json()


def stable_of(api, account, **more):
    return web.request(
        "POST",
        f"{api}/cgi-bin/stable_token",
        json={
            "grant_type": "client_credential",
            "appid": account["appid"],
            "secret": account["secret"],
            **more,
        },
    ).json()


def ips(api, token):
    """A call that needs nothing but a good token: its errcode, 0 where it worked."""
    return (
        web.request("GET", f"{api}/cgi-bin/get_api_domain_ip?access_token={token}").json().get("errcode", 0)
    )
