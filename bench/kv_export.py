"""kv_export: a checkpoint into a file, and LMDB into PostgreSQL, against binary COPY by hand."""

import json
import os
import subprocess
import tempfile

from report import Report, goal, median, ratios
from small import samples
from kv_store import ROWS, store

RUNS = int(os.environ.get("BENCH_KV_EXPORT_RUNS", "5"))
METHOD = ("hf_kv_checkpoint_export() to a file on the disk, against COPY (key, value, times, expiry, metadata) TO STDOUT (FORMAT binary) "
          "written to one and made durable; hf_kv_copy() of all entries from LMDB into a store of its own in PostgreSQL, with the "
          "comparison at its end, against COPY FROM STDIN (FORMAT binary) of the same rows, by key and made beforehand, into a table of "
          "the same columns and indexes; in turns; peak: the greatest RssAnon of a process that does one of them; VmHWM counts besides "
          "what of LMDB's file is mapped, which is the kernel's cache")


def _peaks_mib(build, url, folder, what):
    with tempfile.NamedTemporaryFile() as noted:
        done = subprocess.run([os.path.join(build, "bench", "bench-peak"), noted.name, os.path.join(build, "bench", "bench-kv-export"),
                               url, str(ROWS), "1", folder, what], stdout=subprocess.PIPE, check=True)
        return {"anonymous": round(json.loads(done.stdout)["anon_kib"] / 1024, 1), "all": round(int(noted.read().split()[0]) / 1024, 1)}


def kv_export(build):
    report = Report("kv_export", build, METHOD)
    with store(build, plain=False) as (server, url), tempfile.TemporaryDirectory() as folder:
        sides = samples(build, "bench-kv-export", url, ROWS, RUNS, folder)["samples"]
        settings = server.settings()
        peaks = {what: _peaks_mib(build, url, folder, what) for what in ("export", "copy")}
    return report.close(
        rows=ROWS, server=settings, samples=sides, medians={name: median(values, 3) for name, values in sides.items()}, peaks_mib=peaks,
        goals={"export": goal(median(ratios(sides["copy_out_s"], sides["holdfast_export_s"])), least=0.7),
               "copy": goal(median(ratios(sides["copy_in_s"], sides["holdfast_copy_s"])), least=0.7),
               "peak_mib": goal(max(peak["anonymous"] for peak in peaks.values()), most=32)})
