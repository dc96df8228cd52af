"""holdfast proposal, publish merge-proposals: merge proposals in pages, with their run, and what may be said of them."""

import pytest

from test_janitor import Janitor


@pytest.fixture
def proposals(cluster, db):
    """Four proposals; a run made what the first offers, a publish names the second."""
    db.execute("""
        INSERT INTO codebase (name) VALUES ('aa'), ('bb');
        INSERT INTO change_set VALUES ('cs', 'fixes');
        INSERT INTO run (id, codebase, suite, result_code, logfilenames, change_set, revision) VALUES
            ('r1', 'aa', 'fixes', 'success', '{}', 'cs', 'v1');
        INSERT INTO new_result_branch (run_id, role, revision) VALUES ('r1', 'main', 'v1');
        INSERT INTO merge_proposal (url, codebase, status, revision, can_be_merged, rate_limit_bucket, target_branch_url) VALUES
            ('u1', 'aa', 'open', 'v1', false, 'b', 't'), ('u2', 'bb', 'open', 'v2', true, 'b', 't'),
            ('u3', 'bb', NULL, NULL, NULL, NULL, NULL);
        INSERT INTO merge_proposal (url, codebase, status, merged_by, merged_at, last_scanned) VALUES
            ('u4', 'aa', 'merged', 'jo', '2024-01-01', '2024-01-02');
        INSERT INTO publish (id, change_set, target_branch_url, mode, merge_proposal_url, result_code) VALUES
            ('p1', 'cs', 't', 'propose', 'u2', 'success');
    """)
    return Janitor(cluster, db)


def urls(proposals, *flags):
    return [row["url"] for row in proposals.json("publish", "merge-proposals", *flags)]


def stored(proposals):
    return proposals.db.rows("SELECT url, codebase, status::text, rate_limit_bucket FROM merge_proposal ORDER BY url")


def test_publish_merge_proposals_is_ordered_filtered_and_paged(proposals):
    assert urls(proposals) == ["u1", "u2", "u3", "u4"]
    assert urls(proposals, "--status", "open", "--codebase", "bb") == ["u2"]
    assert urls(proposals, "--campaign", "fixes") == urls(proposals, "--broken") == urls(proposals, "--revision", "v1") == ["u1"]
    assert urls(proposals, "--rate-limit-bucket", "b") == ["u1", "u2"]
    seen, after = [], []
    for _ in range(9):
        seen += urls(proposals, "--limit", 1, "-q", *after)
        after = ["--after", seen[-1]]
    assert seen == ["u1", "u2", "u3", "u4"]
    assert proposals.json("publish", "merge-proposals", "--status", "merged") == [
        {"url": "u4", "codebase": "aa", "status": "merged", "can_be_merged": None, "rate_limit_bucket": None,
         "merged_at": "2024-01-01T00:00:00.000000Z", "merged_by": "jo", "last_scanned": "2024-01-02T00:00:00.000000Z",
         "target_branch_url": None, "revision": None}]


def test_publish_merge_proposals_refuses_an_unknown_status(proposals):
    assert "did you mean   open" in proposals.refused(2, "publish", "merge-proposals", "--status", "opn")


def test_proposal_show_names_its_run(proposals):
    shown = proposals.json("proposal", "show", "u1")
    assert (shown["url"], shown["can_be_merged"], shown["run_id"], shown["campaign"], shown["role"]) == ("u1", False, "r1", "fixes", "main")
    assert proposals.json("proposal", "show", "u4") == {
        "url": "u4", "codebase": "aa", "status": "merged", "can_be_merged": None, "rate_limit_bucket": None,
        "merged_at": "2024-01-01T00:00:00.000000Z", "merged_by": "jo", "last_scanned": "2024-01-02T00:00:00.000000Z",
        "target_branch_url": None, "revision": None, "run_id": None, "campaign": None, "role": None}


def test_proposal_show_refuses_an_unknown_url(proposals):
    assert proposals.refused(3, "proposal", "show", "u9") == "error: there is no merge proposal u9\n"


def test_proposal_stats_counts(proposals):
    assert proposals.json("proposal", "stats") == [{"status": "open", "proposals": 2, "codebases": 2},
                                                   {"status": "merged", "proposals": 1, "codebases": 1},
                                                   {"status": None, "proposals": 1, "codebases": 1}]
    assert [row["status"] for row in proposals.json("proposal", "stats", "--rate-limit-bucket", "b")] == ["open"]


def test_proposal_stats_refuses_an_argument(proposals):
    assert "unexpected argument" in proposals.refused(2, "proposal", "stats", "open")


def test_proposal_buckets_counts_open_ones(proposals):
    assert proposals.json("proposal", "buckets") == [{"rate_limit_bucket": "b", "proposals": 2, "codebases": 2}]


def test_proposal_buckets_refuses_an_argument(proposals):
    assert "unexpected argument" in proposals.refused(2, "proposal", "buckets", "b")


def test_proposal_set_status_closes_one(proposals):
    before = stored(proposals)
    assert proposals.json("proposal", "set-status", "u1", "applied", "--dry-run")["dry_run"] and stored(proposals) == before
    assert proposals.json("proposal", "set-status", "u1", "applied") == {"url": "u1", "status": "applied", "before": "open",
                                                                         "dry_run": False}
    assert proposals.json("proposal", "set-status", "u1", "rejected")["before"] == "applied"
    assert stored(proposals)[0] == ("u1", "aa", "rejected", "b")


@pytest.mark.parametrize("code, message, args", [
    (3, "error: there is no merge proposal u9\n", ["u9", "closed"]),
    (1, "merge proposal u4 is merged: it cannot be closed", ["u4", "closed"]),
    (1, "merge proposal u3 is of unknown status: it cannot be closed", ["u3", "closed"]),
    (1, "that a merge proposal is merged only its hosting site can say", ["u1", "merged"]),
    (2, "did you mean   closed", ["u1", "closd"]),
    (2, "missing argument STATUS", ["u1"]),
])
def test_proposal_set_status_refuses_what_cannot_be(proposals, code, message, args):
    before = stored(proposals)
    assert message in proposals.refused(code, "proposal", "set-status", *args)
    assert stored(proposals) == before


def test_proposal_move_takes_publishes_along(proposals):
    before = stored(proposals)
    assert proposals.json("proposal", "move", "u2", "n2", "--dry-run")["dry_run"] and stored(proposals) == before
    assert proposals.json("proposal", "move", "u2", "n2") == {"url": "n2", "joined": False, "dry_run": False}
    assert proposals.db.value("SELECT merge_proposal_url FROM publish") == "n2"
    assert proposals.json("proposal", "move", "n2", "u3")["joined"]
    assert proposals.db.value("SELECT merge_proposal_url FROM publish") == "u3"
    assert stored(proposals)[1] == ("u3", "bb", None, "b")


def test_proposal_move_refuses_what_is_not_there(proposals):
    before = stored(proposals)
    assert proposals.refused(3, "proposal", "move", "u9", "u1") == "error: there is no merge proposal u9\n"
    assert "needs another URL to move to" in proposals.refused(1, "proposal", "move", "u1", "u1")
    assert stored(proposals) == before
