"""Constraints as an enum: which are listed, how they are called, what belongs together. With a private server. That an
error of a real violation finds its enumerator: test_generated.c."""

import json
import re
import subprocess

import pytest

import compiler

MIGRATION = """
CREATE SCHEMA app;
CREATE TABLE app."Odd Name" (id int CONSTRAINT "odd-key" PRIMARY KEY, a int CONSTRAINT positive CHECK (a > 0));
CREATE TABLE plain (a int CONSTRAINT positive CHECK (a > 0), b int CONSTRAINT odd_key UNIQUE, "odd key" int UNIQUE);
CREATE UNIQUE INDEX plain_lower ON plain ((a + b)) WHERE a > 1;
CREATE INDEX plain_slow ON plain (a);
CREATE TABLE tree (id int PRIMARY KEY, up int CONSTRAINT tree_up_fkey REFERENCES tree ON DELETE CASCADE);
CREATE TABLE leaf (tree int REFERENCES tree ON DELETE CASCADE, n int CONSTRAINT leaf_n CHECK (n > 0));
CREATE TABLE note (leaf int UNIQUE, tree int REFERENCES tree);
CREATE TABLE parts (id int, n int CONSTRAINT parts_n CHECK (n < 10), tree int, PRIMARY KEY (id),
                    CONSTRAINT parts_tree FOREIGN KEY (tree) REFERENCES tree) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
ALTER TABLE parts_2 ADD CONSTRAINT own CHECK (id <> 150);
CREATE TABLE elsewhere (id int PRIMARY KEY);
CREATE DOMAIN short AS text CONSTRAINT short_check CHECK (length(value) < 5);
CREATE TABLE words (word short, EXCLUDE (word WITH =));
"""
WRITES = {
    "odd": 'INSERT INTO app."Odd Name" (id, a) VALUES (:id, :a)',
    "plain": "UPDATE plain SET a = :a WHERE b = :b",
    "tree": "DELETE FROM tree WHERE id = :id",
    "parts": "INSERT INTO parts (id, n, tree) VALUES (:id, :n, :tree)",
    "words": "INSERT INTO words (word) VALUES (:word)",
    "look": None,
}


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    top = tmp_path_factory.mktemp("constraints")
    text = "".join(f"-- name: {name}_do :exec\n{sql};\n" for name, sql in WRITES.items() if sql)
    text += "-- name: look :many\nSELECT id FROM elsewhere;\n"
    compiler.tree(top, "app", {"a": text}, MIGRATION)
    code, stderr = compiler.run("--sql", top, "-o", top / "out")
    assert (code, stderr) == (0, "")
    return top


def table(top):
    """(table, constraint) -> enumerator, from the generated C."""
    source = (top / "out/app/app_types.c").read_text()
    return {(t, n): value for t, n, value in re.findall(r'\{"([^"]*)", "([^"]*)", HF_CONSTRAINT_(\w+)\}', source)}


def test_names(generated):
    assert table(generated) == {
        ("Odd Name", "odd-key"): "Odd_Name_odd_key",  # not to be told from odd_key in C
        ("Odd Name", "positive"): "Odd_Name_positive",
        ("plain", "positive"): "plain_positive",
        ("plain", "odd_key"): "plain_odd_key",
        ("plain", "plain_odd key_key"): "plain_odd_key_key",
        ("plain", "plain_lower"): "plain_lower",
        ("tree", "tree_pkey"): "tree_pkey",
        ("tree", "tree_up_fkey"): "tree_up_fkey",
        ("leaf", "leaf_tree_fkey"): "leaf_tree_fkey",  # a DELETE of a tree deletes leaves
        ("leaf", "leaf_n"): "leaf_n",
        ("note", "note_tree_fkey"): "note_tree_fkey",  # refers to it
        ("parts", "parts_pkey"): "parts_pkey",
        ("parts", "parts_n"): "parts_n",
        ("parts", "parts_tree"): "parts_tree",
        **{(part, name.replace("parts_pkey", f"{part}_pkey")): name
           for part in ("parts_1", "parts_2") for name in ("parts_pkey", "parts_n", "parts_tree")},
        ("parts_2", "own"): "own",
        ("words", "words_word_excl"): "words_word_excl",
        ("short", "short_check"): "short_check",
    }


def test_numbers_are_different_and_the_rest_is_clean(generated, tmp_path):
    header = (generated / "out/app/app_constraints.h").read_text()
    numbers = re.findall(r"HF_CONSTRAINT_\w+ = (\d+)", header)
    assert numbers == [str(i + 1) for i in range(len(numbers))] and len(numbers) == len(set(table(generated).values()))
    for compile_it in (["gcc", "-std=c17"], ["clang", "-std=c17"], ["g++", "-x", "c++", "-std=c++17"]):
        source = generated / "out/app" / ("app_constraints.h" if "c++" in compile_it else "app_types.c")
        done = subprocess.run([*compile_it, "-Wall", "-Wextra", "-Wconversion", "-Werror", f"-I{compiler.TOP}/include",
                               "-c", source, "-o", tmp_path / "x.o"], capture_output=True, check=False)
        assert (done.returncode, done.stderr.decode()) == (0, "")


def test_metadata_gives_the_same_without_a_server(generated, tmp_path):
    code, stderr = compiler.run("--offline", "--sql", generated, "-o", tmp_path)
    assert (code, stderr) == (0, "")
    for name in ("app_constraints.h", "app_types.c"):
        assert (tmp_path / "app" / name).read_text() == (generated / "out/app" / name).read_text()
    path = generated / "meta/app/constraints.json"
    before = path.read_bytes()
    try:
        for hostile in (b"", b"{}", b'{"constraints": []}', b'{"constraints": [{"table": "t"}]}', b'{"constraints": [7]}'):
            path.write_bytes(hostile)
            code, stderr = compiler.run("--check", "--sql", generated)
            assert code == 4 and "constraints.json: error: stale: " in stderr, hostile
    finally:
        path.write_bytes(before)
    assert json.loads(before)["constraints"][0] == {"name": "odd-key", "table": "Odd Name"}


def test_nothing_is_written_for_queries_that_only_read(tmp_path):
    compiler.tree(tmp_path, "app", {"a": "-- name: look :many\nSELECT id FROM elsewhere;\n"}, MIGRATION)
    assert compiler.run("--sql", tmp_path, "-o", tmp_path / "out") == (0, "")
    assert json.loads((tmp_path / "meta/app/constraints.json").read_text())["constraints"] == []
    assert not (tmp_path / "out/app/app_constraints.h").exists()


def test_the_janitors_queue_has_the_name_that_was_promised():
    header = compiler.BUILD / "sql/queries/janitor/janitor_constraints.h"
    assert "HF_CONSTRAINT_queue_codebase_fkey" in header.read_text()
