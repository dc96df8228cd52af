"""Offline metadata: staleness, determinism, what is written and what is left alone; and the command line. No server
is needed but where a test says so."""

import json
import os
import pathlib
import shutil
import tempfile

import pytest

import compiler

ITEMS = "queries/sample/items.sql"
CHOICES = "queries/sample/choices.sql"
BOUNDS = "queries/sample/bounds.sql"


@pytest.fixture
def sql(tmp_path):
    """A copy of the sample tree whose metadata is right."""
    top = tmp_path / "sql"
    shutil.copytree(compiler.SAMPLE, top)
    return top


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def check(sql):
    code, stderr = compiler.run("--check", "--sql", sql)
    return code, [(pathlib.Path(f.path).name, f.line, f.message) for f in compiler.findings(stderr)], stderr


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_untouched_is_not_stale(sql):
    assert check(sql) == (0, [], "")


def test_comments_docs_and_blanks_do_not_make_stale(sql):
    edit(sql / ITEMS, "-- Every cardinality", "-- All cardinalities")
    edit(sql / ITEMS, "-- doc: Add an item.", "-- doc: Put an item.")
    edit(sql / ITEMS, "/* and another */", "/* and others */")
    edit(sql / ITEMS, "SELECT count(*) AS total,", "SELECT   count(*)  AS total,")
    edit(sql / "migrations/sample/0001_everything.sql", "-- migrate: tx=yes", "-- migrate: tx=yes lock_timeout=1s")
    assert check(sql)[0] == 0


@pytest.mark.parametrize(
    "file, old, new, name, line, message",
    [
        (ITEMS, "WHERE id = :id;\n\n-- name: item_count", "WHERE id = :id + 1;\n\n-- name: item_count", "items.sql", 9,
         'stale: the SQL of "item_by_id" was edited'),
        (ITEMS, "WHERE id = :id;\n\n-- name: item_count", "WHERE id = :item;\n\n-- name: item_count", "items.sql", 9,
         'stale: the SQL of "item_by_id" was edited'),
        (ITEMS, "-- timeout: 2s", "-- timeout: 3s", "items.sql", 3, 'stale: the annotations of "item_add" were edited'),
        (ITEMS, "-- row: item_line", "-- row: item_line  -- idempotent: yes", "items.sql", 9,
         'stale: the annotations of "item_by_id" were edited'),
        (BOUNDS, "-- rows max: 3", "-- rows max: 4", "bounds.sql", 3, 'stale: the annotations of "words_few" were edited'),
        (BOUNDS, "-- bytes max: 1kB", "-- bytes max: 1MB", "bounds.sql", 9,
         'stale: the annotations of "words_short" were edited'),
        (ITEMS, "-- row: item_line", "-- row: item_line  -- col mood: open", "items.sql", 9,
         'stale: the annotations of "item_by_id" were edited'),
        (ITEMS, "-- idempotent: yes  -- timeout: 1min", "-- param from_id: nullable", "items.sql", 20,
         'stale: the annotations of "items_scan" were edited'),
        (ITEMS, "name: next_number :one", "name: next_number :opt", "items.sql", 45,
         'stale: the annotations of "next_number" were edited'),
        (ITEMS, "name: next_number", "name: following_number", "items.sql", 45,
         'stale: query "following_number" has no metadata'),
        (ITEMS, "part(item, number, weight)", "part(number, item, weight)", "items.sql", 33,
         'stale: the SQL of "parts_copy" was edited'),
        (ITEMS, "-- Every", "-- import type: public.word as text\n-- Every", "items.sql", 4,
         'stale: the annotations of "item_add" were edited'),
        (CHOICES, "AND mood = :mood", "AND mood <> :mood", "choices.sql", 3, 'stale: the SQL of "items_list" was edited'),
        (CHOICES, "/*? note */ AND", "/*? notes */ AND", "choices.sql", 3, 'stale: the SQL of "items_list" was edited'),
        (CHOICES, "| newest = added DESC", "| newest = added", "choices.sql", 3, 'stale: the SQL of "items_list" was edited'),
        (CHOICES, "order: up = id | down = id DESC", "order: down = id DESC | up = id", "choices.sql", 20,
         'stale: the SQL of "items_in_order" was edited'),
        (CHOICES, "/*? some */ WHERE id > :id /*?*/", "WHERE id > :id", "choices.sql", 13,
         'stale: the SQL of "items_count" was edited'),
        ("migrations/sample/0001_everything.sql", "'happy', 'needs-work'", "'needs-work', 'happy'",
         "0001_everything.sql", None, "stale: the migration was edited after the queries were described"),
        ("meta/sample/manifest.json", '"format": 5', '"format": 4', "manifest.json", None,
         "stale: written by another version of the compiler"),
    ],
)
def test_an_edit_makes_stale(sql, file, old, new, name, line, message):
    edit(sql / file, old, new)
    code, found, stderr = check(sql)
    assert code == 4, stderr
    assert (name, line, message) in found
    assert "hint: run: holdfast gen" in stderr
    code, _ = compiler.run("--offline", "--sql", sql, "-o", sql / "out")
    assert code == 4
    assert not (sql / "out").exists(), "C was written from stale metadata"


MERGED = """<<<<<<< HEAD
  "cardinality": ":one",
=======
  "cardinality": ":many",
>>>>>>> other
"""
NOT_AS_WRITTEN = "its digest does not fit: it was edited by hand, or merged, or described on another schema"


@pytest.mark.parametrize(
    "file, old, new, message",
    [
        ("item_count.json", '"nullable": false', '"nullable": true', NOT_AS_WRITTEN),
        ("item_count.json", '"rule": "count"', '"rule": "coumt"', NOT_AS_WRITTEN),
        ("item_count.json", '"read_only": true', '"read_only": false', NOT_AS_WRITTEN),
        ("item_count.json", '"public.item.id"', '"public.item.note"', NOT_AS_WRITTEN),
        ("item_count.json", '"query": "item_count"', '"query": "item_count", "more": 1', NOT_AS_WRITTEN),
        ("item_count.json", '"digest"', '"digests"', "it carries no digest: the compiler did not write it"),
        ("item_count.json", '"count"', "count", "this is no JSON from line "),
        ("item_count.json", "{", "[1]", "this is no JSON from line "),
        ("item_count.json", '  "cardinality": ":one",\n', MERGED, "line 3 is of a merge that was not resolved"),
        ("manifest.json", '  "format"', '||||||| base\n  "format"', "line 3 is of a merge that was not resolved"),
        ("manifest.json", '"0001_everything.sql": "', '"0001_everything.sql": "0', NOT_AS_WRITTEN),
        ("types.json", '"happy"', '"merry"', NOT_AS_WRITTEN),
        ("types.json", '"kind": "composite"', '"kind": "elephant"', NOT_AS_WRITTEN),
        ("constraints.json", '"name": "', '"name": "x', NOT_AS_WRITTEN),
    ],
)
def test_metadata_that_was_edited_is_stale(sql, file, old, new, message):
    edit(sql / "meta/sample" / file, old, new)
    code, found, stderr = check(sql)
    assert code == 4 and len(found) == 1, stderr
    assert found[0][:2] == (file, None) and found[0][2].startswith(f"stale: {message}")
    assert "hint: run: holdfast gen" in stderr
    code, _ = compiler.run("--offline", "--sql", sql, "-o", sql / "out")
    assert code == 4 and not (sql / "out").exists()


def test_swapped_entries_and_files_are_stale(sql):
    meta = sql / "meta/sample"
    for key in ("params", "columns"):
        path = next(p for p in sorted(meta.glob("*.json")) if len(json.loads(p.read_text()).get(key, ())) > 1)
        before, value = path.read_text(), json.loads(path.read_text())
        value[key].reverse()
        path.write_text(json.dumps(value))
        assert check(sql)[:2] == (4, [(path.name, None, f"stale: {NOT_AS_WRITTEN}")])
        path.write_text(before)
    shutil.copy(meta / "types.json", meta / "constraints.json")
    assert check(sql)[:2] == (4, [("constraints.json", None, f"stale: {NOT_AS_WRITTEN}")])


@pytest.mark.parametrize("file", ["types.json", "constraints.json"])
def test_a_lost_file_is_stale(sql, file):
    (sql / "meta/sample" / file).unlink()
    assert (file, None, "stale: no such file") in check(sql)[1]


def test_layout_does_not_make_stale(sql):
    for path in (sql / "meta/sample").iterdir():
        items = list(json.loads(path.read_text()).items())
        path.write_text(json.dumps(dict(reversed(items)), indent=7).replace("\n", "\r\n"))
    assert check(sql) == (0, [], "")


def test_what_a_digest_is(sql):
    """Anybody can compute it: it tells accidents, not enemies."""
    for path in (sql / "meta/sample").iterdir():
        before = json.loads(path.read_text())
        compiler.seal(path)
        assert json.loads(path.read_text()) == before, path


@pytest.mark.parametrize("file, old, new, where", [
    ("item_count.json", '"int8"', '"int9"', ("items.sql", 13, 'stale: the metadata of "item_count" does not fit')),
    ("item_by_id.json", '"name": "id",\n      "nullable": false,\n      "rule": "comp',
     '"name": "di",\n      "nullable": false,\n      "rule": "comp',
     ("items.sql", 9, 'stale: the metadata of "item_by_id" does not fit')),
    ("types.json", '"kind": "composite"', '"kind": "elephant"',
     ("everything.sql", 1, 'stale: the metadata of "everything_put" does not fit'))])
def test_metadata_that_does_not_fit_is_stale(sql, file, old, new, where):
    edit(sql / "meta/sample" / file, old, new)
    compiler.seal(sql / "meta/sample" / file)
    code, found, _ = check(sql)
    assert code == 4 and where in found


def test_two_descriptions_on_different_schemas_do_not_merge(tmp_path):
    """With a private server. One branch adds a query, the other one a migration that makes it wrong: git merges both."""
    ours = compiler.tree(tmp_path / "ours", "app", {"a": "-- name: a :many\nSELECT id FROM t;\n"}, "CREATE TABLE t (id int, b int NOT NULL);")
    assert compiler.run("--sql", ours) == (0, "")
    theirs = shutil.copytree(ours, tmp_path / "theirs")
    (ours / "queries/app/b.sql").write_text("-- name: b :many\nSELECT b FROM t;\n")
    (theirs / "migrations/app/0002_more.sql").write_text("-- up\nALTER TABLE t ALTER b DROP NOT NULL;\n")
    assert compiler.run("--sql", ours) == (0, "") == compiler.run("--sql", theirs)
    merged = shutil.copytree(theirs, tmp_path / "merged")
    shutil.copy(ours / "queries/app/b.sql", merged / "queries/app")
    shutil.copy(ours / "meta/app/b.json", merged / "meta/app")
    assert check(merged)[:2] == (4, [("b.json", None, f"stale: {NOT_AS_WRITTEN}")])
    assert compiler.run("--sql", merged) == (0, "") and check(merged) == (0, [], "")


def test_missing_and_left_over_files_are_stale(sql):
    (sql / "meta/sample/item_count.json").rename(sql / "meta/sample/forgotten.json")
    (sql / "migrations/sample/0002_more.sql").write_text("-- up\nSELECT 1;\n")
    code, found, _ = check(sql)
    assert code == 4
    assert ("items.sql", 13, 'stale: query "item_count" has no metadata') in found
    assert ("forgotten.json", None, "stale: no query has that name any more") in found
    assert ("0002_more.sql", None, "stale: the migration is newer than the metadata of the queries") in found


def test_a_migration_that_went_is_stale(sql):
    (sql / "migrations/sample/0001_everything.sql").unlink()
    assert check(sql)[:2] == (4, [("manifest.json", None, "stale: migration 0001_everything.sql is gone")])


def test_no_metadata_at_all_is_stale(sql):
    shutil.rmtree(sql / "meta")
    code, found, _ = check(sql)
    assert code == 4 and ("manifest.json", None, "stale: no such file") in found


def test_a_wrong_query_outweighs_stale_ones(sql):
    edit(sql / ITEMS, "-- timeout: 2s", "-- timeout: 2h")
    edit(sql / ITEMS, "name: next_number :one", "name: next_number :opt")
    assert check(sql)[0] == 1


def test_c_comes_out_the_same_twice(sql):
    outs = [sql / "a", sql / "b"]
    for out in outs:
        assert compiler.run("--offline", "--sql", sql, "-o", out)[0] == 0
    assert snapshot(outs[0]) == snapshot(outs[1])
    before = {path: path.stat().st_mtime_ns for path in outs[0].rglob("*.[ch]")}
    assert len(before) == 3 + 2 * len(list((sql / "queries" / "sample").glob("*.sql")))
    assert compiler.run("--offline", "--sql", sql, "-o", outs[0])[0] == 0
    assert before == {path: path.stat().st_mtime_ns for path in outs[0].rglob("*.[ch]")}, "an equal file was touched"


def test_a_description_gives_the_same_bytes_again(sql):
    """With a private server."""
    committed = snapshot(sql / "meta")
    shutil.rmtree(sql / "meta")
    (sql / "meta/sample").mkdir(parents=True)
    (sql / "meta/sample/left_over.json").write_text("{}")
    code, stderr = compiler.run("--sql", sql, "-o", sql / "out")
    assert code == 0, stderr
    assert snapshot(sql / "meta") == committed
    assert compiler.run("--offline", "--sql", sql, "-o", sql / "again")[0] == 0
    assert snapshot(sql / "out") == snapshot(sql / "again")


def test_metadata_names_types_and_rules(sql):
    meta = json.loads((sql / "meta/sample/items_scan.json").read_text())
    assert [(c["name"], c["type"], c["nullable"], c["rule"]) for c in meta["columns"]] == [
        ("id", "int4", False, "table-column"), ("number", "int4", True, "unproven"), ("double", "int4", True, "unproven")]
    assert meta["read_only"] is True
    types = json.loads((sql / "meta/sample/types.json").read_text())
    assert types["public.mood"] == {"kind": "enum", "labels": ["happy", "needs-work", "unknown"]}
    assert types["app.pair"]["fields"][1] == {"name": "words", "type": "public.word[]"}


def test_the_depfile_names_every_input(sql):
    out = sql / "o ut"
    code, _ = compiler.run("--offline", "--sql", sql, "--group", "sample", "-o", out, "--depfile", sql / "d",
                           "--target", "x y.h")
    assert code == 0
    text = (sql / "d").read_text()
    assert text.startswith("x\\ y.h:")
    for part in ("queries/sample/items.sql", "meta/sample/types.json", "migrations/sample/0001_everything.sql"):
        assert str(sql / part) in text


def test_a_warning_for_an_override_that_is_not_needed(tmp_path):
    """With a private server."""
    compiler.tree(tmp_path, "warn", {"a": "-- name: a :one\n-- col n: notnull! it counts\nSELECT count(*) AS n;\n"
                                          "-- name: b :one\n-- col n: notnull! never empty\n-- col m: nullable\n"
                                          "SELECT max(x) AS n, min(x) AS m FROM unnest(ARRAY[1]) AS x;\n"})
    code, stderr = compiler.run("--sql", tmp_path)
    found = compiler.findings(stderr)
    assert code == 0 and [f.level for f in found] == ["warning"]
    assert found[0].message == 'column "n" is proven not null (count): the annotation is not needed [unneeded]'
    columns = json.loads((tmp_path / "meta/warn/b.json").read_text())["columns"]
    assert [(c["nullable"], c["rule"]) for c in columns] == [(False, "annotated"), (True, "annotated")]


def test_parameters_that_may_be_null(tmp_path):
    """With a private server: stored into a nullable column, unless said otherwise; else not."""
    compiler.tree(tmp_path, "params", {"a": "-- name: a :exec\nINSERT INTO t (a, b, c) VALUES (:a, :b, :c)"
                                            " ON CONFLICT (a) DO UPDATE SET b = :d;\n"
                                            "-- name: b :exec\n-- param b: notnull\n-- param a: nullable\n"
                                            "UPDATE t SET b = :b, c = :c || 'x' WHERE a = :a;\n"},
                  "CREATE TABLE t (a int PRIMARY KEY, b text, c varchar(3));")
    code, stderr = compiler.run("--sql", tmp_path)
    assert code == 0, stderr
    nullable = {q: {p["name"]: p["nullable"] for p in json.loads((tmp_path / f"meta/params/{q}.json").read_text())["params"]}
                for q in "ab"}
    assert nullable == {"a": {"a": False, "b": True, "c": True, "d": True}, "b": {"b": False, "c": False, "a": True}}


# Every kind of token that is more than its first bytes. What the server is asked must be what was written.
TOKENS = [
    "SELECT U&'abc' AS x, s FROM t WHERE n = $1",
    "SELECT U&'d!0061t' UESCAPE '!' AS x, U&'\\0041' AS y",
    'SELECT U&"s" FROM t AS U&"\\0074" WHERE U&"\\0074".n = 1',
    'SELECT U&"!0073" UESCAPE \'!\' AS a FROM t',
    "DELETE FROM t WHERE s <> U&'' AND n < 0",
    "SELECT u&'it''s ; -- /* $1 :no ' AS x",
    "SELECT U&'two'\n 'parts' AS x, U&'two' -- of three\n 'parts' AS y, 'z'\n'z' AS z",
    "SELECT E'\\'\\u00e9' AS e, N'n' AS n, B'01'::text AS b, X'1f'::text AS x, $$a$$ AS d, $q$ $$ $q$ AS q, 1.5e-3 AS f, .5 AS g, 5. AS h",
    'SELECT "a""b;" AS "x y", s::text, \'{1,2}\'::int[] AS l FROM t AS q("a""b;", s) WHERE 1<>2 AND 1!=2 AND 3>=-1',
    "SELECT 'é' AS \"é\", '漢字' AS k, s AS ünï FROM t",
]


def test_the_text_is_what_was_written(tmp_path):
    """With a private server."""
    files = {f"q{i}": f"-- name: q{i} {':exec' if sql.startswith('DELETE') else ':many'}\n"
                      f"{sql.replace('$1', ':n', 1) if 'n = $1' in sql else sql};\n" for i, sql in enumerate(TOKENS)}
    compiler.tree(tmp_path, "w", files, "CREATE TABLE t (n int NOT NULL, s text);")
    code, stderr = compiler.run("--sql", tmp_path)
    assert code == 0, stderr
    assert [json.loads((tmp_path / f"meta/w/q{i}.json").read_text())["text"] for i in range(len(TOKENS))] == [
        sql.replace(" -- of three", "") for sql in TOKENS]


def test_a_comment_has_no_trigraph(tmp_path):
    """With a private server."""
    compiler.tree(tmp_path, "w", {"a": "-- name: a :one\n-- doc: which one??/ or ???/\nSELECT 1 AS n;\n"})
    code, stderr = compiler.run("--sql", tmp_path, "-o", tmp_path / "out")
    assert code == 0, stderr
    header = (tmp_path / "out/w/a.h").read_text()
    assert "which one" in header and "??" not in header


OWN_TYPE = """
CREATE TYPE {0};
CREATE FUNCTION {0}_in(cstring) RETURNS {0} LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION {0}_out({0}) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE FUNCTION {0}_send({0}) RETURNS bytea LANGUAGE internal STABLE STRICT AS '{1}';
CREATE FUNCTION {0}_recv(internal) RETURNS {0} LANGUAGE internal STABLE STRICT AS '{2}';
CREATE TYPE {0} (INPUT = {0}_in, OUTPUT = {0}_out {3}, LIKE = text);
CREATE FUNCTION {0}_eq({0}, {0}) RETURNS boolean LANGUAGE internal AS 'texteq';
CREATE OPERATOR = (LEFTARG = {0}, RIGHTARG = {0}, FUNCTION = {0}_eq);
CREATE TABLE {0}_t (c {0} NOT NULL);
"""
QUERY = "-- name: {0}_q :one\nSELECT c, ARRAY[c] AS l FROM {0}_t WHERE c = :c;\n"


def test_a_warning_for_money(tmp_path):
    """With a private server: its scale is a setting of the server's."""
    compiler.tree(tmp_path, "w", {"a": "-- name: a :many\nSELECT a FROM unnest(:l::money[]) AS a;\n"})
    code, stderr = compiler.run("--sql", tmp_path)
    found = compiler.findings(stderr)
    assert code == 0 and [(f.level, f.column) for f in found] == [("warning", 8), ("warning", 22)]
    assert [f.message for f in found] == [
        f"{what}: what an amount of money counts depends on lc_monetary [money]"
        for what in ('column "a"', 'parameter "l"')]


def own_type(name, send, receive):
    clause = f", SEND = {name}_send, RECEIVE = {name}_recv" if send else ""
    return OWN_TYPE.format(name, send or "textsend", receive or "textrecv", clause)


def test_types_of_extensions(tmp_path):
    """With a private server: the form of a base type is seen in its functions, or said by an import, or refused."""
    types = {"same": ("textsend", "textrecv"), "strange": ("bpcharsend", "textrecv"), "deaf": (None, None)}
    compiler.tree(tmp_path, "own", {"a": "-- import type: public.strange as text\n"
                                         + QUERY.format("same") + QUERY.format("strange")},
                  "".join(own_type(name, *codes) for name, codes in types.items()))
    code, stderr = compiler.run("--sql", tmp_path, "-o", tmp_path / "out")
    assert code == 0, stderr
    header = (tmp_path / "out/own/a.h").read_text()
    assert header.count("struct hf_str c;") == 4 and header.count("struct hf_str_array l;") == 2
    types_c = (tmp_path / "out/own/own_types.c").read_text()
    assert '.name = "public.same[]"' in types_c and '.name = "public.strange"' in types_c
    compiled = [line for line in types_c.splitlines() if "HF_TYPE_" in line]
    assert sorted(compiled) == ["\t.kind = HF_TYPE_ARRAY,"] * 2 + ["\t.kind = HF_TYPE_TEXT,"] * 2


@pytest.mark.parametrize("name, head, why", [
    ("strange", "", "type public.strange of an extension has no C form"),
    ("deaf", "", "type public.deaf has no binary form"),
    ("deaf", "-- import type: public.deaf as text\n", "type public.deaf has no binary form"),
    ("same", "-- import type: public.same as int4\n", "the binary form of type public.same is that of text, not of int4"),
])
def test_types_of_extensions_that_are_refused(tmp_path, name, head, why):
    types = {"same": ("textsend", "textrecv"), "strange": ("bpcharsend", "textrecv"), "deaf": (None, None)}
    compiler.tree(tmp_path, "own", {"a": head + QUERY.format(name)}, own_type(name, *types[name]))
    code, stderr = compiler.run("--sql", tmp_path)
    assert code == 1
    assert {f.message for f in compiler.findings(stderr)} == {
        f"{what}: {why}" for what in ('column "c"', 'column "l"', 'parameter "c"')}


# ---- the command line ----


@pytest.mark.parametrize(
    "args",
    [["--nope"], ["stray"], ["--offline"], ["--check", "-o", "x"], ["--offline", "-d", "x", "-o", "x"],
     ["--depfile", "x", "--target", "y"], ["--offline", "-o", "x", "--depfile", "d"], ["--group"]],
)
def test_usage(args, tmp_path):
    code, stderr = compiler.run(*args, cwd=tmp_path)
    assert code == 2 and "usage: holdfast-gen" in stderr


def test_help():
    assert compiler.run("--help") == (0, "")


@pytest.mark.parametrize(
    "args, message",
    [(["--check", "--group", "nobody"], 'no group "nobody"'), (["--check", "--group", "../x"], "cannot be the name of a group"),
     (["--check", "--sql", "/nowhere"], "/nowhere/queries is not a folder")],
)
def test_groups_that_are_not_there(args, message):
    code, stderr = compiler.run(*(args if "--sql" in args else [*args, "--sql", compiler.SAMPLE]))
    assert code == 2 and message in stderr


def test_no_server(sql):
    code, stderr = compiler.run("--sql", sql, "-d", "host=/nowhere dbname=x connect_timeout=2")
    assert code == 7 and stderr.startswith("holdfast-gen: ")


def test_no_server_package(sql, monkeypatch):
    monkeypatch.setenv("HOLDFAST_PG_BIN", "/nowhere")
    assert compiler.run("--sql", sql)[0] in (2, 69)


@pytest.fixture
def no_cache(monkeypatch):
    """An empty folder of templates, which the server's user can reach."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        monkeypatch.setenv("HOLDFAST_CACHE_DIR", f"{folder}/cache")
        yield


def test_a_migration_that_fails(sql, no_cache):
    """With a private server, and no cached template."""
    code, stderr = compiler.run("--sql", sql)
    assert code == 0 and {f.level for f in compiler.findings(stderr)} <= {"warning"}, stderr
    (sql / "migrations/sample/0002_wrong.sql").write_text("-- up\nCREATE TABLE item (id int);\n")
    code, stderr = compiler.run("--sql", sql)
    assert code == 1 and 'relation "item" already exists' in stderr
    (sql / "migrations/sample/nonsense.sql").write_text("-- up\nSELECT 1;\n")
    code, stderr = compiler.run("--sql", sql)
    assert code == 1 and "nonsense.sql" in stderr


def test_metadata_that_cannot_be_written(sql):
    """With a private server."""
    shutil.rmtree(sql / "meta")
    (sql / "meta").write_text("")
    code, stderr = compiler.run("--sql", sql)
    assert code == 2 and "could not make folder" in stderr


def test_a_database_with_another_schema(sql, empty, cluster):
    code, stderr = compiler.run("--sql", sql, "-d", f"host={cluster.server.dir} user={cluster.server.user} dbname={empty.name}")
    assert code == 4 and "first run: holdfast migrate up" in stderr


def test_bad_url(sql):
    assert compiler.run("--sql", sql, "-d", "nonsense=1")[0] == 2


def test_bad_files(tmp_path):
    compiler.tree(tmp_path, "bad", {"bytes": b"-- name: a :one\nSELECT '\xff' AS a;\n", "Upper-Case": "-- nothing\n",
                                    "nul": b"SELECT 1;\x00"})
    code, stderr = compiler.run("--check", "--sql", tmp_path)
    assert code == 1
    assert {f.message for f in compiler.findings(stderr) if not f.message.startswith("stale")} == {
        "byte 24 is not UTF-8", "byte 9 is not UTF-8", "the file's name becomes part of C names: a-z, 0-9 and _ only"}


def test_a_file_that_is_too_long(tmp_path):
    compiler.tree(tmp_path, "long", {"long": "-- " + "x" * (1 << 20) + "\n"})
    code, stderr = compiler.run("--check", "--sql", tmp_path)
    assert code == 1 and "is longer than 1048576 bytes" in stderr


def test_output_that_cannot_be_written(sql, tmp_path):
    (tmp_path / "file").write_text("")
    code, stderr = compiler.run("--offline", "--sql", sql, "-o", tmp_path / "file")
    assert code == 2 and "could not make folder" in stderr
