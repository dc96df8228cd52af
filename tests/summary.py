"""Sum JUnit files of meson into one closing line, a case each; fail when a case failed or none ran.

Usage: summary.py FILE...   Skipped cases are listed by name: a skip is loud.
"""

import sys
import xml.etree.ElementTree as ElementTree


def outcome(case):
    for word in ("failure", "error"):
        if case.find(word) is not None:
            return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def main(paths):
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for path in paths:
        for suite in ElementTree.parse(path).getroot().iter("testsuite"):
            for case in suite.iter("testcase"):
                result = outcome(case)
                count[result] += 1
                if result == "skipped":
                    print(f"SKIPPED {suite.get('name')}: {case.get('name')}")
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] or not count["passed"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
