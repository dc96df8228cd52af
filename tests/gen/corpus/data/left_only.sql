-- The tables that stand on the left of most joins, and nothing to join with them.
INSERT INTO person (id, name) VALUES (1, 'x');
INSERT INTO a (id, n, x, t, u, b, f, l) VALUES (1, 1, NULL, 'x', NULL, NULL, false, NULL), (2, 1, 2, 'x', 'u', true, true, '{}');
INSERT INTO c (id, k, v, x) VALUES (1, 1, 1, NULL);
INSERT INTO plain_log (id, v, w) VALUES (1, 1, NULL);
