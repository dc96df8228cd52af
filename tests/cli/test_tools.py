"""version, help, completion, man: the commands that need no database and no configuration."""

import os
import re
import subprocess

import pytest

from command import (BUILD, PROGRAM, TOP, commands, environment, name, ok, ok_json, refused, refused_json, run, table,
                     words)


def version():
    return re.search(r"version: '([^']+)'", (TOP / "meson.build").read_text()).group(1)


def test_version_is_the_projects():
    assert ok("version") == version() + "\n"
    assert ok("--version") == f"holdfast {version()}\n"
    assert ok_json("version") == {"version": version()}
    assert ok_json("version", "--all")["c_standard"] == 201710


def test_version_refuses_an_argument():
    assert refused(2, "version", "now") == 'error: unexpected argument "now"\n  usage   holdfast version\n'


@pytest.mark.parametrize("topic", ["flags", "exit-codes", "json", "configuration"])
def test_help_explains_every_topic(topic):
    text = ok("help", topic)
    assert len(text) > 300
    assert max(map(len, text.splitlines())) <= 80
    assert f"holdfast help {topic}" in ok()


def test_help_lists_each_exit_code_of_the_library():
    header = (TOP / "include/holdfast/status.h").read_text()
    rows = re.findall(r'X\(\w+, -?\d+, (\d+), "([\w-]+)", "([^"]+)"\)', header)
    assert len(rows) > 20
    text = re.sub(r"\n {24}", " ", ok("help", "exit-codes"))
    for code, word, meaning in rows:
        if word != "stop":
            assert re.search(rf"^ *{code}  {word} +{re.escape(meaning)}$", text, re.M)


def test_help_json_lists_the_fields():
    text = ok("help", "json")
    for cmd in commands():
        for field in cmd["fields"]:
            assert re.search(rf"^    {field} ", text, re.M), (name(cmd), field)


def test_help_refuses_a_strange_topic():
    assert refused(2, "help", "configuratoin") == (
        'error: no command or topic "configuratoin"\n  did you mean   holdfast help configuration\n')
    assert refused(2, "help", "config", "shwo").endswith("did you mean   holdfast help config show\n")
    assert refused(2, "help", "config", "xyzzy").endswith("its commands   holdfast help config\n")
    assert refused_json(2, "help", "xyzzy")["hint"] == "all of them holdfast help"
    assert refused(2, "help", "--manual", "confg").endswith("did you mean   holdfast help config\n")


def test_help_comes_though_the_configuration_is_wrong(tmp_path):
    wrong = tmp_path / "wrong.conf"
    wrong.write_text("nonsense\n")
    assert ok("-c", wrong, "help", "config") == ok("help", "config")
    assert ok("-c", wrong, "config", "show", "--help")
    assert refused(2, "-c", wrong, "config", "show").startswith(f"error: {wrong}:1:")


def complete(line):
    """What bash offers behind `line`."""
    typed = line.split(" ")
    script = ('source <("$PROGRAM" completion bash); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", *typed], capture_output=True, text=True,
                          env={**environment(), "PROGRAM": str(PROGRAM)})
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


def test_completion_of_bash_completes():
    nouns = {cmd["noun"].split()[0] for cmd in commands()}
    assert complete("holdfast ") == nouns
    assert complete("holdfast kv l") == {"ls", "lock"}
    assert complete("holdfast kv lock a") == {"acquire"}
    assert complete("holdfast kv lock acquire --own") == {"--owner"}
    assert complete("holdfast confi") == {"config"}
    assert complete("holdfast config ") == {"show", "get", "check", "path"}
    assert complete("holdfast -d x -o csv config s") == {"show"}
    assert complete("holdfast config show --ori") == {"--origin"}
    assert complete("holdfast -o ") == {"table", "json", "ndjson", "csv", "tsv", "raw"}
    assert "--database" in complete("holdfast config get --")
    assert complete("holdfast help ") == complete("holdfast man ") == nouns
    assert complete("holdfast completion ") == {"bash", "zsh", "fish"}


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_completion_of_other_shells_is_read_by_them(shell):
    """Where that shell is installed it must accept the script; everywhere the script is not empty."""
    script = ok("completion", shell)
    assert len(script) > 1000
    if os.path.exists(f"/usr/bin/{shell}"):
        done = subprocess.run([shell, "-n", "/dev/stdin"], input=script, capture_output=True, text=True)
        assert (done.returncode, done.stderr) == (0, "")


def test_completion_refuses_a_strange_shell():
    assert refused(2, "completion", "bahs") == (
        'error: SHELL is "bahs", expected bash, zsh or fish\n  did you mean   bash\n')


def test_man_shows_a_page():
    text = ok("man", "config", env={"MANPAGER": "cat", "MANWIDTH": "80"})
    assert text.startswith("holdfast-config(1)") and "config show" in text
    assert "EXIT STATUS" in ok("man", env={"MANPAGER": "cat"})


def test_man_refuses_a_strange_page():
    assert refused(2, "man", "confgi").endswith("did you mean   holdfast help config\n")
    assert refused_json(69, "man", "config", env={"PATH": "/nonexistent"})["message"] == (
        "could not run man: No such file or directory")


def test_man_pages_come_from_the_table():
    for cmd in commands():
        source = ok("help", "--manual", *cmd["noun"].split())
        assert source.startswith(f"holdfast-{cmd['noun'].replace(' ', '-')}(1)")


def test_the_main_page_has_all_pages_flags_and_exit_codes():
    source = ok("help", "--manual")
    for noun in {cmd["noun"] for cmd in commands()}:
        assert f"\n*holdfast-{noun.replace(' ', '-')}*(1)\n\t" in source
    for option in table()["global"]:
        letter, arg = f"*-{option['letter']}*, " if option["letter"] else "", option["arg"] or ""
        assert f"\n{letter}*--{option['name']}*" in source
        assert arg in source
    assert "\n*--private*[=DIR]\n" in source, "a value that may be missing"
    assert re.search(r"^\*-d\*, \*--database\* URL\n\t.*\. Variable: HOLDFAST\\_DATABASE\\_URL$", source, re.M)
    for code in ("0", "2", "3", "69"):
        assert f"\n*{code}* " in source
    assert (BUILD / "man/holdfast.1").stat().st_size > 1000, "scdoc has understood it"
