"""Archive-sized data from a fixed seed: a Sources index, and what scheduling reads. The same bytes each time.

Sizes follow the Debian archive: 34,000 source packages of which 31,700 are worth a candidate. With history: 34,288
codebases, 105,000 candidates in three campaigns (one for each pair, the rest in a change set), 200,000 runs behind most.
"""

import datetime
import gzip
import hashlib
import os
import random
import subprocess

SEED = 20240601
RECORDS = 34000
CANDIDATES = 31700
CAMPAIGNS = ("lintian-fixes", "fresh-releases", "multiarch-fixes")
HISTORY_CODEBASES = 34288
HISTORY_CANDIDATES = 105000
RUNS = 200000

_SYLLABLES = "ab ber con de el fa gra hy in jo ka lib mo nu os pa qu ro sa ti ur va we xo ya zen".split()
_TEAMS = ("python-team", "perl-team", "java-team", "haskell-team", "science-team", "games-team", "debian", "med-team")
_CODES = ("success", "success", "nothing-to-do", "build-failed", "command-failed", "worker-failure")


def names(draw, count):
    """Distinct, in order of the alphabet, as an index has them."""
    found = set()
    while len(found) < count:
        found.add("".join(draw.choice(_SYLLABLES) for _ in range(draw.randint(2, 5))) + draw.choice(("", "", "2", "-el")))
    return sorted(found)


# ---- a Sources index ----


def _checksums(draw, name, version, method, size):
    files = (f"{name}_{version}.dsc", f"{name}_{version}.orig.tar.xz", f"{name}_{version}.debian.tar.xz")
    return "".join(f"\n {draw.getrandbits(4 * size):0{size}x} {draw.randint(1000, 9999999)} {file}" for file in files)


def _vcs(draw, name):
    """Most are on one forge; some share a repository, some have another system, some none."""
    kind = draw.random()
    if kind < 0.9:
        url = f"https://salsa.example/{draw.choice(_TEAMS)}/{name}.git"
        return f"Vcs-Browser: {url[:-4]}\nVcs-Git: {url}{draw.choice(('', '', '', ' -b debian/latest'))}\n"
    if kind < 0.93:
        return f"Vcs-Git: https://salsa.example/debian/shared-{draw.randint(1, 30)}.git [debian/{name}]\n"
    return f"Vcs-Svn: https://svn.example/{name}/trunk\n" if kind < 0.95 else ""


def stanza(draw, name, everyone):
    version = f"{draw.randint(0, 9)}.{draw.randint(0, 30)}.{draw.randint(0, 9)}-{draw.randint(1, 9)}"
    binaries = [name, *(f"{name}-{suffix}" for suffix in draw.sample(("dev", "doc", "data", "common"), draw.randint(0, 3)))]
    needs = ", ".join(["debhelper-compat (= 13)", *draw.sample(everyone, draw.randint(1, 14))])
    listed = "".join(f"\n {binary} deb utils optional arch=any" for binary in binaries)
    return (f"Package: {name}\nBinary: {', '.join(binaries)}\nVersion: {version}\n"
            f"Maintainer: Team of {name} <{name}@packages.example>\nUploaders: A. Person <a.person@example.org>\n"
            f"Build-Depends: {needs}\nArchitecture: any all\nStandards-Version: 4.6.2\nFormat: 3.0 (quilt)\n"
            f"Files:{_checksums(draw, name, version, 'md5', 32)}\n{_vcs(draw, name)}"
            f"Checksums-Sha256:{_checksums(draw, name, version, 'sha256', 64)}\n"
            f"Homepage: https://{name}.example/\nPackage-List:{listed}\n"
            f"Directory: pool/main/{name[0]}/{name}\nPriority: optional\nSection: utils\n\n")


def _write_plain(path):
    draw = random.Random(f"{SEED}/sources")
    everyone = names(draw, RECORDS)
    with open(path + ".new", "w", encoding="utf-8") as out:
        for name in everyone:
            out.write(stanza(draw, name, everyone))
    os.rename(path + ".new", path)


def sources(folder):
    """Paths of the index by form, made once: plain, gz (level 6), xz (preset 6: a dictionary of 8 MiB)."""
    os.makedirs(folder, exist_ok=True)
    plain = os.path.join(folder, f"Sources-{SEED}-{RECORDS}")
    paths = {"plain": plain, "gz": plain + ".gz", "xz": plain + ".xz"}
    if not os.path.exists(paths["plain"]):
        _write_plain(paths["plain"])
    if not os.path.exists(paths["gz"]):
        with open(plain, "rb") as text, open(plain + ".new", "wb") as out:
            with gzip.GzipFile(filename="", mode="wb", compresslevel=6, mtime=0, fileobj=out) as packed:
                packed.write(text.read())
        os.rename(plain + ".new", paths["gz"])
    if not os.path.exists(paths["xz"]):
        subprocess.run(["xz", "-6", "--keep", plain], check=True)
    return paths


def digest(path):
    with open(path, "rb") as data:
        return hashlib.sha256(data.read()).hexdigest()[:16]


# ---- what scheduling reads ----


def _copy(table, columns, rows):
    """A COPY statement with its rows; None is NULL. Nothing in the data needs an escape."""
    lines = "".join("\t".join("\\N" if v is None else str(v) for v in row) + "\n" for row in rows)
    return f"COPY {table} ({', '.join(columns)}) FROM stdin;\n{lines}\\.\n"


def _codebases(draw, count):
    found = names(draw, count)
    rows = ((name, draw.choice((None, draw.randint(0, 200000)))) for name in found)
    return found, _copy("codebase", ("name", "value"), rows)


def _candidate(draw, name, campaign, context, change_set=None):
    return (name, campaign, "fix-it --all", draw.randint(1, 100), repr(draw.random()), context, "policy", change_set)


_POLICY = """INSERT INTO named_publish_policy (name, per_branch_policy)
VALUES ('policy', ARRAY[ROW('main', 'propose', NULL)::branch_publish_policy]);
"""
_CANDIDATE = ("codebase", "suite", "command", "value", "success_chance", "context", "publish_policy", "change_set")


# Else autovacuum does it while somebody is being timed.
_SETTLED = "VACUUM ANALYZE;\n"


def first_time():
    """SQL: an archive whose candidates were never tried."""
    draw = random.Random(f"{SEED}/first")
    found, codebases = _codebases(draw, RECORDS)
    chosen = sorted(draw.sample(found, CANDIDATES))
    rows = (_candidate(draw, name, CAMPAIGNS[0], None) for name in chosen)
    return codebases + _POLICY + _copy("candidate", _CANDIDATE, rows) + _SETTLED


def _run(draw, number, name, campaign):
    start = datetime.datetime(2021, 1, 1) + number * datetime.timedelta(minutes=7, seconds=1)
    finish = start + datetime.timedelta(microseconds=draw.randint(1, 2 * 10 ** 9))
    return (f"run-{number:06d}", "fix-it --all", start, finish, draw.choice(_CODES), draw.choice((None, None, "1.2")),
            draw.choice((None, "1.2")), campaign, "{}", draw.choice((None, None, "false", "true")), "changes", name)


_RUN = ("id", "command", "start_time", "finish_time", "result_code", "instigated_context", "context", "suite",
        "logfilenames", "failure_transient", "change_set", "codebase")


def with_history():
    """SQL: three campaigns over every codebase, a change set, runs behind most. Triggers rest while it is loaded."""
    draw = random.Random(f"{SEED}/history")
    found, codebases = _codebases(draw, HISTORY_CODEBASES)
    pairs = [(name, campaign) for campaign in CAMPAIGNS for name in found]
    candidates = [_candidate(draw, name, campaign, draw.choice((None, None, None, "1.2"))) for name, campaign in pairs]
    candidates += [_candidate(draw, name, CAMPAIGNS[0], None, "changes")
                   for name in found[:HISTORY_CANDIDATES - len(candidates)]]
    runs = (_run(draw, number, *draw.choice(pairs)) for number in range(RUNS))
    return ("SET session_replication_role = replica;\n" + codebases + _POLICY +
            "INSERT INTO change_set (id, campaign) VALUES ('changes', 'lintian-fixes');\n" +
            _copy("candidate", _CANDIDATE, candidates) +
            _copy("run", _RUN, runs) + _SETTLED)
