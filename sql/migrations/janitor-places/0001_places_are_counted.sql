-- migrate: tx=yes adopt=no needs=janitor:0012 lock_timeout=10s
-- up
-- Keeps holdfast.queue_span by triggers, so that an item's place is a sum over stretches and a count inside one. Every
-- writer of the queue pays for it. A statement changes a row per stretch that it touches; one that another transaction
-- is changing is left alone and a second row begun, so that nobody waits here and no two writers can deadlock.
CREATE FUNCTION holdfast.queue_span_add(at public.queue_bucket, part bigint, more bigint, more_known bigint,
                                        more_duration interval) RETURNS void
LANGUAGE plpgsql AS $function$
BEGIN
    -- Above read committed a row that somebody has just changed would be an error.
    IF current_setting('transaction_isolation') = 'read committed' THEN
        UPDATE holdfast.queue_span
        SET items = items + more, known = known + more_known, duration = duration + more_duration
        WHERE ctid = (SELECT s.ctid FROM holdfast.queue_span AS s WHERE s.bucket = at AND s.span = part
                      LIMIT 1 FOR UPDATE SKIP LOCKED);
        IF FOUND THEN
            RETURN;
        END IF;
    END IF;
    INSERT INTO holdfast.queue_span VALUES (at, part, more, more_known, more_duration);
END
$function$;
COMMENT ON FUNCTION holdfast.queue_span_add IS 'Add to the rows of a stretch of priorities; never waits.';

-- With the rights of its owner: whoever may write to the queue need not know this schema.
CREATE FUNCTION holdfast.queue_spans_follow() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM holdfast.queue_span_add(c.bucket, c.span, c.items, c.known, c.duration)
        FROM (SELECT bucket, priority >> 8 AS span, count(*) AS items, count(estimated_duration) AS known,
                     coalesce(sum(estimated_duration), '0') AS duration
              FROM new_items GROUP BY 1, 2) AS c;
    ELSIF TG_OP = 'DELETE' THEN
        PERFORM holdfast.queue_span_add(c.bucket, c.span, -c.items, -c.known, -c.duration)
        FROM (SELECT bucket, priority >> 8 AS span, count(*) AS items, count(estimated_duration) AS known,
                     coalesce(sum(estimated_duration), '0') AS duration
              FROM old_items GROUP BY 1, 2) AS c;
    ELSIF TG_OP = 'UPDATE' THEN
        PERFORM holdfast.queue_span_add(c.bucket, c.span, c.items, c.known, c.duration)
        FROM (SELECT bucket, span, sum(sign)::bigint AS items,
                     coalesce(sum(sign) FILTER (WHERE estimated_duration IS NOT NULL), 0)::bigint AS known,
                     coalesce(sum(estimated_duration), '0') AS duration
              FROM (SELECT 1 AS sign, bucket, priority >> 8 AS span, estimated_duration FROM new_items
                    UNION ALL
                    SELECT -1, bucket, priority >> 8, -estimated_duration FROM old_items) AS both_items
              GROUP BY 1, 2) AS c
        WHERE c.items <> 0 OR c.known <> 0 OR c.duration <> '0';
    ELSE
        DELETE FROM holdfast.queue_span;
    END IF;
    RETURN NULL;
END
$function$;
COMMENT ON FUNCTION holdfast.queue_spans_follow() IS 'Trigger function of queue (janitor-places).';

CREATE TRIGGER queue_spans_insert AFTER INSERT ON public.queue REFERENCING NEW TABLE AS new_items
    FOR EACH STATEMENT EXECUTE FUNCTION holdfast.queue_spans_follow();
CREATE TRIGGER queue_spans_delete AFTER DELETE ON public.queue REFERENCING OLD TABLE AS old_items
    FOR EACH STATEMENT EXECUTE FUNCTION holdfast.queue_spans_follow();
CREATE TRIGGER queue_spans_update AFTER UPDATE ON public.queue REFERENCING OLD TABLE AS old_items NEW TABLE AS new_items
    FOR EACH STATEMENT EXECUTE FUNCTION holdfast.queue_spans_follow();
CREATE TRIGGER queue_spans_truncate AFTER TRUNCATE ON public.queue
    FOR EACH STATEMENT EXECUTE FUNCTION holdfast.queue_spans_follow();
ALTER TABLE public.queue ENABLE ALWAYS TRIGGER queue_spans_insert;
ALTER TABLE public.queue ENABLE ALWAYS TRIGGER queue_spans_delete;
ALTER TABLE public.queue ENABLE ALWAYS TRIGGER queue_spans_update;
ALTER TABLE public.queue ENABLE ALWAYS TRIGGER queue_spans_truncate;

-- Nobody writes to the queue meanwhile: making a trigger locks writers out.
INSERT INTO holdfast.queue_span
SELECT bucket, priority >> 8, count(*), count(estimated_duration), coalesce(sum(estimated_duration), '0')
FROM public.queue GROUP BY 1, 2;

-- verify
SELECT (SELECT count(*) = 4 FROM pg_trigger
        WHERE tgrelid = to_regclass('public.queue') AND tgname LIKE 'queue_spans_%' AND tgenabled = 'A')
    AND NOT EXISTS ( -- what was counted is what is there
    SELECT FROM (SELECT bucket, priority >> 8 AS span, count(*) AS items, count(estimated_duration) AS known,
                        coalesce(sum(estimated_duration), '0') AS duration
                 FROM public.queue GROUP BY 1, 2) AS there
        FULL JOIN (SELECT bucket, span, sum(items) AS items, sum(known) AS known, sum(duration) AS duration
                   FROM holdfast.queue_span GROUP BY 1, 2
                   HAVING sum(items) <> 0 OR sum(known) <> 0 OR sum(duration) <> '0') AS counted USING (bucket, span)
    WHERE (there.items, there.known, there.duration) IS DISTINCT FROM (counted.items, counted.known, counted.duration));

-- down
DROP TRIGGER queue_spans_insert ON public.queue;
DROP TRIGGER queue_spans_delete ON public.queue;
DROP TRIGGER queue_spans_update ON public.queue;
DROP TRIGGER queue_spans_truncate ON public.queue;
DROP FUNCTION holdfast.queue_spans_follow();
DROP FUNCTION holdfast.queue_span_add;
DELETE FROM holdfast.queue_span;
