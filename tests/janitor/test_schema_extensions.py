"""Migrations 0001 and 0002: pgcrypto and debversion on servers of every kind.

The machine's own server has a debversion script with a known fault. A second server,
relocated into a scratch folder with a script folder of its own, has whatever script a
test puts there: none, a sound one, an unknown one.
"""

import os
import pathlib
import shutil
import subprocess

import asyncpg
import pytest

import conftest
import scratch

PGCRYPTO, DEBVERSION = conftest.migrations()[:2]
LOADED = ("debversion 1.1 cannot be created as an extension on this server; "
          "loaded its types with the corrected operators")
DENIED, NOT_INSTALLED = "42501", "0A000"

TYPE_KIND = "SELECT typtype::text FROM pg_type WHERE typname = 'debversion' AND typnamespace = 'public'::regnamespace"
EXTENSIONS = "SELECT extname::text FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1"
SETTINGS = "SELECT name, setting FROM pg_settings WHERE name IN ('search_path', 'lc_messages', 'client_min_messages')"


class Relocated(scratch.Scratch):
    """A scratch server whose extension scripts are ours to change; libraries are the machine's."""

    def __init__(self):
        super().__init__()
        version = pathlib.Path(self.bin).parent
        root = pathlib.Path(self.dir) / "usr"
        share = root / "share" / "postgresql" / version.name
        moved = root / "lib" / "postgresql" / version.name
        (moved / "bin").mkdir(parents=True)
        for program in ("postgres", "initdb"):  # they look for their files from where they really are
            shutil.copy(version / "bin" / program, moved / "bin")
        for program in ("psql", "pg_isready"):
            (moved / "bin" / program).symlink_to(version / "bin" / program)
        (moved / "lib").symlink_to(version / "lib")
        (share / "extension").mkdir(parents=True)
        original = pathlib.Path("/usr/share/postgresql") / version.name
        for folder in (original, original / "extension"):
            for entry in folder.iterdir():
                if not (share / entry.relative_to(original)).exists():
                    (share / entry.relative_to(original)).symlink_to(entry)
        for folder, _, _ in os.walk(root):  # whatever the umask: the server is another user when we are root
            os.chmod(folder, 0o755)
        self.bin = str(moved / "bin")
        self.extension = share / "extension"
        self.installed = original / "extension"


@pytest.fixture(scope="module")
def relocated():
    server = Relocated()
    try:
        cluster = conftest.Cluster(server.start())
        yield cluster
        cluster.close()
    finally:
        server.stop()


@pytest.fixture
def other(relocated):
    """A database of the relocated server, and its script folder put right again afterwards."""
    name = relocated.create()
    database = relocated.connect(name)
    database.server = relocated.server
    yield database
    database.close()
    relocated.drop(name)
    for script in relocated.server.extension.glob("debversion*"):
        script.unlink()
    for script in relocated.server.installed.glob("debversion*"):
        (relocated.server.extension / script.name).symlink_to(script)


def change_script(database, change):
    """Give the relocated server a changed debversion script."""
    script = database.server.extension / "debversion--1.1.sql"
    text = script.read_text(encoding="utf-8")
    changed = change(text)
    assert changed != text
    script.unlink()
    script.write_text(changed, encoding="utf-8")
    script.chmod(0o644)


def sound(script):
    head, tail = script.split("CREATE OPERATOR > (", 1)
    return head + "CREATE OPERATOR > (" + tail.replace("NEGATOR = >=", "NEGATOR = <=", 1)


@pytest.fixture
def plain(cluster):
    """A connection to a database that its user, no superuser, owns."""
    cluster.execute("CREATE ROLE plain LOGIN")
    name = cluster.create(owner="plain")
    database = cluster.connect(name, user="plain")
    database.admin = cluster.connect(name)
    yield database
    database.admin.close()
    database.close()
    cluster.drop(name)
    cluster.execute("DROP ROLE plain")


def check_debversion(database):
    """It is a real type with a real order, however it came in."""
    assert database.value(TYPE_KIND) == "b"
    assert DEBVERSION.verify(database) is True
    database.execute("CREATE TABLE v (n int, version public.debversion)")
    database.execute("INSERT INTO v SELECT n, x::public.debversion FROM unnest("
                     "ARRAY['1.10', '1.9', '1.0~rc1', '1.0', '2:0', '1.10']) WITH ORDINALITY AS t (x, n)")
    assert database.column("SELECT version::text FROM v ORDER BY v.version, n") == [
        "1.0~rc1", "1.0", "1.9", "1.10", "1.10", "2:0"]
    assert database.row("SELECT min(version)::text, max(version)::text, count(DISTINCT version) FROM v") == (
        "1.0~rc1", "2:0", 5)
    assert database.rows("SELECT a = b, a <> b, a < b, a <= b, a > b, a >= b "
                         "FROM (SELECT '1.0~rc1'::debversion AS a, '1.0'::debversion AS b) AS x") == [
        (False, True, True, True, False, False)]
    assert not database.value("SELECT NOT ('1.0~rc1'::debversion < '1.0'::debversion)")
    # Every operator's negator is the opposite one, and mutually so.
    assert database.rows("SELECT o.oprname::text, n.oprname::text, n.oprnegate = o.oid "
                         "FROM pg_operator AS o JOIN pg_operator AS n ON n.oid = o.oprnegate "
                         "WHERE o.oprleft = 'debversion'::regtype ORDER BY 1") == [
        ("<", ">=", True), ("<=", ">", True), ("<>", "=", True), ("=", "<>", True), (">", "<=", True), (">=", "<", True)]
    # Both kinds of index.
    database.execute("SET enable_seqscan = off; SET enable_sort = off; SET enable_bitmapscan = off")
    for method, condition in (("btree", "version < '1.9'"), ("hash", "version = '1.10'")):
        database.execute(f"CREATE INDEX v_by_{method} ON v USING {method} (version)")
        assert f"v_by_{method}" in "\n".join(database.column(f"EXPLAIN SELECT n FROM v WHERE {condition}"))
        assert database.value(f"SELECT count(*) FROM v WHERE {condition}") == 2
        database.execute(f"DROP INDEX v_by_{method}")
    database.execute("DROP TABLE v; RESET ALL")


# pgcrypto

def test_pgcrypto_is_created_and_taken_away(empty):
    PGCRYPTO.up(empty)
    assert PGCRYPTO.verify(empty) is True
    assert empty.value("SELECT crypt('secret', crypt('secret', gen_salt('bf', 4))) <> 'secret'")
    PGCRYPTO.down(empty)
    assert empty.column(EXTENSIONS) == []
    PGCRYPTO.up(empty)
    assert empty.column(EXTENSIONS) == ["pgcrypto"]


def test_pgcrypto_that_was_there_stays(empty):
    empty.execute("CREATE EXTENSION pgcrypto")
    PGCRYPTO.up(empty)
    PGCRYPTO.down(empty)
    assert empty.column(EXTENSIONS) == ["pgcrypto"]


def test_pgcrypto_by_the_owner_of_the_database(plain):
    PGCRYPTO.up(plain)
    assert PGCRYPTO.verify(plain) is True
    PGCRYPTO.down(plain)
    assert plain.column(EXTENSIONS) == []


def test_pgcrypto_refused_says_what_an_administrator_runs(plain):
    plain.admin.execute(f"ALTER DATABASE {plain.name} OWNER TO CURRENT_USER")
    error = plain.refused(PGCRYPTO.sections["up"])
    assert error.sqlstate == DENIED
    assert error.args[0] == f"could not create extension pgcrypto: role plain may not create it in database {plain.name}"
    plain.admin.execute(error.hint.split(": ", 1)[1])
    PGCRYPTO.up(plain)
    assert plain.column(EXTENSIONS) == ["pgcrypto"]


def test_pgcrypto_not_installed(other):
    hidden = other.server.extension / "pgcrypto.control"
    target = hidden.readlink()
    hidden.unlink()
    try:
        error = other.refused(PGCRYPTO.sections["up"])
    finally:
        hidden.symlink_to(target)
    assert (error.sqlstate, error.args[0]) == (
        NOT_INSTALLED, "extension pgcrypto is not installed on the database server")
    assert "postgresql-" in error.hint


# debversion

def test_debversion_with_the_known_fault_is_loaded_from_the_script(other):
    DEBVERSION.up(other)
    assert other.notices == [LOADED]
    assert other.column(EXTENSIONS) == []
    check_debversion(other)
    DEBVERSION.up(other)
    assert other.notices == [LOADED]


def test_debversion_of_a_sound_package_is_an_extension(other):
    change_script(other, sound)
    DEBVERSION.up(other)
    assert other.notices == []
    assert other.column(EXTENSIONS) == ["debversion"]
    check_debversion(other)
    DEBVERSION.down(other)
    assert other.column(EXTENSIONS) == []


def test_debversion_works_on_this_machine(empty):
    DEBVERSION.up(empty)
    check_debversion(empty)


@pytest.mark.parametrize("change", [None, sound])
def test_debversion_leaves_settings_of_the_transaction_alone(other, change):
    if change:
        change_script(other, change)
    other.execute("BEGIN; SET LOCAL client_min_messages = error; SET LOCAL search_path = pg_catalog; "
                  "SET LOCAL lc_messages = 'POSIX'")
    before = other.rows(SETTINGS)
    DEBVERSION.up(other)
    assert other.rows(SETTINGS) == before
    other.execute("COMMIT")
    assert other.value(TYPE_KIND) == "b"


def test_debversion_not_installed_names_the_package(other):
    for script in other.server.extension.glob("debversion*"):
        script.unlink()
    error = other.refused(DEBVERSION.sections["up"])
    major = other.value("SELECT current_setting('server_version_num')::int / 10000")
    assert (error.sqlstate, error.args[0], error.hint) == (
        NOT_INSTALLED, "extension debversion is not installed on the database server",
        f"on the server's machine: apt install postgresql-{major}-debversion")


def test_debversion_script_with_an_unknown_fault_is_not_touched(other):
    # The server gives the very same error, and the text is not the one that we know how to correct.
    change_script(other, lambda text: text.replace("CREATE OPERATOR > (", "CREATE OPERATOR > ( -- (greater)"))
    error = other.refused(DEBVERSION.sections["up"])
    assert error.sqlstate == NOT_INSTALLED
    assert "does not have the one known fault" in error.args[0]
    assert "negator operator >= is already the negator" in error.detail
    assert other.rows(TYPE_KIND) == []


def test_debversion_script_with_another_error_is_reported_as_it_is(other):
    change_script(other, lambda text: text + "\nSELECT 1 / 0;\n" if "NEGATOR = <=" in text else sound(text) + "\nSELECT 1 / 0;\n")
    error = other.refused(DEBVERSION.sections["up"])
    assert (error.sqlstate, error.args[0]) == ("22012", "division by zero")
    assert other.rows(TYPE_KIND) == []


def test_debversion_script_with_meta_commands(other):
    change_script(other, lambda text: "\\echo Use CREATE EXTENSION to load this file. \\quit\n" + text)
    DEBVERSION.up(other)
    check_debversion(other)


def test_debversion_refused_says_what_an_administrator_runs(plain):
    error = plain.refused(DEBVERSION.sections["up"])
    assert error.sqlstate == DENIED
    assert error.args[0] == f"could not create extension debversion: role plain may not create it in database {plain.name}"
    first, second, *command = error.hint.split("\n")
    assert first == "once, as a superuser in that database: CREATE EXTENSION debversion SCHEMA public;"
    assert second == "or, where the server refuses that with a word about negators, on its machine:"
    try:  # an older server takes the wrong negator
        plain.admin.execute(first.split(": ", 1)[1] + " DROP EXTENSION debversion")
    except asyncpg.PostgresError as error:
        assert "negator" in error.args[0]
    subprocess.run(["sh", "-ec", "\n".join(command)], check=True,
                   env={"PATH": os.environ["PATH"], "PGHOST": plain.admin.host, "PGUSER": plain.admin.user})
    check_debversion(plain.admin)
    DEBVERSION.up(plain)
    assert plain.notices == []


def test_debversion_hint_fits_into_a_clients_error(cluster, plain):
    # The longest name, with characters that SQL and the shell must each quote.
    name = '"' + "o'" + "x" * 60 + "'" + '"'
    cluster.execute(f"CREATE DATABASE {name} TEMPLATE template0 OWNER plain")
    longest = cluster.connect(name.strip('"'), user="plain")
    error = longest.refused(DEBVERSION.sections["up"])
    longest.close()
    assert len(error.hint.encode()) < 512 and len(error.args[0].encode()) < 512
    command = "\n".join(error.hint.split("\n")[2:])
    subprocess.run(["sh", "-ec", command], check=True,
                   env={"PATH": os.environ["PATH"], "PGHOST": plain.admin.host, "PGUSER": plain.admin.user})
    again = cluster.connect(name.strip('"'), user="plain")
    DEBVERSION.up(again)
    again.close()
    cluster.drop(name)


def test_debversion_that_is_no_base_type_is_refused(empty):
    empty.execute("CREATE DOMAIN public.debversion AS text")
    error = empty.refused(DEBVERSION.sections["up"])
    assert (error.sqlstate, error.args[0]) == ("42809", "type public.debversion exists and is not a base type")


def test_debversion_in_another_schema_is_refused_with_the_way_out(other):
    change_script(other, sound)
    other.execute("CREATE SCHEMA away; CREATE EXTENSION debversion SCHEMA away")
    error = other.refused(DEBVERSION.sections["up"])
    assert error.sqlstate == "55000" and "schema away" in error.args[0]
    other.execute(error.hint.split(": ", 1)[1])
    DEBVERSION.up(other)
    check_debversion(other)
    DEBVERSION.down(other)
    assert other.column(EXTENSIONS) == ["debversion"]


def test_debversion_beside_leftovers_is_refused(other):
    other.execute("CREATE FUNCTION public.debversion_cmp(int) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    error = other.refused(DEBVERSION.sections["up"])
    assert (error.sqlstate, error.args[0]) == (
        "42723", "functions named debversion* exist in schema public without their type")


LEFT = """
SELECT pg_describe_object(c.classid, c.oid, 0)
FROM (SELECT 'pg_type'::regclass AS classid, oid FROM pg_type WHERE typnamespace = 'public'::regnamespace
      UNION ALL SELECT 'pg_proc'::regclass, oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      UNION ALL SELECT 'pg_class'::regclass, oid FROM pg_class WHERE relnamespace = 'public'::regnamespace
      UNION ALL SELECT 'pg_operator'::regclass, oid FROM pg_operator WHERE oprnamespace = 'public'::regnamespace
      UNION ALL SELECT 'pg_opfamily'::regclass, oid FROM pg_opfamily WHERE opfnamespace = 'public'::regnamespace
      UNION ALL SELECT 'pg_opclass'::regclass, oid FROM pg_opclass WHERE opcnamespace = 'public'::regnamespace
      UNION ALL SELECT 'pg_cast'::regclass, oid FROM pg_cast WHERE oid >= 16384) AS c
ORDER BY 1
"""


def test_debversion_down_takes_everything_that_was_loaded(other):
    DEBVERSION.up(other)
    assert len(other.column(LEFT)) > 30
    other.notices.clear()
    other.execute("BEGIN")
    before = other.rows(SETTINGS)
    DEBVERSION.down(other)
    assert (other.rows(SETTINGS), other.notices) == (before, [])
    other.execute("COMMIT")
    assert other.column(LEFT) == []
    DEBVERSION.up(other)
    check_debversion(other)


@pytest.mark.parametrize("user", [
    "CREATE TABLE mine (v debversion)",
    "CREATE TABLE mine (v debversion[])",
    "CREATE TABLE mine (t text); CREATE INDEX ON mine ((t::debversion))",
    "CREATE FUNCTION mine(debversion) RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE VIEW mine AS SELECT '1'::debversion::text AS v",
    "CREATE VIEW mine AS SELECT 'a'::text::debversion < 'b'::text::debversion AS v",
    "CREATE DOMAIN mine AS debversion",
    "CREATE CAST (debversion AS json) WITH INOUT -- mine",
    "CREATE OPERATOR CLASS mine FOR TYPE debversion USING btree AS OPERATOR 1 < (debversion, debversion), "
    "OPERATOR 3 = (debversion, debversion), FUNCTION 1 debversion_cmp(debversion, debversion)",
    "CREATE AGGREGATE mine(debversion) (SFUNC = debversion_larger, STYPE = debversion)",
])
def test_debversion_down_does_not_reach_what_others_built_on_it(other, user):
    DEBVERSION.up(other)
    other.execute(user)
    before = other.column(LEFT)
    error = other.refused(DEBVERSION.sections["down"])
    assert error.sqlstate == "2BP01"
    assert "mine" in error.args[0] + (error.detail or "") or "cast from debversion to json" in error.args[0]
    assert other.column(LEFT) == before


def test_debversion_loaded_by_hand_stays(empty):
    empty.execute(scratch.debversion_script())
    DEBVERSION.up(empty)
    DEBVERSION.down(empty)
    check_debversion(empty)
