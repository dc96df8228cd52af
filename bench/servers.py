"""A private server for a benchmark, and commands run on it with their time and peak of memory."""

import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "tests", "parity"))

import scratch  # noqa: E402

SHOWN = ("server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "jit", "max_wal_size")
KEPT = ("PATH", "HOME", "TMPDIR")
BUFFERS_MIB_MAX = 2048


def buffers():
    """What an operator gives a server that has the machine for itself: a quarter of its memory, here at most 2 GiB."""
    memory_mib = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 20
    return f"shared_buffers={min(memory_mib // 4, BUFFERS_MIB_MAX)}MB"


class Server:
    """`holdfast pg run` around a shell that waits; it ends with us. Its methods are those of scratch.Scratch."""

    def __init__(self, build, durable=False, settings=()):
        self.program = os.path.join(build, "holdfast")
        self.peak = os.path.join(build, "bench", "bench-peak")
        self.psql_program = os.path.join(scratch.bindir(), "psql")
        self.env = {name: os.environ[name] for name in KEPT if name in os.environ}
        argv = [self.program, "pg", "run", *(["--durable"] if durable else []), "--max-connections", "300",
                *(f"--set={setting}" for setting in settings), "--", "sh", "-c", 'echo "$DATABASE_URL"; cat >/dev/null']
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.env)
        self.address = self.process.stdout.readline().decode().strip()
        if not self.address:
            raise OSError("no private server")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def url(self, database):
        return self.address.replace(":///postgres?", f":///{database}?", 1)

    def psql(self, database, script, name):
        """Run SQL text; what it printed."""
        done = subprocess.run([self.psql_program, "-XqAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-f", "-"],
                              input=script.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              env={**self.env, "PGOPTIONS": "-c client_min_messages=warning"})
        if done.returncode != 0:
            raise OSError(f"could not load {name}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode()

    def create(self, database, template="template0"):
        self.psql("postgres", f'CREATE DATABASE "{database}" TEMPLATE "{template}";', database)

    def migrated(self, database):
        """A database with the Janitor's schema."""
        self.create(database)
        self.run(database, "migrate", "up", "--yes")

    def settings(self):
        text = self.psql("postgres", "SELECT json_object_agg(name, current_setting(name)) FROM pg_settings WHERE name IN ("
                         + ", ".join(f"'{name}'" for name in SHOWN) + ");", "settings")
        return json.loads(text)

    def run(self, database, *words):
        """`holdfast WORDS --json`: (its answer, seconds, peak in MiB)."""
        with tempfile.NamedTemporaryFile() as noted:
            done = subprocess.run([self.peak, noted.name, self.program, "-d", self.url(database), *words, "--json"],
                                  stdout=subprocess.PIPE, env=self.env, check=True)
            kib, wall_us, _ = map(int, noted.read().split())
        return json.loads(done.stdout or b"null"), wall_us / 1e6, round(kib / 1024, 1)
