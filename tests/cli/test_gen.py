"""holdfast gen: the compiler behind it, its exit codes, its flags."""

import json
import shutil

import pytest

from command import TOP, ok, refused, run

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
    assert ok("gen", "--sql", sql, "--group", "sample", "--into", tmp_path / "out") == ""
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
    assert wrong == {"path": str(queries), "line": 6, "column": 13, "level": "error", "message": '"2h" is not a timeout',
                     "hint": "a number with ms, s or min, at most a day: 500ms, 2s, 5min", "query": "item_add (:one)"}
    assert (stale["level"], stale["line"]) == ("stale", 13)


@pytest.mark.parametrize(
    "flags, message",
    [(["--check", "--into", "x"], "--check writes nothing, --into does"),
     (["--check", "--offline"], "--check writes nothing, --offline does"),
     (["--offline"], "--offline needs --into DIR"),
     (["--check", "-d", "x=1"], "--check needs no --database"),
     (["--group", "a"] * 21, "--group may stand at most 20 times")],
)
def test_gen_refuses_flags_that_do_not_fit(flags, message):
    assert refused(2, "gen", *flags) == f"error: {message}\n"


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
