"""Starts the binary under test and speaks its control interface."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from . import web

# What a debug build logs about an answer that does not fit.
MISFIT = "An answer does not fit its schema"

ROOT = pathlib.Path(__file__).resolve().parents[2]


def binary():
    """XINQIAO, or the newest build in the target folder; None where nothing is built."""
    if named := os.environ.get("XINQIAO"):
        return pathlib.Path(named).resolve()
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    built = [
        p for kind in ("dist", "release", "quick", "debug") if (p := target / kind / "xinqiao").is_file()
    ]
    return max(built, key=lambda p: p.stat().st_mtime).resolve() if built else None


class Process:
    """One `xinqiao` process in a folder of its own, up when its ready file is there."""

    def __init__(self, *arguments, folder=None, ready=True):
        self.own = folder is None
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="xinqiao-interop-"))
        self.ready_file = self.folder / "interop-ready.json"
        self.ready_file.unlink(missing_ok=True)
        self.log = open(self.folder / "log", "ab")
        command = [str(binary()), *arguments, *(["--ready-file", str(self.ready_file)] if ready else [])]
        started = time.monotonic()
        # A fixed key for the store of `serve`; no proxy of the surroundings may stand between.
        env = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
        env.setdefault("XINQIAO_MASTER_KEY", "5a" * 32)
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
        )
        if ready:
            self.ready = self._wait()
            self.started_in = time.monotonic() - started

    def _wait(self):
        def read():
            try:
                return json.loads(self.ready_file.read_text())
            except (OSError, ValueError):
                return None

        found = web.until(lambda: read() or self.process.poll() is not None, 20)
        if not isinstance(found, dict):
            text = self.output()
            self.stop()
            raise RuntimeError(f"no ready file; the program said: {text[-1500:]}")
        return found

    def output(self):
        return (self.folder / "log").read_text(errors="replace")

    def kill(self):
        """kill -9, and wait until it is gone."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()
        self.log.close()
        said = self.output() if self.folder.exists() else ""
        if self.own:
            shutil.rmtree(self.folder, ignore_errors=True)
        if "panicked at" in said:
            raise RuntimeError("xinqiao panicked: " + said[said.index("panicked at") - 60 :][:900])
        # Debug builds hold every answer of the simulator against the catalog.
        if (at := said.find(MISFIT)) >= 0:
            raise RuntimeError("xinqiao answered what no schema has: " + said[at:][:900])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Refused(Exception):
    """The control interface answered with an error."""

    def __init__(self, what, answer):
        super().__init__(f"{what}: {answer.status} {answer.text[:600]}")
        self.status, self.answer = answer.status, answer


class Control:
    """SIM_CONTROL over HTTP: `/_sim/v1`."""

    def __init__(self, base):
        self.base = base.rstrip("/")

    def raw(self, method, path, body=None, timeout=40):
        return web.request(method, self.base + path, json=body, timeout=timeout)

    def call(self, method, path, body=None, timeout=40):
        answer = self.raw(method, path, body, timeout)
        if answer.status >= 300:
            raise Refused(f"{method} {path}", answer)
        return answer.json() if answer.body else None

    def account(self, **fields):
        return self.call("POST", "/accounts", {"kind": "service", "verified": True, **fields})

    def user(self, *, follow=(), **fields):
        user = self.call("POST", "/users", fields)
        for account in follow:
            self.act(user, "follow", account)
        return self.call("GET", f"/users/{user['id']}")

    def callback(self, account, url, mode="safe", **fields):
        body = {"url": url, "token": account["token"], "aes_key": account["aes_key"], "mode": mode, **fields}
        return self.call("PUT", f"/accounts/{account['appid']}/callback", body)

    def act(self, user, do, account, **fields):
        return self.call(
            "POST", f"/users/{user['id']}/actions", {"do": do, "account": account["appid"], **fields}
        )

    def say(self, user, account, text, **fields):
        return self.act(user, "send", account, message={"type": "text", "content": text}, **fields)

    def inbox(self, user, account):
        return self.call("GET", f"/users/{user['id']}/inbox?account={account['appid']}")["items"]

    def deliveries(self, account):
        return self.call("GET", f"/deliveries?account={account['appid']}")["items"]

    def clock(self, **change):
        return self.call("POST", "/clock", change)

    def timeline(self):
        answer = self.call("GET", "/timeline")
        return answer["items"] if isinstance(answer, dict) else answer

    def wait_inbox(self, user, account, enough, seconds=8):
        """The inbox as soon as the condition on it holds (or as it is when the time is over)."""
        box = []

        def look():
            box[:] = self.inbox(user, account)
            return enough(box)

        web.until(look, seconds)
        return box
