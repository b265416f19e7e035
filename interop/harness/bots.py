"""Runs a bot and talks with its `api` side."""

import json
import os
import subprocess
import threading


def _environment(account, api):
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return {
        **clean,
        "BOT_APPID": account["appid"],
        "BOT_SECRET": account["secret"],
        "BOT_TOKEN": account.get("token", ""),
        "BOT_AES_KEY": account.get("aes_key", ""),
        "BOT_API": api or "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }


class Bot:
    """The callback side."""

    def __init__(self, command, account, api, port=0, mode="serve", stdin=subprocess.DEVNULL):
        self.process = subprocess.Popen(
            [*command, mode, str(port)],
            env=_environment(account, api),
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.errors = []
        threading.Thread(target=lambda: self.errors.extend(self.process.stderr), daemon=True).start()
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise RuntimeError("the bot did not start: " + "".join(self.errors)[-800:])
        self.port = json.loads(line)["listening"]
        self.url = f"http://127.0.0.1:{self.port}/"

    def close(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Api:
    """The API side: one step, one result."""

    def __init__(self, command, account, api):
        self.process = subprocess.Popen(
            [*command, "api"],
            env=_environment(account, api),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )

    def step(self, step, **fields):
        self.process.stdin.write(json.dumps({"step": step, **fields}, ensure_ascii=False) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"the bot ended at step {step}")
        return json.loads(line)

    def close(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Platform(Bot):
    """A third-party platform: both sides in one process, since its tokens come by callbacks."""

    def __init__(self, command, component, api, port=0):
        super().__init__(command, component, api, port, mode="component", stdin=subprocess.PIPE)

    step = Api.step
