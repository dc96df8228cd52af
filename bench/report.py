"""What every benchmark's report has: commit, machine, compiler, load, samples, medians, targets."""

import json
import os
import platform
import statistics
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def _text(*argv):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    return done.stdout.decode().strip()


def commit():
    """The commit that is measured; "+" behind it when files differ from it."""
    changed = _text("git", "-C", TOP, "status", "--porcelain", "--untracked-files=no")
    return (_text("git", "-C", TOP, "rev-parse", "--short=12", "HEAD") or "unknown") + ("+" if changed else "")


def _cpu():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as lines:
        for line in lines:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.machine()


def machine():
    return {"cpu": _cpu(), "cores": len(os.sched_getaffinity(0)), "kernel": platform.release()}


def compiler(build):
    """Compiler and optimisation of the build folder, as it compiles."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as text:
        words = json.load(text)[0]["command"].split()
    program = words[1] if words[0].endswith("ccache") else words[0]
    level = [word for word in words if word.startswith("-O")]
    return " ".join([_text(program, "--version").partition("\n")[0], *level[-1:]])


def median(values, digits=3):
    return round(statistics.median(values), digits)


def ratios(ours, theirs):
    """Each run against the one next to it."""
    return [a / b for a, b in zip(ours, theirs)]


def goal(value, *, least=None, most=None):
    """A figure beside its target."""
    reached = (least is None or value >= least) and (most is None or value <= most)
    return {"value": value, **({"at_least": least} if least is not None else {"at_most": most}), "reached": reached}


class Report:
    """Opened before measuring, so that the load is the one that the measurement met."""

    def __init__(self, name, build, method):
        self.body = {"benchmark": name, "commit": commit(), "machine": machine(), "compiler": compiler(build),
                     "method": method}
        self.load = round(os.getloadavg()[0], 2)

    def close(self, *, goals, **more):
        """The finished object; `reached` only when every goal is."""
        self.body.update(load={"before": self.load, "after": round(os.getloadavg()[0], 2)}, **more, goals=goals,
                         reached=all(one["reached"] for one in goals.values()))
        return self.body
