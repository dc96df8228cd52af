"""The C that comes out: byte for byte what is in golden/, and clean for every compiler that we promise.

After a wanted change: HOLDFAST_GOLDEN=write, and read the difference.
"""

import os
import pathlib
import subprocess

import pytest

import compiler

GOLDEN = pathlib.Path(__file__).resolve().parent / "golden"
INCLUDE = compiler.TOP / "include"

WARNINGS = (
    "-Wall -Wextra -Wpedantic -Werror -Wshadow -Wconversion -Wsign-conversion -Wcast-qual -Wundef -Wstrict-prototypes"
    " -Wmissing-prototypes -Wwrite-strings -Wvla -Wformat=2 -Wswitch-enum -Wnull-dereference -Wunused-macros"
).split()
COMPILERS = {
    "gcc": ["gcc", "-std=c17", "-D_GNU_SOURCE", *WARNINGS, "-Wcast-align=strict", "-Wlogical-op", "-Wjump-misses-init",
            "-Wformat-signedness", "-Wduplicated-cond", "-Wduplicated-branches"],
    "clang": ["clang", "-std=c17", "-D_GNU_SOURCE", *WARNINGS, "-Wmissing-variable-declarations"],
}
STEMS = ["batches", "bounds", "choices", "everything", "items", "kinds", "labels", "store"]
FILES = [*STEMS, *(f"{stem}_fake" for stem in STEMS), "sample_types"]


@pytest.fixture(scope="module")
def generated(tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    code, stderr = compiler.run("--offline", "--fake", "--sql", compiler.SAMPLE, "-o", out)
    assert code == 0, stderr
    code, stderr = compiler.run("--offline", "--fake", "--sql", compiler.TOP / "tests" / "gen" / "names", "-o", out)
    assert code == 0, stderr
    for path in (out / "chosen").iterdir():  # a group whose tables a program chooses; its files have other names
        path.rename(out / "sample" / path.name)
    return out / "sample"


def test_golden(generated):
    names = sorted(path.name for path in generated.iterdir())
    if os.environ.get("HOLDFAST_GOLDEN") == "write":
        for name in names:
            (GOLDEN / f"{name}.txt").write_bytes((generated / name).read_bytes())
    assert names == sorted(path.stem for path in GOLDEN.iterdir())
    for name in names:
        assert (generated / name).read_text() == (GOLDEN / f"{name}.txt").read_text(), name


@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("file", [f"{file}.c" for file in FILES])
def test_compiles_without_a_warning(generated, tmp_path, name, file):
    done = subprocess.run([*COMPILERS[name], "-O1", f"-I{INCLUDE}", "-c", generated / file, "-o", tmp_path / "x.o"],
                          capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")


@pytest.mark.parametrize("compiler_name", ["g++", "clang++"])
@pytest.mark.parametrize("file", [f"{file}.h" for file in FILES])
def test_headers_are_cpp(generated, tmp_path, compiler_name, file):
    source = tmp_path / "use.cc"
    source.write_text(f'#include "{file}"\nint main() {{ return 0; }}\n')
    done = subprocess.run([compiler_name, "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{INCLUDE}",
                           f"-I{generated}", "-fsyntax-only", source], capture_output=True, check=False)
    assert (done.returncode, done.stderr.decode()) == (0, "")


def test_a_long_statement_compiles(tmp_path):
    """With a private server: more than the 4095 characters that C promises, quotes, backslashes, question marks."""
    statement = "SELECT " + ",\n ".join(f"'\"\\??=/\t{i}é' AS a_{i}" for i in range(300))
    compiler.tree(tmp_path, "long", {"a": f"-- name: many_columns :one\n{statement};\n"})
    code, stderr = compiler.run("--sql", tmp_path, "-o", tmp_path / "out")
    assert code == 0, stderr
    for name, command in COMPILERS.items():
        done = subprocess.run([*command, f"-I{INCLUDE}", "-c", tmp_path / "out/long/a.c", "-o", tmp_path / "x.o"],
                              capture_output=True, check=False)
        assert (name, done.returncode, done.stderr.decode()) == (name, 0, "")
        assert statement.encode() in (tmp_path / "x.o").read_bytes(), "the text changed on its way through C"
