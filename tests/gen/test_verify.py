"""gen --verify: what the running release's queries meet on the new schema. With a private server."""

import json
import pathlib

import pytest

import compiler

THEN = """
CREATE TYPE mood AS ENUM ('happy', 'sad', 'odd');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN word AS text;
CREATE DOMAIN some_mood AS mood;
CREATE TABLE person (id int PRIMARY KEY, name text NOT NULL, email text, size int, mood mood, pair pair, word word);
CREATE TABLE note (id int, body text NOT NULL);
CREATE TABLE feeling (id int, mood mood);
"""
QUERIES = {"a": """
-- name: person_by_name :opt
SELECT id, name AS full_name FROM person WHERE name = :name LIMIT 1;
-- name: person_sizes :many
SELECT id, size FROM person;
-- name: person_add :exec
INSERT INTO person (id, name, email) VALUES (:id, :name, :email);
-- name: person_star :many
SELECT * FROM person;
-- name: notes :many
SELECT body FROM note;
-- name: note_add :copy
-- copy: note(id, body)
-- name: note_size :many
-- col size: notnull! bodies are counted by a trigger
SELECT nullif(length(body), -1) AS size FROM note;
-- name: note_of :many
-- param id: nullable
SELECT body FROM note WHERE id = :id;
-- name: people :many
SELECT id, size AS sz FROM person /*? big */ WHERE size > :least /*?*/ /*order: id = id | odd = mood = :odd, id */;
-- name: person_filled :exec
-- allow: insert-null another table's trigger gives the name
INSERT INTO person (id) VALUES (:id);
-- name: counts :many
SELECT count(*) AS n FROM person;
-- name: moods :many
SELECT mood FROM feeling WHERE mood = 'sad';
-- name: moods_shown :many
-- col moods: open  -- col feeling: open  -- col mood: open
SELECT mood, ARRAY[mood] AS moods, feeling FROM feeling;
-- name: moods_within :many
-- col moods: open
SELECT ARRAY[mood] AS moods, ARRAY[feeling] AS feelings, feeling, mood::some_mood AS domain, id FROM feeling;
"""}


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """The tree of the release that is running, described."""
    top = compiler.tree(tmp_path_factory.mktemp("then"), "app", QUERIES, THEN)
    code, stderr = compiler.run("--sql", top)
    assert code == 0, stderr
    return top


NEW_LABEL = 'column "%s" cannot take the new label "%s" of type public.mood'


def verify(release, tmp_path, migration, *more):
    """(exit code, [(file, query, message)])"""
    migrations = tmp_path / "migrations/app"
    migrations.mkdir(parents=True)
    (migrations / "0001_all.sql").write_text(f"-- up\n{THEN}\n")
    (migrations / "0002_new.sql").write_text(f"-- up\n{migration}\n")
    code, stderr = compiler.run("--verify", release / "meta", "--sql", tmp_path, *more)
    found = [(pathlib.Path(f.path).name, f.query, f.message) for f in compiler.findings(stderr)]
    assert code == (1 if found else 0), stderr
    return found


def test_nothing_changed(release):
    assert compiler.run("--verify", release / "meta", "--sql", release) == (0, "")


def test_what_breaks_nothing(release, tmp_path):
    assert verify(release, tmp_path, """
        ALTER TABLE person ADD COLUMN more text;
        ALTER TABLE person ALTER COLUMN size SET NOT NULL, ALTER COLUMN size SET DEFAULT 0;
        CREATE INDEX ON note (id);
        DROP TABLE IF EXISTS elsewhere;""") == []


@pytest.mark.parametrize("migration, expected", [
    ("ALTER TABLE person RENAME COLUMN name TO label",
     [("person_add.json", "person_add (:exec)", 'column "name" of relation "person" does not exist (SQLSTATE 42703)'),
      ("person_by_name.json", "person_by_name (:opt)", 'column "name" does not exist (SQLSTATE 42703)'),
      ("person_star.json", "person_star (:many)", 'column "name" does not exist (SQLSTATE 42703)')]),
    ("DROP TABLE note",
     [(f"{name}.json", f"{name} ({card})", 'relation "note" does not exist (SQLSTATE 42P01)')
      for name, card in [("note_add", ":copy"), ("note_of", ":many"), ("note_size", ":many"), ("notes", ":many")]]),
    ("ALTER TABLE person ALTER COLUMN size TYPE bigint",
     [("people.json", "people (:many)", 'column "sz" was int4 and is int8 now'),
      ("person_sizes.json", "person_sizes (:many)", 'column "size" was int4 and is int8 now'),
      ("person_star.json", "person_star (:many)", 'column "size" was int4 and is int8 now')]),
    ("ALTER TABLE note ALTER COLUMN id TYPE bigint",
     [("note_add.json", "note_add (:copy)", 'parameter "id" was int4 and is int8 now'),
      ("note_of.json", "note_of (:many)", 'parameter "id" was int4 and is int8 now')]),
    ("ALTER TABLE note ALTER COLUMN body DROP NOT NULL",
     [("note_of.json", "note_of (:many)", 'column "body" was never NULL (table-column) and may be NULL now'),
      ("notes.json", "notes (:many)", 'column "body" was never NULL (table-column) and may be NULL now')]),
    ("ALTER TABLE person ALTER COLUMN email SET NOT NULL",
     [("person_add.json", "person_add (:exec)", 'parameter "email" could be NULL and may not be NULL now')]),
    ("ALTER TABLE person ADD COLUMN age int NOT NULL, ADD COLUMN born date NOT NULL",
     [("person_add.json", "person_add (:exec)", "INSERT leaves out what is NOT NULL and has no default: age, born")]),
    ("ALTER TABLE note ADD COLUMN author int NOT NULL, ADD COLUMN added date NOT NULL DEFAULT now()",
     [("note_add.json", "note_add (:copy)", "INSERT leaves out what is NOT NULL and has no default: author")]),
    ("ALTER TABLE person DROP COLUMN mood",
     [("people.json", "people (:many)", 'column "mood" does not exist (SQLSTATE 42703)'),
      ("person_star.json", "person_star (:many)", 'column "mood" does not exist (SQLSTATE 42703)')]),
    ("ALTER TYPE mood RENAME VALUE 'odd' TO 'strange'",
     [("moods.json", "moods (:many)", NEW_LABEL % ("mood", "strange")),
      ("moods_within.json", "moods_within (:many)", NEW_LABEL % ("domain", "strange")),
      ("moods_within.json", "moods_within (:many)", NEW_LABEL % ("feeling", "strange")),
      ("moods_within.json", "moods_within (:many)", NEW_LABEL % ("feelings", "strange")),
      ("person_star.json", "person_star (:many)", NEW_LABEL % ("mood", "strange")),
      ("types.json", None, 'type public.mood had a label "odd" and has none now')]),
    ("ALTER TYPE mood ADD VALUE 'new'; ALTER TYPE mood ADD VALUE 'newer' BEFORE 'sad'",
     [(f"{name}.json", f"{name} (:many)", NEW_LABEL % (column, label))
      for name, columns in [("moods", ["mood"]), ("moods_within", ["domain", "feeling", "feelings"]), ("person_star", ["mood"])]
      for column in columns for label in ["new", "newer"]]),
    ("ALTER TYPE pair ADD ATTRIBUTE c int", [("types.json", None, "type public.pair had other fields")]),
    ("ALTER TYPE pair ALTER ATTRIBUTE a TYPE bigint CASCADE" , None),
    ("ALTER TABLE note ALTER COLUMN body TYPE varchar(5)",
     [("note_add.json", "note_add (:copy)", 'parameter "body" was text and is varchar now'),
      ("note_of.json", "note_of (:many)", 'column "body" was text and is varchar now'),
      ("notes.json", "notes (:many)", 'column "body" was text and is varchar now')]),
], ids=lambda value: value if isinstance(value, str) else "")
def test_what_breaks(release, tmp_path, migration, expected):
    if expected is None:  # a table has a column of the type: the server refuses the migration itself
        code, stderr = compiler.run("--verify", release / "meta", "--sql", _tree(tmp_path, migration))
        assert code == 1 and "0002_new.sql" in stderr
        return
    assert verify(release, tmp_path, migration + ";") == expected


def _tree(tmp_path, migration):
    migrations = tmp_path / "migrations/app"
    migrations.mkdir(parents=True)
    (migrations / "0001_all.sql").write_text(f"-- up\n{THEN}\n")
    (migrations / "0002_new.sql").write_text(f"-- up\n{migration};\n")
    return tmp_path


def test_programs_of_older_metadata_take_any_label(release, tmp_path):
    meta = broken_copy(release, tmp_path, "manifest.json", b'{"format": 3}')
    top = _tree(tmp_path / "now", "ALTER TYPE mood ADD VALUE 'new'")
    assert compiler.run("--verify", meta, "--sql", top) == (0, "")


def test_a_new_label_comes_with_the_way_out(release, tmp_path):
    code, stderr = compiler.run("--verify", release / "meta", "--sql", _tree(tmp_path, "ALTER TYPE mood ADD VALUE 'new'"))
    assert code == 1
    assert compiler.findings(stderr)[0].hint == (
        "roll out programs that know it first; a column whose labels are only shown can be annotated, -- col mood: open")


def test_imported_types_are_imported_again(tmp_path):
    compiler.tree(tmp_path, "app", {"a": "-- import type: public.label as text\n-- name: a :many\nSELECT l FROM t;\n"},
                  "CREATE TYPE label;\n"
                  "CREATE FUNCTION label_in(cstring) RETURNS label LANGUAGE internal IMMUTABLE STRICT AS 'textin';\n"
                  "CREATE FUNCTION label_out(label) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';\n"
                  "CREATE FUNCTION label_send(label) RETURNS bytea LANGUAGE internal STABLE STRICT AS 'bpcharsend';\n"
                  "CREATE FUNCTION label_recv(internal) RETURNS label LANGUAGE internal STABLE STRICT AS 'textrecv';\n"
                  "CREATE TYPE label (INPUT = label_in, OUTPUT = label_out, SEND = label_send, RECEIVE = label_recv,"
                  " LIKE = text);\nCREATE TABLE t (l label);")
    code, stderr = compiler.run("--sql", tmp_path)
    assert code == 0, stderr
    assert compiler.run("--verify", tmp_path / "meta", "--sql", tmp_path) == (0, "")


def test_json(release, tmp_path):
    compiler.run("--verify", release / "meta", "--sql", _tree(tmp_path, "DROP TABLE note"), "--json")
    done = compiler.run_whole("--verify", release / "meta", "--sql", tmp_path, "--json")
    assert done.returncode == 1
    first = json.loads(done.stdout)[0]
    assert first["query"] == "note_add (:copy)" and first["level"] == "error" and first["line"] is None


# ---- what is no metadata ----


def broken_copy(release, tmp_path, name, text):
    folder = tmp_path / "meta/app"
    folder.mkdir(parents=True)
    for path in (release / "meta/app").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format": 3})) # one without digests
    (folder / name).write_bytes(text)
    return tmp_path / "meta"


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b"\x00", b"{}", b"\xff\xfe", b'{"query": "x"}', b"[" * 100000,
                                  b'{"query": "x", "cardinality": ":many", "text": 7}',
                                  b'{"query": "x", "cardinality": ":few", "text": "SELECT 1"}'], ids=lambda b: repr(b[:24]))
def test_hostile_metadata_of_a_query(release, tmp_path, text):
    meta = broken_copy(release, tmp_path, "notes.json", text)
    code, stderr = compiler.run("--verify", meta, "--sql", release)
    assert code == 1
    assert [(f.path, f.message) for f in compiler.findings(stderr)] == [
        (str(meta / "app/notes.json"), "this is not the metadata of a query")]


def test_metadata_whose_parameters_and_columns_are_nonsense(release, tmp_path):
    text = json.dumps({"query": "x", "cardinality": ":many", "text": "SELECT $1::int AS a", "params": [7], "columns": {"a": 1}})
    meta = broken_copy(release, tmp_path, "x.json", text.encode())
    code, stderr = compiler.run("--verify", meta, "--sql", release)
    assert code == 1 and "x.json" in stderr


@pytest.mark.parametrize("name", ["notes.json", "types.json", "manifest.json"])
def test_metadata_that_was_edited(release, tmp_path, name):
    folder = tmp_path / "meta/app"
    folder.mkdir(parents=True)
    for path in (release / "meta/app").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    value = json.loads((folder / name).read_text())
    (folder / name).write_text(json.dumps({**value, "more": 1}))
    code, stderr = compiler.run("--verify", tmp_path / "meta", "--sql", release)
    found = compiler.findings(stderr)
    assert code == 4 and [f.path for f in found] == [str(folder / name)]
    assert found[0].message.startswith("stale: its digest does not fit")
    assert found[0].hint == "take the metadata of that release again"


@pytest.mark.parametrize("text, message", [
    (b'{"format": 1}', "was written by a compiler that did not keep the statements' text"),
    (b'{"format": 99}', "was written by another version of the compiler"),
    (b"{", "was written by another version of the compiler")])
def test_another_format(release, tmp_path, text, message):
    meta = broken_copy(release, tmp_path, "manifest.json", text)
    code, stderr = compiler.run("--verify", meta, "--sql", release)
    assert code == 2 and message in stderr


def test_folders_that_are_no_metadata(release, tmp_path):
    for folder, message in [(tmp_path / "nowhere", "is not a folder"), (tmp_path, "holds no metadata"),
                            (release / "queries", "has no manifest.json")]:
        code, stderr = compiler.run("--verify", folder, "--sql", release)
        assert code == 2 and message in stderr, stderr
    code, stderr = compiler.run("--verify", release / "meta", "--sql", release, "--group", "nobody")
    assert code == 2 and "has no manifest.json" in stderr
    assert compiler.run("--verify", release / "meta", "--check")[0] == 2
