"""Parameters: what those written as $n are called, which of them may be NULL, and by which rule."""

import json
import os
import subprocess

import pytest

import compiler

MIGRATION = """
CREATE TYPE mood AS ENUM ('happy', 'sad');
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, nick text, mood mood, tags text[], city text);
CREATE TABLE pet (id bigint PRIMARY KEY, owner int NOT NULL REFERENCES person, about jsonb);
CREATE VIEW people AS SELECT id, name, nick FROM person;
CREATE FUNCTION greet(who text, times int DEFAULT 1) RETURNS text LANGUAGE sql AS 'SELECT who';
"""

COMPARED, DEFAULT, TESTED = "compared", "not-null-by-default", "tested-for-null"
COALESCED, LIMIT = "coalesced", "limit"
STORED, REFUSED = "stored-in-nullable-column", "stored-in-not-null-column"

# statement: what is expected, "name rule" in the order of the numbers
CASES = {
    # comparisons
    "SELECT id FROM person WHERE id = $1 AND $2 < name": ["id compared", "name compared"],
    "SELECT id FROM person WHERE id = ANY($1) AND city <> ALL($2)": ["ids compared", "cities compared"],
    "SELECT id FROM person WHERE id IN ($1, $2)": ["id compared", "id_2 compared"],
    "SELECT id FROM person WHERE $1 = ANY(tags)": ["tag compared"],
    "SELECT id FROM person WHERE name BETWEEN $1 AND $2": ["name_from compared", "name_to compared"],
    "SELECT id FROM person WHERE name NOT BETWEEN $1 AND $2": ["name_from compared", "name_to compared"],
    "SELECT id FROM person WHERE name BETWEEN SYMMETRIC $1 AND $2": ["name_from compared", "name_to compared"],
    "SELECT id FROM person WHERE name >= $1 AND name < $2": ["name compared", "name_2 compared"],
    "SELECT id FROM person WHERE (id, name) > ($1, $2)": ["id compared", "name compared"],
    "SELECT id FROM person WHERE (id, name) = ($1, $2)": ["id compared", "name compared"],
    "SELECT id FROM person WHERE $1 IN (SELECT owner FROM pet)": ["owner compared"],
    "SELECT id FROM person WHERE lower(name) = lower($1)": ["name not-null-by-default"],
    "SELECT id FROM person WHERE name LIKE '%' || $1 || '%'": ["name not-null-by-default"],
    "SELECT id FROM person WHERE name = $1::text::varchar": ["name compared"],
    "SELECT count(*) FROM person GROUP BY city HAVING max(nick) > $1 AND count(*) > $2": ["nick compared", "count compared"],
    "SELECT id FROM pet WHERE about->>$1 = $2": ["key not-null-by-default", "about compared"],
    "SELECT p.id FROM person p JOIN LATERAL (SELECT 1 FROM pet WHERE owner = p.id AND p.nick = $1 AND id = $2) x ON true":
        ["nick compared", "id compared"],
    "SELECT CASE id WHEN $1 THEN 'one' END AS word FROM person": ["id compared"],
    # NULL is asked for
    "SELECT id FROM person WHERE $1::mood IS NULL OR mood = $1": ["mood tested-for-null"],
    "SELECT id FROM person WHERE ($1::int IS NOT NULL AND id = $1)": ["id tested-for-null"],
    "SELECT id FROM person WHERE nick IS DISTINCT FROM $1": ["nick tested-for-null"],
    "SELECT id FROM person WHERE nick IS NOT DISTINCT FROM $1": ["nick tested-for-null"],
    "SELECT coalesce($1, nick) AS shown FROM person": ["nick coalesced"],
    "SELECT nullif($1, nick) AS shown FROM person": ["nick not-null-by-default"],
    "SELECT greatest($1, id) AS most FROM person": ["id not-null-by-default"],
    "SELECT id FROM person LIMIT $1 OFFSET $2": ["limit limit", "offset limit"],
    "SELECT id FROM person ORDER BY id FETCH FIRST $1 ROWS WITH TIES": ["limit not-null-by-default"],
    # stored
    "INSERT INTO person (id, name, nick) VALUES ($1, $2, $3)": [f"id {REFUSED}", f"name {REFUSED}", f"nick {STORED}"],
    "INSERT INTO person (name, id) VALUES ($1, $2), ($3, $4)": [
        f"name {REFUSED}", f"id {REFUSED}", f"name_2 {REFUSED}", f"id_2 {REFUSED}"],
    "INSERT INTO person VALUES ($2, $1)": [f"name {REFUSED}", f"id {REFUSED}"],
    "INSERT INTO person (id, nick, name) SELECT $1, $2, 'x'": [f"id {REFUSED}", f"nick {STORED}"],
    "INSERT INTO person (id, name) SELECT 1, 'x' UNION ALL SELECT $1, $2": [f"id {REFUSED}", f"name {REFUSED}"],
    "INSERT INTO person (id, name, nick) SELECT v.* FROM (SELECT * FROM (VALUES ($1::int, $2, $3)) AS w) AS v": [
        f"id {REFUSED}", f"name {REFUSED}", f"nick {STORED}"],
    "INSERT INTO person (id, name, nick) VALUES (1, $1, $1)": [f"name {REFUSED}"],
    "INSERT INTO people (id, name, nick) VALUES (1, 'x', $1)": [f"nick {STORED}"],
    "UPDATE person SET name = $1, nick = $2, city = $3::text || 'x' WHERE id = $4": [
        f"name {REFUSED}", f"nick {STORED}", "city not-null-by-default", "id compared"],
    "UPDATE person SET name = coalesce($1, name) WHERE id = 1": ["name coalesced"],
    "UPDATE person SET (nick, city) = ($1, $2) WHERE id = 1": [f"nick {STORED}", f"city {STORED}"],
    "UPDATE person SET nick = v.nick FROM (VALUES ($1::int, $2)) AS v(id, nick) WHERE person.id = v.id": [
        "id not-null-by-default", f"nick {STORED}"],
    "INSERT INTO person (id, name) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET nick = $1 WHERE person.city = $2": [
        f"nick {STORED}", "city compared"],
    "MERGE INTO person p USING pet ON owner = p.id WHEN MATCHED AND pet.id = $1 THEN UPDATE SET nick = $2\n"
    "WHEN NOT MATCHED THEN INSERT (id, name) VALUES ($3, $4)": ["id compared", f"nick {STORED}", f"id_2 {REFUSED}", f"name {REFUSED}"],
    # functions, rows, names of the result
    "SELECT id FROM person JOIN unnest($1::int[], $2::text[]) AS u(one, two) ON true": [
        "one not-null-by-default", "two not-null-by-default"],
    "SELECT n FROM unnest($1::int[]) AS n": ["n not-null-by-default"],
    "INSERT INTO person (id, name) SELECT * FROM unnest($1::int[], $2::text[])": [
        "id not-null-by-default", "name not-null-by-default"],
    "SELECT greet($1, times => $2) AS words": ["who not-null-by-default", "times not-null-by-default"],
    "SELECT pg_sleep($1), upper($2)": ["pg_sleep_arg1 not-null-by-default", "upper_arg1 not-null-by-default"],
    "SELECT make_interval(days => $1) AS span": ["days not-null-by-default"],
    "SELECT $1::int AS lowest, $2::date AS day": ["lowest not-null-by-default", "day not-null-by-default"],
    "WITH input(a, b) AS (VALUES ($1::int, $2::text)) SELECT * FROM input": ["a not-null-by-default", "b not-null-by-default"],
    # :name wins, and its name is taken
    "SELECT id FROM person WHERE id = $1 AND name = :id": ["id_2 compared", "id compared"],
    "SELECT id FROM person WHERE id = :a OR id = :a OR nick = :b": ["a compared", "b compared"],
    # nothing to be called after
    "SELECT $1::int, CASE WHEN $2 THEN 1 END AS x": ["param1 not-null-by-default", "param2 not-null-by-default"],
}


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """All cases in one run: statement -> query as described."""
    top = tmp_path_factory.mktemp("parameters")
    (top / "db").mkdir()
    (top / "db/0001_x.sql").write_text("-- up\n" + MIGRATION)
    (top / "q.sql").write_text(";\n".join(CASES))
    done = subprocess.run([compiler.GEN, "describe", top / "q.sql", "--migrations", top / "db", "--json"],
                          capture_output=True, text=True, timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8"})
    assert (done.returncode, [line for line in done.stderr.splitlines() if "error" in line]) == (0, [])
    return dict(zip(CASES, json.loads(done.stdout), strict=True))


@pytest.mark.parametrize("sql", CASES)
def test_name_and_nullability(described, sql):
    params = [(param["name"], param["nullable"]) for param in described[sql]["params"]]
    nullable = (STORED, TESTED, COALESCED, LIMIT)
    assert params == [(word.split()[0], word.split()[1] in nullable) for word in CASES[sql]]


def test_numbers_become_members_of_c(tmp_path):
    """The compiler takes $n too; the names are in the metadata, and C made without a server is the same."""
    text = "-- name: pick :many\nSELECT id FROM person WHERE id = ANY($1) AND mood = $2 ORDER BY id LIMIT $3;\n"
    top = compiler.tree(tmp_path / "sql", "g", {"q": text}, MIGRATION)
    assert compiler.run("--sql", top, "-o", tmp_path / "a") == (0, "")
    header = (tmp_path / "a/g/q.h").read_text()
    assert "struct hf_int4_array ids;" in header and "enum mood mood;" in header and "bool has_limit;" in header
    assert compiler.run("--offline", "--sql", top, "-o", tmp_path / "b") == (0, "")
    assert header == (tmp_path / "b/g/q.h").read_text()
    rules = [param["rule"] for param in json.loads((top / "meta/g/pick.json").read_text())["params"]]
    assert rules == [COMPARED, COMPARED, LIMIT]


def test_an_annotation_wins(tmp_path):
    text = "-- name: pick :many\n-- param limit: notnull\n-- param id: nullable\nSELECT id FROM person WHERE id = $1 LIMIT $2;\n"
    top = compiler.tree(tmp_path / "sql", "g", {"q": text}, MIGRATION)
    assert compiler.run("--sql", top) == (0, "")
    params = json.loads((top / "meta/g/pick.json").read_text())["params"]
    assert [(p["name"], p["nullable"], p["rule"]) for p in params] == [("id", True, "annotated"), ("limit", False, "annotated")]


def test_a_null_that_always_fails_is_pointed_out(tmp_path):
    text = "-- name: add :exec\n-- param name: nullable\nINSERT INTO person (id, name) VALUES (:id, :name);\n"
    top = compiler.tree(tmp_path / "sql", "g", {"q": text}, MIGRATION)
    code, report = compiler.run("--sql", top)
    assert code == 0
    (finding,) = compiler.findings(report)
    assert (finding.line, finding.column, finding.level) == (2, 10, "warning")
    assert finding.message == 'parameter "name" is stored into a NOT NULL column: a NULL in it always fails [contradiction]'
