-- Every nullable column has a NULL and a value somewhere; keys that meet and keys that do not; groups of one row.
INSERT INTO person (id, name) VALUES (1, 'x');
INSERT INTO person (id, name, nick, age, active, vip, born, joined, tags, scores, profile, settings, home, work, mood, level, boss_id) VALUES
	(2, '', '', 7, true, true, '2000-01-01', 'infinity', '{a,NULL}', '{1,NULL}', '{"a": 1}', '{"a": null}', ('s', NULL, 1), ('s', 'c', 5), 'sad', 3, 1),
	(3, 'c', 'n', 0, false, false, '-infinity', '2024-02-29', '{}', '{}', 'null', '{"b": "x"}', (NULL, NULL, NULL), (NULL, NULL, 7), 'ok', 1, 2),
	(4, 'd', NULL, NULL, NULL, true, NULL, now(), NULL, '{3}', NULL, '{}', ('s', 'c', 2), ('s', 'c', 2), 'happy', NULL, NULL);
INSERT INTO product (id, title, short, subtitle, weight, price, parent_id, pack) VALUES
	(1, '', '', NULL, NULL, 'NaN', NULL, NULL), (2, 'b', 'b', 'w', 5, 0, 1, ('l', NULL)), (7, 'c', 'c', NULL, -1, 2.5, NULL, ('l', 3));
INSERT INTO orders (person_id, seller_id, total, discount, note, placed, shipped, state) VALUES
	(NULL, 1, 0, NULL, NULL, '2024-01-01', NULL, 'new'), (2, 2, 5, 1, 'n', 'infinity', '2024-01-02', 'shipped'),
	(3, 1, -5, NULL, '', '2024-01-01', '2024-01-01', 'new');
INSERT INTO item (order_id, line, product_id, qty, rebate) SELECT id, 1, NULL, 0, NULL FROM orders;
INSERT INTO item (order_id, line, product_id, qty, rebate) SELECT id, 2, 2, 3, 1 FROM orders;
INSERT INTO a (id, n, x, t, u, b, f, l) VALUES
	(1, 1, NULL, 'x', NULL, NULL, false, '{1,NULL}'), (2, 2, 7, 'y', 'u', true, true, NULL), (3, 0, -1, 'a', 'v', false, false, '{}'),
	(4, 1, 1, '', '', NULL, true, '{1}'), (5, 3, 3, 'zz', NULL, true, false, NULL), (6, 2, NULL, 'ab', 'q', true, true, '{7,8}'),
	(7, 5, NULL, 'w', NULL, false, true, '{}');
INSERT INTO b (id, a_id, v, w, s) VALUES
	(1, 1, 1, NULL, NULL), (2, 9, 5, 2, 's'), (7, NULL, 0, 1, ''), (3, 3, 7, 7, NULL), (4, 2, -1, NULL, 'x'), (5, 1, 1, 3, 'u');
INSERT INTO c (id, k, v, x) VALUES (1, 1, 1, NULL), (2, NULL, 5, 7), (8, 3, 0, 1), (1, 7, 7, NULL), (4, 99, 1, 1);
INSERT INTO tagged (id, tag, v) VALUES (1, 'a', NULL), (2, 'b', 2);
INSERT INTO folder VALUES (1, 1, NULL), (2, 2, 2);
INSERT INTO vehicle VALUES (1, 4, NULL);
INSERT INTO truck VALUES (2, 6, 'o', 1);
INSERT INTO boat VALUES (3, NULL, 'o');
INSERT INTO animal VALUES (1, 4, NULL);
INSERT INTO bird VALUES (2, 2, 'tweet', 2);
INSERT INTO parrot VALUES (3, 2, NULL, 2, NULL);
INSERT INTO plant VALUES (1, 1);
INSERT INTO tree VALUES (2, 2, NULL);
INSERT INTO oak VALUES (3, NULL, 3, NULL);
INSERT INTO event (at, kind, value, note) VALUES (1, 'a', NULL, NULL), (5, 'a', 1, 'n'), (5, 'c', NULL, NULL), (2, 'b', 3, NULL);
INSERT INTO metric VALUES (1, 1), (NULL, 2), (5, 5);
INSERT INTO sensor VALUES (1, 1);
INSERT INTO station VALUES (1, 1);
INSERT INTO plain_log (id, v, w, note) VALUES (1, 1, 1, NULL), (2, 2, NULL, 'n'), (3, 3, 3, NULL), (4, 4, NULL, NULL);
INSERT INTO forgetful (id, v, w) VALUES (1, 1, 1), (2, 2, NULL);
INSERT INTO ruled (id, v, w) VALUES (1, 1, 1);
INSERT INTO sung (id, tone, other, span, spot, doc) VALUES (1, 'low', NULL, 'empty', '(0,0)', NULL), (2, 'high', 'low', '[1,)', '(1,1)', '<a>x</a>');
INSERT INTO holed VALUES (1, NULL, 1), (2, 2, 2);
INSERT INTO shelf (id, depth, width) VALUES (1, 1, NULL);
INSERT INTO crate (id, depth, width) VALUES (2, NULL, 2);
INSERT INTO lot (k, x, v) VALUES (1, NULL, 1), (2, 2, 2);
-- the hole that PostgreSQL documents: a scalar subquery without a row is a NULL of the domain, and is not looked at again
INSERT INTO product (id, weight, title, short, price) VALUES (9, 5, (SELECT title FROM product WHERE false), (SELECT short FROM product WHERE false), 1);
INSERT INTO moved VALUES (1, 1), (1, NULL);
INSERT INTO checked (id, x, y, z, kind, sort, done, gone) VALUES (1, 1, NULL, NULL, 'x', NULL, NULL, NULL), (2, 1, 2, 3, 'a', 'p', 1, 1),
	(3, 1, 1, 1, 'b', 'q', NULL, NULL), (4, 1, NULL, 1, 'a', NULL, 3, NULL), (5, 1, 1, 1, 'b', 'p', NULL, 2);
INSERT INTO above VALUES (1, 1, 1);
INSERT INTO below VALUES (2, NULL, 2);
INSERT INTO of_domain VALUES (1, 1), (2, (SELECT d FROM of_domain WHERE false));
