-- The tables that stand on the right of most joins, and nothing to join them to.
INSERT INTO product (id, title, short, price) VALUES (1, '', '', 0);
INSERT INTO b (id, a_id, v, w, s) VALUES (1, NULL, 1, NULL, NULL), (2, 9, 2, 5, 's');
INSERT INTO metric VALUES (NULL, 1);
