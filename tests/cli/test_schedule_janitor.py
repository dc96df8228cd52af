"""holdfast schedule janitor, and the program called as janitor.schedule: what scripts around the original rely on."""

import http.server
import subprocess
import threading

import pytest

from command import PROGRAM, environment, run
from test_janitor import janitor, small  # noqa: F401 (fixtures)

WORDS = ["Finding candidates with policy", "Determining schedule for candidates", "Adding 2 items to queue", "Maximum value: 10"]
QUEUE = "SELECT id, codebase, suite::text, bucket::text, priority, context, command, requester, estimated_duration::text FROM queue ORDER BY id"


@pytest.fixture
def conf(small, tmp_path):
    """A configuration of the Janitor that names the database of the test."""
    path = tmp_path / "janitor.conf"
    url = small.flags[1]
    path.write_text(f"""# comment "
        campaign {{ name: "database_location" command: "x" merge_proposal < title: 'a\\tb' > }}
        distribution: [ {{ name: 'sid' component: ["main", 'contrib'] }}, {{ name: "x" }} ];
        database_location: "{url[:8]}" '{url[8:]}'
        user_agent: "me"
    """)
    return path


@pytest.fixture
def called(tmp_path):
    """`holdfast schedule janitor` by the original's name."""
    link = tmp_path / "janitor.schedule"
    link.symlink_to(PROGRAM)
    return lambda *args, **options: subprocess.run([link, *map(str, args)], text=True, capture_output=True, timeout=60,
                                                   env=environment(), **options)


def test_schedule_janitor_does_what_the_original_does(small, conf, called):
    small.json("schedule", "run", "--defects", "parity")
    small.json("schedule", "run", "--defects", "parity")
    expected = small.db.rows(QUEUE)
    small.db.execute("TRUNCATE queue; ALTER SEQUENCE queue_id_seq RESTART")
    first = called("--config", conf, "--gcp-logging", "--debug")
    assert (first.returncode, first.stdout, first.stderr.splitlines()) == (0, "", WORDS)
    assert called(f"--config={conf}", "--campaign", "fixes").returncode == 0
    assert small.db.rows(QUEUE) == expected, "with the original's drift"
    before = small.tables()
    assert called("--config", conf, "--dry-run").returncode == 0
    assert called("nobody", cwd=conf.parent).returncode == 0, "unknown names match nothing; janitor.conf is the default"
    assert small.tables() == before
    run("schedule", "janitor", "--janitor-config", conf, "--defects", "correct", "aa")
    assert small.db.value("SELECT priority FROM queue WHERE codebase = 'aa'") == 69


def test_schedule_janitor_refuses_as_the_original_does(small, conf, called, tmp_path):
    before = small.tables()
    missing = called("--config", tmp_path / "none")
    assert missing.returncode == 2 and "could not open" in missing.stderr
    assert called("--config", conf, "--campain", "x").returncode == 2
    for text, where in (('database_location: 7', ":1:20: the value is no text"),
                        ('campaign {\n name: "x"\n', ":3:1: a message that does not end"),
                        ('a: "x\n"', ":1:4: a string that does not end on its line"),
                        ('a: "\\q"', ":1:4: an escape that is none"), ("a {]", ":1:4: a bracket that nothing opened"),
                        ("a: $", ":1:4: a character that cannot stand here"),
                        ("a {" * 65, ":1:195: more than 64 messages within each other"),
                        ('database_location: "a" database_location: "b"', ":1:24: the field stands here a second time")):
        conf.write_text(text)
        done = called("--config", conf)
        assert (done.returncode, done.stderr) == (2, f"error: {conf}{where}\n")
    assert small.tables() == before


def test_schedule_janitor_fails_with_one_code(small, conf, called):
    small.db.execute("UPDATE codebase SET value = 0")
    done = called("--config", conf)
    assert done.returncode == 1 and "no codebase has a value other than 0" in done.stderr
    conf.write_text("database_location: 'postgresql:///x?host=/nonexistent'")
    assert called("--config", conf).returncode == 1
    conf.write_text("")
    assert called("--config", conf).returncode == 2, "no database at all"


class Gateway(http.server.BaseHTTPRequestHandler):
    seen = []
    answer = 200

    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        Gateway.seen.append((self.path, self.headers["Content-Type"], body))
        self.send_response(Gateway.answer)
        self.end_headers()

    def log_message(self, *args):
        pass


@pytest.fixture
def gateway():
    Gateway.seen, Gateway.answer = [], 200
    server = http.server.HTTPServer(("127.0.0.1", 0), Gateway)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/push/"
    server.shutdown()
    thread.join()
    server.server_close()


def test_schedule_janitor_tells_a_push_gateway(small, conf, called, gateway):
    assert called("--config", conf, "--prometheus", gateway).returncode == 0
    [(path, kind, body)] = Gateway.seen
    assert (path, kind.split(";")[0]) == ("/push/metrics/job/janitor.schedule", "text/plain")
    assert "# HELP job_last_success_unixtime Last time a batch job successfully finished\n" in body
    assert any(line.startswith("job_last_success_unixtime 1") for line in body.splitlines())
    Gateway.answer = 503
    failed = called("--config", conf, "--prometheus", gateway)
    assert failed.returncode == 1
    assert "the queue is filled: the push gateway at " in failed.stderr and "answered 503" in failed.stderr
    assert called("--config", conf, "--prometheus", "ftp://x").returncode == 2
    assert small.db.value("SELECT count(*) FROM queue") == 2
