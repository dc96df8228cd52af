-- No NULL anywhere and every key meets one: here only the queries themselves can make a NULL.
INSERT INTO person (id, name, nick, age, active, born, tags, scores, profile, settings, home, work, mood, level, boss_id) VALUES
	(1, 'x', 'n', 1, true, '2000-01-01', '{a}', '{1}', '{"a": 1}', '{"a": 1}', ('s', 'c', 1), ('s', 'c', 1), 'ok', 1, 1);
INSERT INTO product (id, title, short, subtitle, weight, price, parent_id, pack) VALUES (1, 't', 't', 'w', 5, 1, 1, ('l', 1));
INSERT INTO orders (person_id, seller_id, total, discount, note, placed, shipped, state) VALUES (1, 1, 1, 1, 'n', '2024-01-01', '2024-01-02', 'shipped');
INSERT INTO item (order_id, line, product_id, qty, rebate) SELECT id, 1, 1, 1, 1 FROM orders;
INSERT INTO a (id, n, x, t, u, b, f, l) VALUES (1, 1, 1, 'a', 'u', true, true, '{1}'), (2, 2, 2, 'b', 'u', true, true, '{2}');
INSERT INTO b (id, a_id, v, w, s) VALUES (1, 1, 1, 1, 's'), (2, 2, 2, 2, 's');
INSERT INTO c (id, k, v, x) VALUES (1, 1, 1, 1), (2, 2, 2, 2);
INSERT INTO tagged (id, tag, v) VALUES (1, 'a', 1);
INSERT INTO folder VALUES (1, 1, 1);
INSERT INTO truck VALUES (2, 6, 'o', 1);
INSERT INTO parrot VALUES (3, 2, 'tweet', 2, 'hello');
INSERT INTO tree VALUES (2, 2, 2);
INSERT INTO event (at, kind, value, note) VALUES (1, 'a', 1, 'n'), (5, 'b', 1, 'n');
INSERT INTO metric VALUES (1, 1);
INSERT INTO plain_log (id, v, w, note) VALUES (1, 1, 1, 'n');
