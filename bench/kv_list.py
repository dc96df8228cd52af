"""kv_list: a page of a thousand keys against a range scan by hand, and the last pages against the first."""

import os
import subprocess
import tempfile

from report import Report, goal, median, ratios
from small import samples
from kv_store import ROWS, SERVER, store

METHOD = ("hf_kv_list() of 1,000 keys behind a random key, `bare`, against a hand-written range scan of the plain table with the "
          "same expiry test (prepared, binary, one result, keys copied); with revision and times against a hand-written scan of "
          f"those columns of our table, decoded into structs; in turns, on {SERVER}; page 900 against page 1 by the `after` of the "
          "page before; peak: VmHWM of a process that opens the store and reads pages")


def _peak_mib(build, url):
    with tempfile.NamedTemporaryFile() as noted:
        subprocess.run([os.path.join(build, "bench", "bench-peak"), noted.name, os.path.join(build, "bench", "bench-kv-list"),
                        url, str(ROWS), "1", "ours"], stdout=subprocess.DEVNULL, check=True)
        return round(int(noted.read().split()[0]) / 1024, 1)


def kv_list(build):
    report = Report("kv_list", build, METHOD)
    with store(build) as (server, url):
        sides = samples(build, "bench-kv-list", url, ROWS, 11)["samples"]
        settings, peak = server.settings(), _peak_mib(build, url)
    return report.close(
        rows=ROWS, server=settings, samples=sides, medians={name: median(values, 1) for name, values in sides.items()},
        goals={"list_1000": goal(median(ratios(sides["holdfast_us"], sides["libpq_us"])), most=1.15),
               "list_1000_heads": goal(median(ratios(sides["holdfast_heads_us"], sides["libpq_heads_us"])), most=1.15),
               "page_900": goal(median(ratios(sides["page_900_us"], sides["page_1_us"])), most=1.1),
               "peak_mib": goal(peak, most=32)})
