"""Prints one line a check and counts them; of each SDK, how it ran: straight, and through the gateway."""

import contextlib
import time
import traceback


class Failed(Exception):
    """A check that did not hold; the text says what was seen."""


def expect(condition, seen):
    """Fails the running check unless the condition holds; `seen` is shown."""
    if not condition:
        raise Failed(seen if isinstance(seen, str) else repr(seen))


def equal(got, want, what="value"):
    if got != want:
        raise Failed(f"{what}: got {got!r}, want {want!r}")


# The end of a label that says which way a bot's calls and callbacks went.
STRAIGHT, THROUGH = ", straight", ", through the gateway"


class Report:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.failures = []
        self.ways = {}

    @contextlib.contextmanager
    def check(self, name):
        """Runs the block as one check. Nothing escapes but an interrupt, so later checks still run."""
        started = time.monotonic()
        try:
            yield
        except Failed as error:
            self._fail(name, str(error))
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(name, f"{type(error).__name__}: {error} ({place.name}:{place.lineno})")
        else:
            self.passed += 1
            self._count(name, 0)
            print(f"PASS {name} ({time.monotonic() - started:.1f} s)", flush=True)

    @contextlib.contextmanager
    def section(self, name):
        """A group of checks. It counts only if something outside its checks goes wrong."""
        try:
            yield
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            self._fail(
                f"{name}: ran to the end", f"{type(error).__name__}: {error} ({place.name}:{place.lineno})"
            )

    def _count(self, name, place):
        """Adds a check to what passed (0) or failed (1) of its SDK on its way."""
        label = name.split(": ")[0]
        for way in (STRAIGHT, THROUGH):
            if label.endswith(way):
                sdk = self.ways.setdefault(label.removesuffix(way), {})
                sdk.setdefault(way, [0, 0])[place] += 1

    def by_sdk(self):
        """A line an SDK: what ran straight, and what through the gateway in adopt mode."""

        def told(counts):
            if counts is None:
                return "-"
            passed, failed = counts
            return f"{passed} passed" + (f", {failed} failed" if failed else "")

        if not self.ways:
            return
        print(f"{'SDK':<34} {'straight':<22} through the gateway")
        for sdk in sorted(self.ways):
            straight, through = (told(self.ways[sdk].get(way)) for way in (STRAIGHT, THROUGH))
            print(f"{sdk:<34} {straight:<22} {through}")

    def _fail(self, name, why):
        self._count(name, 1)
        self.failed += 1
        self.failures.append(name)
        print(f"FAIL {name}\n     {why[:1500]}", flush=True)

    def skip(self, name, reason):
        self.skipped += 1
        print(f"SKIP {name}: {reason}", flush=True)

    def finish(self):
        self.by_sdk()
        for name in self.failures:
            print(f"failed: {name}")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0
