-- Tables that other programs made, as `holdfast kv import` reads them: what the statements of sql/queries/foreign are
-- described with. Nothing applies this to a database of somebody's.
-- up
CREATE TABLE public.state_entries (
	key bytea PRIMARY KEY,
	value bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz NOT NULL DEFAULT now(),
	expires_at timestamptz,
	metadata jsonb
);
CREATE TABLE public.state_checkpoints (
	checkpoint_id uuid PRIMARY KEY,
	created_at timestamptz NOT NULL DEFAULT now(),
	checkpoint_data jsonb NOT NULL,
	metadata jsonb,
	row_count bigint NOT NULL,
	data_size bigint NOT NULL
);
CREATE TABLE public.state (
	key text PRIMARY KEY,
	value bytea NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	updated_at timestamptz,
	expires_at timestamptz
);
