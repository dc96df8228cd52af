"""The Python original as a program that lends its answers.

Role: given a checkout of it (JANITOR_CHECKOUT), load its schema into a scratch
server and import its state, queue and schedule modules beside stand-ins for the
parts that are compiled. Nothing of the checkout is copied; what it answers is
data. Own text throughout.
"""

import datetime
import os
import sys
import types

import scratch

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


def _module(name, **names):
    made = types.ModuleType(name)
    made.__dict__.update(names)
    return made


def _class(name, base=object):
    return type(name, (base,), {"__init__": lambda self, *a, **k: None})


def _register_stand_ins():
    """Modules that are compiled upstream; only their names are needed here."""
    nothing = lambda *a, **k: None  # noqa: E731
    managers = ("VcsManager RemoteBzrVcsManager RemoteGitVcsManager "
                "LocalBzrVcsManager LocalGitVcsManager").split()
    getters = ("get_local_vcs_manager get_remote_vcs_manager get_vcs_manager "
               "get_vcs_managers open_branch_ext").split()
    vcs = _module("janitor._common.vcs",
                  BranchOpenFailure=type("BranchOpenFailure", (Exception,), {}),
                  UnsupportedVcs=type("UnsupportedVcs", (Exception,), {}),
                  **{n: _class(n) for n in managers}, **{n: nothing for n in getters})
    config = _module("janitor._common.config",
                     **{n: _class(n) for n in ("Config", "Campaign", "AptRepository")},
                     **{n: nothing for n in ("read_config", "read_string",
                                             "get_campaign_config", "get_distribution")})
    common = _module("janitor._common", vcs=vcs, config=config,
                     artifacts=_module("janitor._common.artifacts"),
                     logs=_module("janitor._common.logs"),
                     debdiff=_module("janitor._common.debdiff"),
                     get_branch_vcs_type=nothing, is_alioth_url=lambda u: False,
                     is_authenticated_url=lambda u: False)
    sys.modules["janitor._common"] = common
    sys.modules["janitor._launchpad"] = _module(
        "janitor._launchpad", override_launchpad_consumer_name=nothing)


class FrozenClock:
    """Stand-in for the datetime class inside the original's schedule module."""

    now = datetime.datetime(2024, 6, 1, 12, 0, 0)

    @classmethod
    def utcnow(cls):
        return cls.now


class Modules:
    """state, queue and schedule of the original, its clock under our hand."""

    def __init__(self, checkout):
        sys.path.insert(0, os.path.join(require(checkout), "py"))
        sys.dont_write_bytecode = True
        _register_stand_ins()
        try:
            from janitor import queue, schedule, state
        except ImportError as reason:
            raise Missing(f"could not import the original: {reason}; see README.md for the packages") from reason
        self.queue, self.schedule, self.state = queue, schedule, state
        self.clock = FrozenClock
        self.schedule.datetime = FrozenClock
