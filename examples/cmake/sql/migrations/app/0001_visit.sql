-- up
CREATE TABLE visit (
	page text PRIMARY KEY CHECK (page LIKE '/%'),
	times bigint NOT NULL DEFAULT 1
);

-- down
DROP TABLE visit;
