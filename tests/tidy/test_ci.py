"""Where .ci/run leaves the files of a moment: in memory only where that hides nothing which the run needs."""

import pathlib
import shutil
import subprocess
import tempfile

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]


def ran_on(root, uid=0, unshare="exit 0", limit="max", **variables):
    """A checkout in `root` of .ci/run alone, before programs that answer for id, awk, cat, unshare and make."""
    (root / ".ci").mkdir()
    shutil.copy(TOP / ".ci/run", root / ".ci/run")
    answers = {"id": f"echo {uid}", "awk": "echo 99000000", "cat": f"echo {limit}", "make": f"echo disk >>{root}/told",
               "unshare": f'[ "$2" = sh ] && echo memory >>{root}/told; {unshare}'}
    for name, script in answers.items():
        (root / name).write_text(f"#!/bin/sh\n{script}\n")
        (root / name).chmod(0o755)
    subprocess.run([root / ".ci/run"], capture_output=True, env={"PATH": f"{root}:/usr/bin:/bin", **variables}, cwd=root)
    return (root / "told").read_text().splitlines()[0]


@pytest.fixture
def elsewhere():
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield pathlib.Path(folder)


def test_root_runs_in_memory(elsewhere):
    assert ran_on(elsewhere) == "memory"


def test_a_checkout_below_tmp_is_not_hidden():
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        assert ran_on(pathlib.Path(folder)) == "disk"


@pytest.mark.parametrize("variables", [{"TMPDIR": "/tmp/user/0"}, {"HOME": "/tmp/home"}, {"CPATH": "/usr/x:/tmp/include"}])
def test_what_a_variable_names_is_not_hidden(elsewhere, variables):
    assert ran_on(elsewhere, **variables) == "disk"


def test_a_tmp_that_is_all_of_tmpdir_hides_nothing(elsewhere):
    assert ran_on(elsewhere, TMPDIR="/tmp") == "memory"


@pytest.mark.parametrize("how", [{"uid": 1000}, {"unshare": "exit 1"}, {"limit": 4 << 30}])
def test_who_may_not_mount_or_has_no_memory_runs_on_disk(elsewhere, how):
    assert ran_on(elsewhere, **how) == "disk"
