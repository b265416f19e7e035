"""Bots in plain mode: straight and through a gateway that gives its app plain callbacks."""

import contextlib
import pathlib
import tempfile

from . import web
from .bot_checks import UNSEEN, replies
from .bots import Bot
from .contract_gateway import CONFIG, serve
from .report import equal
from .xinqiao import Control, Process

# Bots whose SDK answers plain pushes by itself.
PLAIN = ("werobot", "co-wechat")


def plain(report, control, name, command, where, connect):
    """A bot in plain mode, with a process of its own: some SDKs remember that a push was encrypted."""
    label = f"{name}, plain mode, {where}"
    account = control.account(name=f"{name} 的明文店")
    with Bot(command, account, None) as bot, connect(account, bot) as url:
        with report.check(f"{label}: the handshake is answered"):
            equal(control.callback(account, url, "plain"), {"verified": True}, "answer")
        user = control.user(nickname=f"{name} 的客人", follow=[account])
        gateway = None if url == bot.url else UNSEEN
        replies(report, label, name, control, user, account, gateway=gateway)


@contextlib.contextmanager
def directly(_, bot):
    yield bot.url


def through_serve(sim, folder):
    """A gateway of its own for each account; the app has no AES key, so it gets plain callbacks."""

    @contextlib.contextmanager
    def connect(account, bot):
        path = pathlib.Path(folder) / f"{account['appid']}.toml"
        port = web.free_block(5)
        text = CONFIG.format(
            api=sim.ready["endpoints"]["api.weixin.qq.com"],
            store=path.with_suffix(".db"),
            port=port,
            app=bot.url,
            **{k: account[k] for k in ("appid", "secret", "token", "aes_key")},
        )
        text = text.replace('mode = "safe"', 'mode = "plain"\nallow_plain = true')
        head, app = text.split("[[app]]")
        app = "".join(line for line in app.splitlines(True) if not line.startswith("aes_key"))
        path.write_text(f"{head}[[app]]{app}")
        gateway = serve(path, port)
        try:
            yield f"http://127.0.0.1:{port}/callback/{account['appid']}"
        finally:
            gateway.stop()

    return connect


def run(report, commands, names):
    """What runs where the packages are; what is missing was reported with the other checks."""
    names = [name for name in names if name in PLAIN and name in commands]
    if not names:
        return
    with (
        tempfile.TemporaryDirectory(prefix="xinqiao-plain-") as folder,
        Process("sim", "--port", "0", "--memory") as sim,
    ):
        control = Control(sim.ready["control"])
        for name in names:
            with report.section(f"{name}, plain mode"):
                plain(report, control, name, commands[name], "straight", directly)
                gateway = through_serve(sim, folder)
                plain(report, control, name, commands[name], "through the gateway", gateway)
