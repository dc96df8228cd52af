"""holdfast candidate show, set, delete and upload: what each does to the database, and what it refuses."""

import json

from command import run
from test_janitor import janitor, small  # noqa: F401 (fixtures)


def test_candidate_show_prints_every_field(small):
    assert small.json("candidate", "show", 2) == {
        "id": 2, "codebase": "bb", "campaign": "fixes", "command": "fix it", "value": 20, "success_chance": None,
        "publish_policy": "p", "context": "ctx", "change_set": None}


def test_candidate_show_refuses_an_unknown_id(small):
    assert small.refused(3, "candidate", "show", 9) == "error: there is no candidate 9\n"
    assert "no id of a candidate" in small.refused(2, "candidate", "show", "a/b")


def test_candidate_list_filters_by_policy_and_change_set(small):
    assert [row["id"] for row in small.json("candidate", "list", "--policy", "p")] == [1, 2]
    assert small.json("candidate", "list", "--change-set", "none") == []


def test_candidate_set_creates_and_changes(small):
    new = ("candidate", "set", "cc", "fixes", "--command", "x", "--chance", "0.5")
    assert small.json(*new, "--dry-run")["created"]
    made = small.json(*new)
    assert (made["created"], made["changed"]) == (True, 1)
    assert small.json("candidate", "set", "bb", "fixes", "--policy", "", "--value", 21) == {
        "changed": 1, "id": 2, "created": False, "dry_run": False}
    assert small.db.row("SELECT value, publish_policy, context FROM candidate WHERE id = 2") == (21, None, "ctx")
    assert small.db.row("SELECT command, success_chance FROM candidate WHERE id = %d" % made["id"]) == ("x", 0.5)


def test_candidate_set_refuses_what_cannot_be(small):
    before = small.tables()
    assert small.error(1, "candidate", "set", "cc", "fixes")["message"] == "a new candidate needs a command"
    assert small.error(1, "candidate", "set", "zz", "fixes", "--command", "x")["message"] == "there is no codebase zz"
    assert small.error(2, "candidate", "set", "aa", "fixes", "--value", 0)["exit"] == 2
    assert small.error(1, "candidate", "set", "aa", "fixes", "--policy", "q")["message"] == "there is no publish policy q"
    assert small.tables() == before


def test_candidate_delete_takes_its_entry_along(small):
    small.ok("queue", "add", "aa", "fixes", "--command", "x")
    small.ok("queue", "add", "bb", "fixes", "--command", "x")
    assert small.json("candidate", "delete", 1, "--dry-run")["dequeued"] == 1
    assert small.json("candidate", "delete", 1) == {"changed": 1, "dequeued": 1, "dry_run": False}
    assert small.db.rows("SELECT codebase FROM queue") == [("bb",)]
    assert small.db.rows("SELECT id FROM candidate ORDER BY id") == [(2,), (3,)]


def test_candidate_delete_refuses_an_unknown_id(small):
    before = small.tables()
    assert small.error(3, "candidate", "delete", 9)["message"] == "there is no candidate 9"
    assert small.error(2, "candidate", "delete", "x")["message"] == '"x" is no id of a candidate'
    assert small.tables() == before


def test_candidate_upload_stores_and_schedules(small, tmp_path):
    path = tmp_path / "candidates.json"
    path.write_text(json.dumps([{"codebase": "aa", "campaign": "fixes", "value": 400, "requester": "me"},
                                {"codebase": "bb", "campaign": "fixes", "command": "own", "bucket": "manual"}]))
    call = ("candidate", "upload", path, "--campaign", "fixes=fix it")
    before = small.tables()
    assert small.json(*call, "--dry-run")["changed"] == 2
    assert small.tables() == before
    answer = small.json(*call)
    first, second = answer["success"]
    assert first == {"campaign": "fixes", "codebase": "aa", "bucket": "default", "change_set": None, "offset": 70.0,
                     "estimated_duration": 15.0, "queue-id": first["queue-id"], "refresh": False}
    assert (second["codebase"], second["bucket"], second["refresh"]) == ("bb", "manual", False)
    assert [answer[key] for key in ("invalid_command", "invalid_value", "unknown_campaigns", "unknown_codebases",
                                    "unknown_publish_policies")] == [[], [], [], [], []]
    assert small.db.rows("SELECT codebase, command, requester, bucket::text FROM queue ORDER BY id") == [
        ("aa", "fix it", "candidate update me", "default"), ("bb", "own", "candidate update", "manual")]
    assert small.db.row("SELECT value, publish_policy FROM candidate WHERE id = 1") == (400, None)
    assert "aa" in small.ok(*call)


def test_candidate_upload_tells_what_it_passed_over(small):
    entries = [{"codebase": "aa", "campaign": "fixes"}, {"codebase": "zz", "campaign": "fixes"},
               {"codebase": "zz", "campaign": "fixes"}, {"codebase": "aa", "campaign": "none"},
               {"codebase": "aa", "campaign": "bare"}, {"codebase": "aa", "campaign": "fixes", "value": 0.0},
               {"codebase": "aa", "campaign": "fixes", "publish-policy": "q"}]
    done = run(*small.flags, "--json", "candidate", "upload", "-", "--campaign", "fixes=x", "--campaign", "bare",
               input=json.dumps(entries))
    assert done.returncode == 10
    answer = json.loads(done.stdout)
    assert (answer["changed"], answer["unknown_codebases"], answer["unknown_campaigns"], answer["invalid_command"],
            answer["invalid_value"], answer["unknown_publish_policies"]) == (1, ["zz"], ["none"], [None], [0], ["q"])
    assert json.loads(done.stderr)["error"]["message"] == (
        "6 of 7 entries were passed over, the first is entry 2 (unknown_codebases: zz)")


def test_candidate_upload_undoes_all_for_a_mistake(small):
    before = small.tables()
    entries = [{"codebase": "aa", "campaign": "fixes", "command": "new"},
               {"codebase": "bb", "campaign": "fixes", "command": "x", "bucket": "manuel"}]
    message = small.refused(1, "candidate", "upload", "-", input=json.dumps(entries))
    assert message.startswith('error: candidates: entry 2: "bucket" is none of the queue\'s\n') and "manual" in message
    assert small.error(3, "candidate", "upload", "/nonexistent")["exit"] == 3
    assert small.tables() == before
