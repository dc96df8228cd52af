-- Handing out the queue: leases with a fence, ended by whoever holds them or by time. The server's clock alone counts.

-- name: claim_next :one
-- doc: End up to 100 leases whose time is over, then lease the next free item that passes the filters. Always one row:
-- doc: who assigns, how many leases ended, whether an item was found, and its lease. Found without a fence: another
-- doc: claim was quicker; ask again. Items that others hold or lock are passed over, never waited for. What ended or
-- doc: began between the snapshot and the lock on the item is seen by claim_attempt.
-- col bucket: open  -- col vcs_type: open
WITH swept AS (
    UPDATE holdfast.queue_claim
       SET state = CASE WHEN attempt >= attempts_max THEN 'dead' ELSE 'expired' END::holdfast.claim_state,
           ended_at = clock_timestamp()
     WHERE fence IN (SELECT fence FROM holdfast.queue_claim
                      WHERE state = 'leased' AND until <= clock_timestamp()
                      ORDER BY until LIMIT 100 FOR UPDATE SKIP LOCKED)
    RETURNING fence
), paused AS MATERIALIZED (
    SELECT kind, name FROM holdfast.queue_pause WHERE until IS NULL OR until > clock_timestamp()
), head AS MATERIALIZED (
    SELECT q.id, q.codebase, q.suite::text AS campaign, q.bucket, q.priority, q.context, q.command,
           q.estimated_duration, q.refresh, q.requester, q.change_set, q.xmin::text::bigint AS generation, q.ctid AS place,
           b.branch_url, b.subpath, b.vcs_type
      FROM queue AS q
      LEFT JOIN codebase AS b ON b.name = q.codebase
     WHERE (SELECT active FROM holdfast.queue_assigner) = 'holdfast'
       AND NOT EXISTS (SELECT FROM paused WHERE kind = 'queue')
       AND (NOT EXISTS (SELECT FROM paused)
            OR q.bucket::text <> ALL (ARRAY(SELECT name FROM paused WHERE kind = 'bucket'))
               AND q.suite::text <> ALL (ARRAY(SELECT name FROM paused WHERE kind = 'campaign'))
               AND (b.hostname IS NULL OR b.hostname <> ALL (ARRAY(SELECT name FROM paused WHERE kind = 'host'))))
       /*? codebase */ AND q.codebase = :codebase /*?*/
       /*? campaign */ AND q.suite = :campaign /*?*/
       /*? exclude_hosts */ AND (b.hostname IS NULL OR b.hostname <> ALL (:exclude_hosts)) /*?*/
       AND NOT EXISTS (SELECT FROM holdfast.queue_claim AS c WHERE c.queue_id = q.id AND c.state = 'leased')
       AND NOT EXISTS (SELECT FROM holdfast.queue_claim AS c
                        WHERE c.queue_id = q.id AND c.state = 'dead' AND c.generation = q.xmin::text::bigint)
     ORDER BY q.bucket, q.priority, q.id
     LIMIT 1
       FOR UPDATE OF q SKIP LOCKED
), claimed AS (
    INSERT INTO holdfast.queue_claim (queue_id, generation, place, holder, attempt, attempts_max, until)
    SELECT free.id, free.generation, free.place, :holder, free.attempt, :attempts_max, clock_timestamp() + :lease::interval
      FROM (SELECT head.*, holdfast.claim_attempt(head.id, head.generation) AS attempt FROM head) AS free
     WHERE free.attempt IS NOT NULL
    ON CONFLICT (queue_id) WHERE state = 'leased' DO NOTHING
    RETURNING fence, queue_id, attempt, until
)
SELECT (SELECT active FROM holdfast.queue_assigner) AS assigner, (SELECT count(*) FROM swept) AS swept,
       EXISTS (SELECT FROM head) AS found, EXISTS (SELECT FROM paused WHERE kind = 'queue') AS paused, claimed.fence, claimed.attempt, claimed.until, head.id, head.codebase,
       head.campaign, head.bucket, head.priority, head.context, head.command, head.estimated_duration, head.refresh,
       head.requester, head.change_set, head.branch_url, head.subpath, head.vcs_type
  FROM (VALUES (true)) AS always (row)
  LEFT JOIN (claimed JOIN head ON head.id = claimed.queue_id) ON always.row;

-- name: claim_renew :opt
-- doc: Extend a lease that has not ended. No row: it is not held any more, or by another.
UPDATE holdfast.queue_claim
   SET until = clock_timestamp() + :lease::interval
 WHERE fence = :fence AND holder = :holder AND state = 'leased' AND until > clock_timestamp()
RETURNING until;

-- name: claim_finish :one
-- doc: End a lease and take the item out of the queue, unless somebody asked for it again since it was claimed: such an
-- doc: item stays. `finished` is false when the lease is not held any more. The item is locked before its claim, as
-- doc: claim_next does it, and found by its place: the Janitor's table has no index on id.
WITH item AS MATERIALIZED (
    SELECT q.id, q.xmin::text::bigint AS generation
      FROM queue AS q
     WHERE q.ctid = (SELECT place FROM holdfast.queue_claim WHERE fence = :fence AND holder = :holder)
       FOR UPDATE
), ended AS (
    UPDATE holdfast.queue_claim
       SET state = 'finished', ended_at = clock_timestamp()
     WHERE fence = :fence AND holder = :holder AND state = 'leased' AND until > clock_timestamp()
       AND (SELECT count(*) FROM item) >= 0
    RETURNING queue_id, generation, place
), removed AS (
    DELETE FROM queue AS q
     USING ended, item
     WHERE q.ctid = ended.place AND q.id = ended.queue_id AND item.id = q.id AND item.generation = ended.generation
    RETURNING q.id
)
SELECT EXISTS (SELECT FROM ended) AS finished, EXISTS (SELECT FROM removed) AS removed;

-- name: claim_give_back :opt
-- doc: End a lease without a result: the item is free again, unless its attempts are used up (dead). `counted` tells
-- doc: whether this was an attempt. No row: the lease is not held any more.
-- param reason: nullable
UPDATE holdfast.queue_claim
   SET state = CASE WHEN NOT :counted::boolean THEN 'released'
                    WHEN attempt >= attempts_max THEN 'dead'
                    ELSE 'failed' END::holdfast.claim_state,
       ended_at = clock_timestamp(), reason = :reason
 WHERE fence = :fence AND holder = :holder AND state = 'leased' AND until > clock_timestamp()
RETURNING state;

-- name: claim_by_fence :opt
-- doc: One claim, whatever became of it.
-- row: claim_row
-- col state: open
SELECT fence, queue_id, holder, state, attempt, attempts_max, claimed_at, until, ended_at, reason,
       state = 'leased' AND until <= clock_timestamp() AS overdue
  FROM holdfast.queue_claim
 WHERE fence = :fence;

-- name: claim_list :each
-- doc: Claims from the newest on, from before `before` (keyset).
-- row: claim_row
-- col state: open
-- param before: nullable
-- param state: nullable
-- param holder: nullable
-- param row_limit: nullable
SELECT fence, queue_id, holder, state, attempt, attempts_max, claimed_at, until, ended_at, reason,
       state = 'leased' AND until <= clock_timestamp() AS overdue
  FROM holdfast.queue_claim
 WHERE (:before::bigint IS NULL OR fence < :before)
   AND (:state::holdfast.claim_state IS NULL OR state = :state)
   AND (:holder::text IS NULL OR holder = :holder)
 ORDER BY fence DESC
 LIMIT :row_limit::bigint;

-- name: claim_active :each
-- doc: What is being worked on: leases that are live with their items, the newest first, from before `before` (keyset).
-- doc: An item that went meanwhile is told by its id alone. Reads the queue: no index there leads to an id.
-- param row_limit: nullable
SELECT c.fence, c.queue_id, c.holder, c.attempt, c.attempts_max, c.claimed_at, c.until,
       clock_timestamp() - c.claimed_at AS age, q.codebase, q.suite::text AS campaign, q.change_set, q.command,
       q.estimated_duration
  FROM holdfast.queue_claim AS c
  LEFT JOIN queue AS q ON q.id = c.queue_id
 WHERE c.state = 'leased' AND c.until > clock_timestamp()
   /*? before */ AND c.fence < :before /*?*/
   /*? holder */ AND c.holder = :holder /*?*/
   /*? codebase */ AND q.codebase = :codebase /*?*/
   /*? campaign */ AND q.suite = :campaign /*?*/
 ORDER BY c.fence DESC
 LIMIT :row_limit::bigint;

-- name: claim_prune :execrows
-- doc: Forget claims that ended longer ago than that, 10,000 at most; leases and dead ones stay.
DELETE FROM holdfast.queue_claim
 WHERE fence IN (SELECT fence FROM holdfast.queue_claim
                  WHERE state IN ('finished', 'failed', 'released', 'expired')
                    AND ended_at < clock_timestamp() - :older_than::interval
                  ORDER BY fence LIMIT 10000);

-- name: claim_stop :exec
-- doc: Keep claims from being made until the end of the transaction.
LOCK TABLE holdfast.queue_claim IN SHARE ROW EXCLUSIVE MODE;

-- name: assigner_get :one
-- doc: Who hands out the queue, since when, and how many leases are held.
SELECT active, since,
       (SELECT count(*) FROM holdfast.queue_claim WHERE state = 'leased' AND until > clock_timestamp()) AS leases
  FROM holdfast.queue_assigner
 WHERE only_row;

-- name: assigner_set :execrows
-- doc: Hand the queue over. After claim_stop and a look at the leases.
UPDATE holdfast.queue_assigner SET active = :active, since = clock_timestamp() WHERE active <> :active;

-- name: pause_put :exec
-- doc: Hand nothing of it out from now on, for a time or until pause_end.
-- param reason: nullable
-- param lasting: nullable
INSERT INTO holdfast.queue_pause (kind, name, reason, until)
VALUES (:kind, :name, :reason, clock_timestamp() + :lasting::interval)
ON CONFLICT (kind, name) DO UPDATE SET reason = excluded.reason, until = excluded.until, since = excluded.since;

-- name: pause_end :execrows
-- doc: End a pause, and forget those that ended by themselves.
WITH over AS (
    DELETE FROM holdfast.queue_pause WHERE until <= clock_timestamp()
)
DELETE FROM holdfast.queue_pause
 WHERE kind = :kind AND name = :name AND (until IS NULL OR until > clock_timestamp());

-- name: pause_list :each
-- doc: What is paused now.
SELECT kind, name, reason, since, until
  FROM holdfast.queue_pause
 WHERE until IS NULL OR until > clock_timestamp()
 ORDER BY kind, name;
