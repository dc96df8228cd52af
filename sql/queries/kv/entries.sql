-- Entries of a key-value store on PostgreSQL. now() is the moment at which the transaction began: what a call reads and
-- writes goes by one clock. Keys of a statement that locks several rows come in order. Values are as src/kv/codec.h has
-- them.
-- identifier: schema = public
-- identifier: entries = state_entries

-- name: space_find :opt
SELECT id FROM :"schema".:"entries_namespaces" WHERE name = :name;

-- name: space_add :opt
-- doc: No row: somebody else was first.
INSERT INTO :"schema".:"entries_namespaces" (name) VALUES (:name) ON CONFLICT (name) DO NOTHING RETURNING id;

-- name: space_ttl :opt
-- doc: How long what is put without a word lives, in microseconds.
-- col us: nullable
SELECT (extract(epoch FROM default_ttl) * 1000000)::bigint AS us FROM :"schema".:"entries_namespaces" WHERE id = :ns;

-- name: space_set_ttl :execrows
UPDATE :"schema".:"entries_namespaces" SET default_ttl = :ttl::interval WHERE id = :ns;

-- name: store_commits :one
-- doc: When a commit returns, unless it is told otherwise.
SELECT current_setting('synchronous_commit') AS setting;

-- name: store_now :one
SELECT now() AS at;

-- name: entry_get :opt
-- doc: What the caller does not have: each column costs both sides. now() is a function to look up, CURRENT_TIMESTAMP none.
SELECT rev, created_at, updated_at, expires_at, codec, value, metadata FROM :"schema".:"entries"
WHERE namespace = :ns AND key = :key AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP);

-- name: entries_get :many
-- doc: By both columns of the key whatever the statistics say: a namespace may be newer than they are. OFFSET 0 keeps it a
--   look per key; LIMIT 1 would be a node more. The key is told by its place. Values that are longer than asked for are
--   not.
-- col value: nullable
-- allow: limit-order every row is wanted
SELECT u.place, t.rev, t.created_at, t.updated_at, t.expires_at, t.codec,
       CASE WHEN octet_length(t.value) <= :value_bytes_max::integer THEN t.value END AS value,
       CASE WHEN :keys_only::boolean THEN NULL ELSE t.metadata END AS metadata
FROM unnest(:keys::bytea[]) WITH ORDINALITY AS u (key, place)
CROSS JOIN LATERAL (SELECT * FROM :"schema".:"entries" AS e WHERE e.namespace = :ns AND e.key = u.key
                    AND (e.expires_at IS NULL OR e.expires_at > now()) OFFSET 0) AS t;

-- name: value_get :opt
-- doc: entry_get for who looks at the value alone, and can tell by its bytes that it is not packed.
SELECT value FROM :"schema".:"entries"
WHERE namespace = :ns AND key = :key AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP);

-- name: stored_get :opt
-- doc: The same for who cannot: a column more is 3 % of a get.
SELECT value, codec FROM :"schema".:"entries"
WHERE namespace = :ns AND key = :key AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP);

-- name: values_get :many
-- doc: entries_get likewise.
-- col value: nullable
-- allow: limit-order every row is wanted
SELECT u.place, t.codec, CASE WHEN octet_length(t.value) <= :value_bytes_max::integer THEN t.value END AS value
FROM unnest(:keys::bytea[]) WITH ORDINALITY AS u (key, place)
CROSS JOIN LATERAL (SELECT * FROM :"schema".:"entries" AS e WHERE e.namespace = :ns AND e.key = u.key
                    AND (e.expires_at IS NULL OR e.expires_at > now()) OFFSET 0) AS t;

-- name: entries_scan :each
-- row: entry_row
SELECT 0::bigint AS place, key, rev, created_at, updated_at, expires_at, codec,
       CASE WHEN :keys_only::boolean THEN NULL ELSE value END AS value,
       CASE WHEN :keys_only::boolean THEN NULL ELSE metadata END AS metadata
FROM :"schema".:"entries"
WHERE namespace = :ns AND key >= :from AND (expires_at IS NULL OR expires_at > now())
/*? to */ AND key < :to /*?*/
/*? metadata */ AND metadata @> :part::jsonb /*?*/
/*order: up = key | down = key DESC */
LIMIT :most::bigint;

-- name: keys_scan :many
-- doc: A page of it without values. `page`: of at most 1,000, said so that the planner knows: it keeps one plan instead of
--   making one for each page, which is a tenth of what it costs. `updated_at`: NULL is `created_at`, which most entries of
--   most stores need not say twice.
-- allow: limit-order the rows within are in order
SELECT key, rev, created_at, updated_at, expires_at FROM (
       SELECT key, rev, created_at, nullif(updated_at, created_at) AS updated_at, expires_at FROM :"schema".:"entries"
       WHERE namespace = :ns AND key >= :from AND (expires_at IS NULL OR expires_at > now())
       /*? to */ AND key < :to /*?*/
       /*? metadata */ AND metadata @> :part::jsonb /*?*/
       /*order: up = key | down = key DESC */
       /*? page */ LIMIT 1000 /*?*/) AS p
LIMIT :most::bigint;

-- name: bare_scan :many
-- doc: The same, of the key alone: each column costs the server and the client, four of them a third of the page.
-- row: bare_row
-- allow: limit-order the rows within are in order
SELECT key FROM (
       SELECT key FROM :"schema".:"entries"
       WHERE namespace = :ns AND key >= :from AND (expires_at IS NULL OR expires_at > now())
       /*? to */ AND key < :to /*?*/
       /*? metadata */ AND metadata @> :part::jsonb /*?*/
       /*order: up = key | down = key DESC */
       /*? page */ LIMIT 1000 /*?*/) AS p
LIMIT :most::bigint;

-- name: bare_page :many
-- doc: A whole page of bare_scan: the second bound there costs the server a look a row.
-- row: bare_row
SELECT key FROM :"schema".:"entries"
WHERE namespace = :ns AND key >= :from AND (expires_at IS NULL OR expires_at > CURRENT_TIMESTAMP)
/*? to */ AND key < :to /*?*/
/*? metadata */ AND metadata @> :part::jsonb /*?*/
/*order: up = key | down = key DESC */
LIMIT 1000;

-- name: entries_estimate :one
-- doc: What the planner thinks: rows and the commonest namespaces as of the last ANALYZE, which runs by itself as the table
--   grows, scaled to the pages of now. Expired entries count until they are swept. A namespace that is none of the
--   commonest: an equal share of what they leave. -1: nothing is known of the table yet.
-- col n: notnull! of what is none
SELECT CASE WHEN c.reltuples < 0 OR s.known IS NULL THEN -1
       ELSE c.reltuples / greatest(c.relpages, 1) * (pg_relation_size(c.oid) / current_setting('block_size')::integer)
            * coalesce(s.share, greatest(1 - s.known, 0) / greatest(s.left_over, 1)) END::bigint AS n
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS o ON o.oid = c.relnamespace
LEFT JOIN LATERAL (SELECT sum(f.share)::float8 AS known, max(f.share) FILTER (WHERE v.ns = :ns)::float8 AS share,
                          max(p.n_distinct) - count(*) AS left_over
                   FROM pg_catalog.pg_stats AS p
                   CROSS JOIN LATERAL unnest(p.most_common_vals::text::integer[]) WITH ORDINALITY AS v (ns, n)
                   JOIN LATERAL unnest(p.most_common_freqs) WITH ORDINALITY AS f (share, n) USING (n)
                   WHERE p.schemaname = o.nspname AND p.tablename = c.relname AND p.attname = 'namespace') AS s ON true
WHERE c.oid = :'schema.entries'::regclass;

-- name: entries_count :one
SELECT count(*) AS n FROM :"schema".:"entries"
WHERE namespace = :ns AND key >= :from AND (expires_at IS NULL OR expires_at > now())
/*? to */ AND key < :to /*?*/
/*? metadata */ AND metadata @> :part::jsonb /*?*/;

-- name: entry_put :one
-- doc: Replaces the entry as a whole. `existed`: a live one stood there. What replaces that is later than what it
--   replaces, if only by a microsecond, so that the times tell it from what begins anew. A revision that was taken before
--   the row was held does where it is later than the one that stands there.
-- col existed: notnull! xmax and the times always are
INSERT INTO :"schema".:"entries" AS t (rev, created_at, updated_at, namespace, epoch, codec, key, value, metadata
                                       /*? ttl */, expires_at, expire_bucket/*?*/)
VALUES (nextval(:'schema.entries_rev') /*? relaxed */ + (set_config('synchronous_commit', 'off', true) IS NULL)::integer /*?*/,
        now(), now(), :ns, :"schema".:"entries_epoch"(:ns), :codec::smallint, :key, :value, :metadata
        /*? ttl */, now() + :ttl::interval, floor(extract(epoch FROM now() + :ttl::interval) / 300)::integer/*?*/)
ON CONFLICT (namespace, key) DO UPDATE SET
       rev = CASE WHEN EXCLUDED.rev > t.rev THEN EXCLUDED.rev ELSE nextval(:'schema.entries_rev') END, epoch = EXCLUDED.epoch,
       created_at = CASE WHEN t.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.created_at ELSE t.created_at END,
       updated_at = CASE WHEN t.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.updated_at
                    ELSE greatest(EXCLUDED.updated_at, t.created_at + interval '1 microsecond') END, expires_at = EXCLUDED.expires_at, expire_bucket = EXCLUDED.expire_bucket,
       value = EXCLUDED.value, metadata = EXCLUDED.metadata, codec = EXCLUDED.codec
RETURNING rev, (xmax <> 0 AND created_at <> updated_at) AS existed;

-- name: entry_set :exec
-- doc: entry_put for who looks at no answer, which costs the server 3 of 37 us.
INSERT INTO :"schema".:"entries" AS t (rev, created_at, updated_at, namespace, epoch, codec, key, value, metadata
                                       /*? ttl */, expires_at, expire_bucket/*?*/)
VALUES (nextval(:'schema.entries_rev') /*? relaxed */ + (set_config('synchronous_commit', 'off', true) IS NULL)::integer /*?*/,
        now(), now(), :ns, :"schema".:"entries_epoch"(:ns), :codec::smallint, :key, :value, :metadata
        /*? ttl */, now() + :ttl::interval, floor(extract(epoch FROM now() + :ttl::interval) / 300)::integer/*?*/)
ON CONFLICT (namespace, key) DO UPDATE SET
       rev = CASE WHEN EXCLUDED.rev > t.rev THEN EXCLUDED.rev ELSE nextval(:'schema.entries_rev') END, epoch = EXCLUDED.epoch,
       created_at = CASE WHEN t.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.created_at ELSE t.created_at END,
       updated_at = CASE WHEN t.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.updated_at
                    ELSE greatest(EXCLUDED.updated_at, t.created_at + interval '1 microsecond') END, expires_at = EXCLUDED.expires_at, expire_bucket = EXCLUDED.expire_bucket,
       value = EXCLUDED.value, metadata = EXCLUDED.metadata, codec = EXCLUDED.codec;

-- name: entry_replace :execrows
-- doc: entry_set of what is there, is live and was written in this epoch, for 8 of its 33 us less; without `ttl` only of what
--   does not expire. No row, and nothing done, where it is not. The epoch is left alone, so that the trigger that keeps images
--   is not even asked. A row that somebody else has meanwhile written is judged, and given a revision, anew when it is held.
--   CURRENT_TIMESTAMP is now(), but no function to look up.
UPDATE :"schema".:"entries" SET
       rev = nextval(:'schema.entries_rev') /*? relaxed */ + (set_config('synchronous_commit', 'off', true) IS NULL)::integer /*?*/,
       updated_at = CURRENT_TIMESTAMP, codec = :codec::smallint, value = :value, metadata = :metadata
       /*? ttl */, expires_at = CURRENT_TIMESTAMP + :ttl::interval,
       expire_bucket = floor(extract(epoch FROM CURRENT_TIMESTAMP + :ttl::interval) / 300)::integer /*?*/
WHERE namespace = :ns AND key = :key AND epoch = :"schema".:"entries_epoch"(:ns)
AND (expires_at IS NULL /*? ttl */ OR expires_at > CURRENT_TIMESTAMP /*?*/) AND created_at < CURRENT_TIMESTAMP;

-- name: entry_replaced :opt
-- doc: entry_replace for who looks at the answer: the revision.
UPDATE :"schema".:"entries" SET
       rev = nextval(:'schema.entries_rev') /*? relaxed */ + (set_config('synchronous_commit', 'off', true) IS NULL)::integer /*?*/,
       updated_at = CURRENT_TIMESTAMP, codec = :codec::smallint, value = :value, metadata = :metadata
       /*? ttl */, expires_at = CURRENT_TIMESTAMP + :ttl::interval,
       expire_bucket = floor(extract(epoch FROM CURRENT_TIMESTAMP + :ttl::interval) / 300)::integer /*?*/
WHERE namespace = :ns AND key = :key AND epoch = :"schema".:"entries_epoch"(:ns)
AND (expires_at IS NULL /*? ttl */ OR expires_at > CURRENT_TIMESTAMP /*?*/) AND created_at < CURRENT_TIMESTAMP
RETURNING rev;

-- name: entries_put :one
-- doc: The same for keys in order, none twice; what comes of each is in that order. `more`: one of them has metadata, an
--   expiry or a packed value.
-- col revs: notnull! there is a key
-- col existed: notnull! there is a key
WITH put AS (
INSERT INTO :"schema".:"entries" AS t (rev, created_at, updated_at, namespace, epoch, key, value
                                       /*? more */, codec, metadata, expires_at, expire_bucket/*?*/)
SELECT nextval(:'schema.entries_rev'), now(), now(), :ns, u.epoch, u.key, u.value
       /*? more */, u.codec, u.metadata, now() + u.ttl, floor(extract(epoch FROM now() + u.ttl) / 300)::integer/*?*/
FROM (SELECT w.epoch, unnest(:keys::bytea[]) AS key, unnest(:values::bytea[]) AS value
             /*? more */, unnest(:codecs::smallint[]) AS codec, unnest(:metadata::jsonb[]) AS metadata,
             unnest(:ttls::interval[]) AS ttl/*?*/
      FROM (SELECT :"schema".:"entries_epoch"(:ns) AS epoch) AS w
      /*? relaxed */ CROSS JOIN (SELECT set_config('synchronous_commit', 'off', true)) AS s /*?*/) AS u
ON CONFLICT (namespace, key) DO UPDATE SET
       rev = CASE WHEN EXCLUDED.rev > t.rev THEN EXCLUDED.rev ELSE nextval(:'schema.entries_rev') END, epoch = EXCLUDED.epoch,
       created_at = CASE WHEN t.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.created_at ELSE t.created_at END,
       updated_at = CASE WHEN t.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.updated_at
                    ELSE greatest(EXCLUDED.updated_at, t.created_at + interval '1 microsecond') END, expires_at = EXCLUDED.expires_at, expire_bucket = EXCLUDED.expire_bucket,
       value = EXCLUDED.value, metadata = EXCLUDED.metadata, codec = EXCLUDED.codec
RETURNING rev, (xmax <> 0 AND created_at <> updated_at) AS existed)
SELECT array_agg(rev) AS revs, array_agg(existed) AS existed FROM put;

-- name: entries_set :exec
-- doc: entries_put for who looks at no answer.
INSERT INTO :"schema".:"entries" AS t (rev, created_at, updated_at, namespace, epoch, key, value
                                       /*? more */, codec, metadata, expires_at, expire_bucket/*?*/)
SELECT nextval(:'schema.entries_rev'), now(), now(), :ns, u.epoch, u.key, u.value
       /*? more */, u.codec, u.metadata, now() + u.ttl, floor(extract(epoch FROM now() + u.ttl) / 300)::integer/*?*/
FROM (SELECT w.epoch, unnest(:keys::bytea[]) AS key, unnest(:values::bytea[]) AS value
             /*? more */, unnest(:codecs::smallint[]) AS codec, unnest(:metadata::jsonb[]) AS metadata,
             unnest(:ttls::interval[]) AS ttl/*?*/
      FROM (SELECT :"schema".:"entries_epoch"(:ns) AS epoch) AS w
      /*? relaxed */ CROSS JOIN (SELECT set_config('synchronous_commit', 'off', true)) AS s /*?*/) AS u
ON CONFLICT (namespace, key) DO UPDATE SET
       rev = CASE WHEN EXCLUDED.rev > t.rev THEN EXCLUDED.rev ELSE nextval(:'schema.entries_rev') END, epoch = EXCLUDED.epoch,
       created_at = CASE WHEN t.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.created_at ELSE t.created_at END,
       updated_at = CASE WHEN t.expires_at <= EXCLUDED.updated_at THEN EXCLUDED.updated_at
                    ELSE greatest(EXCLUDED.updated_at, t.created_at + interval '1 microsecond') END, expires_at = EXCLUDED.expires_at, expire_bucket = EXCLUDED.expire_bucket,
       value = EXCLUDED.value, metadata = EXCLUDED.metadata, codec = EXCLUDED.codec;

-- name: entry_delete :opt
-- doc: The epoch first: a checkpoint waits for whoever holds a row.
-- col live: notnull! of a comparison with what is not NULL
DELETE FROM :"schema".:"entries"
WHERE namespace = :ns AND key = :key AND (SELECT :"schema".:"entries_epoch"(:ns)) > 0
RETURNING (expires_at IS NULL OR expires_at > now()) AS live;

-- name: entries_delete :many
-- doc: The same for keys in order, none twice; no row for what is not there. They are held in their order first.
-- col live: notnull! of a comparison with what is not NULL
WITH held AS (SELECT e.key FROM (SELECT :"schema".:"entries_epoch"(:ns) AS epoch) AS w
              CROSS JOIN unnest(:keys::bytea[]) AS u (key)
              CROSS JOIN LATERAL (SELECT t.key FROM :"schema".:"entries" AS t
                                  WHERE t.namespace = :ns AND t.key = u.key FOR UPDATE) AS e WHERE w.epoch > 0)
DELETE FROM :"schema".:"entries" AS d USING held WHERE d.namespace = :ns AND d.key = held.key
RETURNING d.key, (d.expires_at IS NULL OR d.expires_at > now()) AS live;

-- name: entries_hold :many
-- doc: The epoch to write in, held until the transaction ends, then a lock if its fence is to be checked (no row: it is not
--   held so), then what stands under keys in order, expired entries too, held as well; and as many revisions as each key
--   needs, given after its row is held. A row without a place when there are no keys.
-- col epoch: notnull! the sequence always has a value
-- col place: nullable
-- col rev: nullable
-- col created_at: nullable
-- col updated_at: nullable
-- col value: nullable
-- col codec: nullable
SELECT u.place, w.epoch, w.at, t.rev, t.created_at, t.updated_at, t.expires_at, t.codec, t.value, t.metadata,
       ARRAY(SELECT nextval(:'schema.entries_rev') FROM generate_series(1, u.needs)) AS revs
FROM (SELECT :"schema".:"entries_epoch"(:ns) AS epoch, now() AS at) AS w
/*? relaxed */ CROSS JOIN (SELECT set_config('synchronous_commit', 'off', true)) AS s /*?*/
/*? fence */ CROSS JOIN LATERAL (SELECT l.fence FROM :"schema".:"entries_locks" AS l WHERE l.namespace = :ns AND l.name = :lock
     AND l.owner = :owner AND l.fence = :fence AND l.expires_at > clock_timestamp() AND w.epoch > 0 FOR SHARE) AS f /*?*/
LEFT JOIN unnest(:keys::bytea[], :needs::integer[]) WITH ORDINALITY AS u (key, needs, place) ON true
LEFT JOIN LATERAL (SELECT e.rev, e.created_at, e.updated_at, e.expires_at, e.codec, e.value, e.metadata
                   FROM :"schema".:"entries" AS e WHERE e.namespace = :ns AND e.key = u.key AND w.epoch > 0
                   /*? fence */ AND f.fence > 0 /*?*/ FOR UPDATE) AS t ON true;

-- name: entries_store :one
-- doc: Keys that are held, in order: kind 1 replaces the row, 2 makes one, 3 removes it. 23505 on the primary key: somebody
--   else made one first. By both columns of the key whatever the statistics say, hence the looks aside. What no row needs is
--   left out, so that no trigger of a statement fires for nothing. `token`: what came of all is kept with it.
-- allow: limit-order the key is unique, and the planner is to know
WITH u AS MATERIALIZED (
     SELECT * FROM unnest(:kinds::smallint[], :keys::bytea[], :revs::bigint[], :created::timestamptz[], :updated::timestamptz[],
                          :expires::timestamptz[], :codecs::smallint[], :values::bytea[], :metadata::jsonb[])
            AS a (kind, key, rev, created_at, updated_at, expires_at, codec, value, metadata))
/*? replaced */, replaced AS (
     UPDATE :"schema".:"entries" AS t SET rev = u.rev, epoch = :epoch, created_at = u.created_at, updated_at = u.updated_at,
            expires_at = u.expires_at, expire_bucket = floor(extract(epoch FROM u.expires_at) / 300)::integer, value = u.value,
            metadata = u.metadata, codec = u.codec
     FROM u CROSS JOIN LATERAL (SELECT e.ctid AS at FROM :"schema".:"entries" AS e
                                WHERE e.namespace = :ns AND e.key = u.key LIMIT 1) AS x
     WHERE u.kind = 1 AND t.ctid = x.at) /*?*/
/*? made */, made AS (
     INSERT INTO :"schema".:"entries" (rev, created_at, updated_at, expires_at, expire_bucket, namespace, epoch, codec, key, value,
                                       metadata)
     SELECT u.rev, u.created_at, u.updated_at, u.expires_at, floor(extract(epoch FROM u.expires_at) / 300)::integer, :ns, :epoch,
            u.codec, u.key, u.value, u.metadata
     FROM u WHERE u.kind = 2) /*?*/
/*? gone */, gone AS (
     DELETE FROM :"schema".:"entries" AS d USING u
     CROSS JOIN LATERAL (SELECT e.ctid AS at FROM :"schema".:"entries" AS e
                         WHERE e.namespace = :ns AND e.key = u.key LIMIT 1) AS x
     WHERE u.kind = 3 AND d.ctid = x.at) /*?*/
/*? token */, told AS (UPDATE :"schema".:"entries_tokens" SET result = :result WHERE namespace = :ns AND token = :token) /*?*/
SELECT count(*) AS n FROM u;

-- name: space_clear :one
-- doc: How many were live.
WITH gone AS (DELETE FROM :"schema".:"entries" WHERE namespace = :ns AND (SELECT :"schema".:"entries_epoch"(:ns)) > 0
              AND (SELECT set_config('holdfast.feed', 'clear', true)) IS NOT NULL RETURNING expires_at)
SELECT count(*) AS n FROM gone WHERE expires_at IS NULL OR expires_at > now();

-- name: sweep_next :opt
-- doc: A namespace in which something has expired.
-- allow: limit-order any will do
SELECT namespace FROM :"schema".:"entries"
WHERE expire_bucket <= floor(extract(epoch FROM now()) / 300)::integer AND expires_at <= now() LIMIT 1;

-- name: sweep_step :one
WITH due AS (SELECT key FROM :"schema".:"entries"
             WHERE namespace = :ns AND expire_bucket <= floor(extract(epoch FROM now()) / 300)::integer
             AND expires_at <= now() AND (SELECT :"schema".:"entries_epoch"(:ns)) > 0
             ORDER BY expire_bucket LIMIT :most::bigint FOR UPDATE SKIP LOCKED),
     gone AS (DELETE FROM :"schema".:"entries" AS t USING due WHERE t.namespace = :ns AND t.key = due.key RETURNING t.rev)
SELECT count(*) AS n FROM gone;

-- name: store_may_vacuum :one
-- doc: VACUUM passes over tables of others with a warning only.
SELECT coalesce(bool_and(pg_has_role(c.relowner, 'USAGE')), false)
       OR coalesce((SELECT pg_has_role(d.datdba, 'USAGE') FROM pg_database AS d WHERE d.datname = current_database()), false) AS may,
       current_user::text AS role
FROM pg_class AS c WHERE c.oid = (:'schema.entries')::regclass;

-- name: store_vacuum :exec
VACUUM (ANALYZE) :"schema".:"entries", :"schema".:"entries_history", :"schema".:"entries_snapshots", :"schema".:"entries_namespaces",
       :"schema".:"entries_checkpoints", :"schema".:"entries_locks", :"schema".:"entries_feeds",
       :"schema".:"entries_changes", :"schema".:"entries_tokens";

-- name: store_sizes :one
-- doc: `bloat`: what the pages hold beyond rows of the average width, as full as they are made.
-- col all_bytes: notnull! the tables are there
-- col entries_bytes: notnull! the table is there
-- col index_bytes: notnull! the table is there
-- col history_bytes: notnull! the table is there
-- col vacuumed: nullable
-- col bloat: nullable
SELECT (pg_total_relation_size(:'schema.entries') + pg_total_relation_size(:'schema.entries_history')
        + pg_total_relation_size(:'schema.entries_namespaces') + pg_total_relation_size(:'schema.entries_checkpoints')
        + pg_total_relation_size(:'schema.entries_locks') + pg_total_relation_size(:'schema.entries_changes')
        + pg_total_relation_size(:'schema.entries_feeds') + pg_total_relation_size(:'schema.entries_snapshots')
        + pg_total_relation_size(:'schema.entries_tokens'))::bigint AS all_bytes,
       pg_relation_size(:'schema.entries') AS entries_bytes, pg_indexes_size(:'schema.entries') AS index_bytes,
       coalesce(pg_total_relation_size(nullif(c.reltoastrelid, 0)), 0) AS toast_bytes,
       pg_total_relation_size(:'schema.entries_history') AS history_bytes,
       pg_stat_get_live_tuples(c.oid) AS live, pg_stat_get_dead_tuples(c.oid) AS dead,
       greatest(pg_stat_get_last_vacuum_time(c.oid), pg_stat_get_last_autovacuum_time(c.oid)) AS vacuumed,
       CASE WHEN c.reltuples >= 0 THEN greatest(pg_relation_size(c.oid) - (c.reltuples * w.width / 0.8)::bigint, 0) END AS bloat
FROM pg_catalog.pg_class AS c
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
CROSS JOIN LATERAL (SELECT sum(s.avg_width)::float8 + 28 AS width FROM pg_catalog.pg_stats AS s
                    WHERE s.schemaname = n.nspname AND s.tablename = c.relname) AS w
WHERE c.oid = (:'schema.entries')::regclass;

-- name: store_health :one
-- doc: `waiting`: what expired and was not removed, up to `most` of it, and since when. `held`: how long the oldest
--   transaction that writes has run, as far as the role may see. `feed`: the namespace has one. `persistence`: what a crash
--   of the machine leaves; a private server that was started without fsync is meant to be thrown away.
-- col oldest: nullable
-- col held: nullable
SELECT pg_is_in_recovery() AS standby, d.waiting, now() - d.oldest AS oldest,
       greatest((SELECT max(clock_timestamp() - a.xact_start) FROM pg_stat_activity AS a WHERE a.backend_xid IS NOT NULL),
                (SELECT max(clock_timestamp() - p.prepared) FROM pg_prepared_xacts AS p)) AS held,
       EXISTS (SELECT FROM :"schema".:"entries_feeds" AS f WHERE f.namespace = :ns) AS feed,
       CASE WHEN current_setting('fsync') = 'off' AND current_setting('cluster_name') = 'holdfast' THEN 'throw-away'
            WHEN current_setting('fsync') = 'off' THEN 'no fsync'
            WHEN current_setting('full_page_writes') = 'off' THEN 'no full_page_writes' ELSE 'full' END AS persistence
FROM (SELECT count(*) AS waiting, min(x.expires_at) AS oldest
      FROM (SELECT e.expires_at FROM :"schema".:"entries" AS e
            WHERE e.expire_bucket <= floor(extract(epoch FROM now()) / 300)::integer AND e.expires_at <= now()
            ORDER BY e.expire_bucket LIMIT :most::bigint) AS x) AS d;

-- name: lock_take :opt
-- doc: No row: another one holds it. A lease that is over gives a higher fence, whoever takes it.
-- row: lock_row
-- param ttl: notnull
INSERT INTO :"schema".:"entries_locks" AS t (namespace, name, owner, expires_at, acquired_at)
SELECT :ns, :name, :owner, n.at + :ttl::interval, n.at FROM (SELECT clock_timestamp() AS at) AS n
ON CONFLICT (namespace, name) DO UPDATE SET owner = EXCLUDED.owner, expires_at = EXCLUDED.expires_at,
       fence = CASE WHEN t.expires_at <= EXCLUDED.acquired_at THEN t.fence + 1 ELSE t.fence END,
       acquired_at = CASE WHEN t.expires_at <= EXCLUDED.acquired_at THEN EXCLUDED.acquired_at ELSE t.acquired_at END
WHERE t.owner = EXCLUDED.owner OR t.expires_at <= EXCLUDED.acquired_at
RETURNING name, owner, fence, acquired_at, expires_at;

-- name: lock_renew :opt
-- doc: A lease of nothing gives it back. No row: it is not held so.
UPDATE :"schema".:"entries_locks" SET expires_at = clock_timestamp() + :ttl::interval
WHERE namespace = :ns AND name = :name AND owner = :owner AND fence = :fence AND expires_at > clock_timestamp()
RETURNING expires_at;

-- name: lock_get :opt
-- row: lock_row
SELECT name, owner, fence, acquired_at, expires_at FROM :"schema".:"entries_locks" WHERE namespace = :ns AND name = :name;

-- name: lock_all :many
-- row: lock_row
SELECT name, owner, fence, acquired_at, expires_at FROM :"schema".:"entries_locks" WHERE namespace = :ns
ORDER BY name LIMIT 10000;
