"""Walk the table of commands: every verb is explained, completed, documented, and has its two tests."""

import ast
import functools
import pathlib
import re
import subprocess

import pytest

from command import BUILD, TOP, commands, name, ok, refused, run, table, words

EVERY = pytest.mark.parametrize("cmd", commands(), ids=name)
TEST = re.compile(r"^(?:async )?def (test_\w+)\(|\bcmocka_unit_test(?:_\w+)?\((\w+)[,)]|^static void (\w+)\((?:UNUSED )?void \*\*", re.M)


@functools.cache
def defined_tests():
    """Names of all tests of the tree."""
    found = set()
    for path in [*TOP.glob("tests/**/*.py"), *TOP.glob("tests/**/*.c")]:
        for match in TEST.finditer(path.read_text(encoding="utf-8")):
            found.update(filter(None, match.groups()))
    return found


@functools.cache
def written(path):
    """Functions and classes of a Python file: what stands in each, decorators included."""
    text = path.read_text(encoding="utf-8")
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    lines = text.splitlines()
    return {node.name: "\n".join(lines[min([node.lineno, *(d.lineno for d in node.decorator_list)]) - 1:node.end_lineno])
            for node in ast.walk(ast.parse(text)) if isinstance(node, kinds)}


@functools.cache
def body(test, helpers=True):
    """What a test of the command says, with the helpers of its file that it names; None for one in C."""
    for path in TOP.glob("tests/**/test_*.py"):
        functions = written(path)
        if test not in functions:
            continue
        if not helpers:
            return functions[test]
        seen, more = {}, [test]
        while more:
            name_of = more.pop()
            seen[name_of] = functions[name_of]
            more += [word for word in set(re.findall(r"\w+", seen[name_of])) if word in functions and word not in seen]
        return "\n".join(seen.values()) + "\n" + "\n".join(re.findall(r"^[A-Z_]+ = .*", path.read_text(encoding="utf-8"), re.M))
    return None


printed = functools.cache(ok)  # what one run prints is the same for each verb that looks at it


@EVERY
def test_both_of_its_tests_exist(cmd):
    tests = defined_tests()
    assert cmd["test_effect"] in tests, f"no test {cmd['test_effect']}"
    assert cmd["test_refusal"] in tests, f"no test {cmd['test_refusal']}"
    assert cmd["test_effect"] != cmd["test_refusal"]


@EVERY
def test_both_of_its_tests_run_it(cmd):
    """By name, and the one that it names for refusals expects some itself: the helpers of most files could."""
    for kind in ("test_effect", "test_refusal"):
        text = body(cmd[kind])
        says = rf'"{words(cmd)[-1]}"|\b{name(cmd)}\b'
        assert text is None or re.search(says, text), f"{cmd[kind]} does not say {words(cmd)[-1]}"
    text = body(cmd["test_refusal"], helpers=False)
    assert text is None or re.search(r"\brefused|\berror\(|advice|returncode", text), f"{cmd['test_refusal']} expects no refusal"


@EVERY
def test_help_is_short_and_long(cmd):
    short, long = ok(*words(cmd), "-h"), ok(*words(cmd), "--help")
    for text in (short, long):
        lines = text.splitlines()
        assert [line.strip() for line in lines[:3]] == cmd["examples"][:3], "help starts with three examples"
        assert cmd["summary"] in " ".join(text.split())
        assert "usage\n  holdfast " + name(cmd) in text
        for option in cmd["options"]:
            assert "--" + option["name"] in text
        assert [line for line in lines if len(line) > 80 and line.strip() not in cmd["examples"]] == []
        assert "\t" not in text
    assert len(long) > len(short)
    assert ok("help", *words(cmd)) == long


@EVERY
def test_words_are_in_house_style(cmd):
    texts = [cmd["summary"], *(option["help"] for option in cmd["options"])]
    for text in texts:
        assert text and not text.endswith(".") and (text[0].islower() or not text[0].isalpha() or text.split()[0].isupper()), text
    assert len(cmd["summary"]) <= 70
    assert len(cmd["examples"]) >= 3
    assert max(map(len, cmd["examples"])) <= 77, "an example wraps on a terminal"
    for option in cmd["options"]:
        assert (option["arg"] is None) == (option["kind"] == "flag"), option["name"]
        assert (option["choices"] is not None) == (option["kind"] == "choice"), option["name"]


def test_flags_mean_the_same_everywhere():
    """A flag can stand before the noun only if everybody agrees on whether a value follows."""
    takes, letters = {}, {}
    global_names = {option["name"] for option in table()["global"]}
    global_letters = {option["letter"] for option in table()["global"] if option["letter"]}
    for cmd in commands():
        for option in cmd["options"]:
            assert option["name"] not in global_names, (name(cmd), option["name"])
            assert option["letter"] not in global_letters, (name(cmd), option["letter"])
            shape = (option["kind"] == "flag", option["value_optional"])
            assert takes.setdefault(option["name"], shape) == shape, (name(cmd), option["name"])
            if option["letter"]:
                assert letters.setdefault(option["letter"], shape) == shape, (name(cmd), option["letter"])


def test_no_verb_stands_twice():
    names = [name(cmd) for cmd in commands()]
    assert sorted(set(names)) == sorted(names)


@EVERY
def test_a_mistyped_flag_is_refused_with_the_nearest(cmd):
    common = table()["global"]
    for option in cmd["options"] + [common[commands().index(cmd) % len(common)]]:  # each common one has its turns
        if len(option["name"]) < 4:
            continue
        wrong = option["name"][:-2] + option["name"][-1] + option["name"][-2]  # last letters swapped
        known = {other["name"] for other in cmd["options"] + table()["global"]}
        if wrong in known:
            continue
        message = refused(2, *words(cmd), f"--{wrong}=1")
        assert message.splitlines() == [f'error: unknown flag "--{wrong}"', f"  did you mean   --{option['name']}"]


CHOICES = [(cmd, option) for cmd in commands() for option in cmd["options"] if option["choices"]]


@pytest.mark.parametrize("cmd, option", CHOICES, ids=lambda value: value.get("help") and (name(value) if "noun" in value else value["name"]))
def test_a_mistyped_word_is_refused_with_the_nearest(cmd, option):
    choices = option["choices"].split("|")
    longest = max(choices, key=len)
    wrong = longest[:2] + longest[3:]
    first, *hint = refused(2, *words(cmd), f"--{option['name']}={wrong}").splitlines()
    expected = " or ".join(filter(None, (", ".join(choices[:-1]), choices[-1])))
    assert first == f'error: --{option["name"]} is "{wrong}", expected {expected}'
    assert hint == [f"  did you mean   {longest}"] or len(longest) <= 3
    shown = " ".join(ok(*words(cmd), "-h").split())
    assert option["choices"] in shown or all(re.search(rf"\b{word}\b", shown) for word in choices), "help names them"


TYPES = {"bucket": "queue_bucket", "vcs": "vcs_type", "verdict": "verdict", "publish-status": "publish_status", "mode": "publish_mode",
         "queue claims": "holdfast.claim_state", "changeset list": "change_set_state", "publish merge-proposals": "merge_proposal_status"}


def test_the_words_of_flags_are_those_of_the_schema(db):
    """In the order of the type too, which is that of the enum in C."""
    seen = set()
    for cmd, option in CHOICES:
        kind = TYPES.get(option["name"], TYPES.get(name(cmd)))
        if option["name"] not in ("state", "status", *TYPES) or not kind or cmd["noun"].startswith("kv"):
            continue
        seen.add(kind)
        labels = db.rows(f"SELECT enumlabel FROM pg_enum WHERE enumtypid = '{kind}'::regtype ORDER BY enumsortorder")
        assert option["choices"] == "|".join(label for label, in labels), (name(cmd), option["name"])
    assert seen == set(TYPES.values())


@EVERY
def test_a_mistyped_verb_is_refused_with_the_nearest(cmd):
    typed = words(cmd)
    typed[-1] += "q"
    message = refused(2, *typed)
    assert message.startswith(f'error: unknown command "{" ".join(typed)}"\n  did you mean   holdfast {name(cmd)}')


@EVERY
def test_a_missing_argument_is_named(cmd):
    required = [word for word in (cmd["args"] or "").split() if not word.startswith("[") and word != "--"]
    if (cmd["args"] or "").startswith("[") or not required:
        message = refused(2, *words(cmd), *["x"] * 3) if cmd["args"] is None else None
        assert message is None or re.match(r'error: (unexpected argument|unknown command) "(\w+ )?x"', message)
        return
    assert refused(2, *words(cmd)).startswith(f"error: missing argument {required[0]}\n  usage   holdfast {name(cmd)} ")


@EVERY
def test_the_noun_lists_it(cmd):
    if cmd["verb"]:
        assert re.search(rf"^  {name(cmd)}\b", printed("help", *cmd["noun"].split()), re.M)
    assert re.search(rf"^  {cmd['noun']}\b.*", printed(), re.M)


@EVERY
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_mentions_it(cmd, shell):
    script = printed("completion", shell)
    for word in words(cmd):
        assert re.search(rf"(?<![\w-]){word}(?![\w-])", script)
    for option in cmd["options"]:
        dashes = "-l " if shell == "fish" else "--"
        assert f"{dashes}{option['name']}" in script


@functools.cache
def manual(noun):
    """Its page as man(1) shows it, a line per paragraph."""
    page = BUILD / "man" / f"holdfast-{noun.replace(' ', '-')}.1"
    shown = subprocess.run(["man", "--warnings", "--nh", "--nj", "-l", page], capture_output=True, text=True,
                           env={"PATH": "/usr/bin:/bin", "MANWIDTH": "300", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
    assert (shown.returncode, shown.stderr) == (0, "")
    return [" ".join(line.split()) for line in shown.stdout.splitlines()]


@EVERY
def test_manual_has_it(cmd):
    lines = manual(cmd["noun"])
    assert any(line.startswith("holdfast " + name(cmd)) for line in lines)
    assert cmd["summary"] + "." in lines
    for option in cmd["options"]:
        assert any(f"--{option['name']}" in line for line in lines)
    for example in cmd["examples"]:
        assert " ".join(example.split()) in lines


def test_the_overview_fits_a_terminal():
    text = ok()
    assert text == ok("help") == ok("--help") == ok("-h")
    assert max(map(len, text.splitlines())) <= 80
    assert refused(2, "hlep").endswith("did you mean   holdfast help\n")


def test_every_page_is_built():
    nouns = {cmd["noun"] for cmd in commands()}
    built = {pathlib.Path(page).stem for page in BUILD.glob("man/*.1")}
    assert built == {"holdfast", *(f"holdfast-{noun.replace(' ', '-')}" for noun in nouns)}


def test_the_table_needs_json():
    assert refused(2, "help", "--table") == "error: --table needs --json\n"
    assert run("help", "--table", "--json").returncode == 0


@EVERY
def test_a_preview_is_refused_where_there_is_none(cmd):
    """Nobody who asks for a preview may get the real thing."""
    if cmd["dry_run"]:
        assert "--dry-run" in ok(*words(cmd), "--help")
        return
    required = [word for word in (cmd["args"] or "").split() if not word.startswith("[") and word not in ("--", "ARGS...]")]
    given = ["bash" if word == "bash|zsh|fish" else "x" for word in required]
    message = refused(2, *words(cmd), "--dry-run", "--", *given)
    assert message == f"error: there is no preview of {name(cmd)}: --dry-run is refused\n"
