"""What the library exports: the functions that the public headers declare, no more and no less.

    exports.py MAP          rewrite the version script from the headers
    exports.py MAP LIBRARY  test (TAP): headers, version script and the built library agree
"""

import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
HEADERS = sorted((TOP / "include" / "holdfast").glob("*.h"))


def builtin_types():
    """The objects hf_type_* that query.h declares from the tables of builtin.h."""
    tables = dict(re.findall(r"#define HF_BUILTIN_(\w+)\(X\)((?:.*\\\n)*.*)\n", (HEADERS[0].parent / "builtin.h").read_text()))
    rows = {table: [row.split(", ") for row in re.findall(r"X\(([^)]*)\)", text)] for table, text in tables.items()}
    names = [row[0] for row in rows["SCALARS"] + rows["VECTORS"]] + [row[i] for row in rows["RANGES"] for i in (1, 4)]
    return {"hf_type_void"} | {f"hf_type_{name}{array}" for name in names for array in ("", "_array")}


def declared():
    """Names declared in the headers, inline functions and typedefs apart."""
    names = builtin_types()
    for header in HEADERS:
        text = re.sub(r"/\*.*?\*/", "", header.read_text(), flags=re.S)
        text = re.sub(r"^#(?:.*\\\n)*.*$", "", text, flags=re.M)
        text = text.replace('extern "C" {', "")
        while re.search(r"\{[^{}]*\}", text):
            text = re.sub(r"\{[^{}]*\}", ";", text)
        for statement in map(str.strip, text.split(";")):
            found = re.match(r"[\w\s*]+?\b(hf_\w+)\s*\(", statement)
            if found and not statement.startswith(("typedef", "static inline")):
                names.add(found.group(1))
    return names


def mapped(path):
    return set(re.findall(r"^\t(hf_\w+);", path.read_text(), re.M))


def write(path):
    lines = "".join(f"\t{name};\n" for name in sorted(declared()))
    path.write_text("# What libholdfast.so exports; tests/install/exports.py writes it from the headers and tests it.\n"
                    "HOLDFAST_0.1 {\nglobal:\n" + lines + "local:\n\t*;\n};\n")


def built(library):
    out = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    return {line.split()[2].split("@")[0] for line in out.splitlines() if line.split()[1] != "A"}


def imported(library):
    out = subprocess.run(["nm", "-D", "--undefined-only", library], capture_output=True, text=True, check=True).stdout
    return {line.split()[-1].split("@")[0] for line in out.splitlines()}


def report(number, name, wrong):
    print("not ok" if wrong else "ok", number, "-", name)
    for word in sorted(wrong):
        print("#", word)
    return bool(wrong)


def main(arguments):
    path = pathlib.Path(arguments[0])
    if len(arguments) == 1:
        write(path)
        return 0
    # What measures coverage is linked in and ends the process when it must; only our own calls count.
    instrumented = "__gcov" in subprocess.run(["nm", arguments[1]], capture_output=True, text=True, check=True).stdout
    ending = {"printf", "puts", "putchar"} | (set() if instrumented else {"exit"})
    print("1..3")
    failed = report(1, "the version script lists what the headers declare", mapped(path) ^ declared())
    failed |= report(2, "the library exports what the version script lists", built(arguments[1]) ^ mapped(path))
    # The library of somebody else's process neither ends it nor writes to its terminal.
    failed |= report(3, "the library never ends the process nor prints", imported(arguments[1]) & ending)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
