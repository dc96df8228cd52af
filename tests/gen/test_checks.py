"""The rules of tools/gen/check.h: what each finds, what it leaves alone, where the caret stands, and how a query allows
it. With a private server."""

import json
import re

import pytest

import compiler

MIGRATION = """
CREATE COLLATION loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE person (id int PRIMARY KEY, email text UNIQUE, first text NOT NULL DEFAULT '', last text NOT NULL DEFAULT '',
                     small smallint, team int, active boolean NOT NULL DEFAULT true, n int NOT NULL DEFAULT 0,
                     tags text[], UNIQUE (first, last));
CREATE UNIQUE INDEX ON person (lower(last), team);
CREATE UNIQUE INDEX ON person (team) WHERE active AND n > 0;
CREATE TABLE team (id bigint PRIMARY KEY, lead int NOT NULL, title varchar(40) NOT NULL UNIQUE);
CREATE TABLE waits (id int, slot int, UNIQUE (slot) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE folded (t text COLLATE loose, plain text UNIQUE, folds text COLLATE loose UNIQUE);
CREATE TABLE parent (id int PRIMARY KEY, v int);
CREATE TABLE child () INHERITS (parent);
CREATE TABLE parts (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE only_one (there boolean PRIMARY KEY CHECK (there), v int);
CREATE TABLE plain (a int, b int);
CREATE VIEW people AS SELECT p.id, p.last, t.title FROM person p LEFT JOIN team t ON t.id = p.team;
CREATE VIEW sizes AS SELECT team, count(*) AS members FROM person GROUP BY team;
CREATE MATERIALIZED VIEW stored AS SELECT id, last FROM person;
CREATE UNIQUE INDEX ON stored (id);
CREATE TABLE filled (id int NOT NULL, v int);
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 1; RETURN NEW; END $$;
CREATE TRIGGER fill BEFORE INSERT ON filled FOR EACH ROW EXECUTE FUNCTION fill();
CREATE TABLE strict (id int GENERATED ALWAYS AS IDENTITY, a int NOT NULL, b text NOT NULL,
                     c int NOT NULL GENERATED ALWAYS AS (a + 1) STORED, d int NOT NULL DEFAULT 1);
CREATE FUNCTION one() RETURNS int LANGUAGE sql STABLE AS 'SELECT 1';
CREATE FUNCTION several() RETURNS SETOF int LANGUAGE sql STABLE AS 'SELECT 1';
"""

# Statements that give at most one row.
SINGLE = [
    "SELECT first FROM person WHERE id = :id",
    "SELECT first FROM person WHERE :id = id AND active",
    "SELECT first FROM person WHERE id = 7",
    "SELECT first FROM person WHERE email = :email",
    "SELECT id FROM person WHERE first = :a AND last = :b",
    "SELECT id FROM person WHERE (first, last) = (:a, :b)",
    "SELECT id FROM person WHERE lower(last) = :l AND team = :t",
    "SELECT id FROM person WHERE lower(last) = lower(:l) AND team = :t AND active",
    "SELECT id FROM person WHERE team = :t AND active AND n > 0",
    "SELECT first FROM person WHERE id = :id::smallint",
    "SELECT lead FROM team WHERE id = :id::int",
    "SELECT lead FROM team WHERE title = :title",
    "SELECT count(*) AS n FROM plain",
    "SELECT max(a) AS m FROM plain HAVING count(*) > 1",
    "SELECT a FROM plain ORDER BY a LIMIT 1",
    "SELECT a FROM plain ORDER BY a FETCH FIRST ROW ONLY",
    "SELECT 1 AS one",
    "SELECT 1 AS one WHERE :x::int > 1",
    "SELECT one() AS a",
    "SELECT a.v FROM one() AS a (v)",
    "SELECT v FROM (VALUES (1)) AS t (v)",
    "SELECT a.first, b.first AS other FROM person a JOIN person b ON b.id = a.team WHERE a.id = :id",
    "SELECT a.first FROM person a, team t WHERE t.id = a.team AND a.id = :id",
    "SELECT a.first, t.title FROM person a LEFT JOIN team t ON t.id = a.team WHERE a.email = :e",
    "SELECT a.first, t.title FROM team t RIGHT JOIN person a ON t.id = a.team WHERE a.email = :e",
    "SELECT a.first FROM person a JOIN team t ON t.lead = a.id WHERE t.id = :t",
    "SELECT a.first FROM person a LEFT JOIN (team t JOIN person l ON l.id = t.lead) ON t.id = a.team WHERE a.id = :id",
    "SELECT first FROM person JOIN stored USING (id) WHERE id = :id",
    "SELECT p.first FROM person p JOIN stored s ON p.id = s.id WHERE s.id = :id",
    "SELECT p.first FROM person p JOIN parts s ON p.id = s.id AND s.id = :id",
    "SELECT title FROM people WHERE id = :id",
    "SELECT members FROM sizes WHERE team = :t",
    "SELECT last FROM stored WHERE id = :id",
    "SELECT team, count(*) AS n FROM person WHERE team = :t GROUP BY team",
    "SELECT DISTINCT team FROM person WHERE team = :t",
    "WITH x AS (SELECT * FROM person WHERE id = :id) SELECT first FROM x",
    "WITH x AS (SELECT * FROM person) SELECT first FROM x WHERE id = :id",
    "SELECT first FROM (SELECT first FROM person WHERE id = :id) AS s",
    "SELECT p.first, s.n FROM person p, LATERAL (SELECT count(*) AS n FROM plain WHERE a = p.id) AS s WHERE p.id = :id",
    "SELECT p.first, t.title FROM person p, LATERAL (SELECT title FROM team WHERE id = p.team) t WHERE p.id = :id",
    "SELECT first FROM person WHERE id = (SELECT lead FROM team WHERE id = :t)",
    "SELECT first FROM person WHERE id = (SELECT max(lead) FROM team)",
    "SELECT first FROM person WHERE id = one()",
    "SELECT first FROM person WHERE id = coalesce(:id::int, 0) + 1",
    "SELECT v FROM ONLY parent WHERE id = :id",
    "SELECT v FROM parts WHERE id = :id",
    "SELECT id FROM person WHERE id = :id EXCEPT SELECT lead FROM team",
    "SELECT lead FROM team INTERSECT SELECT id FROM person WHERE id = :id",
    "SELECT plain FROM folded WHERE plain = :p",
    "SELECT plain FROM folded WHERE folds = :p",
    "INSERT INTO plain (a) VALUES (:a) RETURNING b",
    "INSERT INTO plain (a) SELECT n FROM person WHERE id = :id RETURNING b",
    "INSERT INTO team (id, lead, title) VALUES (:a, :b, :c) ON CONFLICT (id) DO UPDATE SET lead = :b RETURNING title",
    "UPDATE person SET n = :n WHERE id = :id RETURNING first",
    "UPDATE person SET n = p.a FROM plain p WHERE id = :id RETURNING first",
    "DELETE FROM person USING plain WHERE id = :id RETURNING first",
    "WITH d AS (DELETE FROM person WHERE id = :id RETURNING first) SELECT first FROM d",
    "SELECT v FROM only_one WHERE there",
    "SELECT v FROM only_one WHERE NOT there",
    "SELECT first FROM person WHERE ctid = :c::text::tid AND id = :id",
]

# Statements that may give more: (statement, the relation that is named, or None).
MANY = [
    ("SELECT first FROM person", "person"),
    ("SELECT first FROM person WHERE first = :a", "person"),
    ("SELECT first FROM person WHERE id > :id", "person"),
    ("SELECT first FROM person WHERE id = ANY (:ids)", "person"),
    ("SELECT first FROM person WHERE id = :id OR active", "person"),
    ("SELECT first FROM person WHERE id = id", "person"),
    ("SELECT first FROM person WHERE id = n", "person"),
    ("SELECT first FROM person WHERE id = (random() * 10)::int", "person"),
    ("SELECT first FROM person WHERE id IS NOT DISTINCT FROM :id", "person"),
    ("SELECT first FROM person p WHERE id + 0 = :id", "p"),
    ("SELECT id FROM person WHERE team = :t", "person"),
    ("SELECT id FROM person WHERE team = :t AND active", "person"),
    ("SELECT id FROM person WHERE team = :t AND active AND n > 1", "person"),
    ("SELECT id FROM person WHERE upper(last) = :l AND team = :t", "person"),
    ("SELECT v FROM only_one", "only_one"),
    ("SELECT v FROM only_one WHERE there OR v > 1", "only_one"),
    ("SELECT v FROM only_one WHERE there IS NOT NULL", "only_one"),
    ("SELECT id FROM waits WHERE slot = :s", "waits"),
    ("SELECT plain FROM folded WHERE t = :p", "folded"),
    ("SELECT plain FROM folded WHERE plain COLLATE loose = :p", "folded"),
    ("SELECT v FROM parent WHERE id = :id", "parent"),
    ("SELECT a.first FROM person a JOIN person b ON b.team = a.id WHERE a.id = :id", "b"),
    ("SELECT a.first FROM person a LEFT JOIN plain b ON b.a = a.id WHERE a.id = :id", "b"),
    ("SELECT a.first FROM person a LEFT JOIN team t ON a.id = :id AND t.id = a.team", "a"),
    ("SELECT a.first FROM person a LEFT JOIN team t ON t.id = :t WHERE a.id = coalesce(t.lead, 5)", "a"),
    ("SELECT a.first FROM person a FULL JOIN team t ON a.id = t.id WHERE coalesce(a.id, t.id) = :id", "a"),
    ("SELECT DISTINCT t.lead FROM person a LEFT JOIN team t ON t.lead = :l", "a"),
    ("SELECT a.first FROM person a, plain WHERE a.id = :id", "plain"),
    ("SELECT last FROM people WHERE title = :t", "people"),
    ("SELECT team, n FROM person WHERE team = :t GROUP BY team, n", "person"),
    ("SELECT team, count(*) AS c FROM person WHERE team = :t GROUP BY ROLLUP (team)", None),
    ("SELECT generate_series(1, :n) AS s", None),
    ("SELECT s FROM several() AS s", "s"),
    ("SELECT s FROM unnest(:xs::int[]) AS s", "s"),
    ("SELECT v FROM (VALUES (1), (2)) AS t (v)", "t"),
    ("SELECT id FROM person WHERE id = :id UNION ALL SELECT id FROM person WHERE id = :id", None),
    ("SELECT a FROM plain ORDER BY a LIMIT 2", "plain"),
    ("SELECT a FROM plain ORDER BY a LIMIT :n", "plain"),
    ("SELECT a FROM plain ORDER BY a FETCH FIRST 1 ROW WITH TIES", "plain"),
    ("WITH RECURSIVE r AS (SELECT 1 AS x UNION ALL SELECT x + 1 FROM r WHERE x < 3) SELECT x FROM r", "r"),
    ("SELECT p.id FROM person p, LATERAL (SELECT max(a) AS m FROM plain WHERE b = p.n) s WHERE p.id = s.m", "p"),
    ("SELECT first FROM person p WHERE id = (SELECT max(b) FROM plain WHERE a = p.n)", "p"),
    ("INSERT INTO plain (a) VALUES (1), (2) RETURNING b", "*VALUES*"),
    ("INSERT INTO plain (a) SELECT n FROM person RETURNING b", "*SELECT*"),
    ("UPDATE person SET n = :n WHERE team = :t RETURNING first", "person"),
    ("UPDATE person SET n = :n FROM team t WHERE t.id = :t RETURNING first", "person"),
    ("WITH d AS (DELETE FROM plain WHERE a = :a RETURNING b) SELECT b FROM d", "d"),
]

# name: (text with the word of the caret in brackets, message with its rule). No brackets: nothing is found.
OTHER = {
    "delete_all": ("-- name: delete_all :exec\n⟦DELETE⟧ FROM plain;\n", "DELETE without WHERE changes every row [no-where]"),
    "update_all": ("-- name: update_all :exec\n⟦update⟧ plain SET a = 1;\n", "UPDATE without WHERE changes every row [no-where]"),
    "delete_in_with": ("-- name: delete_in_with :many\nWITH gone (x) AS (/* DELETE */ ⟦DELETE⟧ FROM plain RETURNING a)\n"
                       "SELECT x FROM gone;\n", "DELETE without WHERE changes every row [no-where]"),
    "update_behind_with": ("-- name: update_behind_with :exec\nWITH x AS (DELETE FROM plain WHERE a = 1 RETURNING b)\n"
                           "⟦UPDATE⟧ plain SET a = x.b FROM x;\n", "UPDATE without WHERE changes every row [no-where]"),
    "delete_true": ("-- name: delete_true :exec\nDELETE FROM plain WHERE true;\n", None),
    "delete_allowed": ("-- name: delete_allowed :exec\n-- allow: no-where the table is emptied each night\nDELETE FROM plain;\n",
                       None),
    "limit": ("-- name: limit_a :many\nSELECT a FROM plain LIMIT ⟦10⟧;\n",
              "LIMIT without ORDER BY: which rows these are is left to chance [limit-order]"),
    "limit_param": ("-- name: limit_b :many\nSELECT a FROM plain LIMIT ⟦:n⟧;\n",
                    "LIMIT without ORDER BY: which rows these are is left to chance [limit-order]"),
    "limit_inside": ("-- name: limit_c :many\nSELECT 'ä' AS x, s.a FROM (SELECT a FROM plain LIMIT ⟦3⟧) s ORDER BY a;\n",
                     "LIMIT without ORDER BY: which rows these are is left to chance [limit-order]"),
    "offset": ("-- name: offset_a :many\nSELECT a FROM plain OFFSET ⟦:n⟧;\n",
               "OFFSET without ORDER BY: which rows these are is left to chance [limit-order]"),
    "limit_ordered": ("-- name: limit_d :many\nSELECT a FROM plain ORDER BY a LIMIT 3;\n", None),
    "limit_all": ("-- name: limit_e :many\nSELECT a FROM plain LIMIT ALL;\n", None),
    "limit_exists": ("-- name: limit_f :one\nSELECT EXISTS (SELECT 1 FROM plain LIMIT 1) AS any;\n", None),
    "limit_constant": ("-- name: limit_h :opt\nSELECT 'yes' AS found FROM plain LIMIT 1;\n", None),
    "limit_keyed": ("-- name: limit_g :opt\nSELECT n FROM person WHERE id = :id LIMIT 1;\n", None),
    "types_compared": ("-- name: types_a :many\nSELECT n FROM person WHERE small = :x AND n = ⟦:x⟧;\n",
                       'parameter "x" is int2 by its first use, and int4 here [two-types]'),
    "types_cast": ("-- name: types_b :one\nSELECT :x::int AS a, ⟦:x⟧::text AS b;\n",
                   'parameter "x" is int4 by its first use, and text here [two-types]'),
    "types_numeric": ("-- name: types_c :one\nSELECT :x::int AS a, ⟦:x⟧::numeric AS b;\n",
                      'parameter "x" is int4 by its first use, and numeric here [two-types]'),
    "types_texts": ("-- name: types_d :many\nSELECT lead FROM team WHERE title = :x OR :x = ANY (ARRAY['a']);\n", None),
    "types_said": ("-- name: types_e :many\nSELECT n FROM person WHERE small = :x::int AND n = :x;\n", None),
    "types_once": ("-- name: types_f :one\nSELECT :x::int::text AS a;\n", None),
    "idempotent_random": ("-- name: idem_a :many\n-- idempotent: yes\nSELECT a, ⟦random⟧() AS r FROM plain;\n",
                          "annotated idempotent, but random() may answer something else the second time [idempotent]"),
    "idempotent_insert": ("-- name: idem_b :exec\n-- idempotent: yes\n⟦INSERT⟧ INTO plain (a) VALUES (:a);\n",
                          "annotated idempotent, but a second run inserts again [idempotent]"),
    "idempotent_sum": ("-- name: idem_c :exec\n-- idempotent: yes\nUPDATE person SET n = n ⟦+⟧ 1 WHERE id = :id;\n",
                       'annotated idempotent, but "n" is computed from itself [idempotent]'),
    "idempotent_conflict": ("-- name: idem_d :exec\n-- idempotent: yes\nINSERT INTO person (id, n) VALUES (:id, 1)\n"
                            "ON CONFLICT (id) DO UPDATE SET tags = ⟦array_append⟧(person.tags, 'x');\n",
                            'annotated idempotent, but "tags" is computed from itself [idempotent]'),
    "idempotent_fine": ("-- name: idem_e :exec\n-- idempotent: yes\nINSERT INTO person (id, n) VALUES (:id, 1)\n"
                        "ON CONFLICT (id) DO UPDATE SET n = greatest(person.n, excluded.n), first = lower(person.first);\n", None),
    "idempotent_where": ("-- name: idem_f :exec\n-- idempotent: yes\nINSERT INTO plain (a) SELECT :a::int\n"
                         "WHERE NOT EXISTS (SELECT FROM plain WHERE a = :a);\n", None),
    "insert_null": ("-- name: insert_a :exec\n⟦INSERT⟧ INTO strict (d) VALUES (1);\n",
                    "INSERT leaves out what is NOT NULL and has no default: a, b [insert-null]"),
    "insert_select": ("-- name: insert_b :exec\n⟦INSERT⟧ INTO strict (a) SELECT a FROM plain;\n",
                      "INSERT leaves out what is NOT NULL and has no default: b [insert-null]"),
    "insert_copy": ("-- name: ⟦insert_c⟧ :copy\n-- copy: strict(a)\n",
                    "INSERT leaves out what is NOT NULL and has no default: b [insert-null]"),
    "insert_whole": ("-- name: insert_d :exec\nINSERT INTO strict (a, b) VALUES (1, 'x'), (2, :b);\n", None),
    "insert_trigger": ("-- name: insert_e :exec\nINSERT INTO filled (v) VALUES (1);\n", None),
    "star_union": ("-- name: star_a :many\nSELECT ⟦*⟧ FROM plain UNION SELECT * FROM plain;\n",
                   "the columns of this * cannot be frozen: a later migration changes the rows [star]"),
    "star_two": ("-- name: star_b :many\nSELECT p.*, ⟦q⟧.* FROM plain p, (SELECT 1 AS c) q;\n",
                 "the columns of this * cannot be frozen: a later migration changes the rows [star]"),
    "star_one": ("-- name: star_c :many\nSELECT *, 1 AS c FROM plain;\n", None),
    "unneeded_allow": ("-- name: allow_a :many\n-- allow: ⟦limit-order⟧ why not\nSELECT a FROM plain;\n",
                       'nothing here breaks the rule "limit-order" [unneeded]'),
    "unneeded_col": ("-- name: allow_b :one\n-- col ⟦n⟧: notnull! it counts\nSELECT count(*) AS n FROM plain;\n",
                     'column "n" is proven not null (count): the annotation is not needed [unneeded]'),
    "always_null": ("-- name: always_a :many\n-- col ⟦n⟧: notnull! trust me\nSELECT NULL::text AS n FROM plain;\n",
                    'column "n" is always NULL: each row of it is an error at run time [contradiction]'),
    "always_null_where": ("-- name: always_b :many\n-- col ⟦b⟧: notnull! trust me\nSELECT b FROM plain WHERE b IS NULL;\n",
                          'column "b" is always NULL: each row of it is an error at run time [contradiction]'),
    "always_null_view": ("-- name: always_c :many\n-- col b: notnull! trust me\nSELECT b FROM plain WHERE b IS NULL OR a = 1;\n", None),
    "always_null_allowed": ("-- name: always_d :many\n-- allow: contradiction it has no rows yet\n-- col n: notnull! trust me\n"
                            "SELECT NULL::text AS n FROM plain;\n", None),
    "never_null": ("-- name: never_a :many\n-- col ⟦n⟧: nullable\nSELECT 1 AS n FROM plain;\n",
                   'column "n" is proven not null (constant): no row of it is NULL [contradiction]'),
    "never_null_changed": ("-- name: never_b :opt\n-- col ⟦a⟧: nullable\nINSERT INTO strict (a, b) "
                           "VALUES (:a, 'x') RETURNING a;\n",
                           'column "a" is proven not null (table-column): no row of it is NULL [contradiction]'),
    "never_null_row": ("-- name: never_c :many\n-- row: shared_n\n-- col n: nullable\nSELECT 1 AS n FROM plain;\n", None),
    "never_null_variant": ("-- name: never_d :many\n-- col b: nullable\nSELECT b FROM plain WHERE true /*? x */ AND b > 1 /*?*/;\n", None),
    "money": ("-- name: money_a :many\nSELECT ⟦:m⟧::money IS NULL AS a;\n",
              'parameter "m": what an amount of money counts depends on lc_monetary [money]'),
    "variant": ("-- name: variant_a :many\nSELECT a FROM plain WHERE true /*? x */ AND b = :x /*?*/ LIMIT ⟦3⟧;\n",
                "LIMIT without ORDER BY: which rows these are is left to chance [limit-order]"),
    "variant_allowed": ("-- name: variant_b :many\n-- allow: limit-order any\n"
                        "SELECT a FROM plain WHERE true /*? x */ AND b = :x /*?*/ LIMIT 3;\n", None),
    "two_allowed": ("-- name: allow_c :opt\n-- allow: many-rows there is one\n-- allow: limit-order any\n"
                    "SELECT a FROM plain LIMIT 2;\n", None),
    "unknown_rule": ("-- name: allow_d :one\n-- allow: ⟦everything⟧\nSELECT 1 AS a;\n", 'there is no rule "everything" to allow'),
    "no_rule": ("-- name: allow_e :one\n-- ⟦⟧allow:\nSELECT 1 AS a;\n", 'there is no rule "" to allow'),
}
HINTS = {
    "unknown_rule": "one of no-where, many-rows, limit-order, two-types, idempotent, insert-null, star, money, unneeded, contradiction",
    "delete_all": "write WHERE true if that is meant, or: -- allow: no-where WHY",
    "types_compared": "say which it is, :x::int4, or use two parameters",
}


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """One run over all statements: name of the file -> findings."""
    top = tmp_path_factory.mktemp("checks")
    files = {f"one_{i}": f"-- name: one_{i} :opt\n{sql};\n" for i, sql in enumerate(SINGLE)}
    files |= {f"many_{i}": f"-- name: many_{i} :opt\n{sql};\n" for i, (sql, _) in enumerate(MANY)}
    files |= {name: text.replace("⟦", "").replace("⟧", "") for name, (text, _) in OTHER.items()}
    compiler.tree(top, "checks", files, MIGRATION)
    code, stderr = compiler.run("--sql", top)
    assert code == 1, stderr
    found = {}
    for finding in compiler.findings(stderr):
        found.setdefault(re.search(r"(\w+)\.sql$", finding.path)[1], []).append(finding)
    return found


@pytest.mark.parametrize("number", range(len(SINGLE)), ids=lambda i: SINGLE[i])
def test_proven_to_give_one_row(report, number):
    assert [f.message for f in report.get(f"one_{number}", [])] == []


@pytest.mark.parametrize("number", range(len(MANY)), ids=lambda i: MANY[i][0])
def test_may_give_more_rows(report, number):
    blame = MANY[number][1]
    message = "may return more than one row" + (f': no unique key of "{blame}" is bound by =' if blame else "")
    found = [f for f in report.get(f"many_{number}", []) if "[limit-order]" not in f.message]
    assert [(f.level, f.message) for f in found] == [("warning", f"{message} [many-rows]")]
    assert (found[0].line, found[0].column) == (1, len(f"-- name: many_{number} ") + 1)


@pytest.mark.parametrize("name", OTHER)
def test_rule(report, name):
    text, message = OTHER[name]
    found = report.get(name, [])
    if message is None:
        assert [f.message for f in found] == []
        return
    before, word = text.split("⟦")[0], text.split("⟦")[1].split("⟧")[0]
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    if word:
        assert [(f.line, f.column, f.message) for f in found] == [(*place, message)]
        assert found[0].excerpt[1].endswith("^" * len(word)) and not found[0].excerpt[1].endswith("^" * (len(word) + 1))
    else:
        assert [f.message for f in found] == [message]
    assert found[0].level == ("error" if "[no-where]" in message or "rule" in message and "[" not in message else "warning")
    if name in HINTS:
        assert found[0].hint == HINTS[name]


def test_every_rule_is_found_by_some_case():
    header = (compiler.TOP / "tools/gen/check.h").read_text()
    names = set(re.findall(r'#define RULE_\w+ +"([a-z-]+)"', header))
    found = {re.search(r"\[([a-z-]+)\]$", message)[1] for _, message in OTHER.values() if message and message.endswith("]")}
    assert names == found | {"many-rows"}


def test_warnings_do_not_stop_the_metadata_and_stand_in_json(tmp_path):
    compiler.tree(tmp_path, "warn", {"a": "-- name: a :many\nSELECT x FROM unnest(ARRAY[1]) AS x LIMIT 1;\n"})
    done = compiler.run_whole("--sql", tmp_path, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    finding, = json.loads(done.stdout)
    assert (finding["level"], finding["rule"], finding["line"], finding["column"], finding["query"]) == (
        "warning", "limit-order", 2, 43, "a (:many)")
    assert (tmp_path / "meta/warn/a.json").exists()
    assert compiler.run("--check", "--sql", tmp_path) == (0, "")


def test_an_edited_allow_is_stale(tmp_path):
    text = "-- name: a :many\n-- allow: limit-order any row will do\nSELECT x FROM unnest(ARRAY[1]) AS x LIMIT 1;\n"
    compiler.tree(tmp_path, "warn", {"a": text})
    assert compiler.run("--sql", tmp_path) == (0, "")
    path = tmp_path / "queries/warn/a.sql"
    path.write_text(text.replace("any row will do", "whichever"))
    assert compiler.run("--check", "--sql", tmp_path) == (0, "")
    path.write_text(text.replace("-- allow: limit-order any row will do\n", ""))
    assert compiler.run("--check", "--sql", tmp_path)[0] == 4
