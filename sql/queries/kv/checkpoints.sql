-- Checkpoints of a key-value store on PostgreSQL; sql/migrations/kv/0002_checkpoints.sql says what one is. A statement
-- that reads as of a checkpoint finds the checkpoint in the snapshot it reads: there it has its images, or is unknown
-- and nothing is found. `moment` is when expiries are judged, NULL = now.
-- identifier: schema = public
-- identifier: entries = state_entries

-- name: point_create :opt
-- doc: Waits for the writers for `patience`, then 55P03. No row: point_may() tells why.
-- param name: nullable
-- param metadata: nullable
INSERT INTO :"schema".:"entries_checkpoints" (id, namespace, epoch, name, pinned, metadata)
SELECT :id, :ns, :"schema".:"entries_next_epoch"(:ns), :name, :pinned, :metadata
FROM (SELECT set_config('lock_timeout', :patience::text, true)) AS p
WHERE (SELECT count(*) FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns) < :most::bigint
AND (SELECT count(*) FROM pg_catalog.pg_trigger AS t WHERE t.tgrelid = :'schema.entries'::regclass AND t.tgenabled IN ('O', 'A')
     AND t.tgfoid = (:'schema.entries_keep'::text || '()')::regprocedure) = 2
RETURNING epoch, created_at;

-- name: point_may :one
-- doc: Are images kept, so that there can be checkpoints of kind 'epoch'?
SELECT count(*) = 2 AS traced FROM pg_catalog.pg_trigger AS t
WHERE t.tgrelid = :'schema.entries'::regclass AND t.tgenabled IN ('O', 'A')
AND t.tgfoid = (:'schema.entries_keep'::text || '()')::regprocedure;

-- name: point_copy :opt
-- doc: A copy of all that is live, at the moment of the statement. No row: there are `most` already.
-- param name: nullable
-- param metadata: nullable
WITH made AS (INSERT INTO :"schema".:"entries_checkpoints" (id, namespace, epoch, kind, name, pinned, metadata)
              SELECT :id, :ns, nextval(:'schema.entries_epochs')::integer, 'snapshot', :name, :pinned, :metadata
              WHERE (SELECT count(*) FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns) < :most::bigint
              RETURNING epoch, created_at),
     kept AS (INSERT INTO :"schema".:"entries_snapshots" (rev, created_at, updated_at, expires_at, namespace, epoch, codec, key,
                                                          value, metadata)
              SELECT t.rev, t.created_at, t.updated_at, t.expires_at, :ns, m.epoch, t.codec, t.key, t.value, t.metadata
              FROM made AS m CROSS JOIN :"schema".:"entries" AS t
              WHERE t.namespace = :ns AND (t.expires_at IS NULL OR t.expires_at > now()))
SELECT epoch, created_at FROM made;

-- name: point_list :many
-- doc: The newest first.
SELECT id, name, metadata, created_at, epoch, kind, pinned, row_count, data_size, digest FROM :"schema".:"entries_checkpoints"
WHERE namespace = :ns
/*? id */ AND id = :id /*?*/
ORDER BY epoch DESC LIMIT 10000;

-- name: point_find :opt
SELECT epoch, kind FROM :"schema".:"entries_checkpoints" WHERE namespace = :ns AND id = :id;

-- name: point_hold :opt
-- doc: It cannot be deleted until the transaction ends, in which no trigger keeps images.
SELECT epoch, kind, set_config('holdfast.kept', 'on', true) AS kept FROM :"schema".:"entries_checkpoints" WHERE namespace = :ns AND id = :id FOR KEY SHARE;

-- name: point_update :execrows
-- doc: What was counted where there is something, else `pinned`: whoever counts for a minute undoes no pin.
-- param row_count: nullable
-- param data_size: nullable
-- param digest: nullable
UPDATE :"schema".:"entries_checkpoints"
SET pinned = CASE WHEN :row_count::bigint IS NULL THEN :pinned::boolean ELSE pinned END,
    row_count = coalesce(:row_count::bigint, row_count), data_size = coalesce(:data_size::bigint, data_size),
    digest = coalesce(:digest::bytea, digest)
WHERE namespace = :ns AND id = :id;

-- name: point_delete :one
-- doc: With their copies, where they are some.
WITH gone AS (DELETE FROM :"schema".:"entries_checkpoints" WHERE namespace = :ns AND id = ANY (:ids::uuid[]) RETURNING epoch, kind),
     rows AS (DELETE FROM :"schema".:"entries_snapshots" AS s USING gone AS g
              WHERE g.kind = 'snapshot' AND s.namespace = :ns AND s.epoch = g.epoch)
SELECT count(*) AS n, count(*) FILTER (WHERE g.kind = 'epoch') AS traced FROM gone AS g;

-- name: points_weigh :many
-- doc: Bytes of images by the newest checkpoint that needs them, and of copies. One that has none is not there.
SELECT h.epoch, sum(h.bytes)::bigint AS bytes
FROM (SELECT (SELECT max(c.epoch) FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns AND c.kind = 'epoch'
              AND c.epoch > i.epoch_from AND c.epoch <= i.epoch_to) AS epoch,
             100 + pg_column_size(i.key) + pg_column_size(i.value) + coalesce(pg_column_size(i.metadata), 0) AS bytes
      FROM :"schema".:"entries_history" AS i WHERE i.namespace = :ns
      UNION ALL
      SELECT s.epoch, 100 + pg_column_size(s.key) + pg_column_size(s.value) + coalesce(pg_column_size(s.metadata), 0)
      FROM :"schema".:"entries_snapshots" AS s WHERE s.namespace = :ns) AS h
WHERE h.epoch IS NOT NULL GROUP BY h.epoch ORDER BY h.epoch;

-- name: point_changed :opt
-- doc: Was anything written since? Ends with the first that was. `traced`: it is no copy, so that epochs tell.
SELECT c.kind = 'epoch' AS traced,
       EXISTS (SELECT FROM :"schema".:"entries" AS t WHERE t.namespace = :ns AND t.epoch >= c.epoch)
       OR EXISTS (SELECT FROM :"schema".:"entries_history" AS h
                  WHERE h.namespace = :ns AND h.epoch_to >= c.epoch AND h.epoch_from < c.epoch) AS changed
FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns AND c.id = :id;

-- name: images_drop :opt
-- doc: One step through the history in its order, behind (key, until): what no checkpoint needs goes. No row: that was
--   all. Checkpoints that are made meanwhile need none of it.
WITH step AS (SELECT key, epoch_from, epoch_to FROM :"schema".:"entries_history"
              WHERE namespace = :ns AND (key, epoch_to) > (:key, :until) ORDER BY key, epoch_to LIMIT :most::bigint),
     gone AS (DELETE FROM :"schema".:"entries_history" AS h USING step AS s
              WHERE h.namespace = :ns AND h.key = s.key AND h.epoch_to = s.epoch_to
              AND NOT EXISTS (SELECT FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns
                              AND c.epoch > s.epoch_from AND c.epoch <= s.epoch_to AND c.kind = 'epoch'))
SELECT key, epoch_to FROM step ORDER BY key DESC, epoch_to DESC LIMIT 1;

-- name: entries_get_at :many
-- row: entry_row
-- param moment: nullable
-- col value: nullable
SELECT u.place, t.key, t.rev, t.created_at, t.updated_at, t.expires_at, t.codec,
       CASE WHEN :keys_only::boolean THEN NULL ELSE t.value END AS value,
       CASE WHEN :keys_only::boolean THEN NULL ELSE t.metadata END AS metadata
FROM unnest(:keys::bytea[]) WITH ORDINALITY AS u (key, place)
CROSS JOIN (SELECT epoch AS at, kind FROM :"schema".:"entries_checkpoints" WHERE namespace = :ns AND id = :id) AS c
CROSS JOIN LATERAL (
       SELECT e.key, e.rev, e.created_at, e.updated_at, e.expires_at, e.codec, e.value, e.metadata
       FROM :"schema".:"entries" AS e
       WHERE e.namespace = :ns AND e.key = u.key AND e.epoch < c.at AND c.kind = 'epoch'
       UNION ALL
       SELECT h.key, h.rev, h.created_at, h.updated_at, h.expires_at, h.codec, h.value, h.metadata
       FROM :"schema".:"entries_history" AS h
       WHERE h.namespace = :ns AND h.key = u.key AND h.epoch_to >= c.at AND h.epoch_from < c.at AND c.kind = 'epoch'
       UNION ALL
       SELECT s.key, s.rev, s.created_at, s.updated_at, s.expires_at, s.codec, s.value, s.metadata
       FROM :"schema".:"entries_snapshots" AS s
       WHERE s.namespace = :ns AND s.epoch = c.at AND s.key = u.key) AS t
WHERE t.expires_at IS NULL OR t.expires_at > coalesce(:moment::timestamptz, now());

-- name: entries_scan_at :each
-- doc: The two tables are merged by their keys: conditions on one of them inside the UNION would have all of it sorted.
-- row: entry_row
-- param moment: nullable
-- col value: nullable
SELECT 0::bigint AS place, t.key, t.rev, t.created_at, t.updated_at, t.expires_at, t.codec,
       CASE WHEN :keys_only::boolean THEN NULL ELSE t.value END AS value,
       CASE WHEN :keys_only::boolean THEN NULL ELSE t.metadata END AS metadata
FROM (SELECT namespace, key, rev, created_at, updated_at, expires_at, codec, value, metadata, epoch AS since,
             2147483647 AS until
      FROM :"schema".:"entries"
      UNION ALL
      SELECT namespace, key, rev, created_at, updated_at, expires_at, codec, value, metadata, epoch_from, epoch_to
      FROM :"schema".:"entries_history") AS t
WHERE t.namespace = :ns AND t.key >= :from AND (t.expires_at IS NULL OR t.expires_at > coalesce(:moment::timestamptz, now()))
AND t.since < (SELECT c.epoch FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns AND c.id = :id AND c.kind = 'epoch')
AND t.until >= (SELECT c.epoch FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns AND c.id = :id AND c.kind = 'epoch')
/*? to */ AND t.key < :to /*?*/
/*? metadata */ AND t.metadata @> :part::jsonb /*?*/
/*order: up = t.key | down = t.key DESC */
LIMIT :most::bigint;

-- name: copy_scan :each
-- doc: entries_scan_at() of one that is a copy.
-- row: entry_row
-- param moment: nullable
-- col value: nullable
SELECT 0::bigint AS place, t.key, t.rev, t.created_at, t.updated_at, t.expires_at, t.codec,
       CASE WHEN :keys_only::boolean THEN NULL ELSE t.value END AS value,
       CASE WHEN :keys_only::boolean THEN NULL ELSE t.metadata END AS metadata
FROM :"schema".:"entries_snapshots" AS t
WHERE t.namespace = :ns
AND t.epoch = (SELECT c.epoch FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns AND c.id = :id)
AND t.key >= :from AND (t.expires_at IS NULL OR t.expires_at > coalesce(:moment::timestamptz, now()))
/*? to */ AND t.key < :to /*?*/
/*? metadata */ AND t.metadata @> :part::jsonb /*?*/
/*order: up = t.key | down = t.key DESC */
LIMIT :most::bigint;

-- name: stream_begin :one
-- doc: In the transaction of one of the next two, which take no parameters: what they read. In the order of keys they go
--   through an index, however many rows that is: nothing is sorted.
-- param moment: nullable
SELECT set_config('holdfast.namespace', :ns::integer::text, true) AS namespace,
       set_config('holdfast.point', coalesce(:id::uuid::text, ''), true) AS point,
       set_config('holdfast.moment', coalesce(:moment::timestamptz, now())::text, true) AS moment,
       set_config('enable_sort', 'off', true) AS sorts, set_config('max_parallel_workers_per_gather', '0', true) AS workers,
       set_config('jit', 'off', true) AS compiles;

-- name: entries_stream_at :each
-- doc: All of a checkpoint that is no copy, by key. What is commonest is left out: a NULL costs less than a value. Each
--   table has its own conditions and its own order, which leaves nothing but the merging to do for both.
-- stream: copy
-- row: stream_row
-- col created_at: nullable
SELECT t.key, t.created_at, t.updated_at, t.expires_at, t.codec, t.value, t.metadata
FROM ((SELECT e.key, e.created_at, nullif(e.updated_at, e.created_at) AS updated_at, e.expires_at, nullif(e.codec, 0) AS codec,
              e.value, e.metadata
       FROM :"schema".:"entries" AS e
       WHERE e.namespace = current_setting('holdfast.namespace')::integer
       AND e.epoch < (SELECT c.epoch FROM :"schema".:"entries_checkpoints" AS c
                      WHERE c.namespace = current_setting('holdfast.namespace')::integer
                      AND c.id = current_setting('holdfast.point')::uuid AND c.kind = 'epoch')
       AND (e.expires_at IS NULL OR e.expires_at > (SELECT current_setting('holdfast.moment')::timestamptz))
       ORDER BY e.key)
      UNION ALL
      (SELECT h.key, h.created_at, nullif(h.updated_at, h.created_at), h.expires_at, nullif(h.codec, 0), h.value, h.metadata
       FROM :"schema".:"entries_history" AS h
       WHERE h.namespace = current_setting('holdfast.namespace')::integer
       AND h.epoch_from < (SELECT c.epoch FROM :"schema".:"entries_checkpoints" AS c
                           WHERE c.namespace = current_setting('holdfast.namespace')::integer
                           AND c.id = current_setting('holdfast.point')::uuid AND c.kind = 'epoch')
       AND h.epoch_to >= (SELECT c.epoch FROM :"schema".:"entries_checkpoints" AS c
                          WHERE c.namespace = current_setting('holdfast.namespace')::integer
                          AND c.id = current_setting('holdfast.point')::uuid AND c.kind = 'epoch')
       AND (h.expires_at IS NULL OR h.expires_at > (SELECT current_setting('holdfast.moment')::timestamptz))
       ORDER BY h.key)) AS t
ORDER BY t.key;

-- name: entries_stream :each
-- doc: All that is live, in any order, without times.
-- stream: copy
-- row: stream_row
SELECT key, NULL::timestamptz AS created_at, NULL::timestamptz AS updated_at, expires_at, nullif(codec, 0) AS codec, value,
       metadata
FROM :"schema".:"entries"
WHERE namespace = current_setting('holdfast.namespace')::integer AND (expires_at IS NULL OR expires_at > now());

-- name: restore_epoch :one
-- doc: With the lock of point_create(), for a restore that keeps no way back.
-- col epoch: nullable
SELECT :"schema".:"entries_next_epoch"(:ns) AS epoch
FROM (SELECT set_config('lock_timeout', :patience::text, true)) AS p;

-- name: restore_keep :execrows
-- doc: What was written since epoch `at` goes into the history, as far as a checkpoint needs it; a feed is told.
WITH told AS (INSERT INTO :"schema".:"entries_changes" (namespace, op) SELECT f.namespace, 'R' FROM :"schema".:"entries_feeds" AS f
              WHERE f.namespace = :ns)
INSERT INTO :"schema".:"entries_history" (rev, created_at, updated_at, expires_at, namespace, epoch_from, epoch_to, codec, key,
                                          value, metadata)
SELECT t.rev, t.created_at, t.updated_at, t.expires_at, :ns, t.epoch, :epoch, t.codec, t.key, t.value, t.metadata
FROM :"schema".:"entries" AS t
WHERE t.namespace = :ns AND t.epoch >= :at
AND t.epoch < (SELECT max(c.epoch) FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns AND c.kind = 'epoch');

-- name: restore_count :one
-- doc: Images that were live at epoch `at`. More than `few` are joined as a set, in memory that suffices for a million
--   keys, not one by one, whatever the statistics say.
SELECT count(*) AS images,
       set_config('enable_nestloop', CASE WHEN count(*) > :few::bigint THEN 'off' ELSE current_setting('enable_nestloop') END, true) AS loops,
       set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')), 67108864) / 1024 || 'kB', true) AS memory
FROM :"schema".:"entries_history" AS h
WHERE h.namespace = :ns AND h.epoch_from < :at AND h.epoch_to >= :at AND (h.expires_at IS NULL OR h.expires_at > now());

-- name: restore_sets :one
-- doc: What follows in the transaction joins sets as such.
SELECT set_config('enable_nestloop', 'off', true) AS loops,
       set_config('work_mem', greatest(pg_size_bytes(current_setting('work_mem')), 67108864) / 1024 || 'kB', true) AS memory;

-- name: restore_put_few :execrows
-- doc: Entries are their images of epoch `at` again, written in `epoch`; by both columns of the key whatever the statistics say.
-- allow: limit-order the key is unique, and the planner is to know
UPDATE :"schema".:"entries" AS t SET rev = nextval(:'schema.entries_rev'), epoch = :epoch, created_at = h.created_at,
       updated_at = h.updated_at, expires_at = h.expires_at,
       expire_bucket = floor(extract(epoch FROM h.expires_at) / 300)::integer, codec = h.codec, value = h.value,
       metadata = h.metadata
FROM :"schema".:"entries_history" AS h
CROSS JOIN LATERAL (SELECT e.ctid AS at FROM :"schema".:"entries" AS e WHERE e.namespace = :ns AND e.key = h.key LIMIT 1) AS x
WHERE h.namespace = :ns AND h.epoch_from < :at AND h.epoch_to >= :at AND (h.expires_at IS NULL OR h.expires_at > now())
AND t.ctid = x.at;

-- name: restore_put_many :execrows
-- doc: The same as a set.
UPDATE :"schema".:"entries" AS t SET rev = nextval(:'schema.entries_rev'), epoch = :epoch, created_at = h.created_at,
       updated_at = h.updated_at, expires_at = h.expires_at,
       expire_bucket = floor(extract(epoch FROM h.expires_at) / 300)::integer, codec = h.codec, value = h.value,
       metadata = h.metadata
FROM :"schema".:"entries_history" AS h
WHERE h.namespace = :ns AND h.epoch_from < :at AND h.epoch_to >= :at AND (h.expires_at IS NULL OR h.expires_at > now())
AND t.namespace = :ns AND t.epoch >= :at AND t.key = h.key;

-- name: restore_take :one
-- doc: What is not written in `epoch` and was not there at epoch `at` goes. How many of it were live.
WITH gone AS (DELETE FROM :"schema".:"entries" AS t WHERE t.namespace = :ns AND t.epoch >= :at AND t.epoch < :epoch
              RETURNING t.expires_at)
SELECT count(*) AS n FROM gone AS g WHERE g.expires_at IS NULL OR g.expires_at > now();

-- name: restore_add :execrows
-- doc: Images that were live at epoch `at` of keys that nothing stands under.
INSERT INTO :"schema".:"entries" (rev, created_at, updated_at, expires_at, expire_bucket, namespace, epoch, codec, key, value,
                                  metadata)
SELECT nextval(:'schema.entries_rev'), h.created_at, h.updated_at, h.expires_at,
       floor(extract(epoch FROM h.expires_at) / 300)::integer, :ns, :epoch, h.codec, h.key, h.value, h.metadata
FROM :"schema".:"entries_history" AS h
WHERE h.namespace = :ns AND h.epoch_from < :at AND h.epoch_to >= :at AND (h.expires_at IS NULL OR h.expires_at > now())
AND NOT EXISTS (SELECT FROM :"schema".:"entries" AS e WHERE e.namespace = :ns AND e.epoch = :epoch AND e.key = h.key);

-- name: copy_keep :execrows
-- doc: restore_keep() for one that is a copy: what is not in it as it is.
WITH told AS (INSERT INTO :"schema".:"entries_changes" (namespace, op) SELECT f.namespace, 'R' FROM :"schema".:"entries_feeds" AS f
              WHERE f.namespace = :ns)
INSERT INTO :"schema".:"entries_history" (rev, created_at, updated_at, expires_at, namespace, epoch_from, epoch_to, codec, key,
                                          value, metadata)
SELECT t.rev, t.created_at, t.updated_at, t.expires_at, :ns, t.epoch, :epoch, t.codec, t.key, t.value, t.metadata
FROM :"schema".:"entries" AS t
LEFT JOIN :"schema".:"entries_snapshots" AS s ON s.namespace = :ns AND s.epoch = :at AND s.key = t.key
WHERE t.namespace = :ns AND (s.rev, s.expires_at) IS DISTINCT FROM (t.rev, t.expires_at)
AND t.epoch < (SELECT max(c.epoch) FROM :"schema".:"entries_checkpoints" AS c WHERE c.namespace = :ns AND c.kind = 'epoch');

-- name: copy_put :execrows
-- doc: Entries that are not as they are in the copy are so again, written in `epoch`.
UPDATE :"schema".:"entries" AS t SET rev = nextval(:'schema.entries_rev'), epoch = :epoch, created_at = s.created_at,
       updated_at = s.updated_at, expires_at = s.expires_at,
       expire_bucket = floor(extract(epoch FROM s.expires_at) / 300)::integer, codec = s.codec, value = s.value,
       metadata = s.metadata
FROM :"schema".:"entries_snapshots" AS s
WHERE s.namespace = :ns AND s.epoch = :at AND (s.expires_at IS NULL OR s.expires_at > now())
AND t.namespace = :ns AND t.key = s.key AND (s.rev, s.expires_at) IS DISTINCT FROM (t.rev, t.expires_at);

-- name: copy_take :one
-- doc: What is not in the copy, or has expired in it and is another one by now, goes. How many of it were live.
WITH gone AS (DELETE FROM :"schema".:"entries" AS t
              WHERE t.namespace = :ns AND NOT EXISTS (SELECT FROM :"schema".:"entries_snapshots" AS s
              WHERE s.namespace = :ns AND s.epoch = :at AND s.key = t.key
              AND (s.expires_at IS NULL OR s.expires_at > now() OR (s.rev = t.rev AND s.expires_at = t.expires_at)))
              RETURNING t.expires_at)
SELECT count(*) AS n FROM gone AS g WHERE g.expires_at IS NULL OR g.expires_at > now();

-- name: copy_add :execrows
-- doc: What nothing stands under comes back.
INSERT INTO :"schema".:"entries" (rev, created_at, updated_at, expires_at, expire_bucket, namespace, epoch, codec, key, value,
                                  metadata)
SELECT nextval(:'schema.entries_rev'), s.created_at, s.updated_at, s.expires_at,
       floor(extract(epoch FROM s.expires_at) / 300)::integer, :ns, :epoch, s.codec, s.key, s.value, s.metadata
FROM :"schema".:"entries_snapshots" AS s
WHERE s.namespace = :ns AND s.epoch = :at AND (s.expires_at IS NULL OR s.expires_at > now())
AND NOT EXISTS (SELECT FROM :"schema".:"entries" AS t WHERE t.namespace = :ns AND t.key = s.key);

-- name: entries_diff :each
-- doc: Versions that lived at one of the two epochs and not at the other, by key, that of `from` before that of `to`
--   (`is_after`, which alone has a value). `to` NULL = now. Nothing where one of them is a copy: copies_diff().
-- row: diff_row
-- param moment: nullable
-- param to: nullable
-- col value: nullable
WITH k AS (SELECT f.epoch AS from, t.epoch AS to, least(f.epoch, t.epoch) AS low, greatest(f.epoch, t.epoch) AS high
           FROM :"schema".:"entries_checkpoints" AS f
           CROSS JOIN (SELECT c.epoch FROM :"schema".:"entries_checkpoints" AS c
                       WHERE c.namespace = :ns AND c.id = :to AND c.kind = 'epoch'
                       UNION ALL SELECT 2147483647 WHERE :to::uuid IS NULL) AS t
           WHERE f.namespace = :ns AND f.id = :id AND f.kind = 'epoch')
SELECT v.key, v.rev, v.created_at, v.updated_at, v.expires_at, v.codec, v.is_after,
       CASE WHEN v.is_after THEN v.value END AS value, CASE WHEN v.is_after THEN v.metadata END AS metadata
FROM (SELECT e.key, e.rev, e.created_at, e.updated_at, e.expires_at, e.codec, e.value, e.metadata,
             k.to = k.high AS is_after
      FROM k JOIN :"schema".:"entries" AS e ON e.namespace = :ns AND e.epoch >= k.low AND e.epoch < k.high
      UNION ALL
      SELECT h.key, h.rev, h.created_at, h.updated_at, h.expires_at, h.codec, h.value, h.metadata,
             (h.epoch_from < k.low) = (k.to = k.low)
      FROM k JOIN :"schema".:"entries_history" AS h ON h.namespace = :ns AND h.epoch_to >= k.low AND h.epoch_from < k.high
           AND (h.epoch_from < k.low) <> (h.epoch_to >= k.high)) AS v
WHERE v.expires_at IS NULL OR v.expires_at > coalesce(:moment::timestamptz, now())
ORDER BY v.key, v.is_after;

-- name: copies_diff :each
-- doc: entries_diff() where one of them is a copy: all versions of both, those that are in both too.
-- row: diff_row
-- param moment: nullable
-- param to: nullable
-- col value: nullable
WITH k AS (SELECT c.epoch, c.kind, false AS is_after FROM :"schema".:"entries_checkpoints" AS c
           WHERE c.namespace = :ns AND c.id = :id
           UNION ALL SELECT c.epoch, c.kind, true FROM :"schema".:"entries_checkpoints" AS c
           WHERE c.namespace = :ns AND c.id = :to
           UNION ALL SELECT 2147483647, 'epoch', true WHERE :to::uuid IS NULL)
SELECT v.key, v.rev, v.created_at, v.updated_at, v.expires_at, v.codec, v.is_after,
       CASE WHEN v.is_after THEN v.value END AS value, CASE WHEN v.is_after THEN v.metadata END AS metadata
FROM (SELECT e.key, e.rev, e.created_at, e.updated_at, e.expires_at, e.codec, e.value, e.metadata, k.is_after
      FROM k JOIN :"schema".:"entries" AS e ON e.namespace = :ns AND k.kind = 'epoch' AND e.epoch < k.epoch
      UNION ALL
      SELECT h.key, h.rev, h.created_at, h.updated_at, h.expires_at, h.codec, h.value, h.metadata, k.is_after
      FROM k JOIN :"schema".:"entries_history" AS h ON h.namespace = :ns AND k.kind = 'epoch' AND h.epoch_to >= k.epoch
           AND h.epoch_from < k.epoch
      UNION ALL
      SELECT s.key, s.rev, s.created_at, s.updated_at, s.expires_at, s.codec, s.value, s.metadata, k.is_after
      FROM k JOIN :"schema".:"entries_snapshots" AS s ON s.namespace = :ns AND k.kind = 'snapshot' AND s.epoch = k.epoch) AS v
WHERE v.expires_at IS NULL OR v.expires_at > coalesce(:moment::timestamptz, now())
ORDER BY v.key, v.is_after;
