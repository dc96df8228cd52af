"""kv_batch: many puts in one call against the seed's way, a statement a row, not prepared, in one transaction."""

import os
import subprocess
import tempfile

from report import Report, goal, median, ratios
from small import samples
from kv_store import ROWS, SERVER, store

METHOD = ("hf_kv_put_many() of N random keys that exist, against BEGIN, PQexecParams() of the seed's upsert for each key "
          "(binary, not prepared), COMMIT, on the seed's table with its indexes and trigger, and, told, the same with the plain "
          f"table; {SERVER}, sides in turns, each in a session that has put 100,000 before; "
          "delayed: both through a relay that hands on each byte 0.25 ms after it came; peak: VmHWM of a process that opens the store and puts a batch, "
          "less the keys and values of the batch")
SIZES = {"100": (100, 0, 21, 5), "1000": (1000, 0, 11, 10), "100000": (100000, 0, 3, 10), "1000_delayed": (1000, 250, 5, 50)}
ENTRY = 24 + 256


def _peak_mib(build, url, count):
    with tempfile.NamedTemporaryFile() as noted:
        subprocess.run([os.path.join(build, "bench", "bench-peak"), noted.name, os.path.join(build, "bench", "bench-kv-batch"),
                        url, str(ROWS), str(count), "0", "1", "ours"], stdout=subprocess.DEVNULL, check=True)
        return round((int(noted.read().split()[0]) * 1024 - count * ENTRY) / 2**20, 1)


def kv_batch(build):
    report = Report("kv_batch", build, METHOD)
    found, medians, goals = {}, {}, {}
    with store(build, seed=True) as (server, url):
        for name, (count, delay_us, runs, least) in SIZES.items():
            count = min(count, ROWS)
            sides = samples(build, "bench-kv-batch", url, ROWS, count, delay_us, runs)["samples"]
            found[name] = sides
            medians[name] = {side: median(values) for side, values in sides.items()}
            goals[f"put_{name}"] = goal(median(ratios(sides["seed_ms"], sides["holdfast_ms"]), 1), least=least)
        goals["peak_mib"] = goal(_peak_mib(build, url, min(100000, ROWS)), most=32)
        settings = server.settings()
    return report.close(rows=ROWS, server=settings, samples=found, medians=medians, goals=goals)
