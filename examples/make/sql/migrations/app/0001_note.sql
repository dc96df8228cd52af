-- up
CREATE TABLE note (
	id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	body text NOT NULL,
	topic text,
	added timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX note_topic ON note (topic);

-- down
DROP TABLE note;
