"""The Python original as a program that lends its answers.

Role: given a checkout of it (JANITOR_CHECKOUT), load its schema into a scratch
server and import its modules beside stand-ins for the parts that are compiled.
Nothing of the checkout is copied; what it answers is data. Own text throughout.
"""

import datetime
import os
import sys

import scratch
import stand_ins

DEBVERSION_LINE = "create extension if not exists debversion"


class Missing(Exception):
    """No usable checkout; the text says what is missing."""


def require(checkout):
    """Folder of the checkout, or Missing with the reason."""
    if not checkout:
        raise Missing("no checkout of the original: set JANITOR_CHECKOUT")
    for part in ("schema/state.sql", "schema/debian/debian.sql", "py/janitor/schedule.py"):
        if not os.path.exists(os.path.join(checkout, part)):
            raise Missing(f"{checkout} is not a checkout of the original: no {part}")
    return checkout


def commit_of(checkout):
    """The commit that the checkout stands on, or 'unknown'."""
    import subprocess

    done = subprocess.run(
        ["git", "-c", "safe.directory=*", "-C", checkout, "rev-parse", "HEAD"],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
    )
    return done.stdout.decode().strip() or "unknown"


def load_schema(server, database, checkout):
    """A database with the original's core and Debian schema."""
    require(checkout)
    with open(os.path.join(checkout, "schema/state.sql"), encoding="utf-8") as text:
        core = text.read()
    with open(os.path.join(checkout, "schema/debian/debian.sql"), encoding="utf-8") as text:
        debian = "".join(
            line for line in text if not line.lower().startswith(DEBVERSION_LINE)
        )
    server.create(database)
    server.psql(database, core, "core schema of the original")
    server.psql(database, scratch.debversion_script(), "debversion")
    server.psql(database, debian, "Debian schema of the original")


class FrozenClock:
    """Stand-in for the datetime class inside the original's schedule module."""

    now = datetime.datetime(2024, 6, 1, 12, 0, 0)

    @classmethod
    def utcnow(cls):
        return cls.now


class Modules:
    """What of the original is asked, its clock under our hand."""

    def __init__(self, checkout):
        sys.path.insert(0, os.path.join(require(checkout), "py"))
        sys.dont_write_bytecode = True
        stand_ins.register()
        try:
            from breezy.config import parse_username
            from janitor import publish, queue, review, runner, schedule, splitout_env, state, worker_creds
            from janitor.site import common, cupboard, pkg
            from janitor.site.cupboard import merge_proposals
            from janitor.site.cupboard import publish as history
            from janitor.site.cupboard import review as reviewing
        except ImportError as reason:
            raise Missing(f"could not import the original: {reason}; see README.md for the packages") from reason
        self.queue, self.schedule, self.state = queue, schedule, state
        self.review, self.runner, self.worker_creds = review, runner, worker_creds
        self.publish, self.cupboard, self.common, self.pkg = publish, cupboard, common, pkg
        self.history, self.reviewing, self.cupboard_proposals = history, reviewing, merge_proposals
        self.splitout_env, self.parse_username = splitout_env, parse_username
        self.clock = FrozenClock
        self.schedule.datetime = FrozenClock
        self.publish.datetime = FrozenClock
        self.common.render_template_for_request = stand_ins.rendered
        self.cupboard.MergeProposalUserUrlResolver = stand_ins.Resolver
        self.runner.aiozipkin.request_span = lambda _: stand_ins.Span()
