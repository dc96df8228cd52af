"""holdfast gen: the compiler behind it, its exit codes, its flags."""

import json
import shutil
import subprocess

import pytest

from command import BUILD, TOP, environment, ok, refused, run

SAMPLE = TOP / "tests" / "gen" / "sql"


@pytest.fixture
def sql(tmp_path):
    shutil.copytree(SAMPLE, tmp_path / "sql")
    return tmp_path / "sql"


def test_gen_renews_the_metadata(sql, tmp_path):
    queries = sql / "queries/sample/items.sql"
    queries.write_text(queries.read_text() + "\n-- name: item_newest :one\nSELECT max(id) AS id FROM item;\n")
    stale = run("gen", "--check", "--sql", sql)
    assert stale.returncode == 4 and 'query "item_newest" has no metadata' in stale.stderr
    assert run("gen", "--sql", sql, "--group", "sample", "--into", tmp_path / "out").returncode == 0  # it warns of money
    assert json.loads((sql / "meta/sample/item_newest.json").read_text())["columns"][0]["nullable"] is True
    assert "item_newest(" in (tmp_path / "out/sample/items.h").read_text()
    assert ok("gen", "--check", "--sql", sql) == ""
    assert ok("gen", "--offline", "--sql", sql, "--into", tmp_path / "again") == ""
    assert (tmp_path / "again/sample/items.c").read_bytes() == (tmp_path / "out/sample/items.c").read_bytes()


def test_gen_reports_wrong_queries(sql):
    queries = sql / "queries/sample/items.sql"
    queries.write_text(queries.read_text().replace("SELECT count(*) AS total", "SELECT cout(*) AS total"))
    message = refused(1, "gen", "--sql", sql)
    assert f"{queries}:14:8: error: function cout() does not exist (SQLSTATE 42883)" in message


def test_gen_reports_as_json(sql):
    assert ok("gen", "--check", "--sql", sql, "--json") == "[]\n"
    queries = sql / "queries/sample/items.sql"
    queries.write_text(queries.read_text().replace("-- timeout: 2s", "-- timeout: 2h").replace("max(id)", "min(id)"))
    done = run("gen", "--check", "--sql", sql, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    wrong, stale = json.loads(done.stdout)
    assert wrong == {"path": str(queries), "line": 6, "column": 13, "level": "error", "rule": None, "message": '"2h" is not a timeout',
                     "hint": "a number with ms, s or min, at most a day: 500ms, 2s, 5min", "query": "item_add (:one)"}
    assert (stale["level"], stale["line"]) == ("stale", 13)


@pytest.mark.parametrize(
    "flags, message",
    [(["--check", "--into", "x"], "--check writes nothing, --into does"),
     (["--check", "--offline"], "--check writes nothing, --offline does"),
     (["--offline"], "--offline needs --into DIR"),
     (["--check", "-d", "x=1"], "--check needs no --database"),
     (["--build", "make"], "--build goes with --init"),
     (["--offline", "--fake"], "--fake needs --into DIR"),
     (["--init", "--check"], "--init writes a new project: only --build and --into go with it"),
     (["--check", "-o", "csv"], "gen answers in words or in JSON, in no other format"),
     (["describe", "x.sql", "-o", "tsv"], "gen answers in words or in JSON, in no other format"),
     (["verify", "--against", "x", "-o", "raw"], "gen answers in words or in JSON, in no other format"),
     (["--group", "a"] * 21, "--group may stand at most 20 times")],
)
def test_gen_refuses_flags_that_do_not_fit(flags, message):
    assert refused(2, "gen", *flags) == f"error: {message}\n"


@pytest.mark.parametrize("verb", [["--check"], ["describe", "x.sql"], ["verify", "--against", "x"]])
def test_gen_has_no_fields_to_choose(verb):
    message = json.loads(refused(2, "gen", *verb, "--json=path"))["error"]["message"]
    assert message == "gen has no fields to choose: --json alone, and jq behind it"


def test_gen_with_a_database_that_is_not_there(sql):
    assert refused(7, "gen", "--sql", sql, "-d", "host=/nowhere dbname=x").startswith("holdfast-gen: ")


def test_gen_verify_lists_what_broke(sql, tmp_path):
    shutil.copytree(sql / "meta", tmp_path / "old")
    assert ok("gen", "verify", "--against", tmp_path / "old", "--sql", sql) == ""
    (sql / "migrations/sample/0002_new.sql").write_text("-- up\nALTER TABLE item RENAME COLUMN note TO remark;\n")
    message = refused(1, "gen", "verify", "--sql", sql, "--against", tmp_path / "old", "--group", "sample")
    assert f"{tmp_path}/old/sample/item_by_id.json: error: column \"note\" does not exist (SQLSTATE 42703)" in message
    done = run("gen", "--json", "verify", "--sql", sql, "--against", tmp_path / "old")
    assert (done.returncode, done.stderr) == (1, "")
    assert {"item_by_id (:opt)"} <= {finding["query"] for finding in json.loads(done.stdout)}


def test_gen_verify_refuses_what_is_no_metadata(tmp_path):
    assert refused(2, "gen", "verify") == "error: gen verify needs --against DIR: the metadata of the running release\n"
    assert "holds no metadata" in refused(2, "gen", "verify", "--against", tmp_path)
    assert "unknown flag" in refused(2, "gen", "verify", "--against", tmp_path, "--check")
    assert "did you mean   holdfast gen verify" in refused(2, "gen", "verfy")


# ---- init ----


@pytest.mark.parametrize("system, build_file", [("make", "Makefile"), ("cmake", "CMakeLists.txt"), ("meson", "meson.build")])
def test_gen_init_writes_the_example(system, build_file, tmp_path):
    done = run("gen", "--init", "--build", system, "--into", tmp_path / "new")
    assert done.returncode == 0 and done.stderr.startswith("next: holdfast gen")
    example = TOP / "examples" / system
    written = sorted(str(path.relative_to(tmp_path / "new")) for path in (tmp_path / "new").rglob("*") if path.is_file())
    assert sorted(line.removeprefix(f"{tmp_path}/new/") for line in done.stdout.splitlines()) == written
    assert build_file in written and "main.c" in written and any(name.startswith("sql/queries/app/") for name in written)
    for name in written:
        assert (tmp_path / "new" / name).read_bytes() == (example / name).read_bytes()


def test_gen_init_overwrites_nothing(tmp_path):
    (tmp_path / "main.c").write_text("mine")
    assert "main.c exists already; nothing was written" in refused(5, "gen", "--init", cwd=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["main.c"] and (tmp_path / "main.c").read_text() == "mine"
    (tmp_path / "main.c").unlink()
    assert "Makefile" in json.loads(ok("gen", "--init", "--json", cwd=tmp_path))


# ---- describe ----

MIGRATION = """-- up
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, nick text, mood mood NOT NULL);
"""


@pytest.fixture
def loose(tmp_path):
    """A folder with migrations and a function that writes files of statements into it."""
    (tmp_path / "db").mkdir()
    (tmp_path / "db/0001_x.sql").write_text(MIGRATION)

    def write(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    write.db = tmp_path / "db"
    return write


def column(name, type, nullable, rule):
    return {"name": name, "type": type, "nullable": nullable, "rule": rule}


def test_gen_describe_answers_in_order(loose):
    b = loose("b.sql", "-- name: people :many\nSELECT p.id, q.id, 1, q.name FROM person p LEFT JOIN person q ON q.nick = p.name\n"
                       "WHERE p.id = :low AND p.id < $1;\n")
    empty = loose("empty.sql", "")
    a = loose("a.sql", "SELECT mood, row(1, name), '{}'::aclitem[] AS acl FROM person;\n\nDELETE FROM person WHERE id = :id;\n")
    rows = json.loads(ok("gen", "describe", b, empty, a, "--migrations", loose.db, "--json"))
    assert [(row["name"], row["cardinality"]) for row in rows] == [("people", "many"), ("a", "many"), ("a_2", "exec")]
    assert rows[0]["columns"] == [column("id", "int4", False, "table-column"), column("id_2", "int4", True, "unproven"),
                                  column("column3", "int4", False, "constant"), column("name", "text", True, "unproven")]
    assert [(param["type"], param["nullable"]) for param in rows[0]["params"]] == [("int4", False), ("int4", False)]
    assert rows[0]["params"][1]["name"] == "low"
    assert [(c["name"], c["type"]) for c in rows[1]["columns"]] == [
        ("mood", "public.mood"), ("row", "record"), ("acl", "aclitem[]")]
    assert rows[2]["columns"] == [] and rows[2]["params"] == [{"name": "id", "type": "int4", "nullable": False}]


def test_gen_describe_prints_what_is_right_beside_what_is_wrong(loose):
    file = loose("q.sql", "-- name: bad :one\nSELECT emial FROM person;\n-- name: worse :one\nSELECT 'x;\n"
                          "-- name: good :one\nSELECT count(*) FROM person;\n-- name: all_of_them :exec\n"
                          "UPDATE person SET nick = :nick;\n-- name: odd :weird\nSELECT 1 AS one;\n")
    done = run("gen", "describe", file, "--migrations", loose.db, "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 1
    assert [(row["name"], row["cardinality"]) for row in rows] == [("good", "one"), ("all_of_them", "exec"), ("odd", "many")]
    assert rows[1]["params"] == [{"name": "nick", "type": "text", "nullable": True}]
    assert f'{file}:2:8: error: column "emial" does not exist (SQLSTATE 42703)\n' in done.stderr
    assert "    2 | SELECT emial FROM person;\n      |        ^^^^^\n" in done.stderr
    assert f"{file}:4:8: error: unterminated quoted string\n" in done.stderr
    assert f"{file}:8:1: warning: UPDATE without WHERE changes every row [no-where]\n" in done.stderr
    assert f'{file}:9:14: warning: unknown cardinality ":weird"\n' in done.stderr


def test_gen_describe_goes_on_behind_a_word_that_is_no_token(loose):
    file = loose("q.sql", 'SELECT 1;\nSELECT "" FROM person;\nSELECT 3 AS c;\nSELECT 4x + 1y;\n1z;SELECT 5 AS e;\n')
    done = run("gen", "describe", file, "--migrations", loose.db, "--json")
    assert done.returncode == 1
    assert [(row["name"], [c["name"] for c in row["columns"]]) for row in json.loads(done.stdout)] == [
        ("q", ["column1"]), ("q_3", ["c"]), ("q_5", ["e"])]
    assert f"{file}:2:8: error: zero-length delimited identifier\n" in done.stderr
    assert '    2 | SELECT "" FROM person;\n      |        ^^\n' in done.stderr
    assert done.stderr.count(" error: ") == 4


def test_gen_describe_shows_the_part_of_a_long_line(loose):
    file = loose("q.sql", "SELECT 1 AS ü, " + "'é', " * 1000 + "emial" + ", 'ö'" * 1000 + " FROM person;\n")
    done = run("gen", "describe", file, "--migrations", loose.db)
    line, caret = done.stderr.splitlines()[1:3]
    assert done.returncode == 1 and 60 < len(line) < 120
    assert "emial" in line and caret == " " * 6 + "| " + " " * (line.index("emial") - 8) + "^^^^^"


def test_gen_describe_is_satisfied_with_warnings(loose):
    file = loose("q.sql", "-- name: GetIt :one\nDELETE FROM person;\n")
    done = run("gen", "describe", file, "--migrations", loose.db)
    assert (done.returncode, done.stdout) == (0, "GetIt :one\n")
    assert "warning: DELETE without WHERE changes every row" in done.stderr


def test_gen_describe_removes_no_query_for_a_check(loose):
    statements = ["-- name: not_one :one\nSELECT id FROM person WHERE name = :name;", "-- name: any_three :many\nSELECT id FROM person LIMIT 3;",
                  "-- name: drop :exec\nSELECT id FROM person;", "-- name: none :many\nUPDATE person SET nick = :nick;",
                  "-- name: two :many\n-- wherever: yes\nSELECT 1 AS a, 2 AS a;", "-- name: bare :one\nSELECT :x;"]
    done = run("gen", "describe", loose("q.sql", "\n".join(statements)), "--migrations", loose.db, "--json")
    assert done.returncode == 0 and " error: " not in done.stderr
    assert [row["name"] for row in json.loads(done.stdout)] == ["not_one", "any_three", "drop", "none", "two", "bare"]
    assert done.stderr.count(": warning: ") >= 6


def test_gen_describe_merges_variants(loose):
    """What any variant may be, the query may be: with fewer parts less is proven, and each takes parameters of its own."""
    file = loose("q.sql", "SELECT id, nick, coalesce(/*? named */ :other::text, /*?*/ nick) AS shown FROM person WHERE true "
                          "/*? called */ AND nick = :nick /*?*/ /*? young */ AND id > :least /*?*/\n"
                          "/*order: newest = id DESC | near = abs(id - :near) | name = name */ LIMIT :at_most;\n")
    (row,) = json.loads(ok("gen", "describe", file, "--migrations", loose.db, "--json"))
    assert [param["name"] for param in row["params"]] == ["other", "nick", "least", "at_most", "near"]
    assert [(c["name"], c["nullable"], c["rule"]) for c in row["columns"]] == [
        ("id", False, "table-column"), ("nick", True, "unproven"), ("shown", True, "unproven")]
    assert "LIMIT without ORDER BY" not in run("gen", "describe", file, "--migrations", loose.db).stderr


def test_gen_describe_proves_what_holds_in_every_variant(loose):
    file = loose("q.sql", "SELECT id, nick FROM person WHERE nick > 'a' /*? called */ AND nick = :nick /*?*/;\n"
                          "SELECT b.id FROM person a /*? all */ LEFT /*?*/ JOIN person b ON b.name = a.name;\n")
    rows = json.loads(ok("gen", "describe", file, "--migrations", loose.db, "--json"))
    assert [[(c["nullable"], c["rule"]) for c in row["columns"]] for row in rows] == [
        [(False, "table-column"), (False, "where")], [(True, "unproven")]]


def test_gen_describe_refuses_a_variant_that_the_server_refuses(loose):
    file = loose("q.sql", "SELECT id FROM person /*? all */ WHERE id > 1 AND /*?*/ name = 'x';\nSELECT 1 AS a;\n")
    done = run("gen", "describe", file, "--migrations", loose.db, "--json")
    assert done.returncode == 1 and ':1:62: error: syntax error at or near "="' in done.stderr
    assert "variant without fragments" in done.stderr
    assert [row["columns"][0]["name"] for row in json.loads(done.stdout)] == ["a"]


@pytest.mark.parametrize("text, warnings", [
    ("SELECT id /*?? what is that */ FROM person", ["cannot be the name of a fragment"]),
    ("SELECT id /*? a */ FROM person", ['fragment "a" has no end']),
    ("SELECT id FROM person /*?*/", ["no fragment to end here"]),
    ("SELECT id FROM person WHERE id = $1 /*? a */ AND true /*?*/", ["a statement with variants names its parameters"]),
    ("SELECT id FROM person /*order: id */", ['a choice of orders is a name, "=" and what to order by']),
    ("SELECT id FROM person WHERE true " + "".join(f"/*? x{i} */ AND id > {i} /*?*/ " for i in range(40)),
     ["40 fragments and 0 orders make more than 64 variants of the statement"]),
    ("SELECT id /*? more */, 2 AS b /*?*/ FROM person", ["a variant returns 1 columns, the one with everything 2"]),
    ("SELECT id FROM person WHERE id = :has_a /*? b */ AND id = :a AND id = :with_b /*?*/",
     ['parameter "with_b" and the switch "with_b" are the same in C']),
    ("SELECT :x AS x, id FROM person /*? a */ WHERE true /*?*/ /*? b */ ORDER BY 1 /*?*/",
     ['nothing tells the type of parameter "x": the server takes text']),
    ("SELECT id FROM person /*? a */ WHERE :x = 1 /*?*/ /*? b */ LIMIT :x /*?*/", None),
])
def test_gen_describe_only_warns_of_variants_that_do_not_fit(loose, text, warnings):
    done = run("gen", "describe", loose("q.sql", f"-- name: q :many\n{text};\n"), "--migrations", loose.db, "--json")
    found = [line.split(": warning: ")[1] for line in done.stderr.splitlines() if ": warning: " in line]
    assert done.returncode == 0 and " error: " not in done.stderr, done.stderr
    assert [c["name"] for c in json.loads(done.stdout)[0]["columns"]][-1:] in (["id"], ["b"])
    assert warnings is None or (len(found) == len(warnings) and all(w in f for w, f in zip(warnings, found))), found


def test_gen_describe_names_twice(loose):
    one, other = loose("x.sql", "-- name: a :one\nSELECT 1 AS n;\n-- name: a :one\nSELECT 2 AS m;\n"), loose("y.sql", "SELECT 1;")
    done = run("gen", "describe", one, other, one, "--json")
    assert done.returncode == 1 and f"{one}:3:10: error: second query with the name \"a\"\n" in done.stderr
    assert [row["name"] for row in json.loads(done.stdout)] == ["a", "y", "a"]


def test_gen_describe_takes_bare_migrations(loose):
    (loose.db / "0002_more.sql").write_text("-- of another tool\nCREATE TABLE more (a int NOT NULL);\n-- down\nDROP TABLE more;\n")
    (loose.db / "20260314101500_last.up.sql").write_text("ALTER TABLE more ADD b int;\n")
    (loose.db / "20260314101500_last.down.sql").write_text("ALTER TABLE more DROP b;\n")
    file = loose("q.sql", "SELECT a, b FROM more;")
    assert ok("gen", "describe", file, "--migrations", loose.db) == (
        "q :many\n  column  a  int4  not null  table-column\n  column  b  int4  nullable  unproven\n")


def test_gen_describe_names_a_migration_that_fails(loose):
    (loose.db / "0002_more.sql").write_text("CREATE TABLE fine (a int);\nCREATE TABLE more (a itn);\n")
    message = refused(1, "gen", "describe", loose("q.sql", "SELECT 1;"), "--migrations", loose.db, "--json")
    assert 'type "itn" does not exist' in message and "0002_more.sql:2" in message


def test_gen_describe_passes_over_a_byte_order_mark(loose):
    assert ok("gen", "describe", loose("q.sql", "\ufeff-- name: a :one\nSELECT 1 AS n;\n")).startswith("a :one\n")


def test_gen_describe_on_a_database_that_is_not_there(loose):
    assert refused(7, "gen", "describe", loose("q.sql", "SELECT 1;"), "-d", "host=/nowhere dbname=x").startswith("holdfast-gen: ")


def test_gen_describe_refuses_two_places(loose):
    message = refused(2, "gen", "describe", "x.sql", "--migrations", loose.db, "-d", "postgres:///x")
    assert message == "error: --migrations is for a private server, --database names another\n"
    assert "could not read /nowhere.sql" in refused(2, "gen", "describe", "/nowhere.sql")
    assert "could not open directory /nowhere" in refused(2, "gen", "describe", loose("q.sql", "SELECT 1;"), "--migrations", "/nowhere")


@pytest.mark.parametrize("program, variable", [
    ("gen/test_gen_round_trip", "HOLDFAST_SAMPLE_MIGRATIONS"), ("janitor/test_janitor_archive", "HOLDFAST_SOURCES_SAMPLE"),
    ("janitor/test_janitor_fetch", "HOLDFAST_ARCHIVE_DATA"), ("core/test_core_schedule_recorded", "HOLDFAST_RECORDED")])
def test_programs_of_tests_say_what_they_need(program, variable):
    """Run by hand, without what Meson sets."""
    done = subprocess.run([BUILD / "tests" / program], env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 2 and f"this test needs {variable}: " in done.stderr, done
