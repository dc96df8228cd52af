"""kv_combine: callers of one handle that share statements, against a connection each, tokio-postgres, pgx and Redis."""

import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
import time
from urllib.parse import parse_qs, urlsplit

from report import Report, goal, median, ratios
from small import samples
from kv_store import ROWS, SERVER, store

CALLERS, RUNS, SECONDS = 64, 5, 0.8
WINDOW = (0.5, 0.3)  # of processor time: when every program measures, and for how long; it ends before they do
WIDTHS = (1, 2)
METHOD = (f"hf_kv_get() and hf_kv_put() of random keys that exist by {CALLERS} threads on one handle with `combine` 1 and 2 (as many "
          "connections for gets, as many for puts); against as many sessions of libpq by hand, 64 tasks of tokio-postgres that "
          "pipeline on 10 connections (one thread and two) and 64 of pgx on 10 and on 64, all prepared and on the plain table; "
          f"Redis with appendfsync always by redis-benchmark, 64 clients; {SERVER}; each "
          f"side a process for {SECONDS} s, all sides in turns, ratios of each turn; processor time of client and server an "
          "operation in the middle of it; a lone caller: `combine` 2 against none, in one process, in slices of 0.2 s")


def _conninfo(url):
    asked = parse_qs(urlsplit(url).query)
    return " ".join([f"dbname={urlsplit(url).path[1:]}", *(f"{name}={asked[name][0]}" for name in ("host", "port", "user") if name in asked)])


def _on_processor(pids):
    """Seconds that their threads have run."""
    spent = 0
    for pid in pids:
        for name in glob.glob(f"/proc/{pid}/task/*/schedstat"):
            with contextlib.suppress(OSError), open(name, encoding="ascii") as text:
                spent += int(text.read().split()[0])
    return spent / 1e9


def _server_pids(url):
    socket = os.path.join(parse_qs(urlsplit(url).query)["host"][0], ".s.PGSQL.*.lock")
    with open(glob.glob(socket)[0], encoding="ascii") as lock:
        postmaster = lock.readline().strip()
    with open(f"/proc/{postmaster}/task/{postmaster}/children", encoding="ascii") as children:
        return [postmaster, *children.read().split()]


def _side(url, *argv):
    """Runs it: operations a second, and microseconds of client and server for each."""
    def measure():
        program = subprocess.Popen([str(word) for word in argv], stdout=subprocess.PIPE)
        time.sleep(WINDOW[0])
        sides = ([program.pid], _server_pids(url))
        start, before = time.monotonic(), [_on_processor(pids) for pids in sides]
        time.sleep(WINDOW[1])
        seconds, after = time.monotonic() - start, [_on_processor(pids) for pids in sides]
        rate = float(program.stdout.read().split()[0])
        if program.wait() != 0:
            raise OSError(f"{argv[0]} failed")
        return rate, *((b - a) * 1e6 / (rate * seconds) for a, b in zip(before, after))
    return measure


def _ours(build, url, side, width):
    return _side(url, os.path.join(build, "bench", "bench-kv-combine"), url, ROWS, CALLERS, width, SECONDS, 1, side)


def _peer(program, url, verb, *more):
    head, tail = more[:1], more[1:]
    return _side(url, program, _conninfo(url), verb, CALLERS, *head, SECONDS, ROWS, *tail)


@contextlib.contextmanager
def _redis():
    """A server whose every write is on disk before it is answered: its socket; None where there is no Redis."""
    program = shutil.which("redis-server") or shutil.which("redis-check-rdb")  # one program, told by its name
    if not (program and shutil.which("redis-benchmark")):
        yield None
        return
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", path, "--dir", folder, "--save", "", "--appendonly",
                                   "yes", "--appendfsync", "always", "--daemonize", "no"], executable=program,
                                  stdout=subprocess.DEVNULL)
        try:
            for _ in range(500):
                if os.path.exists(path):
                    break
                time.sleep(0.01)
            yield path
        finally:
            server.terminate()
            server.wait()


def _redis_puts(path):
    def measure():
        start = time.monotonic()
        count = 20000
        subprocess.run(["redis-benchmark", "-s", path, "-c", str(CALLERS), "-n", str(count), "-d", "256", "-r", str(ROWS), "-t", "set",
                        "-q"], stdout=subprocess.DEVNULL, check=True)
        return (count / (time.monotonic() - start),)
    return measure


def _sides(build, url, redis):
    """Every side of each verb by name; what is not there is missing."""
    tokio, pgx = (os.path.join(build, "peers", name, f"peer-{name}") for name in ("tokio", "pgx"))
    found = {}
    for verb in ("get", "put"):
        sides = {f"combined_{width}": _ours(build, url, f"{verb}_combined", width) for width in WIDTHS}
        sides["libpq_64"] = _ours(build, url, f"{verb}_alone", 1)
        if os.path.exists(tokio):
            sides.update({f"tokio_{workers or 1}_threads": _peer(tokio, url, verb, 10, workers) for workers in (0, 2)})
        if os.path.exists(pgx):
            sides.update({f"pgx_{connections}": _peer(pgx, url, verb, connections) for connections in (10, 64)})
        if redis and verb == "put":
            sides["redis"] = _redis_puts(redis)
        found[verb] = sides
    return found


def _measure(sides):
    """All sides in turns; the order turns round. Operations a second of each turn, and medians of processor time."""
    found = {name: [] for name in sides}
    for run in range(RUNS):
        names = list(sides) if run % 2 == 0 else list(sides)[::-1]
        for name in names:
            found[name].append(sides[name]())
    spent = {name: {who: median([run[at] for run in runs], 1) for at, who in ((1, "client"), (2, "server"))}
             for name, runs in found.items() if len(runs[0]) > 1}
    return {name: [round(run[0]) for run in runs] for name, runs in found.items()}, spent


def _against(found, ours, prefixes):
    """Ratio to the best of those sides: the median of the turns, for the side whose median is highest."""
    theirs = [name for name in found if name.startswith(prefixes)]
    best = max(theirs, key=lambda name: median(found[name], 0), default=None)
    return median(ratios(found[ours], found[best])) if best else None


def _goals(gets, puts, lone):
    best_get, best_put = (max((f"combined_{width}" for width in WIDTHS), key=lambda name: median(one[name], 0)) for one in (gets, puts))
    wanted = {"get_tokio": (gets, "combined_2", ("tokio",), 1.2), "get_own_connection": (gets, "combined_2", ("libpq",), 3),
              "put_peers": (puts, best_put, ("libpq", "tokio", "pgx"), 2.5), "put_redis": (puts, best_put, ("redis",), 0.85)}
    goals, missing = {}, []
    for name, (found, ours, prefixes, least) in wanted.items():
        value = _against(found, ours, prefixes)
        if value is None:
            missing.append(name)
        else:
            goals[name] = goal(value, least=least)
    for verb in ("get", "put"):
        goals[f"lone_{verb}"] = goal(median(ratios(lone[f"{verb}_combined"], lone[f"{verb}_alone"])), least=0.97)
    for peer in ("tokio", "pgx"):
        if not any(name.startswith(peer) for name in gets):
            missing.append(peer)
    return goals, missing, {"get": best_get, "put": best_put}


def kv_combine(build):
    report = Report("kv_combine", build, METHOD)
    with store(build) as (server, url), _redis() as redis:
        sides = _sides(build, url, redis)
        (gets, get_us), (puts, put_us) = _measure(sides["get"]), _measure(sides["put"])
        lone = samples(build, "bench-kv-combine", url, ROWS, 1, 2, 1, 7)["samples"]
        settings = server.settings()
    goals, missing, best = _goals(gets, puts, lone)
    medians = {verb: {name: median(values, 0) for name, values in one.items()} for verb, one in (("get", gets), ("put", puts), ("lone", lone))}
    return report.close(rows=ROWS, server=settings, samples={"get": gets, "put": puts, "lone": lone}, medians=medians,
                        processor_us={"get": get_us, "put": put_us}, best_of_ours=best,
                        not_measured=missing, goals=goals)
