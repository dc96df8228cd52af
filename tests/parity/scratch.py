"""A scratch PostgreSQL for the parity harness: one private cluster, socket only.

Role: start a throw-away server, make databases in it, stop it by pid. Nothing
here is used by the library; the harness must be able to judge the library's own
private server, so it does not stand on it.

Bounded: start waits 60 s at most, stop 20 s before the harder signal.
"""

import contextlib
import getpass
import glob
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

START_DEADLINE_S = 60
STOP_DEADLINE_S = 20

# What a recorded answer may depend on is pinned: the time zone that column
# defaults use, the collation, and no JIT (it makes the Python driver's type
# lookups take seconds). The rest only makes a throw-away server quick.
SETTINGS = {
    "listen_addresses": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "max_wal_size": "2GB",
    "shared_buffers": "128MB",
    "max_connections": "40",
    "log_min_messages": "panic",
    "log_min_error_statement": "panic",
}


class ScratchError(Exception):
    """The scratch server could not be had; the text says why."""


def bindir():
    """Folder of the newest installed server's programs."""
    found = sorted(
        glob.glob("/usr/lib/postgresql/*/bin/initdb"),
        key=lambda p: int(p.split("/")[4]) if p.split("/")[4].isdigit() else 0,
    )
    if found:
        return os.path.dirname(found[-1])
    on_path = shutil.which("initdb")
    if on_path is None:
        raise ScratchError("no PostgreSQL server package: install postgresql-15")
    return os.path.dirname(os.path.realpath(on_path))


def _as_server_user(argv):
    """The server refuses to run as root; everyone else runs it as themselves."""
    if os.getuid() != 0:
        return argv
    return ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups", *argv]


class Scratch:
    """One cluster. Owns its folder and its postmaster; `stop` gives both back."""

    def __init__(self):
        self.bin = bindir()
        self.user = "postgres" if os.getuid() == 0 else getpass.getuser()
        self.dir = tempfile.mkdtemp(prefix="holdfast-parity-")
        self.data = os.path.join(self.dir, "data")
        self.proc = None
        self.port = 5432
        self.settings = dict(SETTINGS)
        if os.getuid() == 0:
            entry = pwd.getpwnam("postgres")
            os.chown(self.dir, entry.pw_uid, entry.pw_gid)

    def start(self):
        """initdb and start; returns self. Raises ScratchError with the server's words."""
        made = subprocess.run(
            _as_server_user(
                [os.path.join(self.bin, "initdb"), "-D", self.data, "-U", self.user,
                 "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"]
            ),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            cwd="/", check=False,
        )
        if made.returncode != 0:
            raise ScratchError("could not initdb: " + made.stdout.decode(errors="replace"))
        self.prepare()
        argv = [os.path.join(self.bin, "postgres"), "-D", self.data, "-k", self.dir, "-p", str(self.port)]
        for name, value in self.settings.items():
            argv += ["-c", f"{name}={value}"]
        self.proc = subprocess.Popen(
            _as_server_user(argv), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/",
        )
        deadline = time.monotonic() + START_DEADLINE_S
        ready = [os.path.join(self.bin, "pg_isready"), "-q", "-h", self.dir, "-p", str(self.port)]
        while subprocess.run(ready, check=False).returncode != 0:
            if self.proc.poll() is not None:
                raise ScratchError("server ended: " + self.proc.stderr.read().decode(errors="replace"))
            if time.monotonic() > deadline:
                self.stop()
                raise ScratchError(f"server not ready after {START_DEADLINE_S} s")
            time.sleep(0.05)
        return self

    def prepare(self):
        """Between initdb and the start: for servers of another kind."""

    def stop(self):
        """Fast shutdown by pid, then immediate; the folder goes too."""
        if self.proc is not None and self.proc.poll() is None:
            self._signal(signal.SIGINT)
            try:
                self.proc.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGQUIT)
                self.proc.wait(STOP_DEADLINE_S)
        if self.proc is not None and self.proc.stderr is not None:
            self.proc.stderr.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def _signal(self, number):
        # setpriv replaces itself with postgres, so this is the postmaster's pid.
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.proc.pid, number)

    def url(self, database):
        return f"postgresql:///{database}?host={self.dir}&user={self.user}"

    def psql(self, database, script, name):
        """Run SQL text in one psql; the first error ends it and raises."""
        done = subprocess.run(
            [os.path.join(self.bin, "psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", self.dir,
             "-p", str(self.port), "-U", self.user, "-d", database, "-f", "-"],
            input=script.encode(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
            env={"PATH": os.environ.get("PATH", "/usr/bin"), "PGOPTIONS": "-c client_min_messages=warning"},
        )
        if done.returncode != 0:
            raise ScratchError(f"could not load {name}: " + done.stdout.decode(errors="replace"))
        return done.stdout.decode(errors="replace")

    def create(self, database, template="template0"):
        self.psql("postgres", f'CREATE DATABASE "{database}" TEMPLATE "{template}";', database)


@contextlib.contextmanager
def scratch():
    """`with scratch() as server:` a started server that is gone afterwards."""
    server = Scratch()
    try:
        yield server.start()
    finally:
        server.stop()


def debversion_script():
    """The installed debversion script as plain SQL, its one wrong negator corrected.

    Version 1.1 declares `>` with negator `>=`; recent minor releases of the server
    refuse a negator that another operator already has. The text is read from the
    machine at run time and never stored.
    """
    found = sorted(glob.glob("/usr/share/postgresql/*/extension/debversion--1.1.sql"))
    if not found:
        raise ScratchError("no debversion script: install postgresql-15-debversion")
    with open(found[-1], encoding="utf-8") as script:
        text = script.read()
    text = text.replace("MODULE_PATHNAME", "$libdir/debversion")
    lines = [line for line in text.splitlines() if not line.startswith("\\echo")]
    inside = False
    for number, line in enumerate(lines):
        if line.startswith("CREATE OPERATOR > ("):
            inside = True
        elif inside and "NEGATOR" in line:
            lines[number] = line.replace(">=", "<=")
            break
    else:
        raise ScratchError(f"no operator to correct in {found[-1]}")
    return "\n".join(lines) + "\n"
