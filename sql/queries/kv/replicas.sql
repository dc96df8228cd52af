-- Places in the write-ahead log, as bytes from its beginning: what a read replica has to have replayed.

-- name: log_written :one
-- doc: Behind everything that was committed before, be it on disk or not. The next record begins behind a page's header,
--   where no record ends: the place before that header is meant.
SELECT CASE WHEN mod(l.at, 16777216) = 40 THEN l.at - 40 WHEN mod(l.at, 8192) = 24 THEN l.at - 24 ELSE l.at END AS at
FROM (SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint AS at) AS l;

-- name: log_replayed :one
-- doc: Of a replica; `follows` is false once it was promoted.
-- col at: nullable
SELECT pg_is_in_recovery() AS follows, (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint AS at;

-- name: log_lag :one
-- doc: Of a replica: the place it has replayed, and since when what it replayed last is committed.
-- col at: nullable
-- col late: nullable
SELECT pg_is_in_recovery() AS follows, (pg_last_wal_replay_lsn() - '0/0'::pg_lsn)::bigint AS at,
       clock_timestamp() - pg_last_xact_replay_timestamp() AS late;
