"""Run pytest on files or folders and say each case in TAP, so that Meson counts cases and not files.

Usage: tap.py PATH...   pytest's own words go to standard error. Status: pytest's.
"""

import contextlib
import sys

import pytest


class Tap:
    """A pytest plugin: a plan once the cases are known, then a line per finished case."""

    def __init__(self, out):
        self._out = out
        self._count = 0

    def _say(self, line):
        print(line, file=self._out, flush=True)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_finish(self, session):
        self._say(f"1..{len(session.items)}")

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item):
        self._worst = "passed"
        yield
        self._count += 1
        name = item.nodeid.replace("#", "").replace("\n", " ")[:200]  # a parameter can be megabytes
        skip = " # SKIP" if self._worst == "skipped" else ""
        self._say(f"{'not ok' if self._worst == 'failed' else 'ok'} {self._count} - {name}{skip}")

    def pytest_runtest_logreport(self, report):
        # Setup, call and tear-down each report; the worst of them is the case's.
        if report.outcome == "failed" or (report.outcome == "skipped" and self._worst == "passed"):
            self._worst = report.outcome


def main(paths):
    out = sys.stdout
    with contextlib.redirect_stdout(sys.stderr):
        return pytest.main(["-q", "-p", "no:cacheprovider", "--capture=sys", *paths], plugins=[Tap(out)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
