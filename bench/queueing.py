"""queue: the head of the queue and places in it, at three sizes, beside the Python original on the same database."""

import contextlib
import json
import os
import subprocess
import sys

import servers  # puts tests/parity on the path
from report import Report, goal, median
from small import samples

import original

METHOD = ("hf_queue_peek() with none and with the first 500 items assigned, hf_queue_position() of the first, the middle and "
          "the last item, among 1,000,000 also where the set janitor-places is applied, which the goal is of; hf_queue_get(), also "
          "with the set janitor-ids; one connection, 11 runs (200 calls each of the first, one of the others) behind one that "
          "warms up; the original with the same questions on a copy of the same queue on the same server right afterwards; "
          "memory: VmHWM of a program with a pool of four connections behind 100,000 questions, with the set janitor-ids")
RUNS = 11
SIZES = (1000, 100000, 1000000)
COMPARED = 100000
CODEBASES = """INSERT INTO codebase (name, branch_url, url, branch, vcs_type, value)
SELECT 'cb' || n, 'https://host' || n % 23 || '.example/r/cb' || n, 'https://host' || n % 23 || '.example/r/cb' || n, '', 'git',
       n % 1000 + 1 FROM generate_series(1, 34288) AS n;
INSERT INTO change_set (id, campaign) SELECT 'cs' || n, 'lintian-fixes' FROM generate_series(1, 9) AS n;
"""
QUEUE = """TRUNCATE queue RESTART IDENTITY;
INSERT INTO queue (codebase, suite, command, priority, bucket, estimated_duration, change_set)
SELECT 'cb' || 1 + n % 34288, (ARRAY['lintian-fixes', 'fresh-releases', 'multiarch-fixes'])[1 + n / 34288 % 3], 'fix-it --all',
       n::bigint * 7919 % 100003, (ARRAY['default', 'reschedule', 'update-existing-mp', 'control'])[1 + n % 4]::queue_bucket,
       make_interval(secs => 10 + n % 100), 'cs' || nullif(n / 102864, 0)
  FROM generate_series(0, {size} - 1) AS n;
VACUUM ANALYZE;
"""


def theirs(server, checkout):
    original.load_schema(server, "original", checkout)
    server.psql("original", CODEBASES + QUEUE.format(size=COMPARED), "queue")
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "original_queue.py")
    done = subprocess.run([sys.executable, program, "--checkout", checkout, "--url", server.url("original"), "--runs", str(RUNS)],
                          stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


def medians(found):
    return {name: median(values, 1) for name, values in found.items() if isinstance(values, list)}


@contextlib.contextmanager
def added(server, name):
    """With a set that an operator may add, which is gone again afterwards."""
    server.run("ours", "migrate", "up", "--set", name)
    yield
    server.run("ours", "migrate", "down", "--set", name, "--yes")


def asked(build, server, *modes):
    found = {name: values for mode in modes for name, values in samples(build, "bench-queue", mode, server.url("ours"), RUNS).items()}
    return {"samples": found, "medians": medians(found)}


def counted(build, server):
    with added(server, "janitor-places"):
        server.psql("ours", "VACUUM ANALYZE holdfast.queue_span", "analyze")
        return asked(build, server, "position")


def by_id(build, server):
    """Items by id, and the memory of who asks all day."""
    with added(server, "janitor-ids"):
        return {**asked(build, server, "get"), "memory": samples(build, "bench-queue", "memory", server.url("ours"))}


def measure(build, server, size, checkout):
    server.psql("ours", QUEUE.format(size=size), "queue")
    one = asked(build, server, "next", "position", "get")
    if size == max(SIZES):
        one["counted"] = counted(build, server)
    if size == COMPARED:
        one["by_id"] = by_id(build, server)
        if checkout:
            other = theirs(server, checkout)
            one["original"] = {**other, "medians": medians(other)}
    return one


def goals_of(sizes):
    at = {size: one["medians"] for size, one in sizes.items()}
    goals = {"next_1000000_to_1000": goal(round(at[1000000]["next_500_assigned_us"] / at[1000]["next_500_assigned_us"], 2), most=2),
             "position_1000000_last_ms": goal(round(sizes[1000000]["counted"]["medians"]["last_us"] / 1000, 2), most=5),
             "vm_hwm_mib": goal(round(sizes[COMPARED]["by_id"]["memory"]["vm_hwm_kib"] / 1024, 1), most=20)}
    if "original" in sizes[COMPARED]:
        other = sizes[COMPARED]["original"]["medians"]
        goals["next_500_assigned_ratio"] = goal(
            round(other["next_500_assigned_us"] / at[COMPARED]["next_500_assigned_us"], 1), least=10)
    return goals


def queue(build):
    report = Report("queue", build, METHOD)
    checkout = os.environ.get("JANITOR_CHECKOUT")
    with servers.Server(build) as server:
        server.migrated("ours")
        server.psql("ours", CODEBASES, "codebases")
        sizes = {size: measure(build, server, size, checkout) for size in SIZES}
        settings = server.settings()
    return report.close(server=settings, sizes=sizes, original_given=bool(checkout), goals=goals_of(sizes))
