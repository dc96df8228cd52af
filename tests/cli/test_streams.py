"""stdout is data and stderr is words; what happens when somebody stops reading, or the disk is full."""

import json
import os
import signal
import subprocess

import pytest

from command import PROGRAM, environment, ok, refused, refused_json, run


@pytest.mark.parametrize("args", [["help", "--table", "--json"], ["config", "show"], ["completion", "bash"], ["--help"],
                                  ["config", "show", "-o", "csv"]])
def test_a_reader_that_goes_away_is_no_failure(args):
    reader, writer = os.pipe()
    os.close(reader)
    done = run(*args, stdout=writer)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_note_does_not_hide_why_writing_failed():
    """The note about --limit flushes the rows: that flush met the closed pipe, and nobody noted why."""
    reader, writer = os.pipe()
    os.close(reader)
    assert run("config", "show", "--limit", "1", stdout=writer).returncode == 0
    os.close(writer)
    with open("/dev/full", "w") as full:
        done = run("config", "show", "--limit", "1", stdout=full)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, "error: could not write the output: No space left on device")


@pytest.mark.parametrize("args", [["help", "--table", "--json"], ["config", "show"], ["completion", "bash"], ["--help"],
                                  ["version"], ["config", "show", "--json"], ["config", "path", "-o", "csv"]])
def test_a_full_disk_is_a_failure(args):
    with open("/dev/full", "w") as full:
        done = run(*args, stdout=full)
    assert done.returncode == 1
    if "--json" in args:
        assert json.loads(done.stderr)["error"]["message"] == "could not write the output: No space left on device"
    else:
        assert done.stderr == "error: could not write the output: No space left on device\n"


def test_a_stdout_that_is_closed_is_not_taken_by_a_store(tmp_path):
    """The next file that is opened would be descriptor 1: LMDB's lock.mdb, which it maps."""
    store = f"lmdb:{tmp_path}/state"
    ok("kv", "put", "a-key", "a-value", "--store", store)
    done = subprocess.run(["sh", "-c", 'exec "$@" >&-', "sh", PROGRAM, "kv", "export", "--store", store], stderr=subprocess.PIPE,
                          text=True, env=environment(), timeout=60)
    assert b"a-key" not in (tmp_path / "state" / "lock.mdb").read_bytes()
    assert (done.returncode, done.stderr) == (1, "error: could not write the output: Bad file descriptor\n")


def test_output_formats_agree():
    rows = json.loads(ok("config", "path", "--json"))
    assert [json.loads(line) for line in ok("config", "path", "-o", "ndjson").splitlines()] == rows
    assert ok("config", "path", "-o", "csv") == "path,kind,exists\n" + "".join(
        f"{row['path']},{row['kind']},{str(row['exists']).lower()}\n" for row in rows)
    assert run("config", "path", "-o", "csv", text=False).stdout.count(b"\r\n") == len(rows) + 1
    assert ok("config", "path", "-o", "raw").split() == [row["path"] for row in rows]


def test_fields_are_chosen_and_checked():
    assert json.loads(ok("config", "path", "--json=kind,path"))[0].keys() == {"kind", "path"}
    assert ok("config", "path", "-o", "csv", "--json=kind") .split()[0] == "kind"
    error = refused_json(2, "config", "path", "--json=pth")
    assert error["message"] == 'unknown field "pth"'
    assert error["hint"] == "did you mean path; fields path, kind, exists"


def test_errors_are_json_when_data_would_be():
    for flags in (["--json"], ["-o", "json"], ["-ojson"], ["--output=ndjson"]):
        assert json.loads(refused(2, "nonsense", *flags))["error"] == {
            "code": "usage", "exit": 2, "message": 'unknown command "nonsense"', "detail": None,
            "hint": "all commands holdfast help", "sqlstate": None, "retryable": False}
    assert json.loads(refused(2, "nonsense", env={"HOLDFAST_OUTPUT": "json"}))["error"]["exit"] == 2
    assert refused(2, "nonsense", "-o", "csv").startswith("error: ")
    assert refused(2, "--", "--json").startswith("error: ")


def test_nothing_of_the_terminal_is_obeyed_in_messages():
    assert refused(2, "\033[2Jx\n\u202e") .splitlines()[0] == 'error: unknown command "\\x1b[2Jx'
    assert "\033" not in refused(2, "config", "get", "\033]0;title\007")


@pytest.mark.parametrize("flags, env, colored", [
    ([], {}, False), (["--color", "always"], {}, True), ([], {"CLICOLOR_FORCE": "1"}, True),
    ([], {"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}, False), (["--color=never"], {"CLICOLOR_FORCE": "1"}, False),
])
def test_color_is_asked_for(flags, env, colored):
    assert ("\033[1m" in run("config", "show", *flags, env=env).stdout) == colored
    assert ("\033[1;31m" in run("config", "get", "nonsense", *flags, env=env).stderr) == colored


@pytest.mark.parametrize("args, message", [
    (["--limit", "x", "config", "show"], '--limit is "x", expected a whole number'),
    (["--limit=-1", "config", "show"], "--limit is -1, allowed are 0 to 9223372036854775807"),
    (["config", "show", "--limit", "99999999999999999999"], '--limit is "99999999999999999999", expected a whole number'),
    (["config", "show", "--limit"], "--limit needs a value: --limit N"),
    (["config", "show", "--limit", "-q"], "--limit needs a value: --limit N\n  a value that starts with a dash is written --limit=-q"),
    (["config", "show", "--limit=1", "--limit", "2"], '--limit is given twice, with "1" and "2"'),
    (["config", "show", "--origin=yes"], "--origin takes no value"),
    (["config", "show", "-Z"], 'unknown flag "-Z"\n  see   holdfast config show -h'),
    (["config", "show", "-qZ"], 'unknown flag "-Z"\n  see   holdfast config show -h'),
    (["config", "show", "-o", "jsn"], '--output is "jsn", expected table, json, ndjson, csv, tsv or raw\n  did you mean   json'),
    (["config", "show", "--timeout", "30"], '--timeout is "30", expected a duration with a unit, such as 250ms, 30s or 1h30m'),
    (["config", "show", "--xyzzyx"], 'unknown flag "--xyzzyx"\n  see   holdfast config show -h'),
    (["config", "get", "a", "b"], 'unexpected argument "b"\n  usage   holdfast config get KEY'),
    (["config", "get", "--", "--limit", "5"], 'unexpected argument "5"\n  usage   holdfast config get KEY'),
    (["--xyzzyx"], 'unknown flag "--xyzzyx"\n  see   holdfast -h'),
    (["config", "--xyzzyx"], 'unknown flag "--xyzzyx"\n  see   holdfast config -h'),
])
def test_usage_errors_name_the_word(args, message):
    assert refused(2, *args) == f"error: {message}\n"


def test_flags_stand_anywhere():
    expected = ok("config", "show", "--origin", "--limit", "0", "-o", "csv")
    for args in (["--origin", "--limit", "0", "-o", "csv", "config", "show"], ["--limit=0", "config", "-ocsv", "show", "--origin"],
                 ["config", "--origin", "-q", "-o", "csv", "show", "--limit", "0"]):
        assert ok(*args) == ok(*args)
        assert ok(*args).splitlines()[0] == expected.splitlines()[0]
        assert len(ok(*args).splitlines()) == len(expected.splitlines())
    assert ok("config", "show", "--limit=2", "--limit", "2", "-q").count("\n") == 3, "the same value twice is no contradiction"


def test_quiet_silences_notes():
    assert run("config", "show", "--limit", "1").stderr == "the first 1 are shown; --limit 0 shows all\n"
    assert run("config", "show", "--limit", "1", "-q").stderr == ""
    assert run("config", "show", "--limit", "1", "--json").stderr == ""


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_connecting_ends_the_command(tmp_path, number, code):
    """A server that accepts and never answers, and a person who loses patience."""
    import socket
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / ".s.PGSQL.5432"))
    listener.listen()
    listener.settimeout(30)
    child = subprocess.Popen([PROGRAM, "-d", f"postgresql:///x?host={tmp_path}", "db", "ping", "--json"], env=environment(),
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    connection, _ = listener.accept()
    connection.recv(1)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert (child.returncode, out) == (code, "")
    assert json.loads(err)["error"] == {"code": "interrupted", "exit": code, "message": "interrupted; what was under way was rolled back",
                                        "detail": None, "hint": None, "sqlstate": None, "retryable": False}
