"""tools/deps before programs that answer for apt, dpkg and id: what it says, what it runs, how it ends."""

import os
import pathlib
import subprocess

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def deps(tmp_path):
    """Run tools/deps as if `uid` ran it and the packages of `missing` were not there; give the result and apt's calls."""

    def call(*args, uid=1000, missing=(), apt=0):
        calls = tmp_path / "calls"
        calls.write_text("")
        answers = {
            "id": f"echo {uid}",
            "dpkg-query": f'for last; do :; done; case " {" ".join(missing)} " in *" $last "*) exit 1;; esac; printf installed',
            "apt-get": f'echo "$DEBIAN_FRONTEND $*" >>{calls}; echo "E: no such mirror" >&2; exit {apt}',
        }
        for name, script in answers.items():
            (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
            (tmp_path / name).chmod(0o755)
        done = subprocess.run([TOP / "tools/deps", *args], capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd="/",
                              env={"PATH": f"{tmp_path}:{os.environ['PATH']}"})
        return done, calls.read_text().splitlines()

    return call


def test_nothing_is_missing(deps):
    done, apt = deps("--with", "valgrind")
    count = len((deps("--print")[0]).stdout.split()) + 1
    assert (done.returncode, done.stdout, done.stderr, apt) == (0, f"deps     {count} of {count} build packages present\n", "", [])


def test_a_user_gets_one_line_that_keeps_a_system_cluster_away(deps):
    done, apt = deps("--with", "valgrind", missing=["postgresql-15", "valgrind"])
    assert (done.returncode, done.stdout, apt) == (69, "", [])
    assert done.stderr == ("deps     packages are missing, run: sudo tools/deps --with valgrind "
                           "(it installs postgresql-15 valgrind)\n")


def test_root_installs_without_a_question_and_waits_for_another_apt(deps):
    done, apt = deps(uid=0, missing=["gcc", "scdoc"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "deps     installing gcc scdoc\n", "")
    assert [line.split()[:2] for line in apt] == [["noninteractive", "update"], ["noninteractive", "install"]]
    assert "DPkg::Lock::Timeout=300" in apt[1].split() and apt[1].endswith(" gcc scdoc")


def test_root_hears_why_apt_could_not(deps):
    done, apt = deps(uid=0, missing=["gcc"], apt=100)
    assert (done.returncode, len(apt)) == (69, 1)
    assert done.stderr == "E: no such mirror\ndeps     could not install: gcc (apt says why above)\n"


def test_missing_lists_and_installs_nothing(deps):
    done, apt = deps("--missing", uid=0, missing=["gcc", "scdoc"])
    assert (done.returncode, done.stdout, apt) == (0, "gcc\nscdoc\n", [])


def test_an_unknown_option_is_refused(deps):
    done, _ = deps("--instal")
    assert (done.returncode, done.stderr) == (2, "tools/deps: unknown option --instal\n")
