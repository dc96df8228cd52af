"""holdfast schema: what it shows is what is there, what it dumps can be loaded, what it compares is different."""

import json
import subprocess

import pytest

from command import TOP, ok, ok_json, refused, refused_json, run

RICH = TOP / "tests/data/schema/rich.sql"
JANITOR = TOP / "sql/migrations/janitor"


def url(cluster, name, user=None):
    return f"postgresql:///{name}?host={cluster.server.dir}&user={user or cluster.server.user}"


def load(cluster, name, text):
    """As anybody would: psql in one transaction."""
    subprocess.run(["psql", "-X1qv", "ON_ERROR_STOP=1", "-d", url(cluster, name)], input=text, text=True, check=True,
                   capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def rich(cluster):
    """URL of a database with one of everything."""
    name = cluster.create()
    load(cluster, name, RICH.read_text())
    return url(cluster, name)


@pytest.fixture(scope="module")
def janitor(cluster, template):
    return url(cluster, cluster.create(template))


# ---- show ----

def test_schema_show_lists_what_stands_for_itself(rich):
    rows = ok_json("-d", rich, "schema", "show", "--limit", "0")
    found = {(row["kind"], row["schema"], row["name"]) for row in rows}
    assert {("extension", None, "citext"), ("schema", None, 'Odd "Schema"'), ("enum", "app", "mood"),
            ("domain", "app", "small"), ("composite", "app", "nested"), ("range", "app", "span"),
            ("sequence", "app", "ticket"), ("table", "app", "event_2023_a"), ("view", "app", "adults"),
            ("materialized view", "app", "summary"), ("aggregate", "app", "total(integer)"),
            ("procedure", "app", "doit(INOUT n integer)"), ("function", "app", "takes_a_row(p app.person)"),
            ("other", "app", "operator app.===(pg_catalog.text,pg_catalog.text)"),
            ("other", "app", "text search configuration app.search")} <= found
    assert not [row for row in rows if row["parent"] or row["schema"] in ("pg_catalog", "information_schema", "pg_toast")]
    assert not [row for row in rows if "citext" in row["name"] and row["kind"] != "extension"], "members of an extension"


def test_schema_show_tells_all_of_a_table(rich):
    family = ok_json("-d", rich, "schema", "show", "app.person", "--limit", "1")
    by = {(row["kind"], row["name"]): row["properties"] for row in family}
    assert family[0]["kind"] == "table" and family[0]["parent"] is None, "the table comes first, whatever the limit"
    assert by["table", "person"] == {"options": "fillfactor=70, autovacuum_enabled=false", "row_security": "forced",
                                     "comment": "people; 'quoted', with a | pipe and <tags> & \"more\""}
    assert by["column", "id"] == {"type": "integer", "not_null": "yes", "identity": "always"}
    assert by["column", "email"] == {"type": "public.citext", "not_null": "yes", "comment": "where\nto write to"}
    assert by["column", "name"] == {"type": "text", "not_null": "yes", "default": "'no''body'::text", "statistics": "250",
                                    "collation": 'pg_catalog."C"', "options": "n_distinct=-0.5"}
    assert by["column", "doubled"] == {"type": "integer", "generated": "app.twice((rank)::integer)"}
    assert by["column", "body"] == {"type": "text", "storage": "external", "compression": "pglz"}
    assert by["constraint", "person_home_fkey"] == {
        "type": "foreign key", "columns": "home", "references": "app.house", "referenced_columns": "id",
        "definition": "FOREIGN KEY (home) REFERENCES app.house(id) ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED NOT VALID"}
    assert by["constraint", "odd, name"]["comment"] == "on a constraint"
    assert by["index", "person_twice"]["statistics"] == "1: 99"
    assert by["index", "person_pkey"]["constraint"] == "person_pkey" and by["index", "person_pkey"]["clustered"] == "yes"
    assert by["trigger", "person_touch"]["comment"] == "on a trigger"
    assert by["policy", "own"]["restrictive"] == "yes" and by["policy", "own"]["command"] == "update"
    assert by["statistics", "person_stats"]["comment"] == "on statistics"
    assert [row["name"] for row in family if row["kind"] == "column"][:3] == ["id", "email", "name"], "in their order"


def test_schema_show_of_other_things(rich):
    def properties(name):
        (row,) = ok_json("-d", rich, "schema", "show", name)
        return row["properties"]

    assert properties("mood") == {"labels": "'happy', 'so, so', 'it''s bad', 'Ünïcode'",
                                  "comment": "first line\nsecond \\ line"}
    assert properties("app.ticket")["cycle"] == "yes" and properties("ticket")["increment"] == "-3"
    assert properties("span") == {"subtype": "double precision", "subtype_diff": "app.float_distance", "comment": "a range"}
    assert properties("is_fine")["language"] == "plpgsql"
    assert properties("total") == {"arguments": "integer", "returns": "bigint", "language": "internal", "initial": "0",
                                   "volatility": "immutable", "transition": "app.add_up(bigint,integer)",
                                   "state_type": "bigint", "comment": "an aggregate"}
    domain = ok_json("-d", rich, "schema", "show", "positive")
    assert [row["kind"] for row in domain] == ["domain", "constraint"]
    view = {row["name"]: row for row in ok_json("-d", rich, "schema", "show", "adults")}
    assert view["adults"]["properties"]["reads"].splitlines() == [
        "app.house.owner", "app.house.size", "app.person.id", "app.person.mood", "app.person.name", "app.person.rank"]
    assert view["name"]["properties"] == {"type": "text", "default": "'new'::text", "comment": "a column of a view",
                                          "collation": 'pg_catalog."C"'}
    part = {row["name"]: row["properties"] for row in ok_json("-d", rich, "schema", "show", "event_2023_a")}
    assert part["event_2023_a"]["partition_of"] == "app.event_2023"
    assert part["event_2023_a"]["partition_bound"] == "FOR VALUES IN ('a', 'it''s')"
    assert part["n"] == {"type": "integer", "default": "5", "inherited": "and own"} or part["n"]["inherited"] == "yes"


def test_schema_show_on_a_terminal(janitor):
    text = ok("-d", janitor, "schema", "show", "public.queue", "--sql", TOP / "sql")
    lines = text.splitlines()
    assert lines[0] == "table public.queue"
    for word in ("Columns", "Constraints", "Indexes", "Read by views", "Queries"):
        assert word in lines
    assert "\033" not in text
    assert "janitor/queue_add" in text and "public.queue_positions" in text
    assert "\033[1mtable public.queue\033[0m\n" in ok("-d", janitor, "schema", "show", "queue", "--color", "always")


def test_schema_show_of_migrations(tmp_path):
    (tmp_path / "0001_a.sql").write_text("-- up\nCREATE TABLE public.a (i int);\n")
    rows = ok_json("schema", "show", "a", "--migrations", tmp_path)
    assert [(row["kind"], row["name"]) for row in rows] == [("table", "a"), ("column", "i")]
    assert ok_json("--private", "schema", "show", "queue", "--json=name")[0] == {"name": "queue"}


def test_schema_show_refuses_what_is_not_there(rich, tmp_path):
    assert refused(3, "-d", rich, "schema", "show", "persn") == (
        'error: the database has no "persn"\n  did you mean   person\n')
    assert refused_json(3, "-d", rich, "schema", "show", "nobody at all")["code"] == "not-found"
    assert refused(2, "-d", rich, "schema", "show", "--migrations", tmp_path) == (
        "error: --migrations and --database name two databases\n")
    message = refused(2, "-d", rich, "schema", "show", "--sql", tmp_path)
    assert message.startswith("error: --sql: could not read ")
    (tmp_path / "meta/g").mkdir(parents=True)
    (tmp_path / "meta/g/q.json").write_text('{"reads": [\n')
    assert f"{tmp_path}/meta/g/q.json:2: " in refused(1, "-d", rich, "schema", "show", "--sql", tmp_path)


# ---- dump ----

def dump(where, *flags):
    return ok("-d", where, "schema", "dump", *flags)


@pytest.mark.parametrize("what", ["rich", "janitor"])
def test_schema_dump_makes_the_same_again(what, request, cluster):
    where = request.getfixturevalue(what)
    text = dump(where)
    assert text == dump(where)
    copy = cluster.create()
    load(cluster, copy, text)
    assert dump(url(cluster, copy)) == text
    def objects(where):
        return ok_json("-d", where, "schema", "show", "--limit", "0")
    assert objects(url(cluster, copy)) == objects(where)


def test_schema_dump_drops_what_differs_from_run_to_run(rich, janitor):
    text = dump(rich)
    assert text.startswith("--\n-- PostgreSQL database dump\n--\n\nSET statement_timeout = 0;\n")
    assert text.endswith("--\n-- PostgreSQL database dump complete\n--\n")
    outside = text.replace("-- Dumped by pg_dump version of a dream\n/*\n\\restrict not a command of psql\n*/\n", "", 1)
    assert outside != text, "what stands in a function is text"
    for word in ("\\restrict", "\\unrestrict", "Dumped", "OWNER TO", "GRANT"):
        assert word not in outside
    assert "holdfast.migration" not in text
    assert json.loads(ok("-d", rich, "schema", "dump", "--json"))["sql"] == text.rstrip("\n")


def test_schema_dump_of_privileges_and_of_migrations(janitor, cluster, empty, tmp_path):
    (tmp_path / "0001_a.sql").write_text("-- up\nCREATE TABLE public.a (i int);\nGRANT SELECT ON public.a TO PUBLIC;\n")
    text = ok("schema", "dump", "--migrations", tmp_path)
    assert "CREATE TABLE public.a (\n    i integer\n);" in text and "holdfast" not in text and "GRANT" not in text
    text = ok("schema", "dump", "--migrations", tmp_path, "--privileges")
    assert "GRANT SELECT ON TABLE public.a TO PUBLIC;" in text and "OWNER TO holdfast" in text
    assert ok("schema", "dump", "--migrations", JANITOR) == dump(janitor)


def test_schema_dump_refuses_what_it_may_not_read(cluster, empty):
    empty.execute("CREATE ROLE nosy LOGIN; CREATE TABLE public.secret (i int); REVOKE ALL ON public.secret FROM PUBLIC")
    try:
        done = run("-d", url(cluster, empty.name, "nosy"), "schema", "dump")
    finally:
        empty.execute("DROP ROLE nosy")
    assert (done.returncode, done.stdout) == (1, ""), "nothing is printed of a dump that is not whole"
    assert done.stderr.endswith("pg_dump ended with 1: query failed: ERROR:  permission denied for table secret\n")
    assert refused(2, "schema", "dump").startswith("error: no database is named\n")


def test_schema_dump_with_another_pg_dump(rich, tmp_path):
    program = tmp_path / "pg_dump"
    program.write_text("#!/bin/sh\necho '-- half'\necho broken >&2\nexit 3\n")
    program.chmod(0o755)
    done = run("-d", rich, "schema", "dump", env={"HOLDFAST_PG_BIN": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"error: {program} ended with 3: broken\n"
