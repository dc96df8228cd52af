"""holdfast codebase, candidate, queue and schedule: what each verb does to the database, and what it refuses."""

import http.server
import json
import lzma
import pathlib
import threading

import pytest

from command import TOP, ok, ok_json, refused, refused_json, run

SAMPLE = TOP / "tests" / "data" / "sources-sample.xz"
ARCHIVE = TOP / "tests" / "data" / "archive"


class Janitor:
    """A database with the schema, and the command on it."""

    def __init__(self, cluster, db):
        self.db = db
        self.flags = ("-d", f"postgresql:///{db.name}?host={cluster.server.dir}&user={cluster.server.user}")

    def ok(self, *args, **options):
        return ok(*self.flags, *args, **options)

    def json(self, *args, **options):
        return ok_json(*self.flags, *args, **options)

    def refused(self, code, *args, **options):
        return refused(code, *self.flags, *args, **options)

    def error(self, code, *args, **options):
        return refused_json(code, *self.flags, *args, **options)

    def tables(self):
        """Everything that these commands write, to see that a refusal changed nothing."""
        return {name: self.db.rows(f"SELECT * FROM {name} ORDER BY 1, 2, 3")
                for name in ("codebase", "candidate", "queue", "named_publish_policy")}


@pytest.fixture
def janitor(cluster, db):
    return Janitor(cluster, db)


@pytest.fixture
def small(janitor):
    """Three codebases with values, two candidates with a policy."""
    janitor.db.execute("""
        INSERT INTO codebase (name, branch_url, url, branch, subpath, vcs_type, web_url, value, inactive) VALUES
            ('aa', 'https://h1/aa,branch=x', 'https://h1/aa', 'x', '', 'git', 'https://w/aa', 10, false),
            ('bb', 'https://h2/bb', 'https://h2/bb', NULL, 'sub', 'bzr', NULL, 5, false),
            ('cc', NULL, NULL, NULL, NULL, NULL, NULL, NULL, true);
        INSERT INTO named_publish_policy VALUES
            ('p', ARRAY[ROW('main', 'propose', NULL)::branch_publish_policy], NULL);
        INSERT INTO candidate (codebase, suite, command, value, publish_policy, context) VALUES
            ('aa', 'fixes', 'fix it', 10, 'p', NULL), ('bb', 'fixes', 'fix it', 20, 'p', 'ctx'),
            ('cc', 'other', 'look', 1, NULL, NULL);
    """)
    return janitor


# ---- codebase ----

def test_codebase_list_is_ordered_and_filtered(small):
    assert [row["name"] for row in small.json("codebase", "list")] == ["aa", "bb", "cc"]
    assert small.json("codebase", "list", "--host", "h2", "--limit", 0) == [
        {"name": "bb", "vcs_type": "bzr", "branch_url": "https://h2/bb", "url": "https://h2/bb", "branch": None,
         "subpath": "sub", "vcs_last_revision": None, "web_url": None, "hostname": "h2", "value": 5, "inactive": False}]
    assert [row["name"] for row in small.json("codebase", "list", "--after", "aa")] == ["bb", "cc"]
    assert [row["name"] for row in small.json("codebase", "list", "--vcs", "git")] == ["aa"]
    assert [row["name"] for row in small.json("codebase", "list", "--inactive", "no")] == ["aa", "bb"]
    assert [row["name"] for row in small.json("codebase", "list", "--inactive", "yes")] == ["cc"]
    assert json.loads(small.ok("codebase", "list", "--limit", "1", "--json=name", "-q")) == [{"name": "aa"}]


def test_codebase_list_refuses_an_unknown_field(small):
    assert 'unknown field' in small.refused(2, "codebase", "list", "--json=nam")
    assert small.error(2, "codebase", "list", "--host")["exit"] == 2
    assert '--vcs is "gti"' in small.refused(2, "codebase", "list", "--vcs", "gti")


def test_codebase_show_prints_every_field(small):
    assert small.json("codebase", "show", "aa") == {
        "name": "aa", "vcs_type": "git", "branch_url": "https://h1/aa,branch=x", "url": "https://h1/aa", "branch": "x",
        "subpath": "", "vcs_last_revision": None, "web_url": "https://w/aa", "hostname": "h1", "value": 10, "inactive": False}


def test_codebase_show_refuses_an_unknown_name(small):
    assert small.refused(3, "codebase", "show", "zz") == "error: there is no codebase zz\n"


def test_codebase_set_creates_and_changes(small):
    place = ("--url", "https://h4/dd", "--branch", "x/y")
    assert small.json("codebase", "set", "dd", *place, "--value", "-3", "--vcs", "git", "--dry-run") == {
        "changed": 1, "created": True, "dry_run": True}
    assert small.db.value("SELECT count(*) FROM codebase") == 3
    assert small.json("codebase", "set", "dd", *place, "--value", "-3", "--vcs", "git")["created"]
    assert small.json("codebase", "set", "dd", "--inactive", "yes", "--vcs", "")["created"] is False
    shown = small.json("codebase", "show", "dd")
    assert (shown["branch_url"], shown["branch"], shown["value"], shown["vcs_type"], shown["inactive"]) == (
        "https://h4/dd,branch=x%2Fy", "x/y", -3, None, True)
    small.json("codebase", "set", "aa", "--subpath", "")
    assert small.json("codebase", "show", "aa")["value"] == 10, "what no flag names stays"


def test_codebase_set_refuses_what_cannot_be(small):
    before = small.tables()
    assert "no name for a codebase" in small.refused(1, "codebase", "set", "a/b")
    assert "without a url" in small.refused(1, "codebase", "set", "aa", "--branch", "x")
    assert small.error(5, "codebase", "set", "cc", "--branch-url", "https://h2/bb", "--subpath", "sub")["message"] == (
        "another codebase is at that place")
    assert small.tables() == before


def test_codebase_delete_takes_candidates_and_entries_along(small):
    small.ok("queue", "add", "aa", "fixes", "--command", "x")
    assert small.json("codebase", "delete", "aa", "--dry-run")["dry_run"]
    assert small.db.value("SELECT count(*) FROM codebase") == 3
    assert small.json("codebase", "delete", "aa")["changed"] == 1
    assert small.db.row("SELECT (SELECT count(*) FROM codebase), (SELECT count(*) FROM candidate), "
                        "(SELECT count(*) FROM queue)") == (2, 2, 0)


def test_codebase_delete_refuses_one_with_runs(small):
    small.db.execute("INSERT INTO change_set (id, campaign) VALUES ('cs', 'fixes'); "
                     "INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set) "
                     "VALUES ('r', 'aa', 'fixes', 'success', '{}', 'cs')")
    before = small.tables()
    assert small.error(1, "codebase", "delete", "aa")["message"] == "codebase aa has runs"
    assert small.error(3, "codebase", "delete", "zz")["message"] == "there is no codebase zz"
    assert small.tables() == before


def test_codebase_import_stores_every_entry(small, tmp_path):
    path = tmp_path / "codebases.json"
    path.write_text(json.dumps([{"name": "dd", "branch_url": "https://h4/dd,branch=a%2Fb"}, {"name": "aa", "value": 11}]))
    assert small.json("codebase", "import", path, "--dry-run")["changed"] == 2
    assert small.db.value("SELECT value FROM codebase WHERE name = 'aa'") == 10
    assert small.json("codebase", "import", path)["changed"] == 2
    assert small.db.row("SELECT url, branch FROM codebase WHERE name = 'dd'") == ("https://h4/dd", "a/b")
    assert small.db.row("SELECT url, value FROM codebase WHERE name = 'aa'") == (None, 11), "what is absent becomes NULL"
    assert small.json("codebase", "import", "-", input=path.read_text())["unchanged"] == 2


def test_codebase_import_names_the_entry_and_the_member(small, tmp_path):
    before = small.tables()
    bad = json.dumps([{"name": "dd"}, {"name": "ee", "vcs_type": 7}])
    assert small.refused(1, "codebase", "import", "-", input=bad) == (
        'error: codebases: entry 2: "vcs_type" is a number, not a string or null\n')
    assert small.error(3, "codebase", "import", tmp_path / "none")["exit"] == 3
    path = tmp_path / "large"
    path.write_bytes(b"[" + b" " * (100 << 20) + b"]")
    assert "longer than 16 MiB" in small.error(1, "codebase", "import", path)["message"]
    assert small.tables() == before


def test_codebase_import_debian_stores_the_extract(janitor):
    first = janitor.json("codebase", "import-debian", "--sources", SAMPLE)
    assert (first["records"], first["codebases"], first["inserted"], first["git"]) == (500, 495, 495, 444)
    assert janitor.db.value("SELECT count(*) FROM codebase") == 495
    assert janitor.db.row("SELECT branch_url, url, branch, subpath, vcs_type::text, hostname FROM codebase "
                          "WHERE name = '3270font'") == (
        "https://github.com/kilobyte/3270font.git,branch=debian", "https://github.com/kilobyte/3270font.git", "debian", "",
        "git", "github.com")
    assert janitor.db.value("SELECT count(*) FROM codebase WHERE branch_url IS NOT NULL AND subpath IS NULL") == 1
    again = janitor.json("codebase", "import-debian", "--sources", SAMPLE)
    assert (again["changed"], again["unchanged"]) == (0, 495)
    janitor.db.execute("UPDATE codebase SET value = 7, inactive = true WHERE name = 'bash'")
    mended = janitor.json("codebase", "import-debian", "--sources", SAMPLE)
    assert (mended["inserted"], mended["updated"]) == (0, 1)
    assert janitor.db.value("SELECT inactive FROM codebase WHERE name = 'bash'"), "what the index does not say stays"


def record(name, vcs=""):
    return f"Package: {name}\nBinary: {name}\nVersion: 1\nDirectory: d\n{vcs}\n"


def test_codebases_may_swap_their_places(janitor, tmp_path):
    index = tmp_path / "Sources"
    index.write_text(record("aa", "Vcs-Git: https://h/1\n") + record("bb", "Vcs-Git: https://h/2\n"))
    janitor.ok("codebase", "import-debian", "--sources", index)
    index.write_text(record("aa", "Vcs-Git: https://h/2\n") + record("bb", "Vcs-Git: https://h/1\n"))
    assert janitor.json("codebase", "import-debian", "--sources", index)["updated"] == 2
    assert janitor.db.rows("SELECT name::text, url, subpath FROM codebase ORDER BY name") == [
        ("aa", "https://h/2", ""), ("bb", "https://h/1", "")]
    index.write_text(record("cc", "Vcs-Git: https://h/1\n"))
    janitor.ok("codebase", "import-debian", "--sources", index)
    assert janitor.db.row("SELECT url, subpath FROM codebase WHERE name = 'cc'") == ("https://h/1", None), \
        "a place that another codebase holds is stored with an unknown sub-path"


def test_codebase_import_debian_reads_and_writes_nothing_in_a_preview(janitor):
    first = ("codebase", "import-debian", "--sources", SAMPLE, "--first", 100)
    shown = janitor.json(*first, "--dry-run")
    assert (shown["codebases"], shown["changed"], shown["inserted"], shown["dry_run"]) == (100, 100, 100, True)
    assert janitor.db.value("SELECT count(*) FROM codebase") == 0
    assert janitor.json(*first)["inserted"] == 100
    janitor.db.execute("UPDATE codebase SET value = -1 WHERE name = '3270font'")
    shown = janitor.json(*first, "--dry-run")
    assert (shown["inserted"], shown["updated"], shown["unchanged"]) == (0, 1, 99)
    assert janitor.db.value("SELECT value FROM codebase WHERE name = '3270font'") == -1


@pytest.mark.parametrize("spoil, code, message", [
    (lambda data: data[:30000], 9, "truncated"),
    (lambda data: data[:9000] + b"XXXXXXXX" + data[9008:], 9, "damaged"),
    (lambda data: lzma.decompress(data)[:100000], 9, "truncated (no newline at its end)"),
    (lambda data: lzma.decompress(data).replace(b"Package: bash\n", b"Package: Bash\n"), 1, '"Bash" is no name for a codebase'),
    (lambda data: lzma.decompress(data).replace(b"Package: bash\n", b"Package: ba\xffsh\n"), 1, "is not UTF-8"),
    (lambda data: b"Package: x" + b"x" * 10_000_000 + b"\n", 1, "line 1 is longer than 1048576 bytes"),
    (lambda data: b"", 1, "Sources: there is no package in it"),
])
def test_codebase_import_debian_refuses_a_truncated_index(small, tmp_path, spoil, code, message):
    before = small.tables()
    index = tmp_path / "Sources"
    index.write_bytes(spoil(SAMPLE.read_bytes()))
    done = run(*small.flags, "codebase", "import-debian", "--sources", index)
    assert done.returncode == code, done
    assert message in done.stderr
    assert len(done.stderr.splitlines()) <= 2, "one clear line, and what to do"
    assert small.tables() == before


def test_codebase_import_debian_refuses_what_is_not_there(small, tmp_path):
    assert f"could not open {tmp_path}/absent" in small.refused(3, "codebase", "import-debian", "--sources", tmp_path / "absent")
    assert "exclude each other" in small.refused(2, "codebase", "import-debian", "--sources", SAMPLE, "--suite", "sid")
    assert "must be http(s)://.../dists/SUITE" in small.refused(1, "codebase", "import-debian", "--sources", "http://127.0.0.1:1/x")
    assert "could not fetch" in small.refused(7, "codebase", "import-debian", "--sources",
                                              "http://127.0.0.1:1/dists/sid/main/source/Sources.xz")


@pytest.fixture
def mirror():
    """An archive by HTTP: a signed InRelease of suite sid, and the index that it names."""
    hello = b"Package: hello\nBinary: hello\nVersion: 1.0\nDirectory: pool/hello\n\n"
    files = {"/dists/sid/InRelease": (ARCHIVE / "InRelease").read_bytes(), "/dists/sid/main/source/Sources": hello}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path in files else 404)
            self.end_headers()
            self.wfile.write(files.get(self.path, b""))

        def log_message(self, *args):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/dists/sid/main/source/Sources"
    server.shutdown()
    thread.join()
    server.server_close()


def test_codebase_import_debian_fetches_and_cleans_up(janitor, mirror, tmp_path):
    env = {"HOLDFAST_KEYRING": str(ARCHIVE / "keyring.gpg"), "TMPDIR": str(tmp_path)}
    assert janitor.json("codebase", "import-debian", "--sources", mirror, env=env)["inserted"] == 1
    assert janitor.db.value("SELECT name::text FROM codebase") == "hello"
    assert list(tmp_path.iterdir()) == []
    assert "404" in janitor.refused(3, "codebase", "import-debian", "--sources", mirror + ".gone", env=env)
    assert list(tmp_path.iterdir()) == []


def test_codebase_import_debian_refuses_a_folder_that_is_not_there(janitor, mirror, tmp_path):
    message = janitor.refused(1, "codebase", "import-debian", "--sources", mirror, env={"TMPDIR": str(tmp_path / "absent")})
    assert message.startswith(f"error: could not make a folder for the download ({tmp_path}/absent/hf-sources-XXXXXX): ")


# ---- candidate ----

def test_candidate_list_is_ordered_and_filtered(small):
    rows = small.json("candidate", "list")
    assert [row["id"] for row in rows] == [1, 2, 3]
    assert rows[1] == {"id": 2, "codebase": "bb", "campaign": "fixes", "command": "fix it", "value": 20,
                       "success_chance": None, "publish_policy": "p", "context": "ctx", "change_set": None}
    assert [row["id"] for row in small.json("candidate", "list", "--campaign", "fixes", "--after", 1)] == [2]
    assert [row["id"] for row in small.json("candidate", "list", "--codebase", "cc")] == [3]


def test_candidate_list_refuses_a_bad_id(small):
    small.refused(2, "candidate", "list", "--after", "x")
    small.refused(2, "candidate", "list", "--after", "99999999999")


def test_candidate_import_stores_a_file(small, tmp_path):
    entries = [{"codebase": "aa", "campaign": "fixes", "command": "fix harder", "value": 3, "publish_policy": "p"},
               {"codebase": "cc", "campaign": "fixes", "command": "é 'quoted'", "success_chance": 0.25, "context": ""}]
    assert small.json("candidate", "import", "-", input=json.dumps(entries)) == {"changed": 2, "unchanged": 0, "ids": []}
    assert small.db.rows("SELECT codebase, command, value, success_chance, context FROM candidate WHERE suite = 'fixes' "
                         "ORDER BY id") == [
        ("aa", "fix harder", 3, None, None), ("bb", "fix it", 20, None, "ctx"), ("cc", "é 'quoted'", None, 0.25, "")]
    assert small.json("candidate", "import", "-", input=json.dumps(entries))["unchanged"] == 2
    before = small.tables()
    assert small.json("candidate", "import", "-", "--dry-run", input=json.dumps([{**entries[0], "value": 9}]))["dry_run"]
    assert small.tables() == before


def test_candidate_import_takes_files_of_any_length(small, tmp_path):
    """Longer than what is taken in one piece elsewhere; an entry of it is not."""
    path, count = tmp_path / "many.json", 20000
    with open(path, "w") as file:
        file.write(" [")
        for number in range(count):
            json.dump({"codebase": "aa", "campaign": f"c{number}", "command": "x" * 1000, "context": '[{"\\\\'}, file)
            file.write("\n,\t" if number + 1 < count else "\n ] \n")
    assert path.stat().st_size > 20 << 20
    assert small.json("candidate", "import", path)["changed"] == count
    assert small.db.row("SELECT count(*), min(length(command)), min(context) FROM candidate WHERE suite LIKE 'c%'") == (
        count, 1000, '[{"\\\\')
    path.write_text(json.dumps([{"codebase": "aa", "campaign": "fixes", "command": "x" * (16 << 20)}]))
    assert f"{path}: entry 1: more than 16777216 bytes" in small.refused(1, "candidate", "import", path)


def test_candidate_import_for_every_codebase(small):
    done = small.json("candidate", "import", "--campaign", "new", "--command", "go", "--value", 10, "--mode", "push")
    assert done == {"changed": 1, "unchanged": 0, "ids": []}
    assert small.db.rows("SELECT codebase, command, value, publish_policy FROM candidate WHERE suite = 'new'") == [
        ("aa", "go", 10, "new")]
    assert small.db.value("SELECT (per_branch_policy[1]).mode::text FROM named_publish_policy WHERE name = 'new'") == "push"
    assert "needs a FILE, or --campaign and --command" in small.refused(2, "candidate", "import", "--campaign", "new")
    assert '--vcs is "rcs"' in small.refused(2, "candidate", "import", "--campaign", "xx", "--command", "go",
                                                        "--vcs", "rcs")


@pytest.mark.parametrize("text, code, message", [
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x"}, {"codebase": "zz", "campaign": "fixes", "command": "x"}]', 1,
     "candidate_codebase_fkey"),
    ('[{"codebase": "aa", "campaign": "Fixes", "command": "x"}]', 1, "the campaign is no name"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": ""}]', 1, "the command is empty"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "value": 0}]', 1, "the value is not above 0"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "value": 1.5}]', 1, '"value" is no whole number'),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "value": 4294967296}]', 1, '"value" is not within 32 bits'),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "success_chance": 1.1}]', 1, "not within 0 and 1"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "success_chance": "a"}]', 1, '"success_chance" is a string, not a number'),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "success_chance": true}]', 1, "is a truth value, not a number"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "value": true}]', 1, "is a truth value, not a number"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "command": "y"}]', 1, "-:1:"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": 7}]', 1, 'entry 1: "command" is a number, not a string'),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x", "vlaue": 3}]', 1, 'unknown field "vlaue"'),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x"}, {"codebase": "aa", "campaign": "fixes", "command": "y"}]', 1,
     "candidate 2 (fixes/aa): the same codebase, campaign and change set came before"),
    ('[7]', 1, "-: entry 1 is a number, not an object"),
    ('[[7, {}]]', 1, "-: entry 1 is a list, not an object"),
    ('{"codebase": "aa"}', 1, "-:1:1: expected one list"),
    ('', 1, "-:1:0: expected one list"),
    ('[{"codebase": "a', 1, "-:1:16: the list does not end"),
    ('[]\n\n x', 1, "-:3:2: something stands behind the list"),
    ('[,]', 1, "-:1:2: an entry is missing"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x"},]', 1, "-:1:58: an entry is missing"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x"}\n,\n  {"codebase" "x"}]', 1, "-:3:"),
    ('[{"codebase": "aa", "campaign": "fixes", "command": "x"} {}]', 1, "-:1:"),
    ('[{"codebase": "aa\\"]", "campaign": "fixes"}', 1, "the list does not end"),
    ('[{"codebase": "a\\u0000b"}]', 1, "-:1:"),
    ("[" * 10000, 1, "-:1:66: nested more than 64 levels deep"),
])
def test_candidate_import_refuses_a_bad_entry(small, text, code, message):
    before = small.tables()
    assert message in small.refused(code, "candidate", "import", "-", input=text)
    assert small.tables() == before


# ---- queue ----

def add(janitor, codebase, campaign="fixes", *flags):
    return janitor.json("queue", "add", codebase, campaign, "--command", "x", *flags)


def test_queue_list_shows_the_order(small):
    add(small, "aa", "fixes", "--offset", 100)
    add(small, "bb", "fixes", "--offset", 50, "--estimate", "90s", "--refresh", "--requester", "me", "--context", "c")
    add(small, "cc", "other", "--bucket", "manual")
    assert [(row["id"], row["codebase"], row["priority"]) for row in small.json("queue", "list")] == [
        (3, "cc", 0), (2, "bb", 50), (1, "aa", 100)]
    assert small.json("queue", "list", "--campaign", "fixes")[0] == {
        "id": 2, "codebase": "bb", "campaign": "fixes", "bucket": "default", "priority": 50, "context": "c", "command": "x",
        "estimated_duration_s": 90, "refresh": True, "requester": "me", "change_set": None}
    assert len(json.loads(run(*small.flags, "queue", "list", "--limit", 2, "--json").stdout)) == 2


def test_queue_list_streams_more_rows_than_the_default_limit(small):
    small.db.execute("""
        INSERT INTO codebase (name) SELECT 'x' || n FROM generate_series(1, 150) AS n;
        INSERT INTO queue (codebase, suite, command, priority) SELECT 'x' || n, 'fixes', 'x', -n FROM generate_series(1, 150) AS n;
    """)
    assert len(json.loads(run(*small.flags, "queue", "list", "--json").stdout)) == 100
    rows = small.json("queue", "list", "--limit", 0)
    assert [row["priority"] for row in rows] == list(range(-150, 0))


def test_queue_list_is_paged(small):
    for codebase, bucket, offset in (("aa", "default", 5), ("bb", "default", 5), ("cc", "manual", 9), ("cc", "default", -1)):
        add(small, codebase, f"in-{bucket}", "--bucket", bucket, "--offset", offset)
    everything = [row["id"] for row in small.json("queue", "list")]
    assert everything == [3, 4, 1, 2]
    for at, item in enumerate(everything):
        assert [row["id"] for row in small.json("queue", "list", "--after", item)] == everything[at + 1:]
    assert [row["id"] for row in small.json("queue", "list", "--after", 3, "--campaign", "in-default")] == [4, 1, 2]
    assert small.refused(3, "queue", "list", "--after", 9) == "error: there is no queue item 9\n"


def test_queue_show_prints_every_field(small):
    add(small, "aa", "fixes", "--context", "c", "--requester", "me", "--estimate", "90s", "--offset", 7)
    assert small.json("queue", "show", 1) == {
        "id": 1, "codebase": "aa", "campaign": "fixes", "bucket": "default", "priority": 7, "context": "c", "command": "x",
        "estimated_duration_s": 90, "refresh": False, "requester": "me", "change_set": None}


def test_queue_show_refuses_an_unknown_id(small):
    assert small.refused(3, "queue", "show", 9) == "error: there is no queue item 9\n"
    assert '"aa" is no id of a queue entry' in small.refused(2, "queue", "show", "aa")


def test_queue_move_places_an_entry_elsewhere(small):
    for codebase, offset in (("aa", 10), ("bb", 20), ("cc", 30)):
        add(small, codebase, "fixes", "--offset", offset)
    order = lambda: [(row["codebase"], row["bucket"], row["priority"]) for row in small.json("queue", "list")]  # noqa: E731
    assert small.json("queue", "move", "cc", "fixes", "--ahead", "--dry-run")["priority"] == 9 and order()[0][0] == "aa"
    assert small.json("queue", "move", "cc", "fixes", "--ahead") == {
        "changed": 1, "id": 3, "bucket": "default", "priority": 9, "bucket_before": "default", "priority_before": 30, "dry_run": False}
    assert small.json("queue", "move", "cc", "fixes", "--ahead")["changed"] == 0, "it is the first"
    small.ok("queue", "move", "bb", "fixes", "--priority", "-4", "--bucket", "manual")
    assert order() == [("bb", "manual", -4), ("cc", "default", 9), ("aa", "default", 10)]
    small.ok("queue", "move", "aa", "fixes", "--ahead")
    small.ok("queue", "move", "cc", "fixes", "--priority", "40")
    assert order() == [("aa", "manual", -5), ("bb", "manual", -4), ("cc", "default", 40)]


def test_queue_move_refuses_what_does_not_wait(small):
    add(small, "aa")
    assert small.refused(3, "queue", "move", "bb", "fixes", "--ahead") == "error: bb does not wait in campaign fixes\n"
    assert "--ahead or --priority" in small.refused(2, "queue", "move", "aa", "fixes")
    assert "--ahead or --priority" in small.refused(2, "queue", "move", "aa", "fixes", "--ahead", "--priority", 1)
    assert "finds its own bucket" in small.refused(2, "queue", "move", "aa", "fixes", "--ahead", "--bucket", "manual")
    assert '--bucket is "nope"' in small.refused(2, "queue", "move", "aa", "fixes", "--priority", 1, "--bucket", "nope")
    small.db.execute(f"UPDATE queue SET priority = {-2**63}")
    add(small, "bb")
    assert "out of range" in small.refused(1, "queue", "move", "bb", "fixes", "--ahead")


def test_queue_list_refuses_a_bad_limit(small):
    small.refused(2, "queue", "list", "--limit", "-1")
    small.refused(2, "queue", "list", "--limit", "many")


def test_queue_next_obeys_its_filters(small):
    add(small, "aa", "fixes", "--offset", 1)
    add(small, "bb", "fixes", "--offset", 2)
    add(small, "cc", "other", "--offset", 3)
    shown = small.json("queue", "next")
    assert (shown["codebase"], shown["branch_url"], shown["subpath"], shown["vcs_type"]) == (
        "aa", "https://h1/aa,branch=x", "", "git")
    assert small.json("queue", "next", "--exclude-host", "h1")["codebase"] == "bb"
    assert small.json("queue", "next", "--exclude-host", "h1", "--exclude-host", "h2")["codebase"] == "cc"
    assert small.json("queue", "next", "--campaign", "other")["codebase"] == "cc"
    assert small.json("queue", "next", "--codebase", "bb")["codebase"] == "bb"
    assert small.db.value("SELECT count(*) FROM queue") == 3, "nothing is taken"


def test_queue_next_refuses_an_empty_queue(small):
    assert small.refused(3, "queue", "next") == "error: no queue item passes the filters\n"
    assert small.error(3, "queue", "next", "--campaign", "nope")["code"] == "not-found"


def test_queue_position_counts_and_sums(small):
    add(small, "aa", "fixes", "--offset", 1, "--estimate", "10s")
    add(small, "bb", "fixes", "--offset", 2, "--estimate", "20s")
    add(small, "cc", "fixes", "--offset", 3)
    assert small.json("queue", "position", "aa", "fixes") == {"id": 1, "position": 1, "wait_s": 0}
    assert small.json("queue", "position", "bb", "fixes") == {"id": 2, "position": 2, "wait_s": 10}
    assert small.json("queue", "position", "cc", "fixes") == {"id": 3, "position": 3, "wait_s": 30}


def test_queue_position_refuses_what_does_not_wait(small):
    assert small.refused(3, "queue", "position", "aa", "fixes") == "error: aa does not wait in campaign fixes\n"
    small.refused(2, "queue", "position", "aa")


def test_queue_stats_counts_buckets_in_order(small):
    add(small, "aa", "fixes", "--offset", 5, "--estimate", "10s")
    add(small, "bb", "fixes", "--offset", 7, "--estimate", "1h")
    add(small, "cc", "fixes", "--bucket", "manual")
    assert small.json("queue", "stats") == [
        {"bucket": "manual", "items": 1, "estimated_duration_s": None, "first_priority": 0, "last_priority": 0},
        {"bucket": "default", "items": 2, "estimated_duration_s": 3610, "first_priority": 5, "last_priority": 7}]


def test_queue_stats_refuses_an_argument(small):
    small.refused(2, "queue", "stats", "aa")


def test_queue_explain_agrees_with_the_stored_row(small):
    small.ok("schedule", "run")
    shown = small.json("queue", "explain", "aa", "fixes")
    row = small.db.row("SELECT id, bucket::text, priority FROM queue WHERE codebase = 'aa'")
    assert (shown["id"], shown["bucket"], shown["priority"]) == row
    assert round(shown["offset"]) == shown["priority"], "the priority is the offset"
    assert (shown["candidate_value"], shown["codebase_share"], shown["earlier_runs"], shown["cost"]) == (410, 1, 0, 35000)
    assert shown["offset"] == shown["cost"] / (shown["codebase_share"] * shown["success_chance"] * 510)
    text = small.ok("queue", "explain", "bb", "fixes")
    assert "bb / fixes is number 2 in the queue (default bucket)" in text and "520" in text


def test_queue_explain_refuses_what_does_not_wait(small):
    assert small.refused(3, "queue", "explain", "aa", "fixes") == "error: aa does not wait in campaign fixes\n"


def test_queue_add_places_an_entry(small):
    assert add(small, "aa", "fixes", "--offset", "69.9") == {"id": 1, "bucket": "default", "dry_run": False}
    assert add(small, "aa", "fixes", "--offset", "69.9") == {"id": 1, "bucket": "default", "dry_run": False}
    assert small.db.row("SELECT priority, command FROM queue") == (70, "x")
    add(small, "aa", "fixes", "--offset", 80, "--requester", "me")
    assert small.db.row("SELECT priority, requester FROM queue") == (70, "me"), "the better priority, the newer words"
    assert add(small, "aa", "fixes", "--bucket", "manual", "--offset", "90")["bucket"] == "manual"
    assert small.db.row("SELECT priority, bucket::text FROM queue") == (90, "manual")
    assert add(small, "aa", "fixes")["bucket"] == "manual", "a later bucket does not replace an earlier one"
    before = small.tables()
    assert add(small, "bb", "fixes", "--dry-run")["dry_run"]
    assert small.tables() == before


def test_queue_add_keeps_defects_of_the_original(small):
    for flags in (("--defects", "parity"), ("--defects", "D-13,D-14,D-15"), ("--defects", "parity,-D-75")):
        small.db.execute("DELETE FROM queue")
        for expected in (69, 138, 207):
            add(small, "aa", "fixes", "--offset", "69.9", *flags)
            assert small.db.value("SELECT priority FROM queue") == expected
    add(small, "aa", "fixes", "--offset", 300, "--defects", "D-13")
    assert small.db.value("SELECT priority FROM queue") == 300, "worse than before"
    assert small.error(2, "queue", "add", "aa", "fixes", "--command", "x", "--defects", "partiy")["message"] == \
        '--defects: "partiy" names no set of defects'
    done = run(*small.flags, "queue", "add", "bb", "fixes", "--command", "x", "--offset", "1.9", env={"HOLDFAST_DEFECTS": "D-15"})
    assert done.returncode == 0 and small.db.value("SELECT priority FROM queue WHERE codebase = 'bb'") == 1


def test_queue_add_refuses_a_bucket_and_an_offset(small):
    before = small.tables()
    assert small.refused(2, "queue", "add", "aa", "fixes") == (
        "error: queue add needs --command: what to run\n"
        "  that of the candidate   holdfast schedule one CODEBASE CAMPAIGN\n"), "and no entry loses its command"
    assert small.refused(2, "queue", "add", "aa", "fixes", "--bucket", "manul") == (
        'error: --bucket is "manul", expected update-existing-mp, manual, control, hook, reschedule, update-new-mp, missing-deps or default\n'
        '  did you mean   manual\n')
    for offset in ("nan", "inf", "x"):
        small.refused(2, "queue", "add", "aa", "fixes", "--offset", offset)
    assert "the offset is not a finite number within 64 bits" in small.refused(1, "queue", "add", "aa", "fixes", "--command", "x",
                                                                               "--offset", "1e300")
    assert "there is no codebase zz" in small.refused(1, "queue", "add", "zz", "fixes", "--command", "x")
    assert '"Fixes" is no name for a campaign' in small.refused(1, "queue", "add", "aa", "Fixes", "--command", "x")
    assert small.refused(1, "queue", "add", "aa", "fixes", "--command", "") == (
        "error: the command is empty\n  name what is to run\n"), "left out it is refused, too"
    assert "there is no change set no" in small.refused(1, "queue", "add", "aa", "fixes", "--command", "x", "--change-set", "no")
    assert small.tables() == before


def test_queue_remove_removes_one(small):
    add(small, "aa")
    add(small, "bb")
    assert small.json("queue", "remove", 1, "--dry-run")["dry_run"]
    assert small.db.value("SELECT count(*) FROM queue") == 2
    assert small.json("queue", "remove", 1) == {"changed": 1, "unchanged": 0, "ids": [1]}
    assert small.db.column("SELECT codebase FROM queue") == ["bb"]


def test_queue_remove_refuses_an_unknown_id(small):
    assert small.refused(3, "queue", "remove", 7) == "error: there is no queue item 7\n"
    small.refused(2, "queue", "remove", "x")


# ---- schedule ----

def test_schedule_run_fills_the_queue(small):
    done = small.json("schedule", "run", "--verify", 100)
    assert (done["items"], done["added"], done["replaced"], done["kept"], done["verified"]) == (2, 2, 0, 0, 2)
    assert small.db.rows("SELECT id, codebase, priority, context, requester, estimated_duration::text FROM queue ORDER BY id") == [
        (1, "aa", 69, None, "scheduler", "00:00:15"), (2, "bb", 135, "ctx", "scheduler", "00:00:15")]
    order = small.db.rows("SELECT id, priority FROM queue ORDER BY id")
    again = small.json("schedule", "run", "--campaign", "fixes", "--verify", 100)
    assert (again["added"], again["replaced"], again["verified"]) == (0, 2, 2)
    assert small.db.rows("SELECT id, priority FROM queue ORDER BY id") == order, "nothing drifts"
    small.json("schedule", "run", "--verify", 100, "--defects", "parity")
    assert small.db.rows("SELECT priority FROM queue ORDER BY id") == [(137,), (269,)], "as the original drifts"
    before = small.tables()
    assert small.json("schedule", "run", "aa", "--dry-run", "--verify", 1)["items"] == 1
    assert small.tables() == before
    small.db.execute("UPDATE queue SET bucket = 'manual' WHERE codebase = 'aa'")
    assert small.json("schedule", "run")["kept"] == 1


def test_schedule_run_writes_by_several_connections(small):
    small.db.execute("INSERT INTO codebase (name, value) SELECT 'many' || i, i FROM generate_series(1, 2000) AS i")
    small.db.execute("INSERT INTO candidate (codebase, suite, command, value, publish_policy) "
                     "SELECT 'many' || i, 'fixes', 'x', 1, 'p' FROM generate_series(1, 2000) AS i")
    rows = "SELECT id, codebase, priority, estimated_duration::text FROM queue ORDER BY id"
    found = {}
    for jobs, flags in ((2, []), (1, ["--jobs", 1]), (2, ["--jobs", 5]), (1, ["--verify", 3])):
        small.db.execute("TRUNCATE queue RESTART IDENTITY")
        done = small.json("schedule", "run", *flags)
        assert (done["jobs"], done["added"]) == (jobs, 2002), flags
        found.setdefault("rows", small.db.rows(rows))
        assert small.db.rows(rows) == found["rows"], flags
    for wrong in (0, 17, "x"):
        assert "--jobs" in small.refused(2, "schedule", "run", "--jobs", wrong)


def test_schedule_run_previews_what_it_would_change(small):
    small.db.execute("INSERT INTO queue (codebase, suite, command, priority, bucket) VALUES ('aa', 'fixes', 'fix it', 7, 'manual')")
    small.db.execute("INSERT INTO queue (codebase, suite, command, priority) VALUES ('bb', 'fixes', 'fix it', 7)")
    before, last_id = small.tables(), small.db.value("SELECT last_value FROM queue_id_seq")
    told = [{key: small.json("schedule", "run", "--verify", 10, *flags)[key]
             for key in ("changed", "items", "added", "replaced", "kept", "verified")} for flags in (["--dry-run"], ["-n"])]
    assert told == [{"changed": 1, "items": 2, "added": 0, "replaced": 1, "kept": 1, "verified": 2}] * 2
    assert (small.tables(), small.db.value("SELECT last_value FROM queue_id_seq")) == (before, last_id)
    small.db.execute("DELETE FROM queue")
    told = small.json("schedule", "run", "-n")
    done = small.json("schedule", "run")
    assert (told["changed"], told["added"], done["changed"], done["added"]) == (2, 2, 2, 2)


def test_schedule_simulate_counts_and_writes_nothing(small):
    before, last_id = small.tables(), small.db.value("SELECT last_value FROM queue_id_seq")
    told = small.json("schedule", "simulate", "--verify", 10)
    assert (told["changed"], told["items"], told["added"], told["verified"], told["dry_run"]) == (2, 2, 2, 2, True)
    assert small.json("schedule", "simulate", "aa")["items"] == 1
    assert (small.tables(), small.db.value("SELECT last_value FROM queue_id_seq")) == (before, last_id)
    assert {**small.json("schedule", "run"), "dry_run": True, "read_s": 0, "write_s": 0} == {
        **small.json("schedule", "simulate"), "added": 2, "replaced": 0, "read_s": 0, "write_s": 0}


def test_schedule_simulate_refuses_what_is_no_candidate(small):
    assert 'of campaign "fixse" with a publish policy' in small.refused(3, "schedule", "simulate", "--campaign", "fixse")
    assert small.refused(2, "schedule", "simulate", "--bucket", "x").startswith('error: --bucket is "x"')


def test_schedule_run_refuses_names_that_nothing_answers_to(small):
    before = small.tables()
    assert small.refused(3, "schedule", "run", "--campaign", "fixse") == (
        'error: there is no candidate of campaign "fixse" with a publish policy\n'
        "  the candidates: holdfast candidate list --campaign fixse\n")
    assert small.refused(3, "schedule", "run", "nobody").startswith(
        "error: there is no candidate with a publish policy for these codebases\n")
    assert "of campaign \"other\" with a publish policy" in small.refused(3, "schedule", "run", "--campaign", "other")
    done = run(*small.flags, "schedule", "run", "aa", "nobody", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "nothing to schedule for nobody: it has no candidate\n")
    small.db.execute("INSERT INTO candidate (codebase, suite, command, value, publish_policy) VALUES ('aa', 'solo', 'x', 1, 'p')")
    done = run(*small.flags, "schedule", "run", "aa", "bb", "--campaign", "solo", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "nothing to schedule for bb: it has no candidate of campaign \"solo\"\n")
    small.db.execute("DELETE FROM candidate WHERE suite = 'solo'")
    assert small.tables() == before
    small.db.execute("DELETE FROM candidate")
    assert small.json("schedule", "run")["changed"] == 0, "all of nothing is fine"


def test_schedule_run_leaves_out_a_candidate_without_a_worth(small):
    small.db.execute("INSERT INTO candidate (codebase, suite, command, publish_policy) VALUES ('cc', 'fixes', 'x', 'p')")
    done = run(*small.flags, "schedule", "run", "--json")
    told = json.loads(done.stdout)
    assert (done.returncode, told["items"], told["added"], told["refused"]) == (0, 2, 2, 1)
    assert done.stderr.count("it has a publish policy, but no value") == 1 and "cc" in done.stderr, done.stderr
    assert [row[0] for row in small.db.rows("SELECT codebase FROM queue ORDER BY id")] == ["aa", "bb"]
    assert json.loads(run(*small.flags, "schedule", "run", "cc", "--json").stdout)["refused"] == 1, "no mistake in a name"


def test_schedule_run_refuses_values_of_zero(small):
    before = small.tables()
    small.db.execute("INSERT INTO candidate (codebase, suite, command, publish_policy) VALUES ('cc', 'fixes', 'x', 'p')")
    assert "fixes/cc: it has a publish policy, but no value" in small.refused(1, "schedule", "run", "--defects", "D-16")
    small.db.execute("DELETE FROM candidate WHERE codebase = 'cc' AND suite = 'fixes'; UPDATE codebase SET value = 0")
    assert "no codebase has a value other than 0" in small.refused(1, "schedule", "run", "--defects", "D-20")
    assert small.json("schedule", "run", "--dry-run")["items"] == 2, "unknown values are no mistake"
    assert '--bucket is "nope"' in small.refused(2, "schedule", "run", "--bucket", "nope")
    assert small.tables()["queue"] == before["queue"] == []


def test_schedule_one_by_history_and_to_an_offset(small):
    shown = small.json("schedule", "one", "aa", "fixes", "--bucket", "hook", "--requester", "me")
    assert (shown["id"], shown["bucket"], shown["estimated_duration_s"]) == (1, "hook", 15)
    assert shown["offset"] == 35000 / 110
    assert small.json("schedule", "one", "bb", "fixes", "--offset", "-1")["offset"] == -1
    assert small.db.rows("SELECT codebase, priority, bucket::text, requester, command FROM queue ORDER BY id") == [
        ("aa", 318, "hook", "me", "fix it"), ("bb", -1, "default", None, "fix it")]
    before = small.tables()
    assert small.json("schedule", "one", "aa", "fixes", "--dry-run")["dry_run"]
    assert small.tables() == before


def test_schedule_one_refuses_an_unknown_candidate(small):
    for flags in ((), ("--offset", "0")):
        assert small.refused(3, "schedule", "one", "aa", "other", *flags).startswith(
            "error: there is no candidate other/aa\n")


def test_schedule_control_quotes_the_revision(small):
    shown = small.json("schedule", "control", "aa", "--revision", "it's a b")
    assert (shown["bucket"], shown["offset"]) == ("control", -1)
    assert small.db.row("SELECT suite::text, command, bucket::text, priority FROM queue") == (
        "control", "brz up '--revision=it'\"'\"'s a b'", "control", -1)
    small.json("schedule", "control", "bb", "--bucket", "manual")
    assert small.db.value("SELECT command FROM queue WHERE codebase = 'bb'") == "brz up"


def test_schedule_control_refuses_an_unknown_codebase(small):
    assert "there is no codebase zz" in small.refused(1, "schedule", "control", "zz")


@pytest.fixture
def ended(small):
    """A run of aa and bb each; that of bb for a change set that was asked for."""
    small.db.execute("""
        INSERT INTO change_set VALUES ('r1', 'fixes'), ('cs', 'fixes');
        INSERT INTO candidate (codebase, suite, command, value, change_set) VALUES ('bb', 'fixes', 'fix both', 20, 'cs');
        INSERT INTO run (id, codebase, suite, command, result_code, logfilenames, change_set, start_time, finish_time, context) VALUES
            ('r1', 'aa', 'fixes', 'x', 'success', '{}', 'r1', '2024-01-01', '2024-01-01 00:01', 'found'),
            ('r2', 'bb', 'fixes', 'x', 'success', '{}', 'cs', '2024-01-01', '2024-01-01 00:01', NULL),
            ('r3', 'cc', 'fixes', 'x', 'success', '{}', 'cs', NULL, NULL, NULL),
            ('r4', 'aa', 'fixes', 'x', 'not-in-vcs', '{}', 'cs', '2023-01-01', '2023-01-01', NULL);
    """)
    return small


def test_schedule_after_run_asks_again(ended):
    queue = "SELECT codebase, suite::text, command, change_set, context, requester FROM queue ORDER BY id"
    assert ended.json("schedule", "after-run", "r1", "--dry-run")["scheduled"] and ended.db.rows(queue) == []
    shown = ended.json("schedule", "after-run", "r1")
    assert shown == {"run_id": "r1", "codebase": "aa", "campaign": "fixes", "scheduled": True, "queue_id": shown["queue_id"],
                     "bucket": "default", "offset": shown["offset"], "estimated_duration_s": shown["estimated_duration_s"],
                     "dry_run": False}
    ended.ok("schedule", "after-run", "r2")
    assert ended.db.rows(queue) == [("aa", "fixes", "fix it", None, "found", "after run schedule"),
                                    ("bb", "fixes", "fix both", "cs", None, "after run schedule")], "each as it was asked for"


def test_schedule_after_run_leaves_alone_what_is_in_vain(ended):
    for run_id in ("r3", "r4"):
        shown = ended.json("schedule", "after-run", run_id)
        assert (shown["scheduled"], shown["queue_id"], shown["bucket"], shown["offset"]) == (False, None, None, None)
    assert ended.db.value("SELECT count(*) FROM queue") == 0
    ended.db.execute("INSERT INTO candidate (codebase, suite, command, value, change_set) VALUES ('aa', 'fixes', 'y', 1, 'cs')")
    assert ended.json("schedule", "after-run", "r4", "--defects", "correct,D-28")["scheduled"], "the original asks again"


def test_schedule_after_run_refuses_an_unknown_run(ended):
    assert ended.refused(3, "schedule", "after-run", "r9") == "error: there is no run r9\n"
    assert ended.refused(2, "schedule", "after-run").startswith("error: missing argument RUN")


def test_schedule_estimate_averages(small):
    assert small.json("schedule", "estimate", "aa", "fixes") == {"estimated_duration_s": 15}
    small.db.execute("""
        INSERT INTO change_set (id, campaign) VALUES ('s', 'fixes');
        INSERT INTO run (id, suite, result_code, logfilenames, change_set, codebase, start_time, finish_time) VALUES
            ('1', 'fixes', 'success', '{}', 's', 'bb', '2024-01-01', '2024-01-01 00:00:30'),
            ('2', 'other', 'success', '{}', 's', 'aa', '2024-01-01', '2024-01-01 00:01:00');
    """)
    assert small.json("schedule", "estimate", "bb", "fixes") == {"estimated_duration_s": 30}
    assert small.json("schedule", "estimate", "aa", "fixes") == {"estimated_duration_s": 60}
    assert small.json("schedule", "estimate", "cc", "fixes") == {"estimated_duration_s": 30}


def test_schedule_estimate_refuses_a_missing_argument(small):
    small.refused(2, "schedule", "estimate", "aa")
