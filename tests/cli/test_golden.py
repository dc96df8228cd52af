"""Help texts as people see them, kept word for word. HOLDFAST_GOLDEN=write renews the files; read the diff."""

import os

import pytest

from command import TOP, ok

GOLDEN = TOP / "tests/cli/golden"
CASES = {
    "flags": ["help", "flags"],
    "exit-codes": ["help", "exit-codes"],
    "configuration": ["help", "configuration"],
    "noun": ["db"],
    "short": ["db", "url", "-h"],
    "long": ["db", "ping", "--help"],
    "arguments": ["db", "psql", "-h"],
    "manual": ["help", "--manual", "db"],
}


@pytest.mark.parametrize("name", CASES)
def test_help_is_as_it_was_read(name):
    path, text = GOLDEN / f"{name}.txt", ok(*CASES[name])
    if os.environ.get("HOLDFAST_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_no_golden_file_is_left_over():
    assert {path.stem for path in GOLDEN.glob("*.txt")} == set(CASES)
