"""holdfast worker: who may do the work; passwords go in, never out."""

import pytest

from command import run
from test_janitor import Janitor


@pytest.fixture
def workers(cluster, db):
    """Three workers; the last did two runs."""
    db.execute("""
        INSERT INTO codebase (name) VALUES ('aa');
        INSERT INTO worker (name, password, link) VALUES ('b1', 'x', 'https://w/b1'), ('a1', 'x', NULL), ('c1', 'x', NULL);
        INSERT INTO change_set VALUES ('cs', 'fixes');
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, start_time, worker) VALUES
            ('r1', 'aa', 'fixes', 'success', '{}', 'cs', '2024-01-01', 'c1'),
            ('r2', 'aa', 'fixes', 'build-failed', '{}', 'cs', '2024-01-02', 'c1');
    """)
    return Janitor(cluster, db)


def stored(workers):
    return workers.db.rows("SELECT name, password, link FROM worker ORDER BY name")


def knows(workers, name, password):
    return workers.db.value(f"SELECT password = crypt('{password}', password) FROM worker WHERE name = '{name}'")


def test_worker_list_is_ordered_and_paged(workers):
    assert workers.json("worker", "list") == [{"name": "a1", "link": None}, {"name": "b1", "link": "https://w/b1"},
                                              {"name": "c1", "link": None}]
    assert [row["name"] for row in workers.json("worker", "list", "--after", "a1", "--limit", 1, "-q")] == ["b1"]


def test_worker_list_refuses_an_unknown_field(workers):
    assert "unknown field" in workers.refused(2, "worker", "list", "--json=password")


def test_worker_show_counts_its_runs(workers):
    assert workers.json("worker", "show", "c1") == {"name": "c1", "link": None, "runs": 2, "successes": 1,
                                                    "newest": "2024-01-02T00:00:00.000000Z"}
    assert workers.json("worker", "show", "b1") == {"name": "b1", "link": "https://w/b1", "runs": 0, "successes": 0, "newest": None}


def test_worker_show_refuses_an_unknown_name(workers):
    assert workers.refused(3, "worker", "show", "zz") == "error: there is no worker zz\n"


def test_worker_add_stores_a_hash(workers, tmp_path):
    key = tmp_path / "key"
    key.write_text("s3cret ü\n")
    shown = workers.json("worker", "add", "d1", "--password-file", key, "--link", "https://w/d1", "--dry-run")
    assert (shown["changed"], shown["dry_run"], len(stored(workers))) == (1, True, 3)
    assert workers.json("worker", "add", "d1", "--password-file", key, "--link", "https://w/d1")["changed"] == 1
    assert knows(workers, "d1", "s3cret ü") and stored(workers)[3][2] == "https://w/d1"
    assert stored(workers)[3][1].startswith("$2a$08$")
    assert workers.json("worker", "add", "d1", "--replace", input="other\r\n")["changed"] == 1
    assert knows(workers, "d1", "other") and stored(workers)[3][2] == "https://w/d1", "the link stays"


@pytest.mark.parametrize("code, password, message, args", [
    (5, "secret", "error: there is a worker a1\n", ["a1"]),
    (1, "", "1 to 72 bytes, not 0\n  the password is read from standard input, or from --password-file FILE\n", ["d1"]),
    (1, "secret" * 13, "the password of a worker has 1 to 72 bytes, not 78", ["d1"]),
    (1, "secret", "the name of a worker has no colon", ["d1:2"]),
    (1, "secret", "the name of a worker has 1 to 255 bytes, not 0", [""]),
    (2, "sec\0ret", "it has a NUL byte", ["d1"]),
    (2, "secret", "could not read the password from /nowhere", ["d1", "--password-file", "/nowhere"]),
    (2, "secret", "unexpected argument", ["d1", "secret"]),
])
def test_worker_add_refuses_bad_names_and_passwords(workers, code, password, message, args):
    before = stored(workers)
    told = workers.refused(code, "worker", "add", *args, input=password)
    assert message in told
    assert "sec" not in told or args[-1] == "secret"
    assert stored(workers) == before


def test_no_verb_shows_a_password(workers):
    workers.ok("worker", "add", "d1", input="s3cret")
    for args in (["worker", "list", "--json"], ["worker", "show", "d1", "--json"], ["worker", "show", "d1"],
                 ["-vv", "worker", "add", "d1", "--replace"]):
        done = run(*workers.flags, *args, input="s3cret")
        assert done.returncode == 0
        assert "s3cret" not in done.stdout + done.stderr and "$2a$" not in done.stdout + done.stderr


def test_worker_remove_removes_one(workers):
    assert workers.json("worker", "remove", "b1", "--dry-run")["dry_run"]
    assert workers.json("worker", "remove", "b1")["changed"] == 1
    assert [row[0] for row in stored(workers)] == ["a1", "c1"]
    assert workers.ok("worker", "remove", "a1") == "1 worker removed\n"


def test_worker_remove_refuses_one_with_runs(workers):
    assert workers.refused(1, "worker", "remove", "c1").startswith("error: worker c1 did runs, which name it\n")
    assert workers.refused(3, "worker", "remove", "zz") == "error: there is no worker zz\n"
    assert len(stored(workers)) == 3
