"""docs/tutorial.md and README.md's keys and values, executed: what their console blocks say is typed into one shell, and
answers what stands there.

Lines that begin with "$ " are typed, those with "> " go on; the others are what must be printed (standard output and error
together), where "..." at the end of a line stands for any rest.
"""

import os
import re
import subprocess
import tempfile

import pytest

from installed import SANITIZED, TOP, env, install

MARK = "=====next====="


def blocks(text):
    """[(command, [expected lines])]"""
    commands = []
    for block in re.findall(r"^```console\n(.*?)^```$", text, re.M | re.S):
        for line in block.splitlines():
            if line.startswith("$ "):
                commands.append((line[2:], []))
            elif line.startswith("> ") and not commands[-1][1]:
                commands[-1] = (f"{commands[-1][0]}\n{line[2:]}", [])
            else:
                commands[-1][1].append(line)
    return commands


def fits(line, expected):
    if expected.endswith("..."):
        return line.startswith(expected.removesuffix("..."))
    return line == expected


def play(commands, tmp_path):
    script = "".join(f"{command}\n__=$?; echo {MARK}; (exit $__)\n" for command, _ in commands)
    prefix = install(tmp_path / "root")
    with tempfile.TemporaryDirectory(prefix="holdfast-tutorial-") as home:
        os.chmod(home, 0o755)  # pg run --keep: run by root, the server is another user's
        done = subprocess.run(["bash"], input=f"exec 2>&1\n{script}", cwd=home, env=env(prefix), capture_output=True, text=True,
                              timeout=200)
    answers = done.stdout.split(f"{MARK}\n")
    assert len(answers) == len(commands) + 1, done.stdout
    for (command, expected), answer in zip(commands, answers):
        printed = answer.splitlines()
        assert len(printed) == len(expected) and all(map(fits, printed, expected)), f"$ {command}\n{answer}"


@pytest.mark.skipif(SANITIZED, reason="a program without the sanitizer cannot load a library with it")
def test_the_tutorial_does_what_it_says(tmp_path):
    commands = blocks((TOP / "docs" / "tutorial.md").read_text())
    assert len(commands) >= 20
    play(commands, tmp_path)


def test_the_readme_does_what_it_says(tmp_path):
    text = (TOP / "README.md").read_text().replace("build/holdfast", "holdfast")
    commands = blocks(text[text.index("Keys and values, "):])
    assert len(commands) >= 6
    play(commands, tmp_path)
