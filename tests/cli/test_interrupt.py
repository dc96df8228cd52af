"""Ctrl-C and --timeout in the middle of a statement: the database is as before, and the command says so, or what stands."""

import json
import signal
import subprocess
import time

import pytest

from command import PROGRAM, environment, ok, ok_json, refused_json
from test_janitor import janitor, small  # noqa: F401 (fixtures)


@pytest.fixture
def slow(cluster, empty, tmp_path):
    """A migration whose second statement takes ten minutes; gives the flags and the database."""
    (tmp_path / "0001_slow.sql").write_text("-- up\nCREATE TABLE made (n int);\nSELECT pg_sleep(600);\n-- down\nDROP TABLE made;\n")
    url = f"postgresql:///{empty.name}?host={cluster.server.dir}&user={cluster.server.user}"
    return ["-d", url], ["--migrations", str(tmp_path), "--set", "slow"], empty


def wait_for_sleep(database):
    for _ in range(3000):
        if database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()"):
            return
        time.sleep(0.01)
    raise AssertionError("the migration never came to its slow statement")


def nothing_happened(where, which, database):
    assert database.value("SELECT to_regclass('made') IS NULL")
    assert [row["state"] for row in json.loads(subprocess.run(
        [PROGRAM, *where, "migrate", "status", *which, "--json"], env=environment(), capture_output=True, text=True).stdout)] != ["applied"]
    assert database.value("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == 0
    assert database.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()") == 0


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_rolls_back_and_says_so(slow, number, code):
    where, which, database = slow
    child = subprocess.Popen([PROGRAM, *where, "migrate", "up", *which, "--json"], env=environment(),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_sleep(database)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    assert child.returncode == code
    error = json.loads(err.splitlines()[-1])["error"]
    assert (error["code"], error["exit"], error["message"]) == ("interrupted", code, "interrupted; what was under way was rolled back")
    nothing_happened(where, which, database)


def many(small):
    """Candidates enough for two writers; what is there of ten of them is replaced, and what comes of one other takes ten minutes."""
    small.db.execute("""
        INSERT INTO codebase (name, value) SELECT 'many' || i, i FROM generate_series(1, 2100) AS i;
        INSERT INTO candidate (codebase, suite, command, value, publish_policy)
            SELECT 'many' || i, 'fixes', 'fix', 1, 'p' FROM generate_series(1, 2100) AS i;
        INSERT INTO queue (codebase, suite, command, priority)
            SELECT 'many' || i, 'fixes', 'old', 100000000 FROM generate_series(2091, 2100) AS i;
        CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(600); RETURN NEW; END $$;
        CREATE TRIGGER wait BEFORE INSERT ON queue FOR EACH ROW WHEN (NEW.codebase = 'many7') EXECUTE FUNCTION wait()""")


@pytest.mark.parametrize("number, code, word", [(signal.SIGINT, 130, "interrupted"), (signal.SIGALRM, 8, "not done within --timeout 10m")])
def test_what_stands_of_several_transactions_is_told(small, number, code, word):
    many(small)
    child = subprocess.Popen([PROGRAM, *small.flags, "schedule", "run", "--timeout", "10m", "--json"], env=environment(),
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for_sleep(small.db)
    child.send_signal(number)
    _, err = child.communicate(timeout=60)
    error = json.loads(err.splitlines()[-1])["error"]
    assert (child.returncode, error["exit"]) == (code, code)
    assert small.db.rows("SELECT command, count(*) FROM queue GROUP BY command") == [("fix", 10)]
    assert error["message"].startswith(word + ": 0 of the new entries stand, and all that were replaced: ")
    assert "run it again" in error["hint"]


def test_a_timeout_of_the_whole_command_rolls_back(slow):
    where, which, database = slow
    done = subprocess.run([PROGRAM, *where, "migrate", "up", *which, "--timeout", "1s", "--json"], env=environment(),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    error = json.loads(done.stderr.splitlines()[-1])["error"]
    assert (done.returncode, error["code"]) == (8, "timeout")
    nothing_happened(where, which, database)


def test_a_second_signal_ends_at_once(tmp_path):
    """A server that accepts and then never answers the cancel either."""
    import socket
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / ".s.PGSQL.5432"))
    listener.listen()
    listener.settimeout(30)
    child = subprocess.Popen([PROGRAM, "-d", f"postgresql:///x?host={tmp_path}", "db", "ping"], env=environment(),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    connection, _ = listener.accept()
    connection.recv(1)
    child.send_signal(signal.SIGTERM)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    assert child.returncode in (130, 143)


def test_a_timeout_ends_a_child(cluster, empty):
    where = f"postgresql:///{empty.name}?host={cluster.server.dir}&user={cluster.server.user}"
    error = refused_json(8, "-d", where, "--timeout=2s", "db", "psql", "--", "-qc", "SELECT pg_sleep(600)")
    assert error["message"] == "psql was not done within --timeout and was told to end"


def test_a_timeout_names_itself(tmp_path):
    import socket
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / ".s.PGSQL.5432"))
    listener.listen()
    assert refused_json(8, "-d", f"postgresql:///x?host={tmp_path}", "db", "ping", "--timeout", "0.3s")["code"] == "timeout"
    listener.close()
