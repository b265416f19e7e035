"""The gateway under attack, with the platform above it and the app below."""

import base64
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
                encrypted = envelope.element(push.body, "Encrypt")
                plain = push.body
                if encrypted is not None:
                    # Not `envelope.decrypt`: what arrives here may be no UTF-8.
                    key = envelope.key_bytes(stage.APP_AES_KEY)
                    inner = envelope.aes.decrypt_cbc(key, key[:16], base64.b64decode(encrypted))
                    plain = inner.decode("utf-8", "replace")
                count += needle in plain
        return count

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.gateway.stop()
        shutil.rmtree(self.gateway.folder, ignore_errors=True)
