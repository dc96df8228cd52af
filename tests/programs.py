"""Name what the suites of a build folder run, as targets of ninja: a sanitizer's build needs nothing else.

Usage: programs.py FOLDER --suite NAME | --no-suite NAME
"""

import json
import os
import sys


def main(folder, how, suite):
    def read(what):
        with open(os.path.join(folder, "meson-info", f"intro-{what}.json"), encoding="utf-8") as file:
            return json.load(file)

    wanted = set()
    for test in read("tests"):
        if any(name.rpartition(":")[2] == suite for name in test["suite"]) == (how == "--suite"):
            wanted.update(test["depends"])
    top = os.path.realpath(folder)
    for target in read("targets"):
        if target["id"] in wanted:
            print(*(os.path.relpath(os.path.realpath(name), top) for name in target["filename"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
