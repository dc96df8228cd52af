"""What goes wrong gets one clear line: what, where, what to do; the database is as it was, and no secret is shown."""

import json
import random

import pytest

from command import ok, refused, run

INDEX = """Package: {name}
Binary: {name}
Version: {version}
Directory: pool/main/{name}
Vcs-Git: https://h/{name}{more}

"""


@pytest.fixture
def where(cluster, db):
    return "-d", f"postgresql:///{db.name}?host={cluster.server.dir}&user={cluster.server.user}"


def index(tmp_path, more=b"", name="good", version="1"):
    path = tmp_path / "Sources"
    path.write_bytes(INDEX.format(name="first", version="1", more="").encode() + INDEX.format(
        name=name, version=version, more="").encode().replace(b"\n\n", more + b"\n\n"))
    return path


def advice(code, *args, **options):
    """One error with a hint, and nothing else at all; gives both."""
    first, *rest = refused(code, *args, **options).splitlines()
    assert first.startswith("error: ") and rest and all(line.startswith("  ") for line in rest), (first, rest)
    return first, "\n".join(rest)


def break_writes(db, table, statement):
    """The server does this to whoever writes to that table."""
    db.execute(f"CREATE FUNCTION public.broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {statement}; RETURN NULL; END $$;"
               f"CREATE TRIGGER broken AFTER INSERT ON {table} EXECUTE FUNCTION public.broken()")


# ---- a Sources index ----

@pytest.mark.parametrize("more, message", [
    (b"\nX-Bad: \xff\xfe", "line 12 is not UTF-8"),
    (b"\nX-Long: " + b"a" * 10_000_000, "line 12 is longer than"),
    (b"\nVersion: 2", "line 12 repeats the field Version"),
    (b"\n<html>", "line 12 is neither a field nor a continuation"),
])
def test_a_bad_index_is_told_with_what_to_do(where, db, tmp_path, more, message):
    path = index(tmp_path, more)
    first, hint = advice(1, *where, "codebase", "import-debian", "--sources", path)
    assert f"{path}: {message}" in first and hint == "  repair the file, or fetch it again; nothing was stored"
    assert db.value("SELECT count(*) FROM codebase") == 0


def test_an_index_without_a_name_is_usage(where):
    assert "--sources is empty" in refused(2, *where, "codebase", "import-debian", "--sources", "")


# ---- a server that fails in the middle ----

def test_a_session_that_ends_in_mid_import(where, db, tmp_path):
    break_writes(db, "codebase", "PERFORM pg_terminate_backend(pg_backend_pid())")
    _, hint = advice(7, *where, "codebase", "import-debian", "--sources", index(tmp_path))
    assert hint == "  nothing was stored; run it again when the server is there"
    assert db.value("SELECT count(*) FROM codebase") == 0


@pytest.mark.parametrize("verb", ["import", "schedule"])
def test_a_full_disk_of_the_server(where, db, tmp_path, verb):
    path = index(tmp_path)
    full = "RAISE EXCEPTION 'could not extend file \"base/1/2\": No space left on device' USING ERRCODE = 'disk_full'"
    if verb == "schedule":
        ok(*where, "codebase", "import-debian", "--sources", path)
        db.execute("UPDATE codebase SET value = 1")
        ok(*where, "candidate", "import", "--campaign", "fixes", "--command", "true", "--value", "1", "--mode", "propose")
    break_writes(db, {"import": "codebase", "schedule": "queue"}[verb], full)
    before = db.rows("SELECT (SELECT count(*) FROM codebase), (SELECT count(*) FROM queue)")
    first, hint = advice(1, *where, *(["codebase", "import-debian", "--sources", path] if verb == "import" else ["schedule", "run"]))
    assert "No space left on device" in first and hint == "  free space on the server's disk, then run it again"
    assert db.rows("SELECT (SELECT count(*) FROM codebase), (SELECT count(*) FROM queue)") == before


def test_events_are_shown_when_asked_for(where, db, tmp_path):
    break_writes(db, "codebase", "RAISE EXCEPTION 'no' USING ERRCODE = 'disk_full'")
    args = (*where, "codebase", "import-debian", "--sources", index(tmp_path))
    for more, env in ((["-v"], {}), ([], {"HOLDFAST_LOG": "error"})):
        assert "event=query_failed" in run(*args, *more, env=env).stderr
    for more in ([], ["-q"]):
        assert "event=" not in run(*args, *more).stderr


# ---- a database without the schema ----

@pytest.mark.parametrize("args", [
    "codebase list", "codebase set aa", "campaign list", "candidate list", "queue list", "queue next", "queue claim --holder w",
    "queue position aa fixes", "run list", "run show r1", "run watch --limit 1", "review pending", "publish history",
    "publish ready", "policy list", "proposal stats", "changeset list", "worker list", "schedule run", "schedule simulate",
    "schedule one aa fixes",
])
def test_a_database_without_the_schema_is_told_what_to_apply(cluster, empty, args):
    where = "-d", f"postgresql:///{empty.name}?host={cluster.server.dir}&user={cluster.server.user}"
    _, hint = advice(1, *where, *args.split())
    assert hint == "  apply the schema   holdfast migrate up"


# ---- values that the server cannot take ----

@pytest.mark.parametrize("args, who", [
    (["run", "show", "r\udcff"], "ID is no UTF-8: its byte 2"), (["codebase", "list", "--host", "\udcfe"], "--host is no UTF-8: its byte 1"),
    (["queue", "position", "aa", "fi\udcc3"], "CAMPAIGN is no UTF-8: its byte 3"),
    (["schedule", "run", "\udcff"], "CODEBASE is no UTF-8: its byte 1"), (["schedule", "run", "aa", "b\udcff"], "CODEBASE is no UTF-8: its byte 2"),
])
def test_bytes_that_are_no_utf8_are_named(where, args, who):
    _, hint = advice(1, *where, *args)
    assert hint == "  " + who


@pytest.mark.parametrize("args, who", [
    ("policy set TEXT main=propose --create", "NAME has 9000 bytes"), ("codebase set aa --branch-url TEXT", "--branch-url has 9000 bytes"),
])
def test_a_text_too_long_for_an_index_is_named(where, db, args, who):
    text = "".join(f"{random.Random(number).getrandbits(36):09x}" for number in range(1000))  # nothing that could be compressed
    first, hint = advice(1, *where, *args.replace("TEXT", text).split())
    assert "index row" in first and hint == f"  {who}, at most 2000 fit into an index"
    assert db.rows("SELECT (SELECT count(*) FROM codebase), (SELECT count(*) FROM named_publish_policy)") == [(0, 0)]


def test_another_limit_of_the_server_blames_no_index(where, db):
    break_writes(db, "codebase", "RAISE EXCEPTION 'too much' USING ERRCODE = '54000'")
    assert refused(1, *where, "codebase", "set", "aa", "--web-url", "x" * 3000) == "error: too much\n"


# ---- a server that is only read from ----

@pytest.mark.parametrize("args", ["codebase set aa", "queue claim --holder w", "worker remove w", "queue pause --reason x"])
def test_a_server_that_takes_no_writes_is_told(where, db, args):
    db.execute(f'ALTER DATABASE "{db.name}" SET default_transaction_read_only = on')
    first, hint = advice(1, *where, *args.split())
    assert "in a read-only transaction" in first
    assert hint == "  this is a standby, or its sessions may only read: name the server that is written to"


# ---- a login ----

def test_a_refused_login_says_what_to_look_at(cluster, where):
    cluster.execute("CREATE ROLE nologin")
    first, hint = advice(6, *where[:1], where[1].replace(f"user={cluster.server.user}", "user=nologin"), "db", "ping")
    cluster.execute("DROP ROLE nologin")
    assert "not permitted to log in" in first and hint == "  check the role, its password and the server's pg_hba.conf"
    _, hint = advice(2, "-d", where[1].replace("///", "///nosuch"), "db", "ping")
    assert hint == "  create the database, or name another"


def test_a_server_that_is_not_there(tmp_path):
    _, hint = advice(7, "-d", f"postgresql:///x?host={tmp_path}", "db", "ping")
    assert hint == "  is the server running, and is this its address?"


@pytest.mark.parametrize("url", [
    "postgresql://u:hush@s3cret@127.0.0.1:1/x", "postgres://u:hush/s3cret@127.0.0.1:1/x", "postgresql://u:hush?s3cret@x@h/x",
    "postgresql://localhost:s3cret/x", "host=/nonexistent port=s3cret", "postgresql://u:hush#s3cret@x@h:1/x",
    "postgresql://u:hu/sh/s3cret@h:1/x",
])
def test_a_password_that_spoils_the_url_is_not_shown(url):
    shown = ["config", "show"] if "@" in url else ["config", "path"]  # a bare port is no secret to who wrote it
    for args in (["db", "ping"], ["db", "ping", "-vv"], shown, ["db", "url"]):
        done = run("-d", url, *args)
        assert "hush" not in done.stdout + done.stderr and "s3cret" not in done.stdout + done.stderr, done
    first, hint = advice(2, "-d", url, "db", "ping")
    assert "%40" in hint or "port" in first


def test_an_empty_database_is_not_the_default_one():
    first, _ = advice(2, "-d", "", "db", "ping")
    assert first == "error: --database is empty"


def test_a_pool_says_of_a_server_what_a_connection_does(tmp_path):
    """At once, and in the same words: a pool would go on trying."""
    for url in (f"postgresql:///x?host={tmp_path}", "postgresql:///x?host=nosuch.invalid"):
        one, two = (run("-d", url, "schedule", "run", "--jobs", jobs) for jobs in (1, 2))
        assert (two.returncode, two.stderr) == (7, one.stderr)


def test_an_unverified_server_is_a_word_of_warning():
    """127.0.0.1 is local; the name of another machine is not, and this one cannot be resolved."""
    lines = run("-d", "postgresql:///x?host=nosuch.invalid", "db", "ping").stderr.splitlines()
    assert lines[0] == "warning: anyone could answer for nosuch.invalid with sslmode=prefer: set sslmode=verify-full"
    assert lines[1].startswith("error: ") and len(lines) == 3
    lines = run("-d", "postgresql:///x?host=nosuch.invalid", "db", "ping", "--json").stderr.splitlines()
    assert json.loads(lines[0])["warning"]["code"] == "tls_unverified" and "error" in json.loads(lines[1])
    assert run("-d", "postgresql:///x?host=nosuch.invalid", "db", "ping", "-q").stderr.startswith("error: ")


# ---- names ----

def test_an_unknown_codebase_or_change_set_is_named(where, db):
    for args in (["queue", "add", "nosuch", "fixes", "--command", "true"], ["schedule", "control", "nosuch"]):
        first, hint = advice(1, *where, *args)
        assert (first, hint) == ("error: there is no codebase nosuch", "  holdfast codebase list shows them")
    db.execute("INSERT INTO codebase (name) VALUES ('aa')")
    assert advice(1, *where, "queue", "add", "aa", "fixes", "--command", "true", "--change-set", "c")[0] == "error: there is no change set c"
    assert db.value("SELECT count(*) FROM queue") == 0


def test_candidates_are_not_read_from_a_directory(where, tmp_path):
    assert refused(1, *where, "candidate", "import", tmp_path) == f"error: could not read {tmp_path}: Is a directory\n"
