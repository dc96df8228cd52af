-- migrate: tx=yes adopt=no
-- up
-- Who works on which queue item. Beside the Janitor's tables and without a word in them, so that the original keeps
-- working on the same database; it assigns by means of its own, so one assigner at a time is active.
DO $$
BEGIN -- IF NOT EXISTS would give a notice each time: the ledger stands there
    IF to_regnamespace('holdfast') IS NULL THEN
        CREATE SCHEMA holdfast;
    END IF;
END
$$;

CREATE TYPE holdfast.assigner AS ENUM ('original', 'holdfast');
CREATE TABLE holdfast.queue_assigner (
    only_row boolean NOT NULL DEFAULT true,
    active holdfast.assigner NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp(),
    CONSTRAINT queue_assigner_pkey PRIMARY KEY (only_row),
    CONSTRAINT queue_assigner_only_row_check CHECK (only_row)
);
COMMENT ON TABLE holdfast.queue_assigner IS 'Which assigner hands out the queue: the other one refuses. One row.';
-- Where runs are, somebody assigned them.
INSERT INTO holdfast.queue_assigner (active)
SELECT CASE WHEN EXISTS (SELECT FROM public.run) THEN 'original' ELSE 'holdfast' END::holdfast.assigner;

CREATE TYPE holdfast.claim_state AS ENUM ('leased', 'finished', 'failed', 'released', 'expired', 'dead');
CREATE SEQUENCE holdfast.claim_fence AS bigint CACHE 1;
CREATE TABLE holdfast.queue_claim (
    fence bigint NOT NULL DEFAULT nextval('holdfast.claim_fence'),
    queue_id integer NOT NULL,
    generation bigint NOT NULL,
    place tid NOT NULL,
    holder text NOT NULL,
    state holdfast.claim_state NOT NULL DEFAULT 'leased',
    attempt integer NOT NULL,
    attempts_max integer NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    until timestamptz NOT NULL,
    ended_at timestamptz,
    reason text,
    CONSTRAINT queue_claim_pkey PRIMARY KEY (fence),
    CONSTRAINT queue_claim_holder_check CHECK (holder <> ''),
    CONSTRAINT queue_claim_attempt_check CHECK (attempt > 0)
);
CREATE UNIQUE INDEX queue_claim_one_lease ON holdfast.queue_claim (queue_id) WHERE state = 'leased';
CREATE INDEX queue_claim_dead_idx ON holdfast.queue_claim (queue_id) WHERE state = 'dead';
CREATE INDEX queue_claim_queue_id_idx ON holdfast.queue_claim (queue_id);
CREATE INDEX queue_claim_until_idx ON holdfast.queue_claim (until) WHERE state = 'leased';
COMMENT ON TABLE holdfast.queue_claim IS
    'Each time an item was handed out. No row refers to the queue: an item that goes away takes no fence with it.';
COMMENT ON COLUMN holdfast.queue_claim.fence IS 'Grows for ever, over all items: what a later holder has is greater.';
COMMENT ON COLUMN holdfast.queue_claim.generation IS
    'xmin of the item when it was claimed. Whoever asks for the item again writes its row, which then differs.';
COMMENT ON COLUMN holdfast.queue_claim.place IS
    'ctid of the item when it was claimed; with the generation it names that very version of the row. One that was moved is kept.';
COMMENT ON COLUMN holdfast.queue_claim.attempt IS 'Which try of this generation; released ones do not count.';
COMMENT ON COLUMN holdfast.queue_claim.until IS 'End of the lease by the server''s clock.';

CREATE FUNCTION holdfast.claim_attempt(item integer, item_generation bigint) RETURNS integer
    LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM FROM holdfast.queue_claim AS c
      WHERE c.queue_id = item AND (c.state = 'leased' OR c.state = 'dead' AND c.generation = item_generation);
    IF FOUND THEN
        RETURN NULL;
    END IF;
    RETURN 1 + (SELECT count(*) FROM holdfast.queue_claim AS c
                 WHERE c.queue_id = item AND c.generation = item_generation AND c.state IN ('failed', 'expired'));
END
$$;
COMMENT ON FUNCTION holdfast.claim_attempt IS
    'Which attempt a claim of this item would be; NULL while it is leased or dead. Looks anew, for who just locked the item.';

-- verify
SELECT count(*) = 1 FROM holdfast.queue_assigner;

-- down
DROP FUNCTION holdfast.claim_attempt;
DROP TABLE holdfast.queue_claim, holdfast.queue_assigner;
DROP SEQUENCE holdfast.claim_fence;
DROP TYPE holdfast.claim_state, holdfast.assigner;
