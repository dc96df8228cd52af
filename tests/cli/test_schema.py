"""holdfast schema: what it shows is what is there, what it dumps can be loaded, what it compares is different."""

import html.parser
import json
import re
import shutil
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


def test_schema_show_wraps_what_is_wide(tmp_path):
    comment = "ü" * 130 + " " + " ".join(["wörter"] * 40)
    (tmp_path / "0001_a.sql").write_text(f"-- up\nCREATE TABLE public.a (i text DEFAULT 'a   b');\n"
                                         f"COMMENT ON COLUMN public.a.i IS '{comment}';\n")
    lines = ok("schema", "show", "a", "--migrations", tmp_path).splitlines()
    start = lines.index("Columns") + 2
    place = lines[start - 1].index("comment")
    shown = [line[place:] for line in lines[start:]]
    assert [len(line) for line in shown[:2]] == [56, 56] and max(map(len, shown)) <= 56
    assert shown[0] + shown[1] + " ".join(shown[2:]) == comment
    assert "'a   b'::text" in lines[start], "a constant is as it is"


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


@pytest.fixture
def edited(tmp_path):
    """The sample's queries with their metadata, of which one was edited: a query reads something else."""
    shutil.copytree(TOP / "tests/gen/sql", tmp_path / "sql")
    path = tmp_path / "sql/meta/sample/item_latest.json"
    said = path.read_text()
    assert "public.item.mood" in said
    path.write_text(said.replace("public.item.mood", "public.item.note"))
    return tmp_path / "sql"


@pytest.mark.parametrize("verb", [["show", "item"], ["docs", "--format", "html"]])
def test_schema_refuses_metadata_that_somebody_edited(edited, verb):
    where = ["--migrations", edited / "migrations/sample"]
    message = refused(4, "schema", *verb, *where, "--sql", edited)
    assert message.startswith(f"error: --sql {edited}: ") and "its digest does not fit" in message
    assert message.endswith(f"renew it   holdfast gen --sql {edited}\n")
    done = run("schema", *verb, *where, cwd=edited.parent)
    assert done.returncode == 0 and "item_latest" not in done.stdout, "of the default the queries are left out"
    assert verb[0] == "docs" or "the metadata of sql is stale" in done.stderr
    shutil.rmtree(edited / "queries")
    assert "item_latest" in ok("schema", *verb, *where, "--sql", edited), "metadata alone is taken as it is"


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


def test_settings_of_the_session_do_not_count(rich, cluster):
    name = cluster.create(rich.split("///")[1].split("?")[0])
    other = url(cluster, name)
    load(cluster, name, "ALTER TABLE app.animal ADD at timestamptz DEFAULT '2024-01-02 03:04:05+00', ADD d date DEFAULT"
                        " '2024-01-02', ADD i interval DEFAULT '1 day 02:00:00', ADD f float8 DEFAULT '0.1'::float8;")
    text, model = dump(other), ok("-d", other, "schema", "docs", "--format", "json")
    assert "'2024-01-02 03:04:05+00'::timestamp with time zone" in model and "'1 day 02:00:00'::interval" in model
    load(cluster, name, "".join(f"ALTER DATABASE {name} SET {setting};" for setting in (
        "timezone = 'Asia/Tokyo'", "datestyle = 'SQL, DMY'", "intervalstyle = 'iso_8601'", "extra_float_digits = 0",
        "search_path = app, public")))
    assert dump(other) == text
    load(cluster, name, f"ALTER DATABASE {name} SET quote_all_identifiers = on")
    assert ok("-d", other, "schema", "docs", "--format", "json") == model
    cluster.drop(name)


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


# ---- diff ----

BEFORE = """-- up
CREATE TYPE public.mood AS ENUM ('a', 'b');
CREATE TABLE public.gone (i int PRIMARY KEY);
CREATE TABLE public.t (id int PRIMARY KEY, name varchar(10) DEFAULT 'x', dropped text, mood public.mood);
CREATE VIEW public.v AS SELECT id FROM public.t;
CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    -- one
    RETURN 1;
END $$;
COMMENT ON TABLE public.t IS 'old words';
"""
AFTER = """-- up
CREATE TYPE public.mood AS ENUM ('a', 'c', 'b');
CREATE TABLE public.t (mood public.mood, name text NOT NULL, id int PRIMARY KEY, added int CHECK (added > 0));
CREATE INDEX t_name ON public.t (name);
CREATE VIEW public.v AS SELECT id FROM public.t WHERE name <> 'x';
CREATE TABLE public.fresh (i int PRIMARY KEY);
CREATE FUNCTION public.f() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
    -- two
    RETURN 1;
END $$;
"""


@pytest.fixture
def two(tmp_path):
    """Two directories of migrations."""
    for name, text in (("before", BEFORE), ("after", AFTER)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "0001_all.sql").write_text(text)
    return tmp_path / "before", tmp_path / "after"


def differing(*args, **options):
    done = run("schema", "diff", *args, **options)
    assert (done.returncode, done.stderr) == (4, ""), done
    return done.stdout


def test_schema_diff_tells_what_changed(two):
    rows = json.loads(differing(*two, "--json"))
    view = [row for row in rows if row["kind"] == "view"]
    assert [(row["property"], "WHERE" in row["was"], "WHERE" in row["is"]) for row in view] == [("definition", False, True)]
    found = [(row["change"], row["kind"], row["parent"], row["name"], row["property"], row["was"], row["is"])
             for row in rows if row["kind"] not in ("view", "function")]
    assert found == [
        ("changed", "enum", None, "mood", "labels", "'a', 'b'", "'a', 'c', 'b'"),
        ("added", "table", None, "fresh", None, None, None),
        ("removed", "table", None, "gone", None, None, None),
        ("changed", "table", None, "t", "comment", "old words", None),
        ("added", "column", "t", "added", None, None, None),
        ("removed", "column", "t", "dropped", None, None, None),
        ("changed", "column", "t", "name", "type", "character varying(10)", "text"),
        ("changed", "column", "t", "name", "default", "'x'::character varying", None),
        ("changed", "column", "t", "name", "not_null", None, "yes"),
        ("added", "constraint", "t", "t_added_check", None, None, None),
        ("added", "index", "t", "t_name", None, None, None),
    ], "the order of columns does not count, and what goes with a table is not listed"
    back = json.loads(differing(*reversed(two), "--json"))
    assert len(back) == len(rows)
    assert {(row["name"], row["property"], row["is"], row["was"]) for row in back} == {
        (row["name"], row["property"], row["was"], row["is"]) for row in rows}


def test_schema_diff_for_people(two):
    text = differing(*two)
    assert "~ enum public.mood\n    labels  'a', 'b' -> 'a', 'c', 'b'\n" in text
    assert "+ table public.fresh\n- table public.gone\n" in text
    assert ("~ column public.t.name\n    type  character varying(10) -> text\n"
            "    default  'x'::character varying -> (none)\n    not_null  (none) -> yes\n") in text
    assert "~ function public.f()\n    definition\n        -     -- one\n        +     -- two\n" in text


def test_schema_diff_of_equal_ones(two, rich, janitor, cluster, tmp_path):
    done = run("schema", "diff", two[0], two[0])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "no differences\n")
    assert ok_json("schema", "diff", JANITOR, janitor) == []
    assert ok_json("-d", janitor, "schema", "diff", JANITOR) == []
    kept = tmp_path / "rich.json"
    kept.write_text(ok("-d", rich, "schema", "docs", "--format", "json"))
    assert ok_json("schema", "diff", kept, rich) == []
    assert ok_json("schema", "diff", "-", kept, input=kept.read_text()) == []
    copy = cluster.create()
    load(cluster, copy, dump(rich))
    assert ok_json("schema", "diff", rich, url(cluster, copy)) == [], "a dump loses nothing of what we know"


CHANGES = {
    "ALTER TABLE app.person ALTER COLUMN name SET STATISTICS 10": ("column", "name", "statistics"),
    "ALTER TABLE app.person ALTER COLUMN body SET STORAGE MAIN": ("column", "body", "storage"),
    "ALTER TABLE app.person ALTER COLUMN mood SET DEFAULT 'happy'": ("column", "mood", "default"),
    "ALTER TABLE app.person ALTER COLUMN id SET GENERATED BY DEFAULT": ("column", "id", "identity"),
    "COMMENT ON INDEX app.person_name IS 'other'": ("index", "person_name", "comment"),
    "COMMENT ON POLICY own ON app.person IS NULL": ("policy", "own", "comment"),
    "ALTER TABLE app.house ENABLE TRIGGER many": ("trigger", "many", "enabled"),
    "ALTER TABLE app.person NO FORCE ROW LEVEL SECURITY": ("table", "person", "row_security"),
    "ALTER TABLE app.person SET (fillfactor = 71)": ("table", "person", "options"),
    "ALTER TABLE app.scratch SET LOGGED": ("table", "scratch", "persistence"),
    "ALTER SEQUENCE app.ticket NO CYCLE": ("sequence", "ticket", "cycle"),
    "ALTER TYPE app.mood ADD VALUE 'last'": ("enum", "mood", "labels"),
    "ALTER DOMAIN app.small DROP CONSTRAINT below_ten": ("constraint", "below_ten", None),
    "ALTER DOMAIN app.positive SET DEFAULT 2": ("domain", "positive", "default"),
    "DROP RULE no_delete ON app.animal": ("rule", "no_delete", None),
    "DROP STATISTICS app.person_stats": ("statistics", "person_stats", None),
    "DROP OPERATOR app.=== (text, text)": ("other", "operator app.===(pg_catalog.text,pg_catalog.text)", None),
    "ALTER TABLE app.event DETACH PARTITION app.event_rest": ("table", "event_rest", "partition_of"),
    "ALTER FUNCTION app.touch() COST 5": ("function", "touch()", "definition"),
    "ALTER EXTENSION citext SET SCHEMA app": ("extension", "citext", "schema"),
    "ALTER TABLE app.person VALIDATE CONSTRAINT person_home_fkey": ("constraint", "person_home_fkey", "definition"),
    "REFRESH MATERIALIZED VIEW app.summary": None,
}


def test_schema_diff_sees_every_kind_of_change(rich, cluster):
    copy = cluster.create(rich.split("///")[1].split("?")[0])
    load(cluster, copy, ";\n".join(CHANGES) + ";")
    rows = json.loads(differing(rich, url(cluster, copy), "--json"))
    found = {(row["kind"], row["name"], row["property"]) for row in rows}
    for change, expected in CHANGES.items():
        assert expected is None or expected in found, change
    assert not [row for row in rows if row["name"] == "summary"], "rows are no schema"


def test_schema_diff_refuses_what_is_no_schema(two, tmp_path, rich):
    assert refused(2, "schema", "diff", tmp_path / "nowhere", two[0]).startswith(
        f"error: {tmp_path}/nowhere: No such file or directory\n  a side is a URL")
    bad = tmp_path / "bad.json"
    for text, message in (("{}", "a schema is a JSON array"), ("[\n{]", "line 2, column 2:"),
                          ('[{"kind":"elephant","name":"x"}]', "item 1"), ('[{"kind":"table"}]', "item 1"),
                          ('[{"kind":"table","name":"x","properties":{"a":1}}]', "item 1"), ("", "line 1")):
        bad.write_text(text)
        assert f"error: {bad}: {message}" in refused(1, "schema", "diff", bad, two[0])
    assert refused(2, "-d", rich, "schema", "diff", *two) == "error: two sides and a flag that names a database are three\n"
    assert refused(2, "schema", "diff", two[0]).startswith("error: no database is named\n")


# ---- docs ----

def docs(where, into, *flags):
    return {row["file"]: row["state"] for row in ok_json("-d", where, "schema", "docs", "--into", into, *flags)}


def tree(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_schema_docs_writes_a_page_per_table(rich, tmp_path):
    into = tmp_path / "a/b"
    states = docs(rich, into)
    assert set(states.values()) == {"written"}
    assert {"README.md", "app.person.md", "app.event_2023_a.md", "app.adults.md", "app.summary.md", "types.md", "functions.md",
            "sequences.md", "=4Fdd=20=22=53chema=22.=53el=2Eect.md"} <= set(states)
    assert set(states) == set(tree(into))
    page = (into / "app.person.md").read_text()
    assert "\npeople; 'quoted', with a \\| pipe and &lt;tags> &amp; \"more\"\n" in page
    assert "| `mood` | [`app.mood`](types.md#app.mood) | yes | `'so, so'::app.mood` |" in page
    assert "| `email` | [`public.citext`]" not in page, "types of extensions have no page"
    assert "where<br>to write to" in page
    assert "`unique btree (lower(name) text_pattern_ops DESC NULLS LAST) INCLUDE (mood)" in page
    assert "[`app.house`](app.house.md)" in page and "on a policy" in page and "on statistics" in page
    for other in into.glob("*.md"):
        assert other.read_text().startswith("<!-- made by `holdfast schema docs`; edits are lost -->\n# ")
    readme = (into / "README.md").read_text()
    assert "```mermaid\nerDiagram\n" in readme and "| citext | extension |" in readme

    assert "`btree (app.twice(home), ((name \\|\\| (email)::text)))`" in page
    for file, text in tree(into).items():
        for table in re.findall(r"(?:^\|.*\n)+", text.decode(), re.M):
            bars = {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}
            assert len(bars) == 1, (file, table)
        for target, mark in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", text.decode()):
            assert (into / target).exists(), (file, target)
            assert not mark or f'<a id="{mark}"></a>' in (into / target).read_text(), (file, target, mark)


def test_schema_docs_tell_queries(janitor, tmp_path):
    docs(janitor, tmp_path, "--sql", TOP / "sql")
    page = (tmp_path / "public.queue.md").read_text()
    meta = {f"{path.parent.name}/{path.stem}": json.loads(path.read_text()) for path in sorted(TOP.glob("sql/meta/*/*.json"))}

    def touching(what, name):
        return ", ".join(query for query, said in meta.items() if name in said.get(what, ()))

    for column in ("requester", "bucket"):
        read, written = touching("reads", f"public.queue.{column}"), touching("writes", f"public.queue.{column}")
        assert "janitor/queue_list" in read and "janitor/queue_add" in written
        assert f"| `{column}` | {read} | {written} |" in page.splitlines()
    assert f"| (rows) | {touching('reads', 'public.queue')} | {touching('writes', 'public.queue')} |" in page.splitlines()
    assert "janitor/queue_delete" in touching("writes", "public.queue"), "rows as a whole"


def test_schema_docs_check(rich, cluster, tmp_path):
    name = cluster.create(rich.split("///")[1].split("?")[0])
    where = url(cluster, name)
    docs(where, tmp_path)
    (tmp_path / "mine.md").write_text("# words of my own\n")
    before = tree(tmp_path)
    assert set(docs(where, tmp_path).values()) == {"unchanged"} and tree(tmp_path) == before, "the same bytes again"
    assert set(docs(where, tmp_path, "--check").values()) == {"current"}
    load(cluster, name, "COMMENT ON TABLE app.animal IS 'new'; DROP TABLE app.scratch; CREATE TABLE app.fresh (i int);")
    done = run("-d", where, "schema", "docs", "--into", tmp_path, "--check", "--json")
    assert (done.returncode, done.stderr) == (4, "")
    wrong = {row["file"]: row["state"] for row in json.loads(done.stdout) if row["state"] != "current"}
    assert {"app.animal.md": "stale", "app.fresh.md": "missing", "app.scratch.md": "left-over"}.items() <= wrong.items()
    assert "mine.md" not in wrong and tree(tmp_path) == before, "--check writes nothing"
    assert f"renew them: holdfast schema docs --into {tmp_path}" in run("-d", where, "schema", "docs", "--into", tmp_path,
                                                                      "--check").stderr
    assert docs(where, tmp_path)["app.scratch.md"] == "removed"
    assert not (tmp_path / "app.scratch.md").exists() and (tmp_path / "mine.md").exists()
    assert set(docs(where, tmp_path, "--check").values()) == {"current"}


def test_schema_docs_as_html(rich, tmp_path):
    text = ok("-d", rich, "schema", "docs", "--format", "html", "--title", "<T> & more")
    assert text.startswith("<!doctype html>") and "<title>&#60;T&#62; &#38; more</title>" in text
    assert "people; 'quoted', with a | pipe and &#60;tags&#62; &#38; &#34;more&#34;" in text
    assert "http://" not in text and "https://" not in text and "src=" not in text, "nothing from elsewhere"

    ids, links, stack = [], [], []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            attrs = dict(attrs)
            ids.extend(filter(None, [attrs.get("id")]))
            links.extend(filter(None, [attrs.get("href")]))
            if tag not in ("meta", "input"):
                stack.append(tag)

        def handle_endtag(self, tag):
            assert stack.pop() == tag

    Reader().feed(text)
    assert stack == [] and len(ids) == len(set(ids))
    assert {link.lstrip("#") for link in links} <= set(ids)
    assert docs(rich, tmp_path, "--format", "html", "--title", "<T> & more") == {"schema.html": "written"}
    assert (tmp_path / "schema.html").read_text() == text


def test_schema_docs_as_diagrams(rich, tmp_path):
    mermaid = ok("-d", rich, "schema", "docs", "--format", "mermaid")
    assert mermaid.startswith("erDiagram\n")
    assert '    app__person["app.person"] {\n        integer id PK\n' in mermaid
    assert '    app__house }o--|| app__person : "owner"\n    app__person }o--o| app__house : "home"\n' in mermaid
    assert "event_2023" not in mermaid, "partitions are their parent"
    dot = ok("-d", rich, "schema", "docs", "--format", "dot")
    assert dot.startswith("digraph schema {\n") and dot.count("{") == dot.count("}")
    assert '  "app.house":r1 -> "app.person":l0;\n' in dot and '"app.person":r7 -> "app.house":l0 [style=dashed];' in dot
    assert docs(rich, tmp_path, "--format", "dot") == {"schema.dot": "written"}


def test_schema_docs_refuses_flags_that_do_not_fit(rich, tmp_path):
    assert refused(2, "-d", rich, "schema", "docs") == (
        "error: Markdown is a folder of pages: name it with --into DIR\n"
        "  one text on standard output   --format html, json, mermaid or dot\n")
    assert refused(2, "-d", rich, "schema", "docs", "--check", "--format", "html") == (
        "error: --check compares with the files of --into DIR\n")
    assert refused(2, "-d", rich, "schema", "docs", "--format", "pdf").startswith("error: ")
    (tmp_path / "file").write_text("")
    done = run("-d", rich, "schema", "docs", "--into", tmp_path / "file/x")
    assert done.returncode == 1 and "could not make folder" in done.stderr
    done = run("-d", rich, "schema", "docs", "--into", tmp_path / "none", "--check")
    assert done.returncode == 4 and not (tmp_path / "none").exists()
    assert refused(2, "-d", rich, "schema", "docs", "--into", "") == 'error: --into "" names no folder\n'


def test_schema_docs_of_many_tables_in_all_formats(cluster, tmp_path):
    name = cluster.create()
    load(cluster, name, "".join(f"CREATE TABLE t{i} (i int);" for i in range(150)))
    assert {f"public.t{i}.md" for i in range(150)} <= set(docs(url(cluster, name), tmp_path)), "room for any number of pages"
    for form in ("json", "html", "mermaid", "dot"):
        text = ok("-d", url(cluster, name), "schema", "docs", "--format", form)
        rows = ok_json("-d", url(cluster, name), "schema", "docs", "--format", form)
        assert [(row["state"], row["text"]) for row in rows] == [(None, text)] and "t149" in text


def test_schema_docs_leave_what_they_cannot_replace(rich, tmp_path):
    docs(rich, tmp_path)
    whole = set(tree(tmp_path))
    (tmp_path / "types.md").write_text("not current\n")
    (tmp_path / "types.md.new").symlink_to("/dev/full")
    done = run("-d", rich, "schema", "docs", "--into", tmp_path)
    assert (done.returncode, done.stderr) == (1, f"error: could not write {tmp_path}/types.md: No space left on device\n")
    assert {path.name for path in tmp_path.iterdir()} == whole, "nothing new"
    assert (tmp_path / "types.md").read_text() == "not current\n", "nothing half"
    (tmp_path / "types.md").unlink()
    (tmp_path / "types.md").mkdir()
    for flag in ((), ("--check",)):
        done = run("-d", rich, "schema", "docs", "--into", tmp_path, *flag)
        assert (done.returncode, done.stderr) == (1, f"error: could not read {tmp_path}/types.md: Is a directory\n")
    (tmp_path / "types.md.new").mkdir()
    (tmp_path / "types.md").rmdir()
    done = run("-d", rich, "schema", "docs", "--into", tmp_path)
    assert (done.returncode, done.stderr) == (1, f"error: could not make {tmp_path}/types.md.new: Is a directory\n")


def test_schema_docs_read_no_more_than_a_schema_can_be(tmp_path, two):
    long = tmp_path / "long.json"
    with open(long, "wb") as file:
        file.truncate((256 << 20) + 1)
    assert refused(1, "schema", "diff", long, two[0]) == f"error: {long} is longer than 256 MiB\n"
