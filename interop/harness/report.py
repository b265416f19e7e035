"""Prints one line a check and counts them."""

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


class Report:
    def __init__(self):
        self.passed, self.failed, self.skipped = 0, 0, 0
        self.failures = []

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

    def _fail(self, name, why):
        self.failed += 1
        self.failures.append(name)
        print(f"FAIL {name}\n     {why[:1500]}", flush=True)

    def skip(self, name, reason):
        self.skipped += 1
        print(f"SKIP {name}: {reason}", flush=True)

    def finish(self):
        for name in self.failures:
            print(f"failed: {name}")
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped", flush=True)
        return 1 if self.failed else 0
