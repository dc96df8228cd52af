"""Files that nobody writes on purpose: each gets one diagnostic and the right exit code, in bounded time and memory.
No server is needed but where a test says so."""

import json
import os
import resource
import subprocess

import pytest

import compiler

# What `describe` says of it: nothing, or its one finding (level, line, column, message).
STACK = ("error", 1, 1, "stack depth limit exceeded (SQLSTATE 54001)")
FULL = ("error", 1, 10004, 'memory exhausted at or near "(" (SQLSTATE 42601)')
DEEP = ("warning", 1, 1, "the statement is too large or nested too deep to be looked at")
OPEN = ("error", 1, 10, "comments open too often here without a blank in between")


def many(count, text, between=", "):
    return between.join(text.replace("#", str(i)) for i in range(count))


SHAPES = {
    "in_list": (f"SELECT id FROM t WHERE id IN ({many(150_000, '#', ',')});", None),
    "strings": (f"SELECT id FROM t WHERE name IN ({many(60_000, chr(39) + '#' + chr(39))});", None),
    "values": (f"SELECT * FROM (VALUES {many(60_000, '(#)')}) v (a);", None),
    "comments": ("SELECT 1 " + "/*" * 100_000 + "*/" * 100_000 + ";", OPEN),
    "comments_open": ("SELECT 1 " + "/*" * 100_000 + ";", OPEN),
    "comments_between": ("SELECT 1 " + "+/**/" * 200_000 + " 1;", OPEN),
    "comments_apart": ("SELECT 1 " + "/* a */" * 100_000 + ";", None),
    "comments_in_text": ("SELECT '" + "/*" * 2_000 + "' AS a;", None),
    "unions": ("SELECT id FROM t" + " UNION ALL SELECT id FROM t" * 10_000 + ";", STACK),
    "joins": ("SELECT 1 FROM t" + "".join(f" JOIN t a{i} USING (id)" for i in range(5_000)) + ";",
              ("error", 1, 1, "5000 joins in one statement, the limit is 300")),
    "joins_fine": ("SELECT id FROM t" + "".join(f" LEFT JOIN t a{i} USING (id)" for i in range(200)) + ";", None),
    "parentheses": ("SELECT " + "(" * 50_000 + "1" + ")" * 50_000 + ";", FULL),
    "parameters": (f"SELECT id FROM t WHERE id IN ({many(60_000, ':p#')});", None),
    "numbers": (f"INSERT INTO t (id, name) VALUES {', '.join(f'(${2 * i + 1}, ${2 * i + 2})' for i in range(20_000))};", None),
    "parameters_over": (f"SELECT id FROM t WHERE id IN ({many(100_000, ':p#')});",
                        ("error", 1, 1, "100000 parameters, the protocol takes 65535")),
    "name": (f"SELECT {'a' * 1_000_000} FROM t;", ("error", 1, 8, f'column "{"a" * 63}" does not exist (SQLSTATE 42703)')),
    "text": (f"SELECT '{'a' * 1_000_000}' AS a;", None),
    "columns": (f"SELECT {many(20_000, '# AS c#')};", ("error", 1, 1, "target lists can have at most 1664 entries (SQLSTATE 54011)")),
    "columns_fine": (f"SELECT {many(1_600, 'id')} FROM t;", None),
    "case": ("SELECT " + "CASE WHEN true THEN " * 60_000 + "1" + " END" * 60_000 + " AS a;",
             ("error", 1, 39993, 'memory exhausted at or near "WHEN" (SQLSTATE 42601)')),
    "case_wide": ("SELECT CASE " + many(10_000, "WHEN id = # THEN name", " ") + " END AS a FROM t;", None),
    "with": ("WITH a0 AS (SELECT id FROM t)" + "".join(f", a{i} AS (SELECT id FROM a{i - 1})" for i in range(1, 3_000))
             + " SELECT * FROM a2999;", None),
    "sum": (f"SELECT {many(4_000, 'id', ' + ')} AS a FROM t;", DEEP),
    "sum_over": (f"SELECT {many(50_000, 'id', ' + ')} AS a FROM t;", STACK),
    "or": (f"SELECT name FROM t WHERE {many(10_000, 'name = chr(#)', ' OR ')};", None),
    "lines": ("\n" * 900_000 + "SELECT nope;", ("error", 900_001, 8, 'column "nope" does not exist (SQLSTATE 42703)')),
    "blanks": ("SELECT 1" + " " * 900_000 + ", nope;", ("error", 1, 900_011, 'column "nope" does not exist (SQLSTATE 42703)')),
    "variants": ("SELECT id FROM t WHERE true " + "".join(f"/*? f{i} */ AND id IN ({many(9_000, '#')}) /*?*/ " for i in range(6)) + ";",
                 ("warning", 1, 1, "64 variants of the statement make 20")),
    "orders": (f"SELECT id FROM t /*order: {many(60_000, 'o# = id', '|')} */;",
               ("warning", 1, 1, "0 fragments and 60000 orders make more than 64 variants of the statement")),
    "carriage": ("\ufeff-- name: x :one\r\nSELECT\r\n 1 AS a,\r\n nope;\r\n",
                 ("error", 4, 2, 'column "nope" does not exist (SQLSTATE 42703)')),
    "no_end": ("SELECT 1 AS a -- here", None),
    "nul": ("SELECT\n 'é\x00' AS a;", ("error", 2, 4, "byte 11 is not UTF-8")),
    "latin": (b"SELECT\n '\xe9' AS a;", ("error", 2, 3, "byte 9 is not UTF-8")),
}


def test_shapes_of_a_megabyte(tmp_path):
    """With a private server: each has an answer or one finding, and nothing takes minutes or gigabytes."""
    (tmp_path / "db").mkdir()
    (tmp_path / "db/0001_t.sql").write_text("CREATE TABLE t (id int PRIMARY KEY, name text);")
    for name, (text, _) in SHAPES.items():
        (tmp_path / f"{name}.sql").write_bytes(text if isinstance(text, bytes) else text.encode())
    command = [compiler.GEN, "describe", *(tmp_path / f"{name}.sql" for name in SHAPES), "--migrations", tmp_path / "db", "--json"]
    done = subprocess.run(command, capture_output=True, timeout=600, check=False, stdin=subprocess.DEVNULL)
    assert done.returncode == 1
    found = {}
    for f in compiler.findings(done.stderr.decode()):
        found.setdefault(os.path.basename(f.path)[:-4], []).append((f.level, f.line, f.column, f.message))
    for name, (_, expected) in SHAPES.items():
        assert len(found.get(name, ())) == (expected is not None), (name, found.get(name))
        if expected:
            assert found[name][0][:3] == expected[:3] and found[name][0][3].startswith(expected[3]), (name, found[name])
    described = {row["name"] for row in json.loads(done.stdout)}
    assert described == {name for name, (_, e) in SHAPES.items() if not e or e[0] == "warning"}


TABLE = "CREATE TABLE t (id int PRIMARY KEY, tags text[]);"


def run(top, *args, seconds=60):
    """(exit code, findings, stderr) within 2 GiB."""
    done = subprocess.run([compiler.GEN, "--sql", top, *args], capture_output=True, timeout=seconds, check=False,
                          stdin=subprocess.DEVNULL, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (1 << 31, 1 << 31)))
    assert done.returncode >= 0, f"died of signal {-done.returncode}"
    stderr = done.stderr.decode()
    return done.returncode, [f for f in compiler.findings(stderr) if not f.message.startswith("stale: ")], stderr


def nested(opening, count, inside, closing):
    return f"-- name: a :one\nSELECT {opening * count}{inside}{closing * count} AS a;\n"


@pytest.mark.parametrize("text, place, message", [
    (nested("(", 100_000, "1", ")"), (2, 10004), 'memory exhausted at or near "(" (SQLSTATE 42601)'),
    (nested("NOT ", 50_000, "true", ""), (2, 39992), 'memory exhausted at or near "NOT" (SQLSTATE 42601)'),
    (nested("ARRAY[", 6_000, "1", "]"), (2, 29996), 'memory exhausted at or near "ARRAY" (SQLSTATE 42601)'),
    (nested("1 + ", 50_000, "1", ""), (2, 1), "the statement is nested too deep to be looked at"),
    ("-- name: a :many\nSELECT 1 AS a" + " UNION SELECT 1" * 5_000 + ";\n", (2, 1),
     "the statement is nested too deep to be looked at"),
], ids=["parentheses", "not", "arrays", "sum", "union"])
def test_depth(tmp_path, text, place, message):
    compiler.tree(tmp_path, "deep", {"a": text})
    code, found, _ = run(tmp_path, "--check")
    assert code == 1 and [(f.line, f.column, f.message) for f in found] == [(*place, message)]


def test_depth_that_is_still_fine(tmp_path):
    """With a private server."""
    compiler.tree(tmp_path, "deep", {"a": nested("(", 5_000, "1", ")")})
    assert run(tmp_path)[0] == 0


def test_a_hundred_thousand_queries(tmp_path):
    files = {f"f{k}": "".join(f"-- name: q{k}_{i} :one\nSELECT 1 AS a;\n" for i in range(25_000)) for k in range(4)}
    files["f3"] += "-- name: q0_7 :one\nSELECT 1 AS a;\n"
    compiler.tree(tmp_path, "many", files)
    code, found, stderr = run(tmp_path, "--check", seconds=240)
    assert code == 1 and [(f.line, f.message) for f in found] == [(50_001, 'second query with the name "q0_7"')]
    assert stderr.count("has no metadata") >= 100_000


def test_ten_thousand_unterminated_strings(tmp_path):
    compiler.tree(tmp_path, "faults", {"a": "".join(f"-- name: a{i} :one\nSELECT $t{i}$\n" for i in range(10_000))})
    code, found, _ = run(tmp_path, "--check")
    assert code == 1
    assert [(f.line, f.column, f.message) for f in found] == [
        *((2 * i + 2, 8, "unterminated dollar-quoted string") for i in range(100)),
        (201, 1, "too many faults: the file is not looked at from here on")]


def test_five_thousand_parameters(tmp_path):
    names = ", ".join(f":p{i}" for i in range(5_000))
    compiler.tree(tmp_path, "wide", {"a": f"-- name: a :many\nSELECT id FROM t WHERE id IN ({names}, :has_p7);\n"}, TABLE)
    code, found, _ = run(tmp_path, "--check")
    assert code == 1 and [f.message for f in found] == ['parameters "p7" and "has_p7" are the same in C']


def test_a_query_of_almost_a_megabyte(tmp_path):
    """With a private server; one byte more than the limit is refused."""
    text = "-- name: a :one\nSELECT '{}' AS a;\n"
    room = (1 << 20) - len(text) + 2
    compiler.tree(tmp_path, "long", {"a": text.format("x" * room)})
    assert run(tmp_path)[0] == 0
    (tmp_path / "queries/long/a.sql").write_text(text.format("x" * (room + 1)))
    code, _, stderr = run(tmp_path)
    assert code == 1 and stderr.endswith("a.sql is longer than 1048576 bytes\n")


def test_ten_megabytes(tmp_path):
    compiler.tree(tmp_path, "long", {"a": "-- name: a :one\nSELECT 1 AS a;\n" * 330_000})
    code, _, stderr = run(tmp_path, "--check")
    assert code == 1 and "is longer than 1048576 bytes" in stderr


def test_names_at_the_limit(tmp_path):
    good, bad = "n" * 63, "n" * 64
    compiler.tree(tmp_path, "names", {"a": f"-- name: {good} :one\nSELECT 1 AS a;\n-- name: {bad} :one\nSELECT 1 AS a;\n"})
    code, found, _ = run(tmp_path, "--check")
    assert code == 1 and [(f.line, f.column, f.message) for f in found] == [(3, 10, f'"{bad}" cannot be the name of a query')]


def test_what_is_no_file(tmp_path):
    compiler.tree(tmp_path, "odd", {"fine": "-- name: a :one\nSELECT 1 AS a;\n"})
    folder = tmp_path / "queries/odd"
    (folder / "folder.sql").mkdir()
    (folder / "link.sql").symlink_to("nowhere")
    os.mkfifo(folder / "pipe.sql")
    code, found, _ = run(tmp_path, "--check", seconds=10)
    assert code == 1
    assert [(f.path, f.message) for f in found] == [
        (str(folder / f"{name}.sql"), "this is not a file that can be read") for name in ("folder", "link", "pipe")]


def test_a_file_that_must_not_be_read(tmp_path):
    """As somebody to whom modes matter."""
    compiler.tree(tmp_path, "odd", {"a": "-- name: a :one\nSELECT 1 AS a;\n"})
    path = tmp_path / "queries/odd/a.sql"
    path.chmod(0)
    command = [compiler.GEN, "--check", "--sql", tmp_path]
    counts = tmp_path / "counts"  # of a build that counts its lines, which that somebody cannot do in the build folder
    counts.mkdir()
    counts.chmod(0o777)
    if os.geteuid() == 0:
        for parent in [tmp_path, *tmp_path.parents][:-2]:
            parent.chmod(parent.stat().st_mode | 0o055)
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    done = subprocess.run(command, capture_output=True, timeout=20, check=False, stdin=subprocess.DEVNULL,
                          env={**os.environ, "GCOV_PREFIX": str(counts)})
    assert done.returncode == 2 and done.stderr.decode() == f"holdfast-gen: could not read {path}: Permission denied\n"


@pytest.mark.parametrize("text", [b"\x00", b"-- name: a :one\nSELECT 1\x00 AS a;\n", b"\xff\xfe", b"-- \xc3\n", b"\xed\xa0\x80",
                                  b"-- name: a :one\nSELECT '\xf8\x88\x80\x80\x80' AS a;\n"], ids=repr)
def test_bytes_that_are_no_text(tmp_path, text):
    compiler.tree(tmp_path, "bytes", {"a": text})
    code, found, _ = run(tmp_path, "--check")
    bad = next(i for i in range(len(text) + 1) if not _is_text(text[: i + 1]) and not _is_text(text[: i + 2]) and
               not _is_text(text[: i + 3]))
    assert code == 1 and [f.message for f in found] == [f"byte {bad} is not UTF-8"]


def _is_text(some):
    try:
        return "\x00" not in some.decode()
    except UnicodeDecodeError:
        return False


EMPTY = [b"", b" \n\t\r\n", b"-- only words\n", b"/* and */ -- more", b";\n;;\n", b"\xef\xbb\xbf-- a mark\n"]


@pytest.mark.parametrize("text", EMPTY[:5], ids=repr)
def test_nothing_in_it_is_fine(tmp_path, text):
    compiler.tree(tmp_path, "empty", {"a": text})
    code, found, _ = run(tmp_path, "--check")
    assert code == 4 and found == []


# ---- metadata ----


@pytest.mark.parametrize("name", ["a.json", "types.json", "manifest.json"])
@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{" * 100_000, b'{"a":' * 3_000, b"\x00\x01", b"\xff", b"7", b'"x"',
                                  b'{"format": 4, "format": 4}', b'{"format": "4"}', b'{"params": 1, "columns": "x"}',
                                  b'{"a": "' + b"x" * (17 << 20) + b'"}'], ids=lambda b: repr(b[:16]) + str(len(b)))
def test_hostile_metadata(described, name, text):
    path = described / "meta/app" / name
    before = path.read_bytes()
    path.write_bytes(text)
    try:
        code, found, stderr = run(described, "--check")
        assert found == [] and (code == 4 or code == 1 and "is longer than" in stderr), (code, stderr)
        out = described / "out"
        assert run(described, "--offline", "-o", out)[0] == code and not out.exists()
    finally:
        path.write_bytes(before)


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    """With a private server."""
    top = compiler.tree(tmp_path_factory.mktemp("described"), "app",
                        {"a": "-- name: a :many\nSELECT id, tags, m FROM t, (SELECT 'x'::mood AS m) x WHERE id = :id;\n"},
                        TABLE + "CREATE TYPE mood AS ENUM ('x');")
    assert run(top)[0] == 0
    assert run(top, "--check") == (0, [], "")
    return top


def test_metadata_cut_anywhere(described):
    for name in ("a.json", "types.json", "manifest.json"):
        path = described / "meta/app" / name
        before = path.read_bytes()
        try:
            for length in range(0, len(before) - 2, 23):
                path.write_bytes(before[:length])
                assert run(described, "--check")[0] == 4, (name, length)
        finally:
            path.write_bytes(before)
