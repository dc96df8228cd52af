"""holdfast migrate: each verb does to the database what it says, and refuses what it must."""

import json
import pathlib

import pytest

from command import ok, ok_json, refused, refused_json, run

KV = len(list((pathlib.Path(__file__).parents[2] / "sql/migrations/kv").glob("*.sql")))
ONE = "-- up\nCREATE TABLE public.a (i int);\n-- verify\nSELECT to_regclass('public.a') IS NOT NULL;\n-- down\nDROP TABLE public.a;\n"
TWO = "-- up\nCREATE TABLE public.b (i int);\nINSERT INTO public.b VALUES (1);\n-- down\nDROP TABLE public.b;\n"


def words(stderr):
    """Without log events."""
    return "".join(line for line in stderr.splitlines(True) if not line.startswith("ts="))


class Shop:
    """An empty database and a directory with two migrations."""

    def __init__(self, cluster, database, directory):
        self.database, self.directory = database, directory
        self.url = f"postgresql:///{database.name}?host={cluster.server.dir}&user={cluster.server.user}"
        self.flags = ("-d", self.url, "--migrations", directory, "--set", "shop")
        self.write("1_a.sql", ONE)
        self.write("2_b.sql", TWO)

    def write(self, name, text):
        (self.directory / name).write_text(text)

    def did(self, *args):
        """What was done, as (version, action)."""
        return [(row["version"], row["action"]) for row in ok_json("migrate", *args, *self.flags)]

    def refused(self, code, *args):
        done = run("migrate", *args, *self.flags)
        assert done.returncode == code, done
        return words(done.stderr)

    def states(self):
        return self.database.value("SELECT string_agg(version || ' ' || state, ', ' ORDER BY version)"
                                   " FROM holdfast.migration")

    def tables(self):
        return self.database.value("SELECT coalesce(string_agg(relname, ',' ORDER BY relname), '') FROM pg_class"
                                   " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace")


@pytest.fixture
def shop(cluster, empty, tmp_path):
    return Shop(cluster, empty, tmp_path)


# ---- up ----

def test_migrate_up_applies_what_is_pending(shop):
    assert shop.did("up") == [("1", "apply"), ("2", "apply")]
    assert (shop.states(), shop.tables()) == ("1 applied, 2 applied", "a,b")
    assert shop.did("up") == []
    assert shop.database.value("SELECT count(*) FROM public.b") == 1


def test_migrate_up_is_read_committed_whatever_the_database_is_set_to(shop):
    shop.write("3_c.sql", "-- up\nCREATE TABLE public.c AS SELECT current_setting('transaction_isolation') AS level;\n-- down\nDROP TABLE public.c;\n")
    shop.database.execute(f'ALTER DATABASE "{shop.database.name}" SET default_transaction_isolation = serializable')
    assert shop.did("up")[-1] == ("3", "apply")
    assert shop.database.value("SELECT level FROM public.c") == "read committed"


def test_migrate_up_is_refused_where_nothing_may_be_written(shop):
    shop.database.execute(f'ALTER DATABASE "{shop.database.name}" SET default_transaction_read_only = on')
    assert "read-only transaction" in shop.refused(1, "up")


def test_migrate_up_dry_run_changes_nothing(shop):
    assert shop.did("up", "--dry-run") == [("1", "would-apply"), ("2", "would-apply")]
    assert shop.did("up", "--dry-run", "--to", "1") == [("1", "would-apply")]
    assert shop.database.value("SELECT to_regnamespace('holdfast') IS NULL")


def test_migrate_up_makes_an_instance_of_a_set(shop):
    """The tables of a key-value store, under the names that the set's name says."""
    made = ok_json("migrate", "up", "--set", "kv:app.sessions", "-d", shop.url)
    assert [row["action"] for row in made] == KV * ["apply"]
    assert ok_json("migrate", "up", "--set", 'kv:"app"."Ta ble"', "-d", shop.url)[0]["action"] == "apply"
    tables = shop.database.value("SELECT string_agg(relname, ',' ORDER BY relname COLLATE \"C\") FROM pg_class"
                                 " WHERE relkind = 'r' AND relnamespace = 'app'::regnamespace")
    one = "{0},{0}_changes,{0}_checkpoints,{0}_feeds,{0}_history,{0}_locks,{0}_namespaces,{0}_snapshots" \
          ",{0}_tokens"
    assert tables == one.format("Ta ble") + "," + one.format("sessions")
    for verb, name, code in (("verify", "kv:app.sessions", 0), ("status", "kv:app.sessions", 0), ("status", "kv", 4)):
        assert run("migrate", verb, "--set", name, "-d", shop.url).returncode == code
    assert len(ok_json("migrate", "down", "--set", "kv:app.sessions", "--to", "0", "--yes", "-d", shop.url)) == KV
    assert shop.database.value("SELECT string_agg(DISTINCT set_name, ' ') FROM holdfast.migration"
                               " WHERE state = 'applied'") == 'kv:app."Ta ble"'


def test_migrate_up_refuses_what_is_no_instance(shop):
    assert "is not a schema and a table" in refused(2, "migrate", "up", "--set", "kv:app.Sessions", "-d", shop.url)
    shop.database.execute("CREATE TABLE state_entries (key bytea PRIMARY KEY, value bytea NOT NULL)")
    done = run("migrate", "up", "--set", "kv", "-d", shop.url)
    assert done.returncode == 5
    assert 'table "public"."state_entries" is there already, and was not made by holdfast' in done.stderr
    assert "holdfast kv import" in done.stderr


def test_migrate_up_refuses_an_edited_file(shop):
    shop.did("up")
    shop.write("1_a.sql", ONE.replace("i int", "i bigint"))
    shop.write("3_c.sql", "-- up\nCREATE TABLE public.c (i int);\n")
    message = shop.refused(9, "up")
    assert message.startswith("error: 1_a.sql was edited after it was applied: its SQL differs from line 2")
    assert "holdfast migrate accept 1 --reason TEXT" in message
    assert shop.tables() == "a,b"


def test_migrate_up_lists_what_it_did_before_it_failed(shop):
    shop.write("3_c.sql", "-- up\nCREATE TABLE public.c (i int);\nSELECT nothing_here;\n")
    done = run("migrate", "up", "--json", *shop.flags)
    assert done.returncode == 1
    assert [row["version"] for row in json.loads(done.stdout)] == ["1", "2"]
    assert "3_c.sql:3" in json.loads(words(done.stderr))["error"]["message"]
    assert (shop.states(), shop.tables()) == ("1 applied, 2 applied, 3 failed", "a,b")


def test_migrate_up_passes_notices_on(shop):
    shop.write("1_a.sql", "-- up\nDO $$ BEGIN RAISE NOTICE 'hello there'; END $$;\n")
    done = run("migrate", "up", *shop.flags)
    assert (done.returncode, done.stderr) == (0, "1_a.sql: NOTICE: hello there\n")


def test_migrate_up_is_denied_with_the_administrators_statement(shop):
    shop.write("1_a.sql", "-- up\nDO $$ BEGIN RAISE insufficient_privilege USING MESSAGE = 'may not',"
                          " HINT = 'ask for CREATE EXTENSION x;'; END $$;\n")
    assert shop.refused(6, "up") == "error: 1_a.sql:2: may not\n  ask for CREATE EXTENSION x;\n"


def test_migrate_up_takes_the_built_in_set(shop):
    rows = ok_json("-d", shop.url, "migrate", "up")
    names = sorted(path.name for path in pathlib.Path(__file__).parents[2].glob("sql/migrations/janitor/*.sql"))
    assert [row["file"] for row in rows] == names
    assert ok_json("-d", shop.url, "migrate", "status")[0]["state"] == "applied"
    assert ok_json("-d", shop.url, "migrate", "verify") == []


# ---- what may be added by name ----

def failed(code, shop, *args):
    """What it said to that exit code, on the shop's database and the built-in sets."""
    done = run("-d", shop.url, "migrate", *args)
    assert done.returncode == code, done
    return words(done.stderr)


def sets(url):
    return {row["set"]: (row["applied"], row["pending"]) for row in ok_json("-d", url, "migrate", "sets")}


def test_migrate_sets_tells_what_is_mended(shop):
    names = {path.name for path in pathlib.Path(__file__).parents[2].glob("sql/migrations/*")}
    assert set(sets(shop.url)) == names
    assert {applied for applied, _ in sets(shop.url).values()} == {0}
    ok_json("-d", shop.url, "migrate", "up")
    assert {name for name, (applied, _) in sets(shop.url).items() if applied} == {"janitor"}
    assert [row["action"] for row in ok_json("-d", shop.url, "migrate", "up", "--set", "janitor-d06")] == ["apply"]
    assert ok_json("-d", shop.url, "migrate", "up", "--set", "janitor-d06") == []
    assert sets(shop.url)["janitor-d06"] == (1, 0)
    assert ok_json("-d", shop.url, "migrate", "verify", "--set", "janitor-d06") == []
    assert sets(shop.url)["janitor-d07"] == (0, 1)
    ok("-d", shop.url, "migrate", "down", "--set", "janitor-d06", "--yes")
    assert sets(shop.url)["janitor-d06"] == (0, 1)


def test_migrate_sets_refuses_an_argument(shop):
    assert refused(2, "-d", shop.url, "migrate", "sets", "janitor").startswith('error: unexpected argument "janitor"')
    assert refused_json(7, "-d", "postgresql:///x?host=/nonexistent", "migrate", "sets")["code"] == "unavailable"


def test_migrate_up_refuses_what_stands_on_nothing(shop):
    message = failed(1, shop, "up", "--set", "janitor-d06")
    assert message.startswith('error: 0001_last_run_before_change_set.sql needs migration 0008 of set "janitor"')
    assert "holdfast migrate up" in message
    message = failed(3, shop, "up", "--set", "janitor-d99")
    assert 'no migration set "janitor-d99" is built in' in message and "janitor-d71" in message


def test_migrate_down_refuses_what_others_stand_on(shop):
    ok_json("-d", shop.url, "migrate", "up")
    ok_json("-d", shop.url, "migrate", "up", "--set", "janitor-d08")
    message = failed(1, shop, "to", "0", "--yes")
    assert 'needs it' in message and "holdfast migrate down --set janitor-d08" in message
    assert sets(shop.url)["janitor"][1] == 0


# ---- down, to, redo ----

def test_migrate_down_reverts_the_newest(shop):
    shop.did("up")
    assert shop.did("down", "--dry-run") == [("2", "would-revert")]
    (shop.directory / "2_b.sql").unlink()
    assert shop.did("down", "--yes") == [("2", "revert")]
    assert (shop.states(), shop.tables()) == ("1 applied, 2 reverted", "a")
    assert shop.did("down", "--to", "0", "--yes") == [("1", "revert")]


def test_migrate_down_refuses_without_a_yes(shop):
    shop.did("up")
    assert "--yes" in shop.refused(2, "down")
    assert shop.tables() == "a,b"


def test_migrate_to_goes_both_ways(shop):
    assert shop.did("to", "1", "--yes") == [("1", "apply")]
    assert shop.did("to", "2", "--yes") == [("2", "apply")]
    assert shop.did("to", "0", "--yes") == [("2", "revert"), ("1", "revert")]
    assert shop.tables() == ""


def test_migrate_to_refuses_an_unknown_version(shop):
    assert 'error: set "shop" has no migration 7' in shop.refused(3, "to", "7", "--yes")
    assert '"x" is not a version' in shop.refused(2, "to", "x", "--yes")


def test_migrate_redo_runs_the_newest_twice(shop):
    shop.did("up")
    shop.database.execute("INSERT INTO public.b VALUES (2)")
    assert shop.did("redo", "--yes") == [("2", "revert"), ("2", "apply")]
    assert shop.database.value("SELECT count(*) FROM public.b") == 1


def test_migrate_redo_refuses_an_empty_database(shop):
    assert "no applied migration" in shop.refused(3, "redo", "--yes")


# ---- looking ----

def test_migrate_status_shows_every_file(shop):
    done = run("migrate", "status", "--json", *shop.flags)
    assert (done.returncode, done.stderr) == (4, "")
    assert [(row["version"], row["state"], row["pending"]) for row in json.loads(done.stdout)] == [
        ("1", "pending", True), ("2", "pending", True)]
    shop.did("up", "--to", "1")
    rows = json.loads(run("migrate", "status", "--json", *shop.flags).stdout)
    assert [row["state"] for row in rows] == ["applied", "pending"]
    assert rows[0]["applied_at"].endswith("Z") and rows[0]["reversible"] and rows[1]["applied_at"] is None
    shop.did("up")
    assert len(ok_json("migrate", "status", *shop.flags)) == 2


def test_migrate_status_refuses_an_unknown_set(shop):
    assert 'no migration set "nix" is built in' in refused(3, "-d", shop.url, "migrate", "status", "--set", "nix")


def test_migrate_plan_lists_statements(shop):
    shop.did("up", "--to", "1")
    rows = ok_json("migrate", "plan", *shop.flags)
    assert [(row["version"], row["line"], row["sql"]) for row in rows] == [
        ("2", 2, "CREATE TABLE public.b (i int)"), ("2", 3, "INSERT INTO public.b VALUES (1)")]
    assert shop.tables() == "a"


def test_migrate_plan_refuses_a_malformed_file(shop):
    shop.write("3_c.sql", "-- up\nSELECT 'open;\n")
    assert shop.refused(1, "plan") == "error: 3_c.sql:2: string that does not end\n"


def test_migrate_verify_finds_a_dropped_table(shop):
    shop.did("up")
    assert ok_json("migrate", "verify", *shop.flags) == []
    shop.database.execute("DROP TABLE public.a")
    done = run("migrate", "verify", "--json", *shop.flags)
    assert done.returncode == 4
    assert "1_a.sql:4: verify" in json.loads(done.stdout)[0]["difference"]


def test_migrate_verify_refuses_a_missing_directory(shop):
    assert "could not open directory /nonexistent" in refused(
        3, "-d", shop.url, "migrate", "verify", "--migrations", "/nonexistent")


# ---- baseline ----

def test_migrate_baseline_adopts_a_database(shop):
    shop.database.execute("CREATE TABLE public.a (i int); CREATE TABLE public.b (i int, more text)")
    assert ok_json("migrate", "baseline", *shop.flags, timeout=120) == []
    assert shop.states() == "1 applied, 2 applied"
    assert shop.did("up") == []
    assert shop.database.value("SELECT action FROM holdfast.migration_event") == "baseline"


def test_migrate_baseline_refuses_a_database_that_differs(shop):
    shop.database.execute("CREATE TABLE public.a (i text)")
    done = run("migrate", "baseline", "--json", *shop.flags, timeout=120)
    assert done.returncode == 4
    assert [row["difference"] for row in json.loads(done.stdout)] == [
        'column public.a.i is "text" and should be "integer"', "column public.b.i is missing",
        "table public.b is missing"]
    assert shop.states() is None
    shop.database.execute("DROP TABLE public.a")
    shop.did("up")
    assert "the ledger already has migration 1" in shop.refused(5, "baseline")


@pytest.mark.parametrize("there, applied", (("ab", ""), ("b", "1 applied, ")))
def test_migrate_baseline_goes_on_where_an_up_met_what_is_there(shop, there, applied):
    for name in there:
        shop.database.execute(f"CREATE TABLE public.{name} (i int)")
    said = shop.refused(5, "up")
    assert f'relation "{there[0]}" already exists' in said and "holdfast migrate baseline" in said
    assert shop.states() == f"{applied}{'2' if applied else '1'} failed"
    done = run("migrate", "baseline", *shop.flags, timeout=120)
    assert (done.returncode, done.stderr) == (0, "adopted up to 2; 0 pending: holdfast migrate up\n")
    assert shop.states() == "1 applied, 2 applied"


def test_migrate_baseline_takes_a_reference(shop):
    shop.database.execute("CREATE TABLE public.a (i int)")
    assert "the scratch database for the comparison is not empty: column public.a.i" in shop.refused(
        2, "baseline", "--to", "1", "--reference", shop.url)


# ---- accept, resume ----

def test_migrate_accept_ends_the_complaint(shop):
    shop.did("up")
    shop.write("1_a.sql", ONE.replace("i int", "i integer"))
    shop.refused(9, "up", "--lock-wait", "1s")
    assert ok_json("migrate", "accept", "1", "--reason", "spelling", *shop.flags)["changed"] == 1
    assert shop.states() == "1 accepted, 2 applied"
    assert ok_json("migrate", "status", *shop.flags)[0]["edit"] == "none"


def test_migrate_accept_refuses_without_a_reason(shop):
    shop.did("up")
    assert "say why with --reason TEXT" in shop.refused(2, "accept", "1")
    assert shop.states() == "1 applied, 2 applied"


def test_migrate_resume_finishes_what_was_begun(shop):
    shop.write("3_c.sql", "-- migrate: tx=no\n-- up\nCREATE TABLE public.c (i int);\n"
                          "CREATE INDEX CONCURRENTLY c_i ON public.c (j);\n")
    assert '3_c.sql:4: column "j" does not exist' in shop.refused(1, "up")
    assert shop.states() == "1 applied, 2 applied, 3 failed"
    shop.write("3_c.sql", "-- migrate: tx=no\n-- up\nCREATE TABLE public.c (i int);\n"
                          "CREATE INDEX CONCURRENTLY c_i ON public.c (i);\n")
    assert shop.did("resume") == [("3", "apply")]
    assert shop.database.value("SELECT to_regclass('public.c_i') IS NOT NULL")


def test_migrate_resume_refuses_when_nothing_is_open(shop):
    assert 'no migration of set "shop" is half applied' in shop.refused(3, "resume")
    assert "exclude each other" in shop.refused(2, "resume", "--step-done", "--step-repeat")


# ---- files ----

def test_migrate_new_writes_a_file(tmp_path):
    path = ok("migrate", "new", "add_role", "--migrations", tmp_path, "--integer").strip()
    assert path == str(tmp_path / "0001_add_role.sql")
    assert ok_json("migrate", "new", "more", "--migrations", tmp_path)["version"] == "0002"
    ok("migrate", "lint", "--migrations", tmp_path, "--write-sum")
    (tmp_path / "20260314T101500_time.sql").write_text("-- up\n")
    assert refused(9, "migrate", "new", "late", "--migrations", tmp_path).startswith("error: migrations.sum does not match")
    ok("migrate", "lint", "--migrations", tmp_path, "--write-sum")
    version = ok_json("migrate", "new", "late", "--migrations", tmp_path)["version"]
    assert len(version) == 15 and version[8] == "T"
    assert f"  {version}_late.sql\n" in (tmp_path / "migrations.sum").read_text()
    versions = [version] + [ok_json("migrate", "new", "late", "--migrations", tmp_path)["version"] for _ in range(4)]
    assert versions == sorted(set(versions)), "also within a second"
    (tmp_path / "20991231T235959_clock.sql").write_text("-- up\n")
    ok("migrate", "lint", "--migrations", tmp_path, "--write-sum")
    assert ok_json("migrate", "new", "late", "--migrations", tmp_path)["version"] == "21000101T000000"


def test_migrate_new_refuses_a_bad_name(tmp_path):
    assert '"../x" is not a name for a migration' in refused(2, "migrate", "new", "../x", "--migrations", tmp_path)
    assert "--migrations DIR" in refused(2, "migrate", "new", "x")
    assert "could not open directory" in refused(3, "migrate", "new", "x", "--migrations", tmp_path / "no")
    assert list(tmp_path.iterdir()) == []


def test_migrate_lint_finds_a_blocking_index(tmp_path):
    (tmp_path / "1_i.sql").write_text("-- up\nCREATE INDEX i ON t (a);\nALTER TABLE t ADD COLUMN b int NOT NULL;\n")
    done = run("migrate", "lint", "--migrations", tmp_path, "--json")
    assert done.returncode == 4
    assert [(row["rule"], row["level"], row["line"]) for row in json.loads(done.stdout)] == [
        ("L08", "warning", 2), ("L01", "error", 3)]


def test_migrate_lint_refuses_a_wrong_sum(tmp_path):
    (tmp_path / "1_i.sql").write_text("-- up\nSELECT 1;\n")
    (tmp_path / "migrations.sum").write_text("0" * 64 + "  1_i.sql\n")
    assert "migrations.sum does not match the files, from 1_i.sql on" in refused(9, "migrate", "lint", "--migrations", tmp_path)
    assert ok_json("migrate", "lint", "--migrations", tmp_path, "--write-sum") == []
    assert refused(2, "migrate", "lint", "--write-sum") == "error: --write-sum needs --migrations DIR\n"
