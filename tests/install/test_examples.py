"""The projects of examples/, built with the installed library by the build system that each is for, without a server: once
from the metadata that stands beside them, and stopped when a query is edited. Then they run.
"""

import shutil
import subprocess

import pytest

from installed import SANITIZED, TOP, env, install

# build system: how it is built, the program, its arguments and what it prints, one after the other on one database
PROJECTS = {
    "make": (["make -s"], "notes", [
        ("add milk shop", "note 1\n"), ("add sleep", "note 2\n"), ("list", "2 sleep\n1 milk (shop)\n"), ("list shop", "1 milk (shop)\n")]),
    "cmake": (["cmake -S . -B out -G Ninja", "cmake --build out"], "out/visits", [
        ("/a /b /a", "2 /a\n1 /b\n"), ("/c /d /d /d", "3 /d\n2 /a\n1 /b\n")]),
    "meson": (["meson setup out", "meson compile -C out"], "out/tasks", [
        ("ann paint nail", "ann takes paint\n1 taken paint\n2 open nail\n"), ("bob", "bob takes nail\n1 taken paint\n2 taken nail\n")]),
}


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    return install(tmp_path_factory.mktemp("root"))


def build(prefix, project, steps):
    """All steps, until one fails: the last exit code, and everything that was said."""
    said = ""
    for step in steps:
        done = subprocess.run(step.split(), cwd=project, env=env(prefix), capture_output=True, text=True, timeout=120)
        said += done.stdout + done.stderr
        if done.returncode:
            break
    return done.returncode, said


@pytest.fixture(params=PROJECTS)
def project(request, tmp_path):
    if SANITIZED:
        pytest.skip("a program without the sanitizer cannot load a library with it")
    shutil.copytree(TOP / "examples" / request.param, tmp_path / "project")
    return tmp_path / "project", *PROJECTS[request.param]


def test_it_builds_without_a_server_and_runs(prefix, project):
    folder, steps, program, runs = project
    code, said = build(prefix, folder, steps)
    assert code == 0 and "warning: " not in said, said
    script = 'h=$1; shift; "$h" -d "$DATABASE_URL" migrate up --migrations sql/migrations/app >/dev/null; for a; do ./%s $a; echo "= $?"; done'
    holdfast = prefix / "bin" / "holdfast"
    done = subprocess.run([holdfast, "pg", "run", "--", "sh", "-c", script % program, "sh", holdfast, *(args for args, _ in runs)],
                          cwd=folder, env=env(prefix), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "".join(f"{printed}= 0\n" for _, printed in runs)


def test_an_edit_makes_it_stale_and_gen_renews(prefix, project):
    folder, steps, _, _ = project
    assert build(prefix, folder, steps)[0] == 0
    (query,) = (folder / "sql/queries/app").glob("*.sql")
    query.write_text(query.read_text() + "\n-- name: how_many :one\nSELECT count(*) FROM pg_class;\n")
    code, said = build(prefix, folder, steps[-1:])
    assert code != 0 and "stale: query \"how_many\" has no metadata" in said
    done = subprocess.run([prefix / "bin" / "holdfast", "gen"], cwd=folder, env=env(prefix), capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert build(prefix, folder, steps[-1:])[0] == 0


def test_a_program_may_ask_for_the_constraint(prefix, project):
    folder, steps, _, _ = project
    main = folder / "main.c"
    asks = '#include "queries/app/app_constraints.h"\nint asks(const hf_error *err);\nint asks(const hf_error *err)\n{\n\treturn (int)app_constraint_of(err);\n}\n'
    main.write_text(main.read_text() + asks)
    code, said = build(prefix, folder, steps)
    assert code == 0 and "warning: " not in said, said
