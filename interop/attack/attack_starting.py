"""What must not start, and what a kill must not lose."""

import shutil
import tempfile
import threading
import time

import stage
from harness import web
from harness.report import equal, expect
from stage import push, sealed


def run(report, scene):
    def text(**more):
        return stage.toml(web.free_block(8), scene.platform.port, "http://127.0.0.1:1/wx", store=":memory:", **more)

    for name, more, key in [
        ("an empty Token", {"token": ""}, "token"), ("a Token of two", {"token": "ab"}, "token"),
        ("an empty AES key", {"aes_key": ""}, "aes_key"), ("an AES key of 42", {"aes_key": "a" * 42}, "aes_key"),
        ("an empty secret", {"secret": ""}, "secret"), ("a short secret", {"secret": "0123456789abcdef"}, "secret"),
        ("an app's empty Token", {"app_token": ""}, "token"), ("an empty key", {"key": ""}, "key"), ("a bare prefix", {"key": "xqk_"}, "key"),
        ("an empty admin key", {"admin": '[admin]\nkey = ""'}, "key"), ("a short admin key", {"admin": '[admin]\nkey = "short-admin-key"'}, "key"),
        ("a short key that reads", {"admin": f'[admin]\nkey = "{stage.ADMIN}"\nread_key = "x"'}, "read_key"),
        ("plain mode that is not allowed", {"allow_plain": "false"}, "allow_plain"),
    ]:
        with report.check(f"{name} does not start, and is named"):
            code, said = stage.refuses(text(**more))
            equal(code, 2, f"exit code, having said {said[-300:]}")
            expect(key in said, said[-300:])

    for name, value in (("unset", None), ("empty", ""), ("blank", "  \n")):
        with report.check(f"a secret from a variable that is {name} does not start, and the variable is named"):
            made = text().replace(f'secret = "{stage.SECRET}"', 'secret = { env = "ATTACK_SECRET" }', 1)
            code, said = stage.refuses(made, env={"ATTACK_SECRET": value})
            equal(code, 2, "exit code")
            expect("ATTACK_SECRET" in said, said[-300:])

    with report.check("an empty file of a secret does not start"):
        folder = tempfile.mkdtemp(prefix="xinqiao-attack-")
        with open(f"{folder}/empty", "w") as out:
            out.write("\n")
        made = text().replace(f'secret = "{stage.SECRET}"', f'secret = {{ file = "{folder}/empty" }}', 1)
        code, said = stage.refuses(made)
        equal(code, 2, f"exit code, having said {said[-300:]}")
        shutil.rmtree(folder)

    for name, value in (("missing", None), ("empty", ""), ("short", "5a" * 8), ("no hexadecimal", "z" * 64)):
        with report.check(f"a master key that is {name} does not start"):
            code, said = stage.refuses(stage.toml(web.free_block(8), scene.platform.port, "http://127.0.0.1:1/wx"), env={"XINQIAO_MASTER_KEY": value})
            expect(code not in (None, 0), (code, said[-300:]))

    with report.check("a second start on the same store is refused while the first one runs"):
        other = stage.toml(web.free_block(8), scene.platform.port, "http://127.0.0.1:1/wx", store=str(scene.gateway.folder / "gateway.db"))
        code, said = stage.refuses(other)
        expect(code not in (None, 0), (code, said[-300:]))
        expect(scene.gateway.alive(), "the first one is gone")

    with report.check("killed at any moment, it has lost nothing that it acknowledged; another master key is refused"):
        got, lock, down = set(), threading.Lock(), threading.Event()

        def take(item, _number):
            if down.is_set():
                return 500, "down"
            plain = stage.envelope.open_push(stage.APP_TOKEN, stage.APP_AES_KEY, stage.APPID, item.query, item.body)
            with lock:
                got.add(stage.envelope.element(plain, "Content"))
            return 200, "success"

        app = web.App(take)
        ports = web.free_block(8)
        made = stage.toml(ports, scene.platform.port, f"http://127.0.0.1:{app.port}/wx")
        folder = tempfile.mkdtemp(prefix="xinqiao-attack-")
        acknowledged = set()
        for turn in range(5):
            gateway = stage.Gateway(made, ports, folder=folder)
            if turn % 2 == 0:
                down.set()
            stop = threading.Event()

            def send(worker, turn=turn, gateway=gateway, stop=stop):
                for number in range(10_000):
                    if stop.is_set():
                        return
                    name = f"kept-{turn}-{worker}-{number}"
                    params, body = sealed(stage.message(name))
                    try:
                        answer = push(gateway, params, body)
                    except OSError:
                        return
                    if answer is not None and answer.status == 200:
                        with lock:
                            acknowledged.add(name)

            workers = [threading.Thread(target=send, args=(worker,)) for worker in range(4)]
            [worker.start() for worker in workers]
            time.sleep(0.6 + 0.17 * turn)
            gateway.kill()
            stop.set()
            [worker.join() for worker in workers]
            gateway.log.close()
            down.clear()
        code, said = stage.refuses(made, env={"XINQIAO_MASTER_KEY": "7b" * 32}, folder=folder)
        expect(code not in (None, 0), f"another master key starts: {said[-200:]}")
        gateway = stage.Gateway(made, ports, folder=folder)
        try:
            expect(len(acknowledged) > 20, f"only {len(acknowledged)} were acknowledged")
            web.until(lambda: acknowledged <= got, 40, 0.5)
            missing = acknowledged - got
            expect(not missing, f"{len(missing)} of {len(acknowledged)} are lost: {sorted(missing)[:5]}")
        finally:
            gateway.stop()
            app.close()
            shutil.rmtree(folder, ignore_errors=True)
