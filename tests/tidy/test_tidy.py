"""The house rules that a machine can read: layers, banned words, sizes, what must not be committed.

Layers: an #include may point to the own folder or down, never up or sideways. Prints TAP.
"""

import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]

# What each folder may include besides itself and the public headers.
BELOW = {
    "base": set(),
    "core": {"base"},
    "pg": {"base", "core"},
    "migrate": {"base", "core", "pg"},
    "files": {"base", "core"},
    "schema": {"base", "queries"},
    "kv": {"base", "core", "pg", "migrate", "files", "queries"},
    "janitor": {"base", "core", "pg", "migrate", "files", "queries"},
    "cli": {"base"},
}
TOOLS = {"gen": {"base", "core", "pg", "migrate", "gen"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def tracked(*patterns):
    out = subprocess.run(["git", "-C", TOP, "ls-files", "-z", "--", *patterns], capture_output=True, check=True).stdout
    return [TOP / name for name in out.decode().split("\0") if name and (TOP / name).is_file()]


def includes(path):
    text = path.read_text()
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1), match.group(2)


def layer_errors():
    for path in tracked("src/*.c", "src/*.h", "tools/gen/*.c", "tools/gen/*.h"):
        parts = path.relative_to(TOP).parts
        own = parts[1]
        allowed = (BELOW if parts[0] == "src" else TOOLS).get(own)
        if allowed is None:
            yield f"{path.relative_to(TOP)}: folder {own} is not in the table of layers"
            continue
        for line, kind, name in includes(path):
            folder = name.split("/")[0] if "/" in name else ""
            if kind == '"' and folder in BELOW and folder != own and folder not in allowed:
                yield f"{path.relative_to(TOP)}:{line}: {own} must not include {name}"


def libpq_errors():
    """Only src/pg sees libpq, only tools/gen sees libpg_query, core does no I/O, public headers see neither."""
    for path in tracked("src/*.[ch]", "include/*.h", "tools/gen/*.[ch]"):
        name = str(path.relative_to(TOP))
        for line, _, header in includes(path):
            if re.match(r"(postgresql/)?(libpq|pg_config)", header) and not name.startswith("src/pg/"):
                yield f"{name}:{line}: only src/pg includes {header}"
            if header == "pg_query.h" and not name.startswith("tools/gen/"):
                yield f"{name}:{line}: only tools/gen includes {header}"
            if name.startswith("src/core/") and header in ("stdio.h", "unistd.h", "fcntl.h", "sys/socket.h", "pthread.h"):
                yield f"{name}:{line}: core does no I/O ({header})"


SQL = re.compile(r'"\s*(SELECT|INSERT INTO|UPDATE \w+ SET|DELETE FROM|WITH \w+ AS|CREATE TABLE|COPY \w+)\b', re.I)


def sql_errors():
    for path in tracked("src/*.c"):
        name = str(path.relative_to(TOP))
        if name.startswith(("src/pg/", "src/migrate/")):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if SQL.search(line):
                yield f"{name}:{number}: query text belongs into sql/queries"


def header_errors():
    for path in tracked("src/*.[ch]", "include/*.h", "tools/gen/*.[ch]"):
        text = path.read_text()
        if not text.startswith("/*"):
            yield f"{path.relative_to(TOP)}: does not open with a comment that says what it is for"
        for number, line in enumerate(text.splitlines(), 1):
            if len(line.expandtabs(8)) > 120:
                yield f"{path.relative_to(TOP)}:{number}: longer than 120 columns"
            if re.search(r"\b(TODO|FIXME|XXX)\b", line):
                yield f"{path.relative_to(TOP)}:{number}: unfinished business"


def size_errors():
    for path in tracked("src/*.c", "tools/gen/*.c"):
        lines = path.read_text().count("\n")
        if lines > 700:
            yield f"{path.relative_to(TOP)}: {lines} lines; one room each"


def forgotten_tests():
    """Every test file is named in a meson.build, whole or by what is between test_ and its ending."""
    lists = "\n".join(path.read_text() for path in tracked("tests/*meson.build"))
    for path in tracked("tests/*.py", "tests/*.c"):
        if not path.name.startswith("test_") or "data" in path.parts:
            continue
        word = path.stem[len("test_"):]
        if not re.search(rf"'(test_)?{re.escape(word)}(\.c|\.py)?'|{re.escape(path.name)}", lists):
            yield f"{path.relative_to(TOP)}: no meson.build runs it"


TESTS = [
    ("no test is forgotten", forgotten_tests),
    ("includes point down only", layer_errors),
    ("libpq, libpg_query and input/output stay in their rooms", libpq_errors),
    ("query text stands in .sql files", sql_errors),
    ("every file says what it is for, in lines of 120", header_errors),
    ("no file outgrows its room", size_errors),
]


def main():
    print(f"1..{len(TESTS)}")
    failed = 0
    for number, (name, check) in enumerate(TESTS, 1):
        errors = list(check())
        failed += bool(errors)
        print(("not ok" if errors else "ok"), number, "-", name)
        for error in errors:
            print("#", error)
            print(error, file=sys.stderr)
    return 0 if not failed else 1


if __name__ == "__main__":
    sys.exit(main())
