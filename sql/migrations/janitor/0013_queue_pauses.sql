-- migrate: tx=yes adopt=no
-- up
-- What is not handed out for a while, and why. Claims alone look here: the original does not know of it.
CREATE TYPE holdfast.pause_kind AS ENUM ('queue', 'bucket', 'campaign', 'host');
CREATE TABLE holdfast.queue_pause (
    kind holdfast.pause_kind NOT NULL,
    name text NOT NULL DEFAULT '',
    reason text,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz,
    CONSTRAINT queue_pause_pkey PRIMARY KEY (kind, name),
    CONSTRAINT queue_pause_name_check CHECK ((name = '') = (kind = 'queue'))
);
COMMENT ON TABLE holdfast.queue_pause IS 'What claims pass over: the whole queue, a bucket, a campaign, a host.';
COMMENT ON COLUMN holdfast.queue_pause.name IS 'Of the bucket, the campaign or the host; empty for the whole queue.';
COMMENT ON COLUMN holdfast.queue_pause.until IS 'When it ends by itself; NULL: when somebody ends it.';

-- verify
SELECT to_regclass('holdfast.queue_pause') IS NOT NULL;

-- down
DROP TABLE holdfast.queue_pause;
DROP TYPE holdfast.pause_kind;
