"""holdfast demo: from nothing to a queue, and nothing left behind when it fails. A copy of the program in a folder of its
own has a demo of its own."""

import json
import pathlib
import shutil
import subprocess

import pytest

from command import PROGRAM, TOP, environment

SAMPLE = TOP / "tests" / "data" / "sources-sample.xz"
MIGRATIONS = TOP / "sql" / "migrations" / "janitor"


@pytest.fixture
def program(tmp_path):
    """The program as another build folder would have it."""
    copy = tmp_path / "holdfast"
    shutil.copy(PROGRAM, copy)

    def run(*args, **variables):
        return subprocess.run([copy, *map(str, args)], capture_output=True, text=True, timeout=120,
                              stdin=subprocess.DEVNULL, env=environment(**variables))

    yield run
    run("demo", "--remove")


def test_demo_fills_a_queue_that_other_commands_see(program):
    done = json.loads(program("demo", "--sources", SAMPLE, "--json").stdout)
    assert (done["records"], done["codebases"], done["candidates"], done["queued"], done["verified"]) == (500, 495, 444, 444, 444)
    assert (done["migrations"], done["offline"]) == (len(list(MIGRATIONS.glob("[0-9]*.sql"))), False)
    queue = json.loads(program("--demo", "queue", "list", "--limit", 0, "--json").stdout)
    assert (len(queue), queue[0]["codebase"], queue[0]["priority"]) == (444, "debhelper", 69)
    assert program("--demo", "db", "url").stdout.strip() == done["url"]
    again = program("demo", "--sources", SAMPLE, "--limit", 100)
    assert again.returncode == 0, again
    assert "500 source records -> 100 codebases" in again.stdout
    assert "recomputed one by one with the reference rules: equal" in again.stdout
    assert "done in" in again.stdout and "holdfast --demo queue list" in again.stdout
    assert json.loads(program("--demo", "codebase", "list", "--limit", 0, "--json=name").stdout)[100:] == [], "replaced, not added to"
    assert program("demo", "--remove").returncode == 0
    assert program("--demo", "queue", "list").returncode == 3
    assert program("demo", "--remove").returncode == 3


def test_demo_restarts_with_its_data(program):
    url = json.loads(program("demo", "--sources", SAMPLE, "--json").stdout)["url"]
    assert program("--demo", "pg", "stop").returncode == 0
    shown = json.loads(program("--demo", "queue", "stats", "--json").stdout)
    assert shown[0]["items"] == 444
    assert program("--demo", "db", "url").stdout.strip().startswith("postgresql:///postgres?host=/tmp/hf-"), url


def test_demo_without_network_says_so_and_does_not_count(program):
    closed = "http://127.0.0.1:9"
    done = program("demo", http_proxy=closed, https_proxy=closed)
    assert done.returncode == 0, done
    assert "offline: using the extract of 500 packages, which does not count" in done.stdout


def test_demo_refuses_a_missing_index_and_leaves_no_server(program, tmp_path):
    done = program("demo", "--sources", tmp_path / "absent")
    assert done.returncode == 3
    assert f"could not open {tmp_path}/absent" in done.stderr
    assert program("--demo", "db", "url").returncode == 3, "the server is gone"
    cut = tmp_path / "cut.xz"
    cut.write_bytes(SAMPLE.read_bytes()[:20000])
    done = program("demo", "--sources", cut)
    assert (done.returncode, "truncated" in done.stderr) == (9, True)
    assert program("--demo", "db", "url").returncode == 3
    assert program("demo", "--json=nope").returncode == 2
