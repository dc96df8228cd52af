-- up
CREATE TYPE task_state AS ENUM ('open', 'taken', 'done');
CREATE TABLE task (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	title text NOT NULL,
	state task_state NOT NULL DEFAULT 'open',
	taken_by text,
	CHECK (state = 'open' OR taken_by IS NOT NULL)
);
CREATE INDEX task_open ON task (id) WHERE state = 'open';

-- down
DROP TABLE task;
DROP TYPE task_state;
