-- migrate: tx=yes adopt=no
-- up
-- The way to all_debian_versions (source, version), which is no part of the schema: archives that have one add it. The
-- table is looked for when the function is called, so a statement can be written against it where there is none.
CREATE FUNCTION holdfast.debian_versions(sources text[]) RETURNS TABLE (source text, version text)
    LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN QUERY SELECT DISTINCT v.source::text, v.version::text FROM public.all_debian_versions AS v
                 WHERE v.source = ANY (sources);
END
$$;
COMMENT ON FUNCTION holdfast.debian_versions IS
    'The versions that all_debian_versions has of these sources; undefined_table where there is no such table.';

-- verify
SELECT to_regprocedure('holdfast.debian_versions(text[])') IS NOT NULL;

-- down
DROP FUNCTION holdfast.debian_versions;
