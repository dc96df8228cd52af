"""Running the query compiler on trees made by tests."""

import hashlib
import json
import os
import pathlib
import re
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HOLDFAST_BUILD", TOP / "build"))
GEN = BUILD / "tools" / "gen" / "holdfast-gen"
SAMPLE = TOP / "tests" / "gen" / "sql"


def run(*args, cwd=None):
    """holdfast-gen with arguments: (exit code, standard error)."""
    done = subprocess.run(
        [GEN, *map(str, args)], capture_output=True, cwd=cwd, timeout=120, check=False, stdin=subprocess.DEVNULL
    )
    return done.returncode, done.stderr.decode()


def run_whole(*args):
    """The finished process, with standard output."""
    return subprocess.run([GEN, *map(str, args)], capture_output=True, timeout=120, check=False, stdin=subprocess.DEVNULL)


def tree(top, group, files, migration=None):
    """Write queries (name -> text) and a migration of one group below `top`; returns `top`."""
    queries = top / "queries" / group
    queries.mkdir(parents=True)
    for name, text in files.items():
        (queries / f"{name}.sql").write_bytes(text if isinstance(text, bytes) else text.encode())
    if migration is not None:
        migrations = top / "migrations" / group
        migrations.mkdir(parents=True)
        (migrations / "0001_all.sql").write_text(f"-- up\n{migration}\n")
    return top


def _compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def seal(path):
    """Give a file of the metadata the digest that the compiler would give it."""
    manifest = json.loads((path.parent / "manifest.json").read_text())
    schema = hashlib.sha256(_compact(manifest["migrations"]).encode()).hexdigest()
    value = json.loads(path.read_text())
    value.pop("digest", None)
    said = f"{path.name} {'' if path.name == 'manifest.json' else schema}{_compact(value)}"
    value["digest"] = hashlib.sha256(said.encode()).hexdigest()
    path.write_text(json.dumps(value))


class Finding:
    """One block of the report: a first line and what is indented below it."""

    def __init__(self, lines):
        self.lines = lines
        match = re.match(r"(?P<path>[^:]+):(?:(?P<line>\d+):(?P<column>\d+):)? (?P<level>error|warning): (?P<message>.*)",
                         lines[0])
        assert match, lines
        self.path = match["path"]
        self.line, self.column = (int(match["line"]), int(match["column"])) if match["line"] else (None, None)
        self.level = match["level"]
        self.message = match["message"]
        self.excerpt = lines[1:3] if self.line else []
        self.hint = self._note("hint")
        self.query = self._note("query")

    def _note(self, word):
        marked = [line for line in self.lines if line.startswith(f"      = {word}: ")]
        return marked[0].split(": ", 1)[1] if marked else None


def findings(stderr):
    """All blocks of a report."""
    blocks = []
    for line in stderr.splitlines():
        if line.startswith("holdfast-gen: ") or (not line.startswith(" ") and "error: " in line or "warning: " in line):
            blocks.append([line])
        elif blocks:
            blocks[-1].append(line)
    return [Finding(block) for block in blocks if not block[0].startswith("holdfast-gen: ")]
