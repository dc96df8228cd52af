"""docs/key-value.md: every option has its row, and every test it names is one."""

import re
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
TEXT = (TOP / "docs/key-value.md").read_text()


def test_every_option_has_its_row():
    header = (TOP / "include/holdfast/kv.h").read_text()
    body = re.search(r"struct hf_kv_options \{(.*?)\n\};", header, re.S).group(1)
    members = re.findall(r"\b(\w+);", re.sub(r"/\*.*?\*/", "", body, flags=re.S))
    rows = re.findall(r"^\| `(\w+)` \|", TEXT, re.M)
    assert [name for name in members if name != "size"] == rows


def test_named_tests_exist():
    tests = "".join(path.read_text(errors="replace") for path in (TOP / "tests").rglob("*") if path.suffix in (".c", ".py"))
    named = re.findall(r"^\| .* \| `([^`]+)` \|$", TEXT.split("## Bad input")[1], re.M)
    assert len(named) >= 14
    for name in named:
        assert f'"{name}"' in tests or f" {name}(" in tests, name
