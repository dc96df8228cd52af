-- migrate: tx=yes adopt=no
-- up
-- How much waits in each stretch of 256 priorities of a bucket: room for what the set janitor-places keeps, and empty
-- without it. Several rows of one stretch add up.
CREATE TABLE holdfast.queue_span (
    bucket public.queue_bucket NOT NULL,
    span bigint NOT NULL,
    items bigint NOT NULL,
    known bigint NOT NULL,
    duration interval NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX queue_span_bucket_span_idx ON holdfast.queue_span (bucket, span);
COMMENT ON TABLE holdfast.queue_span IS 'What waits, by bucket and stretch of priorities; kept where the set janitor-places is applied.';
COMMENT ON COLUMN holdfast.queue_span.span IS 'The priority without its last 8 bits.';
COMMENT ON COLUMN holdfast.queue_span.items IS 'Items, less those that another row has too many; the sum over a stretch counts.';
COMMENT ON COLUMN holdfast.queue_span.known IS 'Of these, the ones with an estimated duration.';
COMMENT ON COLUMN holdfast.queue_span.duration IS 'The sum of their estimates.';

-- verify
SELECT to_regclass('holdfast.queue_span') IS NOT NULL;

-- down
DROP TABLE holdfast.queue_span;
