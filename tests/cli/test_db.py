"""holdfast db: which database is chosen, by whom, and does it answer."""

import os
import pathlib
import shutil
import subprocess
import tempfile

import pytest

from command import PROGRAM, environment, ok, ok_json, refused, refused_json, run


def url(cluster, name, **more):
    extra = "".join(f"&{key}={value}" for key, value in more.items())
    return f"postgresql:///{name}?host={cluster.server.dir}&user={cluster.server.user}{extra}"


def test_db_url_names_the_database(cluster, empty):
    shown = ok_json("-d", url(cluster, empty.name), "db", "url")
    assert shown == {"url": url(cluster, empty.name), "database": empty.name, "host": str(cluster.server.dir), "port": "5432",
                     "user": cluster.server.user, "origin": "--database"}
    text = ok("-d", "host=a,b port=1,2 dbname='odd name' password=hunter2 sslmode=require", "db", "url")
    assert text == "postgresql:///odd%20name?host=a,b&port=1,2&sslmode=require\n"
    assert ok("-d", text.strip(), "db", "url") == text, "what it prints can be given back"


def test_db_url_refuses_when_nothing_is_named():
    message = refused(2, "db", "url")
    assert message.startswith("error: no database is named\n  name one        -d postgresql:///NAME, or HOLDFAST_DATABASE_URL")
    for way in ("DATABASE_URL", "PG*", "--demo", "--private", "[database] url"):
        assert way in message
    assert refused_json(2, "db", "url")["code"] == "config"
    assert refused(2, "-d", "hots=x", "db", "url") == 'error: --database: unknown connection parameter "hots"\n  did you mean "host"?\n'


def test_the_strongest_source_names_the_database(tmp_path):
    conf = tmp_path / "x.conf"
    conf.write_text("[database]\nurl = postgresql:///from_file\n")
    env = {"HOLDFAST_CONFIG": str(conf)}

    def chosen(*flags):
        shown = ok_json(*flags, "db", "url", env=env)
        return shown["database"], shown["origin"]

    assert chosen() == ("from_file", f"{conf}:2")
    env["PGUSER"] = "somebody"
    assert chosen() == ("from_file", f"{conf}:2"), "a user alone says not where"
    env["PGDATABASE"] = "from_pg"
    assert chosen() == ("from_pg", "PG*")
    env["DATABASE_URL"] = "postgresql:///from_url"
    assert chosen() == ("from_url", "DATABASE_URL")
    env["HOLDFAST_DATABASE_URL"] = "postgresql:///from_ours"
    assert chosen() == ("from_ours", "HOLDFAST_DATABASE_URL")
    assert chosen("-d", "dbname=from_flag") == ("from_flag", "--database")


def test_db_ping_answers(cluster, empty):
    answer = ok_json("-d", url(cluster, empty.name), "db", "ping")
    assert (answer["database"], answer["user"], answer["standby"]) == (empty.name, cluster.server.user, False)
    assert answer["server"] == empty.value("SHOW server_version")
    assert 0 < answer["login_s"] < 10
    assert ok("-d", url(cluster, empty.name), "db", "ping").startswith("server    ")


def test_db_ping_refuses_a_dead_socket(tmp_path, cluster):
    error = refused_json(7, "-d", f"postgresql:///x?host={tmp_path}", "db", "ping")
    assert error["code"] == "unavailable" and str(tmp_path) in error["message"]
    error = refused_json(6, "-d", f"postgresql:///postgres?host={cluster.server.dir}&user=nobody_here", "db", "ping")
    assert error["code"] == "denied" and error["sqlstate"] == "28000"


def test_db_ping_gives_up_in_time(tmp_path):
    """A server that accepts and never answers."""
    import socket
    import time
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / ".s.PGSQL.5432"))
    listener.listen()
    started = time.monotonic()
    error = refused_json(8, "-d", f"postgresql:///x?host={tmp_path}", "db", "ping", "--timeout", "300ms")
    assert error["code"] == "timeout" and error["message"] == "not done within --timeout 300ms; what was under way was rolled back"
    assert time.monotonic() - started < 20
    listener.close()


REPOSITORIES = ["runs", "codebases", "candidates", "queue", "claims", "change-sets", "reviews", "publishes", "merge-proposals",
                "policies", "workers"]


def test_db_health_names_each_repository(cluster, db):
    rows = ok_json("-d", url(cluster, db.name), "db", "health", "--check")
    assert [row["part"] for row in rows] == ["database", *REPOSITORIES]
    assert [row for row in rows if row["state"] != "healthy" or row["reason"] is not None or row["latency_s"] < 0] == []


@pytest.mark.parametrize("change, part, reason", [
    ("ALTER TABLE worker RENAME TO workers", "workers", 'relation "worker" does not exist'),
    ("ALTER TABLE merge_proposal RENAME COLUMN status TO state", "merge-proposals", "status"),
    ("ALTER TABLE queue ALTER priority TYPE integer", "queue", "priority"),
])
def test_db_health_tells_a_part_that_cannot_be_used(cluster, db, change, part, reason):
    db.execute("DROP VIEW IF EXISTS queue_positions CASCADE")
    db.execute(change)
    rows = ok_json("-d", url(cluster, db.name), "db", "health")
    ill = {row["part"]: row["reason"] for row in rows if row["state"] != "healthy"}
    assert part in ill and "database" not in ill and reason in ill[part]
    checked = run("-d", url(cluster, db.name), "db", "health", "--check")
    assert (checked.returncode, part in checked.stdout) == (4, True) and "error: the database is degraded" in checked.stderr


def test_db_health_says_what_is_wrong(tmp_path, empty, cluster):
    error = refused_json(7, "-d", f"postgresql:///x?host={tmp_path}", "db", "health")
    assert error["code"] == "unavailable" and str(tmp_path) in error["message"]
    error = refused_json(1, "-d", url(cluster, empty.name), "db", "health")
    assert error["code"] == "schema-drift"


def test_db_psql_runs_a_statement(cluster, empty):
    where = url(cluster, empty.name)
    assert ok("-d", where, "db", "psql", "--", "-Atc", "SELECT current_database()") == empty.name + "\n"
    assert run("-d", where, "db", "psql", "--", "-c", "no such statement").returncode == 1
    assert run("-d", where, "db", "psql", input="\\echo hello\n").stdout == "hello\n"


def test_db_psql_gives_the_password_by_the_environment(tmp_path, cluster):
    fake = tmp_path / "psql"
    fake.write_text('#!/bin/sh\necho "$PGPASSWORD" "$@"\n')
    fake.chmod(0o755)
    shown = ok("-d", "postgresql://u:hunter2@h/x", "db", "psql", env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
    assert shown == "hunter2 postgresql:///x?host=h&user=u\n"


def test_db_psql_refuses_when_nothing_is_named():
    assert refused(2, "db", "psql").startswith("error: no database is named\n")
    assert refused(69, "-d", "dbname=x", "db", "psql", env={"PATH": "/nonexistent"}) == (
        "error: could not run psql: No such file or directory\n")


def test_the_password_of_a_file_goes_only_to_its_database(tmp_path):
    secret, conf, fake = tmp_path / "secret", tmp_path / "x.conf", tmp_path / "psql"
    secret.write_text("hunter2\n")
    conf.write_text(f"[database]\nurl = postgresql://h/x\npassword = file:{secret}\n")
    fake.write_text('#!/bin/sh\necho "[$PGPASSWORD]"\n')
    fake.chmod(0o755)
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "HOLDFAST_CONFIG": str(conf)}
    assert ok("db", "psql", env=env) == "[hunter2]\n"
    assert ok("-d", "postgresql://elsewhere/x", "db", "psql", env=env) == "[]\n"
    assert ok("db", "psql", env={**env, "PGHOST": "elsewhere"}) == "[]\n"
    env.update(HOLDFAST_DATABASE_PASSWORD="env:WORD", WORD="from env")
    assert ok("-d", "postgresql://elsewhere/x", "db", "psql", env=env) == "[from env]\n"
    env.update(HOLDFAST_DATABASE_PASSWORD="credential:db", CREDENTIALS_DIRECTORY=str(tmp_path))
    (tmp_path / "db").write_text("from credential")
    assert ok("db", "psql", env=env) == "[from credential]\n"
    assert refused(2, "db", "psql", env={**env, "HOLDFAST_DATABASE_PASSWORD": "env:NONE"}) == (
        "error: could not read the password: NONE is not set\n")


def test_private_is_a_server_for_one_command():
    assert ok_json("--private", "db", "ping")["user"] == "holdfast"
    assert ok("--private", "db", "psql", "--", "-Atc", "SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == "0\n"
    tmp_path = pathlib.Path(tempfile.mkdtemp(prefix="holdfast-cli-"))  # pytest's own is closed to the server's user
    tmp_path.chmod(0o755)
    kept = f"--private={tmp_path}/kept"
    assert ok(kept, "db", "psql", "--", "-qc", "CREATE TABLE here ()") == ""
    assert ok(kept, "db", "psql", "--", "-Atc", "SELECT 'here'::regclass") == "here\n"
    assert ok("db", "psql", "--", "-Atc", "SELECT 'here'::regclass", env={"HOLDFAST_PRIVATE": f"{tmp_path}/kept"}) == "here\n"
    assert ok_json("-d", "dbname=x", "db", "url", env={"HOLDFAST_PRIVATE": "1"})["origin"] == "--database"
    assert ok_json("db", "url", env={"HOLDFAST_PRIVATE": "0", "DATABASE_URL": "dbname=x"})["origin"] == "DATABASE_URL"
    shutil.rmtree(tmp_path)


def test_private_refuses_a_second_database(tmp_path):
    assert refused(2, "--private", "-d", "x", "db", "ping") == "error: --private and --database name two databases\n"
    assert refused(2, "--private", "db", "url").startswith("error: the URL of a server that ends with this command is of no use\n")
    assert refused_json(2, "--private", "db", "ping", env={"HOLDFAST_PG_BIN": "/nonexistent"})["code"] == "config"


def test_demo_is_found_only_where_it_was_made(tmp_path):
    """A copy of the program is another checkout."""
    copy = tmp_path / "holdfast"
    copy.write_bytes(PROGRAM.read_bytes())
    copy.chmod(0o755)
    done = subprocess.run([copy, "--demo", "db", "ping"], env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "error: there is no demo yet\n  make one   holdfast demo\n")
    for other in (["--private"], ["-d", "x"]):
        assert f"--demo and --{'private' if other == ['--private'] else 'database'} name two" in refused(2, "--demo", *other, "db", "ping")


def test_private_prepares_the_schema_for_those_who_need_it():
    assert ok_json("--private", "queue", "list") == []
    assert ok_json("--private", "codebase", "list") == []
