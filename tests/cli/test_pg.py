"""holdfast pg: servers that stay until told, servers that end with their command, and nothing left of either."""

import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

import pytest

from command import PROGRAM, environment, ok, ok_json, refused, refused_json, run

NAME = f"t{os.getpid()}"


@pytest.fixture
def server():
    """A detached server of this test's own; gone afterwards."""
    yield ok_json("pg", "start", "--name", NAME, "--idle", "2m")
    run("pg", "stop", "--name", NAME, "--remove")


def sql(url, statement):
    return subprocess.run(["psql", "-XAt", url, "-c", statement], capture_output=True, text=True, check=True).stdout.strip()


def gone(*paths, seconds=20):
    """All of them are gone within that time."""
    until = time.monotonic() + seconds
    while any(map(os.path.exists, paths)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(os.path.exists, paths))


def test_pg_start_gives_a_server_that_stays(server):
    assert server["running"] and server["pid"] > 1
    assert sql(server["url"], "SELECT current_user || ' ' || current_database()") == "holdfast postgres"
    assert sql(server["url"], "SHOW fsync") == "off"
    assert ok_json("pg", "start", "--name", NAME)["pid"] == server["pid"], "the same one again"
    assert pathlib.Path(server["host"]).stat().st_mode & 0o7777 == 0o700
    text = ok("pg", "start", "--name", NAME)
    assert text.startswith("running  yes\nurl      postgresql:///postgres?host=/tmp/hf-")


def test_what_names_no_schema_lands_in_public(server):
    """The role is holdfast and so is the ledger's schema: PostgreSQL's default path would put tables beside the ledger."""
    sql(server["url"], "CREATE SCHEMA holdfast; CREATE TABLE plain (n int)")
    assert sql(server["url"], "SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'plain'") == "public"


def await_end(pid):
    """Until nothing of it runs: its supervisor collects it when it likes."""
    for _ in range(3000):
        try:
            with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                if stat.read().rpartition(") ")[2][0] == "Z":
                    return
        except (FileNotFoundError, ProcessLookupError):  # it ended before the file was opened, or behind that
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} lives on")


def test_what_was_committed_outlives_the_server(server):
    sql(server["url"], "CREATE TABLE kept (n int)")
    for number in range(3):
        with subprocess.Popen(["psql", "-XqAt", server["url"]], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as psql:
            psql.stdin.write(f"INSERT INTO kept VALUES ({number}) RETURNING n;\n")
            psql.stdin.flush()
            assert psql.stdout.readline() == f"{number}\n"
            os.kill(server["pid"], signal.SIGKILL)
            psql.stdin.close()
        await_end(server["pid"])  # it is killed, yet lives until the kernel gives it its turn
        server.update(ok_json("pg", "start", "--name", NAME))
        assert sql(server["url"], "SELECT count(*) FROM kept") == str(number + 1)


def test_pg_start_refuses_a_bad_name():
    assert refused(2, "pg", "start", "--name", "a#b") == 'error: --name takes 1 to 64 characters without "#": "a#b"\n'
    assert refused(2, "pg", "start", "--name", "x", "--demo") == "error: --demo and --name name two servers\n"
    assert "max-connections" in refused(2, "pg", "start", "--max-connections", "0")


def test_pg_stop_keeps_the_data_unless_told(server):
    sql(server["url"], "CREATE TABLE kept AS SELECT 7 AS n")
    assert ok_json("pg", "stop", "--name", NAME, "--dry-run") == {"changed": 1, "unchanged": 0, "ids": [], "dry_run": True}
    assert ok_json("pg", "status", "--name", NAME)["running"]
    assert ok_json("pg", "stop", "--name", NAME) == {"changed": 1, "unchanged": 0, "ids": []}
    assert not os.path.exists(f"/proc/{server['pid']}") and os.path.exists(server["data"])
    assert ok_json("pg", "stop", "--name", NAME) == {"changed": 0, "unchanged": 1, "ids": []}
    again = ok_json("pg", "start", "--name", NAME)
    assert again["url"] == server["url"] and sql(again["url"], "SELECT n FROM kept") == "7"
    ok("pg", "stop", "--name", NAME, "--remove")
    assert not os.path.exists(server["host"])


def test_pg_stop_refuses_what_is_not_there():
    assert refused(3, "pg", "stop", "--name", "nowhere") == "error: there is no such private server\n  make one   holdfast pg start\n"


def test_pg_status_tells_running_from_stopped(server):
    assert ok_json("pg", "status", "--name", NAME) == server
    ok("pg", "stop", "--name", NAME)
    stopped = ok_json("pg", "status", "--name", NAME)
    assert stopped == {**server, "running": False, "pid": None, "clients": None}


def test_pg_status_refuses_what_is_not_there():
    assert refused_json(3, "pg", "status", "--name", "nowhere")["code"] == "not-found"


def test_pg_url_can_be_given_to_psql(server):
    assert sql(ok("pg", "url", "--name", NAME).strip(), "SELECT 1 + 1") == "2"
    assert ok_json("pg", "url", "--name", NAME) == {"url": server["url"]}


def test_pg_url_refuses_a_stopped_server(server):
    ok("pg", "stop", "--name", NAME)
    message = refused(7, "pg", "url", "--name", NAME)
    assert message == f"error: the private server in {server['host']} does not run\n  start it   holdfast pg start\n"


RUN_SQL = "psql -XAt -c \"SELECT current_setting('data_directory')\"; psql -XAt \"$DATABASE_URL\" -c 'SELECT 1'; exit 7"


def test_pg_run_gives_the_command_a_server():
    outer = {"PGSERVICE": "nowhere", "PGHOSTADDR": "192.0.2.1", "HOLDFAST_DATABASE_URL": "postgresql://192.0.2.1/x", "PGDATABASE": "x"}
    done = run("pg", "run", "--", "sh", "-c", RUN_SQL, env=outer)
    assert (done.returncode, done.stderr) == (7, ""), done
    data, one = done.stdout.splitlines()
    assert data.startswith("/tmp/hf-") and one == "1"
    assert not os.path.exists(os.path.dirname(data)), "gone with the command"


def test_pg_run_finds_its_own_server_in_nested_commands():
    nested = ok("pg", "run", "--", PROGRAM, "db", "url", env={"HOLDFAST_DATABASE_URL": "dbname=elsewhere"})
    assert nested.startswith("postgresql:///postgres?host=/tmp/hf-")


@pytest.fixture
def open_folder():
    """One that the server's user may pass too; those of pytest are private, and made so again by every other run."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="hf-test-") as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        yield path
        shutil.rmtree(path / "db", ignore_errors=True)


def test_pg_run_keeps_data_when_told(open_folder):
    keep = open_folder / "db"
    ok("pg", "run", "--keep", keep, "--", "psql", "-Xqc", "CREATE TABLE kept AS SELECT 9 AS n")
    assert ok("pg", "run", "--keep", keep, "--", "psql", "-XAtc", "SELECT n FROM kept") == "9\n"
    message = refused(5, "pg", "run", "--keep", keep, "--", PROGRAM, "pg", "run", "--keep", keep, "--", "true")
    assert message.startswith(f"error: folder {keep} is in use by another private server\n")


def test_pg_run_sets_what_it_is_told():
    show = ("--", "psql", "-XAtc", "SELECT current_setting('shared_buffers') || current_setting('work_mem')")
    assert ok("pg", "run", "--set", "shared_buffers=24MB", "--set", "work_mem=3MB", *show) == "24MB3MB\n"
    assert "\"shared_buffers\"" in refused(2, "pg", "run", "--set", "shared_buffers", "--", "true")


def test_pg_run_refuses_an_unknown_program():
    assert refused(69, "pg", "run", "--", "no-such-program") == "error: could not run no-such-program: No such file or directory\n"
    assert refused(2, "pg", "run").startswith("error: missing argument CMD...")


def test_pg_run_calls_a_program_absent_whatever_folders_of_path_are_closed(tmp_path):
    closed = tmp_path / "closed"  # execvp() answers EACCES for it; root passes every door, a file is none
    closed.mkdir(mode=0)
    (tmp_path / "file").write_text("")
    path = f"{closed}:{tmp_path / 'file'}:{os.environ['PATH']}"
    message = refused(69, "pg", "run", "--", "no-such-program", env={"PATH": path})
    assert message == "error: could not run no-such-program: No such file or directory\n"


def started(*command, **options):
    """`holdfast pg run -- COMMAND` whose first line of output is PGHOST."""
    process = subprocess.Popen([PROGRAM, "pg", "run", "--", "sh", "-c", f"echo $PGHOST; {' '.join(command)}"], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), **options)
    host = process.stdout.readline().strip()
    assert host.startswith("/tmp/hf-"), process.stderr.read()
    pid = int(pathlib.Path(host, "data", "postmaster.pid").read_text(encoding="ascii").split()[0])
    return process, host, f"/proc/{pid}"


@pytest.mark.parametrize("number,code", [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)])
def test_pg_run_passes_signals_on(number, code):
    process, host, postmaster = started("exec sleep 60", preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    process.send_signal(number)
    assert process.wait(30) == code
    assert gone(host, postmaster, seconds=0)


def test_pg_run_lets_the_command_answer_a_signal():
    process, host, _ = started("trap 'echo got it; exit 3' TERM;", "echo ready;", "while :; do sleep 0.05; done")
    assert process.stdout.readline() == "ready\n"
    process.terminate()
    assert process.wait(30) == 3 and process.stdout.read() == "got it\n"
    assert gone(host, seconds=0)


def test_pg_run_leaves_nothing_when_it_is_killed():
    process, host, postmaster = started("exec psql -XAt -c 'SELECT 1' -c 'SELECT pg_sleep(60)'")
    assert process.stdout.readline() == "1\n"
    process.kill()
    process.wait()
    assert gone(host, postmaster)
    assert "terminating connection" in process.stderr.read(), "its client was told"


def test_pg_gc_removes_the_dead_only(server):
    assert ok_json("pg", "gc")["failed"] == 0
    assert ok_json("pg", "status", "--name", NAME) == server
    ok("pg", "stop", "--name", NAME)
    assert ok_json("pg", "gc")["kept"] >= 1
    assert os.path.exists(server["data"]), "its build folder is there"


def test_pg_gc_refuses_a_cache_of_somebody_else(tmp_path):
    tmp_path.chmod(0o755)
    message = refused(6, "pg", "gc", env={"HOLDFAST_CACHE_DIR": str(tmp_path)})
    assert message.startswith(f"error: cache folder {tmp_path} belongs to user id ")
    assert refused(2, "pg", "gc", env={"HOLDFAST_CACHE_DIR": "relative"}).startswith("error: HOLDFAST_CACHE_DIR must be an absolute path")


def test_pg_names_the_missing_package(tmp_path):
    assert refused(2, "pg", "run", "--", "true", env={"HOLDFAST_PG_BIN": str(tmp_path)}).startswith("error: HOLDFAST_PG_BIN: there are no programs")
