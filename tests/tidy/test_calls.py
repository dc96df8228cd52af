"""What headers and documents quote is there: functions that they name, with as many arguments as these take, and files."""

import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
HEADERS = {path: path.read_text() for path in sorted((TOP / "include/holdfast").glob("*.h"))}
PAGES = {path: path.read_text() for path in [*TOP.glob("*.md"), *TOP.glob("docs/**/*.md"), TOP / "bench/README.md"]}
CALL = re.compile(r"\b(hf_\w+)\(")


def arguments(text, start):
    """Those of the parenthesis at `start`; None where the text ends before it does."""
    found, depth, first = [], 0, start + 1
    for at in range(start, len(text)):
        depth += (text[at] in "([{") - (text[at] in ")]}")
        if depth == 0 or (depth == 1 and text[at] == ","):
            found.append(text[first:at].strip())
            first = at + 1
        if depth == 0:
            return [] if found in ([""], ["void"]) else found
    return None


def declared():
    """{name: how many parameters, None = any}; macros too."""
    functions = {}
    for text in HEADERS.values():
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        for match in re.finditer(r"^(?:#define +|[\w *]+[ *])(hf_\w+)(?=\()", code, re.M):
            parameters = arguments(code, match.end())
            functions[match[1]] = None if "..." in parameters else len(parameters)
    return functions


def examples():
    for path, text in HEADERS.items():
        for comment in re.findall(r"/\*.*?\*/", text, re.S):
            lines = re.sub(r"\n\s*\* ?", "\n", comment).splitlines()
            yield path, "\n".join(line for line in lines if line.startswith("    "))
    for path, text in PAGES.items():
        for block in re.findall(r"^```c\n(.*?)^```", text, re.M | re.S):
            yield path, block


def test_examples_call_functions_as_they_are():
    functions, wrong, calls = declared(), [], 0
    for path, text in examples():
        text = re.sub(r'"(\\.|[^"\\])*"', '""', text)
        for match in CALL.finditer(text):
            given = arguments(text, match.end() - 1)
            if not given or "..." in given:
                continue  # named, not called
            calls += 1
            if functions.get(match[1], -1) not in (None, len(given)):
                wrong.append(f"{path.relative_to(TOP)}: {match[1]} with {len(given)} arguments")
    assert calls > 30 and not wrong, wrong


def test_every_folder_has_its_place_in_the_architecture():
    page = PAGES[TOP / "ARCHITECTURE.md"]
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, text=True).stdout.split("\0")
    folders = {file.split("/")[0] for file in tracked if "/" in file} - {"src", "include", "sql"}
    folders |= {"/".join(file.split("/")[:2]) for file in tracked if re.match(r"(src|include|sql)/[^/]+/", file)} - {"sql/migrations"}
    assert [folder for folder in sorted(folders) if f"`{folder}/" not in page] == []


def constants():
    """Those that the code of a header has, comments left out; `HF_KV_` stands for all that begin so."""
    names = {name for text in HEADERS.values() for name in re.findall(r"\bHF_\w+", re.sub(r"/\*.*?\*/", "", text, flags=re.S))}
    return names | {name[:at + 1] for name in names for at in range(3, len(name)) if name[at] == "_"}


def test_the_header_of_everything_has_everything():
    named = set(re.findall(r"holdfast/(\w+\.h)", HEADERS[TOP / "include/holdfast/holdfast.h"]))
    assert {path.name for path in HEADERS} - named - {"holdfast.h", "fake.h", "builtin.h"} == set()  # query.h has builtin.h


def test_what_is_named_is_there():
    functions, known, wrong = declared(), constants(), []
    folders = ("bench", "docs", "examples", "include", "sql", "src", "tests", "tools")
    files = [f"/{path.relative_to(TOP)}" for folder in folders for path in (TOP / folder).rglob("*.*")]
    for path, text in {**HEADERS, **PAGES}.items():
        wrong += [f"{path.name}: {name}()" for name in re.findall(r"\b(hf_\w+)\(\)", text) if name not in functions]
        wrong += [f"{path.name}: {name}" for name in re.findall(r"\bHF_[A-Z0-9_]+\b", text) if name not in known]
        wrong += [f"{path.name}: {name}" for name in re.findall(r"`([a-z][a-z0-9_./-]*\.(?:c|h|py|lua|def|md))`", text)
                  if not any(file.endswith(f"/{name}") for file in files)]
    assert not wrong, wrong
