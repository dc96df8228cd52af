-- Tokens of writes: the row is made before the writes, in their transaction, and gets their result with the last of them
-- (entries_store).
-- identifier: schema = public
-- identifier: entries = state_entries

-- name: token_claim :opt
-- doc: Waits until who else has it has ended. No row: it was used.
INSERT INTO :"schema".:"entries_tokens" (namespace, token, hash) VALUES (:ns, :token, :hash)
ON CONFLICT (namespace, token) DO NOTHING RETURNING namespace;

-- name: token_find :opt
-- doc: Locked, which is written to the log: so the commit waits for what the first left there, as strictly as it is itself.
SELECT hash, result FROM :"schema".:"entries_tokens" WHERE namespace = :ns AND token = :token FOR KEY SHARE;

-- name: tokens_sweep :one
-- doc: An hour more than promised: a row says when its transaction began.
WITH due AS (SELECT t.namespace, t.token FROM :"schema".:"entries_tokens" AS t WHERE t.at < now() - interval '25 hours'
             ORDER BY t.at LIMIT :most::bigint FOR UPDATE SKIP LOCKED),
     gone AS (DELETE FROM :"schema".:"entries_tokens" AS d USING due
              WHERE d.namespace = due.namespace AND d.token = due.token RETURNING d.at)
SELECT count(*) AS n FROM gone;
