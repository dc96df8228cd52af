"""docs/compatibility.md against the source: every defect once, every named test there, every switch named.
docs/refusals.md: every constraint of the tables that are written has its row, every named test is there.

Needs neither a build nor a server.
"""

import pathlib
import re

TOP = pathlib.Path(__file__).resolve().parents[2]
KEPT = {"switch", "schema", "always", "never", "outside"}
ROW = re.compile(r"^\| D-(\d\d) \|(.*)\|$")
# Nothing of ours writes what could break them: triggers keep last_run, an upsert cannot collide, the site has its sessions.
UNREACHED = {
    "merge_proposal_pkey", "branch_publish_policy_role_key", "named_publish_policy_pkey", "last_run_codebase_campaign_key",
    "last_run_codebase_fkey", "last_run_last_run_id_fkey", "last_run_last_effective_run_id_fkey",
    "last_run_last_unabsorbed_run_id_fkey", "site_session_pkey", "followup_origin_candidate_key"}
TEST = re.compile(r"(tests/[\w/.]+)::(\w+)")


def rows():
    """{number: (original, here, kept, why, shown by)} in the order of the table."""
    found = {}
    for line in (TOP / "docs/compatibility.md").read_text().splitlines():
        match = ROW.match(line)
        if match:
            number = int(match[1])
            assert number not in found, f"D-{number:02d} stands twice"
            found[number] = tuple(cell.strip() for cell in match[2].split(" | "))
    return found


def switches():
    """{number: files of the source that ask for it}."""
    found = {}
    for path in sorted((TOP / "src").rglob("*.c")):
        for number in re.findall(r"\b\w*defects_kept\([^;]*?,\s*(\d+)\)", path.read_text()):
            found.setdefault(int(number), set()).add(str(path.relative_to(TOP)))
    return found


def test_every_defect_has_its_row():
    count = int(re.search(r"HF_DEFECT_COUNT (\d+)", (TOP / "include/holdfast/defects.h").read_text())[1])
    assert list(rows()) == list(range(1, count + 1))


def test_rows_are_whole():
    for number, cells in rows().items():
        assert len(cells) == 5, f"D-{number:02d}: {len(cells)} cells, not 5"
        original, here, kept, why, shown = cells
        assert original and here and kept in KEPT, f"D-{number:02d}"
        if kept == "outside":
            assert here.startswith("outside: ") and not shown, f"D-{number:02d} is outside: no test can show it"
        else:
            assert why and (TEST.search(shown) or shown.startswith("not built yet")), f"D-{number:02d}: shown by nothing"


def exists(name, case, who):
    path = TOP / name
    assert path.is_file(), f"{who}: there is no {name}"
    head = "static void" if path.suffix == ".c" else "def"
    assert re.search(rf"^{head} {case}\(", path.read_text(), re.M), f"{who}: no case {case} in {name}"


def test_named_tests_exist():
    for number, cells in rows().items():
        for name, case in TEST.findall(cells[4]):
            exists(name, case, f"D-{number:02d}")


def test_refusals_are_shown():
    found = [line.strip("| ").split(" | ") for line in (TOP / "docs/refusals.md").read_text().splitlines()
             if line.startswith("| ") and not line.startswith("| What |")]
    for cells in found:
        assert len(cells) == 3 and TEST.fullmatch(cells[2]), f"{cells[0]}: shown by nothing"
        exists(*TEST.fullmatch(cells[2]).groups(), cells[0])
    schema = "".join(path.read_text() for path in sorted((TOP / "sql/migrations/janitor").glob("000[3-6]_*.sql")))
    named = set(re.findall(r"CONSTRAINT (\w+)", schema))
    assert named - {cells[0] for cells in found} == UNREACHED, "docs/refusals.md names each constraint but these"


def test_switches_are_named():
    said = {number for number, cells in rows().items() if cells[2] == "switch"}
    asked = switches()
    for number, files in asked.items():
        assert number in said, f"{', '.join(files)}: D-{number:02d} has a switch; say so in docs/compatibility.md"
    assert said <= set(asked), f"no switch in the source for {sorted(said - set(asked))}"


def test_counted_switches_are_switches():
    """The list of test_replay, which has to try all that calls of the recording take."""
    text = (TOP / "tests/janitor/test_replay.c").read_text()
    listed = {int(n) for n in re.findall(r'^\t\{(\d+), "', text, re.M)}
    assert listed and listed <= set(switches()), f"test_replay tries {sorted(listed - set(switches()))}"
