#!/usr/bin/env python3
"""The raw contract with Python's standard library only: retries, tokens, clock, export, bad input.

    python3 interop/contract.py [--only TEXT]      only the parts with this word in their name

Run by interop/run as well. The envelope code is the harness's own, so it cannot agree with Xinqiao
by accident.
"""

import argparse
import sys

from harness import xinqiao
from harness.contract_answers import answers, attempts
from harness.contract_calls import calls, tokens
from harness.contract_control import deterministic, unbuilt
from harness.contract_gateway import behind, configuration, demo, kept, killed
from harness.raw import API
from harness.report import Report, equal, expect
from harness.xinqiao import Control, Process

ONLY = None


def simulator_checks(report):
    with Process("sim", "--port", "0", "--memory") as sim:
        control, api = Control(sim.ready["control"]), sim.ready["endpoints"][API].rstrip("/")
        with report.check("ready file: pid, control, console, gateway, endpoints"):
            equal(sim.ready["pid"], sim.process.pid, "pid")
            expect("gateway" in sim.ready and sim.ready["gateway"] is None, "gateway")
            expect(
                set(sim.ready["endpoints"])
                >= {
                    API,
                    "qyapi.weixin.qq.com",
                    "api.mch.weixin.qq.com",
                    "open.weixin.qq.com",
                    "mp.weixin.qq.com",
                },
                sim.ready["endpoints"],
            )
            equal(
                control.call("GET", "/")["endpoints"],
                sim.ready["endpoints"],
                "endpoints told by the control interface",
            )
        for part in (answers, calls, tokens, attempts, unbuilt):
            if wanted(part):
                with report.section(f"{part.__name__}"):
                    part(report, control, api)


def wanted(part):
    return ONLY is None or ONLY in part.__name__


def run(report):
    """Everything."""
    if any(wanted(p) for p in (answers, calls, tokens, attempts, unbuilt)):
        with report.section("simulator"):
            simulator_checks(report)
    for part in (deterministic, behind, demo, kept, killed, configuration):
        if wanted(part):
            with report.section(f"{part.__name__}"):
                part(report)


def main():
    global ONLY
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", help="only the parts with this word in their name")
    ONLY = parser.parse_args().only
    if xinqiao.binary() is None:
        print("no xinqiao binary: build one, or name it in XINQIAO", file=sys.stderr)
        return 2
    report = Report()
    run(report)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
