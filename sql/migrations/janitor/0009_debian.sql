-- migrate: tx=yes
-- up
CREATE TABLE public.debian_build (
    run_id text NOT NULL,
    version public.debversion NOT NULL,
    distribution text NOT NULL,
    source text NOT NULL,
    binary_packages text[],
    lintian_result json,
    CONSTRAINT debian_build_run_id_fkey FOREIGN KEY (run_id) REFERENCES public.run (id)
);
CREATE INDEX debian_build_run_id_idx ON public.debian_build (run_id);
CREATE INDEX debian_build_distribution_source_version_idx ON public.debian_build (distribution, source, version);
COMMENT ON TABLE public.debian_build IS 'The Debian packages that a run built; a run without any has no row.';
COMMENT ON COLUMN public.debian_build.version IS 'Version of the source package, in Debian''s order.';
COMMENT ON COLUMN public.debian_build.distribution IS 'The distribution it was built for.';
COMMENT ON COLUMN public.debian_build.binary_packages IS 'Names of the .deb files'' packages, as listed in the changes files, repeats kept.';
COMMENT ON COLUMN public.debian_build.lintian_result IS 'Report of the package checker.';

-- verify
SELECT to_regclass('public.debian_build') IS NOT NULL;

-- down
DROP TABLE public.debian_build;
