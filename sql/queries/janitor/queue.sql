-- What will be tried, in the order (bucket, priority, id).

-- name: queue_add :opt
-- doc: Place an item at a priority of its own, or (D-14) relative to the smallest of the whole queue. An item of the
-- doc: same bucket that holds the place is replaced; it keeps its priority when that is the better one, unless `worsen`
-- doc: (D-13). No row: an item of an earlier bucket holds the place and stays as it is; read it with queue_holder. One
-- doc: that is being worked on, or that was given up, does not hold its place: what is asked for comes after it.
-- param change_set: nullable
-- param context: nullable
-- param estimated_duration: nullable
-- param requester: nullable
-- param command: nullable
INSERT INTO queue AS q (codebase, suite, change_set, command, bucket, priority, context, estimated_duration, refresh,
                        requester)
VALUES (:codebase, :campaign, :change_set, :command, :bucket,
        CASE WHEN :relative::boolean THEN coalesce((SELECT min(priority) FROM queue), 0) ELSE 0 END
        + :priority_offset::bigint,
        :context, :estimated_duration, :refresh, :requester)
ON CONFLICT (codebase, suite, coalesce(change_set, '')) DO UPDATE
   SET context = excluded.context, bucket = excluded.bucket,
       priority = CASE WHEN :worsen::boolean OR q.bucket <> excluded.bucket THEN excluded.priority
                       ELSE least(q.priority, excluded.priority) END,
       estimated_duration = excluded.estimated_duration, refresh = excluded.refresh, requester = excluded.requester,
       command = excluded.command, codebase = excluded.codebase
 WHERE q.bucket >= excluded.bucket
    OR EXISTS (SELECT FROM holdfast.queue_claim AS c
                WHERE c.queue_id = q.id
                  AND (c.state = 'leased' AND c.until > clock_timestamp()
                       OR c.state = 'dead' AND c.generation = q.xmin::text::bigint))
RETURNING id, bucket, priority;

-- name: queue_holder :opt
-- doc: The item that holds a place.
-- param change_set: nullable
SELECT id, bucket, priority
  FROM queue
 WHERE codebase = :codebase AND suite = :campaign AND coalesce(change_set, '') = coalesce(:change_set::text, '');

-- name: queue_list :each
-- doc: Items in the order in which they will be handed out, from behind one on (keyset).
-- row: queue_list_row
-- param campaign: nullable
-- param row_limit: nullable
-- col bucket: open
SELECT id, codebase, suite::text AS campaign, bucket, priority, context, command, estimated_duration, refresh,
       requester, change_set
  FROM queue
 WHERE (:campaign::text IS NULL OR suite = :campaign)
   /*? after */ AND (bucket, priority, id) > (:after_bucket, :after_priority, :after_id) /*?*/
 ORDER BY bucket, priority, id
 LIMIT :row_limit::bigint;

-- name: queue_item :opt
-- doc: One item.
-- allow: many-rows ids come from a sequence; the Janitor's table has no key on them
-- row: queue_list_row
-- col bucket: open
SELECT id, codebase, suite::text AS campaign, bucket, priority, context, command, estimated_duration, refresh,
       requester, change_set
  FROM queue
 WHERE id = :id;

-- name: queue_next :opt
-- doc: The item to hand out next and where its code is, without taking it. With hosts to exclude, a branch URL without
-- doc: a recognisable host is left out too where `drop_unknown` (D-11). `assigned` has a bit for each id from
-- doc: `assigned_first` to `assigned_last`. The place is found in the index alone: five hundred assigned items cost no
-- doc: look at their rows.
-- col bucket: open  -- col vcs_type: open
-- allow: limit-order head is one row, and only by hand can two items have one id
WITH head AS (
    SELECT q.bucket, q.priority, q.id
      FROM queue AS q
      /*? exclude_hosts */ LEFT JOIN codebase AS b ON b.name = q.codebase /*?*/
     WHERE true
       /*? codebase */ AND q.codebase = :codebase /*?*/
       /*? campaign */ AND q.suite = :campaign /*?*/
       /*? assigned */ AND CASE WHEN q.id BETWEEN :assigned_first AND :assigned_last
                                THEN get_bit(:assigned, q.id::bigint - :assigned_first) = 0
                                ELSE q.id <> ALL (:assigned_others) END /*?*/
       /*? exclude_hosts */ AND (b.branch_url IS NULL OR b.hostname <> ALL (:exclude_hosts)
                                  OR (b.hostname IS NULL AND NOT :drop_unknown::boolean)) /*?*/
     ORDER BY q.bucket, q.priority, q.id
     LIMIT 1
)
SELECT q.id, q.codebase, q.suite::text AS campaign, q.bucket, q.priority, q.context, q.command, q.estimated_duration,
       q.refresh, q.requester, q.change_set, b.branch_url, b.subpath, b.vcs_type
  FROM head
  JOIN queue AS q ON (q.bucket, q.priority, q.id) = (head.bucket, head.priority, head.id)
  LEFT JOIN codebase AS b ON b.name = q.codebase
 LIMIT 1;

-- name: queue_position :opt
-- doc: The place of a codebase's item of a campaign, 1 is next, and the estimated time until it starts; the nearest
-- doc: item when several change sets wait. Reads what is ahead of the item: whole buckets, then its own up to it. Where
-- doc: the set janitor-places is applied: what it counted, then the item's own stretch of priorities.
WITH counted AS (
    SELECT EXISTS (SELECT FROM pg_trigger
                    WHERE tgrelid = 'public.queue'::regclass AND tgname = 'queue_spans_insert' AND tgenabled = 'A') AS is_so
), item AS (
    SELECT bucket, priority, id, estimated_duration
      FROM queue
     WHERE codebase = :codebase AND suite = :campaign
     ORDER BY bucket, priority, id
     LIMIT 1
)
SELECT item.id, ahead.place,
       CASE WHEN ahead.known > 0 THEN ahead.duration - coalesce(item.estimated_duration, '0') END AS wait_time
  FROM item,
       LATERAL (SELECT coalesce(sum(part.items), 0)::bigint AS place, sum(part.known) AS known, sum(part.duration) AS duration
                  FROM (SELECT count(*) AS items, count(estimated_duration) AS known, sum(estimated_duration) AS duration
                          FROM queue
                         WHERE NOT (SELECT is_so FROM counted) AND bucket < item.bucket
                         UNION ALL
                        SELECT sum(items), sum(known), sum(duration)
                          FROM holdfast.queue_span
                         WHERE (SELECT is_so FROM counted) AND bucket < item.bucket
                         UNION ALL
                        SELECT sum(items), sum(known), sum(duration)
                          FROM holdfast.queue_span
                         WHERE (SELECT is_so FROM counted) AND bucket = item.bucket AND span < item.priority >> 8
                         UNION ALL
                        SELECT count(*), count(estimated_duration), sum(estimated_duration)
                          FROM queue
                         WHERE bucket = item.bucket AND (priority, id) <= (item.priority, item.id)
                           AND priority >= CASE WHEN (SELECT is_so FROM counted) THEN (item.priority >> 8) << 8
                                                ELSE -9223372036854775808 END) AS part) AS ahead;

-- name: queue_stats :each
-- doc: Items, estimated time and smallest priority of each bucket that is not empty, with the label as the database
-- doc: writes it, which may be newer than the program.
-- col bucket: open
SELECT bucket, bucket::text AS word, count(*) AS items, sum(estimated_duration) AS estimated_duration, min(priority) AS first_priority,
       max(priority) AS last_priority
  FROM queue
 GROUP BY bucket
 ORDER BY bucket;

-- name: queue_lock :exec
-- doc: Keep other writers of the queue out until the end of the transaction; readers go on.
LOCK TABLE queue IN SHARE ROW EXCLUSIVE MODE;

-- name: queue_places :each
-- doc: Every item's place and priority: what a bulk addition has to know. open: it is being worked on or was given up,
-- doc: and does not hold its place (queue_add).
SELECT q.id, q.codebase, q.suite::text AS campaign, coalesce(q.change_set, '') AS change_set, q.bucket, q.priority,
       q.id IN (SELECT c.queue_id FROM holdfast.queue_claim AS c WHERE c.state = 'leased' AND c.until > clock_timestamp())
       OR (q.id, q.xmin::text::bigint) IN (SELECT c.queue_id, c.generation FROM holdfast.queue_claim AS c
                                            WHERE c.state = 'dead') AS open
  FROM queue AS q;

-- name: queue_new_ids :one
-- doc: Take ids from the queue's sequence, in one row.
SELECT ARRAY(SELECT nextval('queue_id_seq')::integer FROM generate_series(1, :how_many::bigint)) AS ids;

-- name: queue_append :copy
-- doc: Write new items whose ids were taken before.
-- param context: nullable
-- param requester: nullable
-- param change_set: nullable
INSERT INTO queue (id, bucket, codebase, suite, command, priority, context, estimated_duration, refresh, requester,
                   change_set)
VALUES (:id, :bucket, :codebase, :campaign, :command, :priority, :context, :estimated_duration, :refresh, :requester,
        :change_set);

-- name: queue_overwrite :execrows
-- doc: Replace what items say, by id. One that says the same already is not written, unless it was handed out: being
-- doc: written is how those who work on it learn that it was asked for again.
UPDATE queue AS q
   SET context = n.context, priority = n.priority, bucket = :bucket, estimated_duration = n.duration,
       refresh = false, requester = :requester, command = n.command
  FROM unnest(:ids::integer[], :commands::text[], :priorities::bigint[], :contexts::text[], :durations::interval[])
       AS n (id, command, priority, context, duration)
 WHERE q.id = n.id
   AND ((q.context, q.priority, q.bucket, q.estimated_duration, q.refresh, q.requester, q.command)
        IS DISTINCT FROM (n.context, n.priority, :bucket, n.duration, false, :requester, n.command)
        OR EXISTS (SELECT FROM holdfast.queue_claim AS c
                    WHERE c.queue_id = q.id AND c.generation = q.xmin::text::bigint));

-- name: queue_move :opt
-- doc: Place an item at another priority, in another bucket where one is given; or, `first`, ahead of the one that is
-- doc: handed out next, into its bucket. The row is not written where it would be as it is. By its id: one that changed
-- doc: while we waited for it has another place, which this statement does not see.
-- allow: many-rows ids come from a sequence; the Janitor's table has no key on them
-- param bucket: nullable
WITH head AS (
    SELECT id, bucket, priority FROM queue WHERE :first::boolean ORDER BY bucket, priority, id LIMIT 1
), place AS (
    SELECT q.id, q.bucket AS bucket_before, q.priority AS priority_before,
           CASE WHEN NOT :first THEN coalesce(:bucket, q.bucket)
                ELSE head.bucket END AS bucket,
           CASE WHEN NOT :first THEN :priority::bigint
                WHEN head.id = q.id THEN q.priority
                ELSE head.priority - 1 END AS priority
      FROM queue AS q
      LEFT JOIN head ON true
     WHERE q.id = :id
       FOR UPDATE OF q
), written AS (
    UPDATE queue AS q
       SET bucket = place.bucket, priority = place.priority
      FROM place
     WHERE q.id = place.id AND (q.bucket, q.priority) IS DISTINCT FROM (place.bucket, place.priority)
    RETURNING q.id
)
SELECT place.bucket, place.priority, place.bucket_before, place.priority_before, EXISTS (SELECT FROM written) AS changed
  FROM place;

-- name: queue_delete :execrows
-- doc: Remove one item.
DELETE FROM queue WHERE id = :id;
