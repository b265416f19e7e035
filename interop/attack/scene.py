"""The gateway under attack, with the platform above it and the app below."""

import shutil
import threading

import stage
from harness import envelope, web


class Scene:
    """Everything that the parts of the attack share."""

    def __init__(self):
        self.platform = stage.Platform()
        self.got, self.lock, self.hits = [], threading.Lock(), []
        self.behave = lambda push: (200, "success")
        self.app = web.App(self._take)
        self.ports = web.free_block(8)
        self.gateway = stage.Gateway(
            stage.toml(self.ports, self.platform.port, f"http://127.0.0.1:{self.app.port}/wx"), self.ports
        )

    def _take(self, push, _number):
        with self.lock:
            self.got.append(push)
        return self.behave(push)

    def reached(self, needle):
        """How often the app got a message that holds a text."""
        count = 0
        with self.lock:
            for push in list(self.got):
                try:
                    plain = envelope.open_push(stage.APP_TOKEN, stage.APP_AES_KEY, stage.APPID, push.query, push.body)
                except (ValueError, KeyError, TypeError):
                    plain = push.body
                count += needle in plain
        return count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gateway.stop()
        shutil.rmtree(self.gateway.folder, ignore_errors=True)
