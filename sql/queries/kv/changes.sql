-- The change feed. What is known to be final are the changes up to `top` as one statement saw it, once every transaction
-- that had a number when it looked has ended: each smaller `seq` was taken by one of them. So the statement that looks
-- takes a number for itself (`barrier`), and a later one compares it with the oldest that is still running.
-- identifier: schema = public
-- identifier: entries = state_entries

-- name: feed_on :exec
SELECT :"schema".:"entries_feed_on"(:ns, :keep::interval, :most::bigint);

-- name: feed_off :exec
SELECT :"schema".:"entries_feed_off"(:ns);

-- name: feed_show :opt
-- doc: `held`: how long the oldest transaction that writes has run, as far as the role may see.
-- col held: nullable
SELECT f.keep, f.most, f.since,
       (SELECT count(*) FROM :"schema".:"entries_changes" AS c WHERE c.namespace = f.namespace) AS changes,
       (SELECT max(clock_timestamp() - a.xact_start) FROM pg_stat_activity AS a WHERE a.backend_xid IS NOT NULL) AS held
FROM :"schema".:"entries_feeds" AS f WHERE f.namespace = :ns;

-- name: changes_look :opt
-- doc: Has every transaction below `barrier` ended; the greatest `seq` to see; and a new barrier if that is greater than
--   `seen` and nothing is waited for any more. No row: there is no feed.
-- col barrier: nullable
SELECT f.gone, x.passed, greatest(f.gone, coalesce(c.top, 0)) AS top,
       CASE WHEN x.passed AND greatest(f.gone, coalesce(c.top, 0)) > :seen::bigint
            THEN pg_current_xact_id()::text::bigint END AS barrier
FROM :"schema".:"entries_feeds" AS f
CROSS JOIN (SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint > :barrier::bigint AS passed) AS x
LEFT JOIN LATERAL (SELECT max(m.seq) AS top FROM :"schema".:"entries_changes" AS m WHERE m.namespace = f.namespace) AS c ON true
WHERE f.namespace = :ns;

-- name: changes_page :many
-- doc: What is final behind `behind`; without any one row without a `seq`. No row: there is no feed.
-- col seq: nullable
-- col at: nullable
-- col op: nullable
SELECT f.gone, c.seq, c.at, c.rev, c.op, c.key
FROM :"schema".:"entries_feeds" AS f
LEFT JOIN LATERAL (SELECT m.seq, m.at, m.rev, m.op::text AS op, m.key FROM :"schema".:"entries_changes" AS m
                   WHERE m.namespace = f.namespace AND m.seq > :behind AND m.seq <= :upto
                   ORDER BY m.seq LIMIT :most::bigint) AS c ON true
WHERE f.namespace = :ns ORDER BY c.seq;

-- name: changes_trim :one
-- doc: A step for each feed: what is older or more than it keeps. The number of the last that went is kept.
WITH due AS (
       SELECT f.namespace, (SELECT max(o.seq) FROM (SELECT c.seq, c.at FROM :"schema".:"entries_changes" AS c
                                                    WHERE c.namespace = f.namespace ORDER BY c.seq LIMIT :step::bigint) AS o
                            WHERE o.at < now() - f.keep
                            OR o.seq <= (SELECT n.seq FROM :"schema".:"entries_changes" AS n WHERE n.namespace = f.namespace
                                         ORDER BY n.seq DESC OFFSET f.most LIMIT 1)) AS cut
       FROM :"schema".:"entries_feeds" AS f),
     kept AS (UPDATE :"schema".:"entries_feeds" AS f SET gone = due.cut FROM due
              WHERE f.namespace = due.namespace AND due.cut > f.gone RETURNING f.namespace, f.gone),
     gone AS (DELETE FROM :"schema".:"entries_changes" AS c USING kept
              WHERE c.namespace = kept.namespace AND c.seq <= kept.gone RETURNING c.seq)
SELECT count(*) AS n FROM gone;
