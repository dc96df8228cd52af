-- Queries that may give so many rows or bytes and no more.

-- name: words_few :many
-- rows max: 3
-- row: words
SELECT number, repeat('x', :len::int) || number AS word, nullif(number, 2) AS but_two
FROM generate_series(1, :rows::int) AS number, generate_series(1, :times::int) AS again /*? from */ WHERE number >= :least /*?*/;

-- name: words_short :many
-- bytes max: 1kB
-- row: words
SELECT number, repeat('x', :len::int) || number AS word, nullif(number, 2) AS but_two
FROM generate_series(1, :rows::int) AS number, generate_series(1, :times::int) AS again;

-- name: words_many :many
-- rows max: 1000000000  -- bytes max: 1024GB
-- row: words
SELECT number, repeat('x', :len::int) || number AS word, nullif(number, 2) AS but_two
FROM generate_series(1, :rows::int) AS number, generate_series(1, :times::int) AS again;

-- name: words_each :each
-- rows max: 5  -- bytes max: 1MB
-- row: words
SELECT number, repeat('x', :len::int) || number AS word, nullif(number, 2) AS but_two
FROM generate_series(1, :rows::int) AS number, generate_series(1, :times::int) AS again;

-- name: words_stream :each
-- doc: As many as the setting says; before the one that another setting says the server counts for days.
-- stream: copy
-- row: words
SELECT number, repeat('x', 2) || number AS word, nullif(number, 2) AS but_two
FROM generate_series(1, current_setting('sample.rows')::integer) AS number
WHERE number <> coalesce(nullif(current_setting('sample.stall', true), ''), '0')::integer
      OR (SELECT count(*) FROM (SELECT generate_series(1, 1000000000000)) AS days) > 0;
