"""An installed tree is enough: headers alone in C and C++, pkg-config, the shared library, the command, the compiler."""

import os
import pathlib
import shutil
import subprocess
import sys

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tests" / "cli"))
from command import BUILD, environment  # noqa: E402

HEADERS = sorted(path.name for path in (TOP / "include" / "holdfast").glob("*.h"))
SANITIZED = "-fsanitize=" in (BUILD / "build.ninja").read_text()


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """`make install` into a folder of our own."""
    root = tmp_path_factory.mktemp("root")
    subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", root], check=True,
                   capture_output=True)
    (prefix,) = {path.parent.parent for path in root.rglob("bin/holdfast")}
    (library,) = {path.parent for path in prefix.rglob("libholdfast.so")}
    return root, prefix, library


def flags(tree, *more):
    root, _, library = tree
    env = {**os.environ, "PKG_CONFIG_PATH": str(library / "pkgconfig"), "PKG_CONFIG_SYSROOT_DIR": str(root)}
    out = subprocess.run(["pkg-config", "--cflags", "--libs", *more, "holdfast"], env=env, capture_output=True, text=True, check=True)
    return out.stdout.split()


@pytest.mark.parametrize("header", HEADERS)
def test_a_header_stands_alone_in_c99_and_cxx17(tree, header, tmp_path):
    include = tree[1] / "include"
    for compiler, standard, language in (("cc", "c99", "c"), ("c++", "c++17", "c++")):
        program = f"#include <holdfast/{header}>\ntypedef int anything;\n"  # a header may be macros only
        done = subprocess.run([compiler, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{include}",
                               f"-x{language}", "-c", "-o", os.devnull, "-"],
                              input=program, text=True, capture_output=True)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("compiler", ("c++", "clang++"))
def test_what_the_macros_make_is_iso_cxx(tree, compiler):
    program = ("#include <holdfast/kv.h>\nhf_error err = HF_ERROR_INIT;\nstatic hf_str init = HF_STR_INIT(\"x\");\n"
               "hf_str text() { return init.len ? HF_STR(\"x\") : init; }\nhf_bytes key() { return HF_KV_KEY(\"x\"); }\n")
    done = subprocess.run([compiler, "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", f"-I{tree[1]}/include", "-xc++", "-c",
                           "-o", os.devnull, "-"], input=program, text=True, capture_output=True)
    assert done.returncode == 0, done.stderr


def needed(program):
    """The libraries that it names."""
    done = subprocess.run(["objdump", "-p", program], capture_output=True, text=True, check=True)
    return {words[1] for words in map(str.split, done.stdout.splitlines()) if words[:1] == ["NEEDED"]}


@pytest.mark.parametrize("form", ["shared", "static"])
def test_a_program_builds_with_pkg_config_and_runs(tree, tmp_path, form):
    if SANITIZED:
        pytest.skip("a program without the sanitizer cannot load a library with it")
    _, prefix, library = tree
    program = tmp_path / "queue_head"
    words = flags(tree)
    if form == "static":
        words = [word.replace("-lholdfast", "-l:libholdfast.a") for word in flags(tree, "--static")]
    done = subprocess.run(["cc", "-Wall", "-Wextra", "-Werror", TOP / "examples" / "queue_head.c", *words, "-o", program],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert ("libholdfast.so.0" in needed(program)) == (form == "shared")
    script = ('"$0" -d "$DATABASE_URL" migrate up >/dev/null 2>&1 && '
              '"$0" -d "$DATABASE_URL" codebase import-debian --sources "$2" >/dev/null && '
              '"$0" -d "$DATABASE_URL" candidate import --campaign fixes --command x --value 10 --mode propose >/dev/null && '
              '"$0" -d "$DATABASE_URL" schedule run >/dev/null && "$1" 2')
    holdfast = prefix / "bin" / "holdfast"
    done = subprocess.run([holdfast, "pg", "run", "--", "sh", "-c", script, holdfast, program,
                           TOP / "tests" / "data" / "sources-sample.xz"], capture_output=True, text=True, timeout=60,
                          env=environment(LD_LIBRARY_PATH=str(library)))
    assert (done.returncode, done.stderr) == (0, ""), done
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["debhelper", "python3-defaults"]


def test_the_static_library_has_no_names_of_its_own(tree):
    """A program may call its functions what it likes."""
    _, _, library = tree
    shared = subprocess.run(["nm", "-D", "--defined-only", library / "libholdfast.so"], capture_output=True, text=True, check=True)
    static = subprocess.run(["nm", "-g", "--defined-only", library / "libholdfast.a"], capture_output=True, text=True, check=True)
    exported = {line.split()[2].split("@")[0] for line in shared.stdout.splitlines() if line.split()[1] != "A"}
    assert {line.split()[2] for line in static.stdout.splitlines() if len(line.split()) == 3} == exported


def test_what_is_installed_is_what_users_need(tree):
    _, prefix, library = tree
    for name in ("bin/holdfast", "libexec/holdfast/holdfast-gen", "share/man/man1/holdfast.1", "share/man/man1/holdfast-queue.1",
                 "share/holdfast/sources-sample.xz", "include/holdfast/holdfast.h"):
        assert (prefix / name).is_file(), name
    assert (library / "pkgconfig" / "holdfast.pc").is_file()
    for path in prefix.rglob("*"):
        if path.suffix in (".pc", ".h", ".1"):
            assert str(TOP) not in path.read_text(), path


def test_janitor_schedule_is_the_same_program(tree, tmp_path):
    _, prefix, library = tree
    program = prefix / "bin" / "janitor.schedule"
    assert os.readlink(program) == "holdfast"
    done = subprocess.run([program, "--config", tmp_path / "none.conf"], capture_output=True, text=True, cwd=tmp_path, timeout=60,
                          env=environment(LD_LIBRARY_PATH=str(library)))
    assert done.returncode == 2 and "none.conf" in done.stderr, "it takes the original's flags"


def test_a_prefix_that_is_named_after_the_build_counts(tmp_path):
    shutil.copytree(TOP / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("gen"))
    shutil.copy(TOP / "Makefile", tmp_path)
    (tmp_path / "tools" / "deps").write_text("#!/bin/sh\n")
    (tmp_path / "note").write_text("here\n")
    (tmp_path / "meson.build").write_text("project('notes')\ninstall_data('note', install_dir: get_option('libdir'))\n")
    installed = {prefix: tmp_path / "root" / prefix / "lib" / "note" for prefix in ("first", "of two", "second")}
    make = ["make", "--silent", "-C", tmp_path, f"DESTDIR={tmp_path}/root"]
    for goals in ([], ["install", "PREFIX=/first"], ["install", "PREFIX=/of two"], ["install", "PREFIX=/second"],
                  ["install"]):
        installed["second"].unlink(missing_ok=True)
        done = subprocess.run([*make, *goals], check=True, capture_output=True, text=True, env=environment())
    assert installed["first"].is_file() and installed["of two"].is_file()
    assert installed["second"].is_file(), "without PREFIX: where it was configured for"
    assert f"install  {tmp_path}/root/second; to use it:\n" in done.stdout
    assert "PKG_CONFIG_PATH=/second/lib/pkgconfig LD_LIBRARY_PATH=/second/lib\n" in done.stdout


def test_an_install_that_may_not_write_says_so(tmp_path):
    (tmp_path / "meson").write_text("#!/bin/sh\necho Traceback\necho \"PermissionError: [Errno 13] Permission denied: '/usr/x'\"\n"
                                    "echo ERROR: Unhandled python OSError.\nexit 2\n")
    (tmp_path / "meson").chmod(0o755)
    done = subprocess.run([TOP / "tools" / "install", BUILD], capture_output=True, text=True,
                          env=environment(PATH=f"{tmp_path}:{os.environ['PATH']}"))
    assert (done.returncode, done.stdout, done.stderr) == (
        1, "", "install  Permission denied: '/usr/x'\n         sudo make install, or make install PREFIX=DIR\n")


def pretend(tmp_path, done):
    """tools/install in a folder that was configured by hand, with a Meson that does no more than `done` says."""
    (tmp_path / "meson").write_text(f"#!/bin/sh\n{done}\n")
    (tmp_path / "meson").chmod(0o755)
    (tmp_path / "build" / "meson-private").mkdir(parents=True)
    (tmp_path / "build" / "meson-private" / "cmd_line.txt").write_text("[options]\nprefix = /opt/x\n")
    (tmp_path / "build" / "meson-private" / "holdfast.pc").write_text("prefix=/opt/x\nlibdir=${prefix}/lib/machine\n")
    return subprocess.run([TOP / "tools" / "install", "build"], cwd=tmp_path, capture_output=True, text=True,
                          env=environment(PATH=f"{tmp_path}:{os.environ['PATH']}", DESTDIR="to"))


def test_an_install_says_where_it_went(tmp_path):
    done = pretend(tmp_path, 'echo "$DESTDIR" >seen')
    assert (tmp_path / "seen").read_text() == f"{tmp_path}/to\n", "from where make was called, not from the build folder"
    assert done.stdout == (f"install  {tmp_path}/to/opt/x; to use it:\n         export PATH=/opt/x/bin:$PATH "
                           "PKG_CONFIG_PATH=/opt/x/lib/machine/pkgconfig LD_LIBRARY_PATH=/opt/x/lib/machine\n")


def test_an_install_onto_a_full_disk_blames_no_rights(tmp_path):
    done = pretend(tmp_path, "echo \"OSError: [Errno 28] No space left on device: '/opt/x'\"; exit 2")
    assert done.returncode == 1 and "No space left" in done.stderr and "sudo" not in done.stderr
