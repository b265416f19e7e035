"""`xinqiao exec -- python script.py` with released wechatpy, straight and through the gateway."""

import json
import os
import subprocess

from . import toolchains, xinqiao
from .bot_checks import follower, issue_key, last, real_secrets, seeded_service
from .raw import API
from .relay import Relay
from .report import equal, expect
from .xinqiao import Control, Process

SCRIPT = toolchains.BOTS / "python/script.py"


def execute(dev, command, options=(), **env):
    """Runs a command under `xinqiao exec` beside the running `dev`."""
    done = subprocess.run(
        [str(xinqiao.binary()), "exec", *options, "--", *command],
        cwd=dev.folder,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
    expect(done.returncode == 0, f"exit {done.returncode}: {done.stdout[-500:]} {done.stderr[-900:]}")
    return done.stdout


def script(dev, python, openid, account, secret, text, options=()):
    out = execute(
        dev,
        [*python, str(SCRIPT)],
        options,
        WECHAT_APPID=account["appid"],
        WECHAT_SECRET=secret,
        WECHAT_OPENID=openid,
        WECHAT_TEXT=text,
        PYTHONDONTWRITEBYTECODE="1",
    )
    return json.loads(out.strip().splitlines()[-1])


def run(report, commands, reasons):
    if "python" not in commands:
        report.skip("exec: wechatpy", str(reasons.get("wechatpy", "no Python packages")))
        return
    with report.section("exec"), Process("dev", "--memory", "--port", "0", "--via", "gateway") as dev:
        control = Control(dev.ready["control"])
        account = seeded_service(control)
        user = follower(control, account)
        openid = user["openids"][account["appid"]]
        control.say(user, account, "你好")  # opens the interaction window
        with report.check("exec: released wechatpy, straight: token, custom message, user info"):
            got = script(
                dev, commands["python"], openid, account, account["secret"], "直连", ["--via", "direct"]
            )
            equal(got["user"]["openid"], openid, "openid")
            equal(got["custom"], {"errcode": 0, "errmsg": "ok"}, "answer")
            equal(last(control.inbox(user, account))["content"], "直连", "content")
        with report.check("exec: released wechatpy, through the gateway with the real secret (adopt)"):
            got = script(
                dev, commands["python"], openid, account, account["secret"], "采用", ["--via", "gateway"]
            )
            equal(got["token"], real_secrets(dev, account)["stable token"], "the centre's token")
            equal(last(control.inbox(user, account))["content"], "采用", "content")
        with report.check(
            "exec: released wechatpy, through the gateway with an issued key: nothing real is seen"
        ):
            key = issue_key(dev.ready["gateway"].rstrip("/"), account)
            got = script(dev, commands["python"], openid, account, key, "钥匙", ["--via", "gateway"])
            for what, value in real_secrets(dev, account).items():
                expect(value not in json.dumps(got), f"the real {what} reached the script")
            equal(last(control.inbox(user, account))["content"], "钥匙", "content")
        with report.check("exec: what travels between exec and the gateway holds nothing real either"):
            relayed(dev, commands["python"], control, account, user)
        with report.check("exec: an issued key is no secret of the platform"):
            try:
                got = script(dev, commands["python"], openid, account, key, "不行", ["--via", "direct"])
            except Exception as error:
                expect("40125" in str(error), str(error))
            else:
                expect(False, f"the simulator took the gateway's key: {got}")
        with report.check("exec: the exit code of the command is kept"):
            done = subprocess.run(
                [str(xinqiao.binary()), "exec", "--", *commands["python"], "-c", "raise SystemExit(7)"],
                cwd=dev.folder,
                capture_output=True,
                timeout=30,
            )
            equal(done.returncode, 7, "exit code")
        if "co-wechat" in commands:
            with report.check("exec: released co-wechat-api in Node (httpx does not take proxies)"):
                out = _one_step(dev, commands["co-wechat"], account, openid)
                expect(out["ok"] and out["value"]["openid"] == openid, out)
        if "wechatpy2" in commands:
            with report.check(
                "exec: released wechatpy 2 lists staff by its older paths, straight and through the gateway"
            ):
                for step in ("kf_list", "kf_online"):
                    for via in ("direct", "gateway"):
                        out = _one_step(dev, commands["wechatpy2"], account, openid, step, ["--via", via])
                        expect(out["ok"] and isinstance(out["value"], list), out)
        if "silenceper" in commands:
            # Not WxJava: its Apache client takes no proxy from the surroundings. It has a base URL instead.
            with report.check("exec: released silenceper/wechat in Go"):
                out = _one_step(dev, commands["silenceper"], account, openid)
                expect(out["ok"], out)
        with report.check("exec: curl"):
            out = execute(
                dev,
                [
                    "curl",
                    "-sS",
                    f"https://api.weixin.qq.com/cgi-bin/token?grant_type=client_credential"
                    f"&appid={account['appid']}&secret={account['secret']}",
                ],
            )
            expect(json.loads(out)["expires_in"] <= 7200, out)


def _one_step(dev, command, account, openid, step="user", options=()):
    """The bot's `api` side under exec, without BOT_API: it asks the real host."""
    env = {
        **os.environ,
        "BOT_APPID": account["appid"],
        "BOT_SECRET": account["secret"],
        "BOT_TOKEN": account["token"],
        "BOT_AES_KEY": account["aes_key"],
        "BOT_API": "",
    }
    done = subprocess.run(
        [str(xinqiao.binary()), "exec", *options, "--", *command, "api"],
        cwd=dev.folder,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        input=json.dumps({"step": step, "openid": openid}) + "\n",
    )
    expect(done.stdout.strip(), f"exit {done.returncode}: {done.stderr[-900:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def relayed(dev, python, control, account, user):
    """The same with a relay in the gateway's place, that keeps every byte."""
    host, _, port = dev.ready["gateway_endpoints"][API].removeprefix("http://").rstrip("/").partition(":")
    relay = Relay(host, int(port))
    try:
        ready = dict(dev.ready, gateway_endpoints={**dev.ready["gateway_endpoints"], API: relay.origin})
        path = dev.folder / "relayed.json"
        path.write_text(json.dumps(ready))
        key = issue_key(dev.ready["gateway"].rstrip("/"), account)
        options = ["--via", "gateway", "--ready-file", str(path)]
        openid = user["openids"][account["appid"]]
        got = script(dev, python, openid, account, key, "经过", options)
        seen = relay.traffic()
        expect(key.encode() in seen and got["token"].encode() in seen, "the relay did not see the calls")
        for what, value in real_secrets(dev, account).items():
            expect(value.encode() not in seen, f"the real {what} is in the traffic")
    finally:
        relay.close()
    equal(last(control.inbox(user, account))["content"], "经过", "content")
