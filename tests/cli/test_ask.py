"""Questions before what cannot be undone, asked at a terminal of ours."""

import os
import subprocess

import pytest

from command import PROGRAM, environment, ok, refused

QUESTION = 'revert migrations, with the data in what they made? type "{}" to go on: '


@pytest.fixture
def made(cluster, empty, tmp_path):
    """A database with one migration applied that can be reverted."""
    (tmp_path / "0001_made.sql").write_text("-- up\nCREATE TABLE made (n int);\n-- down\nDROP TABLE made;\n")
    conf = tmp_path / "x.conf"
    conf.write_text(f"[profile.production]\nprotected = yes\ndatabase.url = postgresql:///{empty.name}?host={cluster.server.dir}"
                    f"&user={cluster.server.user}\n[profile.play]\nprotected = no\n"
                    f"database.url = postgresql:///{empty.name}?host={cluster.server.dir}&user={cluster.server.user}\n")
    which = ["-c", str(conf), "--migrations", str(tmp_path), "--set", "ask"]
    ok("-p", "play", "migrate", "up", *which, "-q")

    def down(profile, *flags):
        return ["-p", profile, "migrate", "down", *which, *flags]
    return down, empty


def answer(text, args):
    """Run at a terminal, type `text`; gives exit code and stderr."""
    master, slave = os.openpty()
    child = subprocess.Popen([PROGRAM, *args], env=environment(), stdin=slave, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.close(slave)
    os.write(master, text.encode() + b"\n")
    _, err = child.communicate(timeout=60)
    os.close(master)
    return child.returncode, err


def stands(database):
    return database.value("SELECT to_regclass('made') IS NOT NULL")


def test_only_yes_goes_on(made):
    down, database = made
    for text in ("no", "", "y", "yes please"):
        code, err = answer(text, down("play"))
        assert (code, err) == (1, QUESTION.format("yes") + 'error: nothing was done: the answer was not "yes"\n')
        assert stands(database)
    code, err = answer("yes", down("play"))
    assert (code, err) == (0, QUESTION.format("yes"))
    assert not stands(database)


def test_a_protected_profile_wants_its_name(made):
    down, database = made
    for flags in ([], ["--yes"]):
        code, err = answer("yes", down("production", *flags))
        assert (code, err) == (1, QUESTION.format("production") + 'error: nothing was done: the answer was not "production"\n')
        assert stands(database)
    assert answer("production", down("production")) == (0, QUESTION.format("production"))
    assert not stands(database)


def test_nobody_to_ask(made):
    down, database = made
    assert refused(2, *down("play")) == ("error: revert migrations, with the data in what they made: this needs an answer, and nobody can "
                                         "be asked\n  to go on   add --yes\n")
    code, err = answer("yes", down("play", "--no-input"))
    assert code == 2 and "nobody can be asked" in err
    assert refused(2, *down("production", "--yes")).endswith('the profile "production" is protected: run it at a terminal\n')
    assert stands(database)
    ok(*down("play", "--yes"))
    assert not stands(database)
