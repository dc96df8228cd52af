"""holdfast config: precedence, origins, and errors that point at file, line and column."""

import pytest

from command import ok, ok_json, refused, refused_json, run


@pytest.fixture
def conf(tmp_path):
    """Write a file, give its path."""
    def write(text, name="x.conf"):
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path
    return write


def value(key, *flags, **options):
    entry = ok_json(*flags, "config", "get", key, **options)
    return entry["value"], entry["origin"]


def test_config_show_names_the_origin(conf):
    path = conf("[command]\nlimit = 5\n\n[log]\nlevel = debug # loud\n")
    shown = {row["key"]: (row["value"], row["origin"]) for row in ok_json("-c", path, "config", "show", "--limit", "0")}
    assert shown["log.level"] == ("debug", f"{path}:5")
    assert shown["command.limit"] == ("0", "--limit")
    assert shown["command.timeout"] == ("0", "default")
    assert shown["database.url"] == (None, "default")
    cut = run("-c", path, "config", "show", "--origin")
    assert cut.stdout.splitlines()[0].split() == ["KEY", "VALUE", "ORIGIN"]
    assert len(cut.stdout.splitlines()) == 6, "limit = 5 of the file holds"
    assert (cut.returncode, cut.stderr) == (0, "the first 5 are shown; --limit 0 shows all\n")
    assert "ORIGIN" not in ok("config", "show")


def test_config_show_refuses_an_unknown_key(conf):
    path = conf("[database]\nurl = x\nconect_timeout = 3s\n")
    assert refused(2, "-c", path, "config", "show") == (
        f'error: {path}:3:1: unknown key "conect_timeout" in [database]\n  did you mean   connect_timeout\n')


def test_config_get_prints_one_value(conf):
    path = conf('[database]\nurl = "postgresql:///a b#c"\n')
    assert ok("-c", path, "config", "get", "database.url") == "postgresql:///a b#c\n"
    assert value("database.query_timeout") == ("60s", "default")


def test_config_get_refuses_an_unknown_key():
    assert refused(2, "config", "get", "log.levle") == 'error: unknown key "log.levle"\n  did you mean   log.level\n'
    assert refused(2, "config", "get", "x").endswith("all keys   holdfast config show\n")
    assert refused(3, "config", "get", "database.url") == "error: database.url is not set\n"


def test_each_source_beats_the_weaker_ones(conf, tmp_path):
    user = tmp_path / "holdfast"
    user.mkdir()
    (user / "holdfast.conf").write_text("[command]\ntimeout = 1s\n[profile.p]\ncommand.timeout = 2s\n[profile.q]\nlog.level = info\n")
    env = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert value("command.timeout", env=env) == ("1s", f"{user}/holdfast.conf:2")
    assert value("command.timeout", "-p", "q", env=env) == ("1s", f"{user}/holdfast.conf:2")
    assert value("command.timeout", "-p", "p", env=env) == ("2s", f"{user}/holdfast.conf:4")
    assert value("command.timeout", env={**env, "HOLDFAST_PROFILE": "p"}) == ("2s", f"{user}/holdfast.conf:4")
    env["HOLDFAST_TIMEOUT"] = "3s"
    assert value("command.timeout", "-p", "p", env=env) == ("3s", "HOLDFAST_TIMEOUT")
    assert value("command.timeout", "--timeout", "4s", env=env) == ("4s", "--timeout")
    other = conf("[log]\nlevel = error\n")
    del env["HOLDFAST_TIMEOUT"]
    assert value("command.timeout", "-c", other, env=env) == ("0", "default"), "-c replaces the user's file"
    assert value("log.level", env={**env, "HOLDFAST_CONFIG": str(other)}) == ("error", f"{other}:2")


def test_database_variables_in_order():
    env = {"DATABASE_URL": "postgresql:///b"}
    assert value("database.url", env=env) == ("postgresql:///b", "DATABASE_URL")
    env["HOLDFAST_DATABASE_URL"] = "postgresql:///a"
    assert value("database.url", env=env) == ("postgresql:///a", "HOLDFAST_DATABASE_URL")
    assert value("database.url", "-d", "postgresql:///c", env=env) == ("postgresql:///c", "--database")


def test_config_check_accepts_a_good_file(conf, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("hush\n")
    path = conf(f"# all of it\n[database]\nurl = postgresql:///x\npassword = file:{secret}\nconnect_timeout = 1m30s\n"
                "[command]\noutput = csv\nno_input = yes\n[profile.production]\nprotected = yes\nlog.level = trace\n")
    assert ok_json("-c", path, "-p", "production", "config", "check") == {"files": 1, "profile": "production"}
    assert ok("-c", path, "config", "check", "-o", "table").split() == ["files", "1", "profile"]
    secret.unlink()
    assert refused(2, "-c", path, "config", "check") == (
        f"error: could not read the password from {secret}: No such file or directory\n")


@pytest.mark.parametrize("text, message", [
    ("[database\n", ":1:10: expected ] after the section's name"),
    ("[]\n", ":1:2: a section needs a name: [name]"),
    ("[log] x\n", ":1:6: unexpected text after the section"),
    ("url = x\n", ':1:1: "url" stands before the first [section]'),
    ("[databse]\nurl = x\n", ':2:1: "url" stands in the unknown section [databse]\n  did you mean   [database]'),
    ("[zzzzzz]\nurl = x\n", ':2:1: "url" stands in the unknown section [zzzzzz]\n  sections   [database] [kv] [command]'),
    ("[log]\n  level\n", ":2:8: expected = after the key"),
    ("[log]\n= debug\n", ":2:1: expected [section], key = value or # comment"),
    ('[log]\nlevel = "debug\n', ":2:9: the quote is not closed"),
    ('[log]\nlevel = "debug" x\n', ":2:16: unexpected text after the closing quote"),
    ("[log]\nlevel = loud\n", ':2:9: level is "loud", expected off, error, warn, info, debug or trace'),
    ("[log]\nlevel = debgu\n", "\n  did you mean   debug"),
    ("[log]\nlevel = info\nlevel = info\n", ':3:1: "level" stands in this section already, at line 2'),
    ("[command]\nlimit = -1\n", ":2:9: limit is -1, allowed are 0 to 9223372036854775807"),
    ("[command]\ntimeout = 30\n", ':2:11: timeout is "30", expected a duration with a unit, such as 250ms, 30s or 1h30m'),
    ("[command]\ntimeout = 2d\n", ":2:11: timeout is 2d, allowed are 0s to 1d"),
    ("[database]\npassword = hunter2\n", ":2:12: password is not a reference; secrets do not stand in configuration"),
    ("[profile.p]\nprotected = maybe\n", ':2:13: protected is "maybe", expected no or yes'),
    ("[profile.p]\ndatabase.ulr = x\n", ':2:1: unknown key "database.ulr" in [profile.p]\n  did you mean   database.url'),
    ("[profile.p]\nzzz = x\n", "all keys   holdfast help configuration"),
    (b"[log]\nlevel = \xff\n", ":2:9: not valid UTF-8"),
    (b"[log]\nlevel = a\0b\n", ":2:10: not valid UTF-8"),
    (b"#" * (1 << 20) + b"\n", "it is longer than 1048576 bytes"),
    ("[log]\n" + "".join(f"[profile.p{i}]\nlog.level = info\n" for i in range(10001)), ":20003:1: more than 10000 keys"),
], ids=range(24))
def test_config_check_points_at_the_column(conf, text, message):
    path = conf(text)
    error = refused(2, "-c", path, "config", "check")
    assert error.startswith("error: ") and str(path) in error
    assert message in error
    assert "hunter2" not in error


def test_a_wrong_variable_is_named():
    assert refused(2, "config", "check", env={"HOLDFAST_TIMEOUT": "soon"}).startswith('error: HOLDFAST_TIMEOUT is "soon"')
    assert refused_json(2, "config", "check", env={"HOLDFAST_DATABASE_PASSWORD": "hunter2"}) == {
        "code": "config", "exit": 2, "message": "HOLDFAST_DATABASE_PASSWORD is not a reference; secrets do not stand in configuration",
        "detail": None, "hint": "write file:/run/credentials/password, env:NAME or credential:NAME", "sqlstate": None, "retryable": False}
    assert ok("config", "check", env={"HOLDFAST_NO_INPUT": "1"})
    assert refused(2, "config", "check", env={"HOLDFAST_CONFIG": "/nonexistent/x"}) == (
        "error: could not read the configuration /nonexistent/x: No such file or directory\n")


def test_an_unknown_profile_is_refused(conf):
    path = conf("[profile.production]\nprotected = no\n")
    assert refused(2, "-c", path, "-p", "prodction", "config", "check") == (
        'error: unknown profile "prodction": no file has a section [profile.prodction]\n  did you mean   --profile production\n')
    assert refused(2, "-p", "x", "config", "check").endswith("files   holdfast config path\n")


def test_config_path_lists_the_files(conf):
    path = conf("")
    assert ok_json("-c", path, "config", "path") == [{"path": str(path), "kind": "given", "exists": True}]
    assert ok_json("config", "path", env={"XDG_CONFIG_HOME": "/x"})[0] == {
        "path": "/x/holdfast/holdfast.conf", "kind": "user", "exists": False}
    assert ok("config", "path", "-o", "tsv").splitlines()[0] == "path\tkind\texists"


def test_config_path_refuses_a_missing_file(tmp_path):
    assert refused(2, "-c", tmp_path / "x", "config", "path") == f"error: could not read the configuration {tmp_path}/x: No such file or directory\n"
    assert refused(2, "-c", tmp_path, "config", "path") == f"error: could not read the configuration {tmp_path}: it is a directory\n"
    assert refused(2, "--config=", "config", "path") == "error: --config is empty\n"


@pytest.mark.parametrize("url, shown", [
    ("postgresql://u:hunter2@h/x", "postgresql://u:***@h/x"),
    ("postgresql://u:hun@ter2/x@h/x", "postgresql://u:***@h/x"),
    ("postgresql://h/x?user=u&password=hunter2&sslpassword=hunter2&port=1", "postgresql://h/x?user=u&password=***&sslpassword=***&port=1"),
    ("host=h password=hunter2 user=u", "host=h password=*** user=u"),
    ("host=h PASSWORD = 'hunter2 \\' hunter2' user=u", "host=h PASSWORD = *** user=u"),
    ("postgresql://u@h/x", "postgresql://u@h/x"),
    ("host=h dbname=password", "host=h dbname=password"),
])
def test_config_never_shows_a_password(url, shown):
    assert value("database.url", "-d", url) == (shown, "--database")
    assert "hunter2" not in run("-d", url, "config", "show", "-vv").stdout
