"""Running the command in tests: a clean environment, text out, nothing inherited."""

import functools
import json
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HOLDFAST_BUILD", TOP / "build"))
PROGRAM = BUILD / "holdfast"
KEPT = ("PATH", "HOME", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "GCOV_PREFIX", "GCOV_PREFIX_STRIP")


def environment(**variables):
    """What the command sees: no PG*, no HOLDFAST_*, no configuration of whoever runs the tests."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ}
    return {**env, "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": "/nonexistent", **variables}


def run(*args, text=True, timeout=60, env=None, **options):
    """Run `holdfast ARGS`; returns the finished process with stdout, stderr and returncode."""
    options.setdefault("stdin", subprocess.DEVNULL if "input" not in options else None)
    if options["stdin"] is None:
        del options["stdin"]
    options.setdefault("stdout", subprocess.PIPE)
    options.setdefault("stderr", subprocess.PIPE)
    return subprocess.run([PROGRAM, *map(str, args)], text=text, timeout=timeout, env=environment(**(env or {})), **options)


def ok(*args, **options):
    """Run it, expect success with a silent stderr, give stdout."""
    done = run(*args, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def ok_json(*args, **options):
    """The same with --json, decoded."""
    return json.loads(ok("--json", *args, **options))


def refused(code, *args, **options):
    """Run it, expect that exit code and nothing on stdout, give stderr."""
    done = run(*args, **options)
    assert (done.returncode, done.stdout) == (code, ""), done
    return done.stderr


def refused_json(code, *args, **options):
    """The same with --json: the error object."""
    return json.loads(refused(code, "--json", *args, **options))["error"]


@functools.cache
def table():
    """The table of commands."""
    return ok_json("help", "--table")


def commands():
    return table()["commands"]


def words(cmd):
    """["queue", "list"]; ["kv", "lock", "run"]"""
    return [*cmd["noun"].split(), *([cmd["verb"]] if cmd["verb"] else [])]


def name(cmd):
    return " ".join(words(cmd))
