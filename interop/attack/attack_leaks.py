"""After everything else: where did secrets get to?"""

import re

import stage
from harness.report import equal, expect
from stage import ADMIN, READ, SECRETS, once


def places(text):
    """Which secrets are in a text, with what stands before them."""
    found = []
    for secret in [*SECRETS, stage.KEY]:
        at = text.find(secret)
        if at >= 0:
            found.append(f"{secret[:16]}… behind {text[max(0, at - 60):at]!r}")
    return found


def run(report, scene):
    gateway = scene.gateway
    with report.check("no secret, token or key is in the log, at any level"):
        found = places(gateway.said())
        expect(not found, found)

    with report.check("no message and no user is in the log"):
        said = gateway.said()
        for needle in ("GENUINE1", "REPEAT1"):
            expect(needle not in said, f"{needle} in the log")

    with report.check("metrics hold no secret, and their labels are few"):
        text = once(gateway.port, "GET", "/metrics", headers=[("authorization", f"Bearer {READ}")]).body.decode()
        expect(not places(text) and stage.OPENID not in text, places(text))
        expect(len(text) < 200_000, f"{len(text)} bytes of metrics")

    with report.check("views of administration hold no secret"):
        for path in ("/v1/accounts", "/v1/keys", "/v1/endpoints", "/v1/events", "/v1/deliveries", "/readyz"):
            answer = once(gateway.port, "GET", path, headers=[("authorization", f"Bearer {ADMIN}")])
            equal(answer.status, 200, path)
            found = places(answer.body.decode("utf-8", "replace"))
            expect(not found, (path, found))

    with report.check("the store's files hold nothing in clear"):
        for path in gateway.folder.glob("gateway.db*"):
            data = path.read_bytes()
            for needle in [*SECRETS, stage.KEY, "GENUINE1", "BROKEN1"]:
                expect(needle.encode() not in data, f"{needle[:16]} in {path.name}")

    with report.check("nothing of the process's arguments holds a secret"):
        with open(f"/proc/{gateway.process.pid}/cmdline", "rb") as line:
            expect(not places(line.read().decode()), "the command line")

    with report.check("refusals are logged, with a limit"):
        said = gateway.said()
        warnings = len(re.findall(r"\bWARN\b", said))
        expect(0 < warnings < 3000, f"{warnings} warnings")
