-- migrate: tx=no adopt=no needs=janitor:0006
-- up
-- No index of the queue begins with the id, so that an item is found by it in a walk over the queue. With this one at
-- once; every writer of the queue pays for one more entry. Not unique: nothing but the sequence makes ids differ.
CREATE INDEX CONCURRENTLY queue_id_idx ON public.queue (id);

-- verify
SELECT EXISTS (SELECT FROM pg_index
               WHERE indrelid = to_regclass('public.queue') AND indexrelid = to_regclass('public.queue_id_idx')
                 AND indisvalid AND indkey::text = (SELECT attnum::text FROM pg_attribute
                                                    WHERE attrelid = indrelid AND attname = 'id'));

-- down
DROP INDEX CONCURRENTLY public.queue_id_idx;
