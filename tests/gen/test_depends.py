"""Which columns a query reads and writes, as the metadata records it. With a private server."""

import json

import pytest

import compiler

SCHEMA = """
CREATE TABLE t (id int PRIMARY KEY, a text, b text, "odd Name" int, gone int);
ALTER TABLE t DROP COLUMN gone;
CREATE TABLE u (id int REFERENCES t, c int, d int);
CREATE VIEW v AS SELECT t.id, t.a, u.c FROM t JOIN u ON u.id = t.id;
CREATE VIEW easy AS SELECT id, a AS word FROM t;
CREATE SCHEMA "My App";
CREATE TABLE "My App"."T" (x int);
"""

QUERIES = {
    "plain": (":many", "SELECT a FROM t WHERE id = :id", ["t.a", "t.id"], []),
    "everything": (":many", "SELECT * FROM t", ["t.\"odd Name\"", "t.a", "t.b", "t.id"], []),
    "a_row": (":many", "SELECT row_to_json(t)::text AS r FROM t", ["t.\"odd Name\"", "t.a", "t.b", "t.id"], []),
    "rows_only": (":one", "SELECT count(*) AS n FROM t", ["t"], []),
    "joined": (":many", "SELECT t.a FROM t JOIN u USING (id) ORDER BY u.c", ["t.a", "t.id", "u.c", "u.id"], []),
    "nested": (":many", "WITH w AS (SELECT id FROM u WHERE d > 1) SELECT (SELECT b FROM t WHERE t.id = w.id) AS b FROM w",
               ["t.b", "t.id", "u.d", "u.id"], []),
    "through_a_view": (":many", "SELECT c FROM v WHERE a = 'x'", ["v.a", "v.c"], []),
    "a_view_within": (":many", "SELECT b FROM t WHERE id IN (SELECT id FROM v)", ["t.b", "t.id", "v.id"], []),
    "insert": (":exec", "INSERT INTO t (id, a) VALUES (:id, :a)", [], ["t.a", "t.id"]),
    "insert_back": (":one", "INSERT INTO t (id) VALUES (:id) RETURNING b", ["t.b"], ["t.id"]),
    "insert_defaults": (":exec", "INSERT INTO t DEFAULT VALUES", [], ["t"]),
    "upsert": (":exec", "INSERT INTO t (id, a) VALUES (:id, :a) ON CONFLICT (id) DO UPDATE SET b = EXCLUDED.a WHERE t.a <> ''",
               ["t.a", "t.id"], ["t.a", "t.b", "t.id"]),
    "update": (":execrows", "UPDATE t SET a = b WHERE id = :id", ["t.b", "t.id"], ["t.a"]),
    "thinned": (":execrows", "DELETE FROM u WHERE c < 0", ["u.c"], ["u"]),
    "locked": (":many", "SELECT a FROM t FOR UPDATE", ["t.a"], []),
    "moved": (":execrows", "WITH m AS (DELETE FROM u WHERE true RETURNING id) INSERT INTO t (id) SELECT id FROM m",
              ["u.id"], ["t.id", "u"]),
    "through_an_easy_view": (":exec", "UPDATE easy SET word = 'x' WHERE id = 1",
                             ["easy.id", "t.a", "t.id"], ["easy.word", "t.a"]),
    "the_system": (":one", "SELECT count(*) AS n FROM pg_class JOIN information_schema.tables ON table_name = relname", [], []),
    "odd": (":many", 'SELECT x FROM "My App"."T"', ['"My App"."T".x'], []),
}


@pytest.fixture(scope="module")
def metadata(tmp_path_factory):
    top = tmp_path_factory.mktemp("depends")
    text = "".join(f"-- name: {name} {card}\n{sql};\n" for name, (card, sql, _, _) in QUERIES.items())
    text += "-- name: bulk :copy\n-- copy: t(id, b)\n"
    compiler.tree(top, "depends", {"queries": text}, SCHEMA)
    code, stderr = compiler.run("--sql", top)
    assert code == 0, stderr
    return {path.stem: json.loads(path.read_text()) for path in (top / "meta/depends").glob("*.json")}


def full(names):
    return [name if name.startswith('"My') else f"public.{name}" for name in names]


@pytest.mark.parametrize("name", QUERIES)
def test_reads_and_writes(metadata, name):
    _, _, reads, writes = QUERIES[name]
    assert (metadata[name]["reads"], metadata[name]["writes"]) == (full(reads), full(writes))


def test_a_copy_writes_its_columns(metadata):
    assert (metadata["bulk"]["reads"], metadata["bulk"]["writes"]) == ([], ["public.t.b", "public.t.id"])
