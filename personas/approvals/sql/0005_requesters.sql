-- As before, and: whoever asked for the run at any door, and whoever asked for the one that it is a
-- restart of, back to the first. Frozen: a later change is a new file and migration.
CREATE OR REPLACE FUNCTION gate.behind(p_run uuid, p_tree_hash text) RETURNS text[]
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH RECURSIVE run AS (
        SELECT r.* FROM public.personas_run r WHERE r.id = p_run),
    asked AS (
        SELECT i.* FROM public.personas_agentintent i JOIN run ON i.id = run.intent_id
        UNION
        SELECT i.* FROM asked
          JOIN public.personas_run r ON asked.dedup LIKE 'restart:%'
               AND r.id::text = split_part(asked.dedup, ':', 2)
          JOIN public.personas_agentintent i ON i.id = r.intent_id),
    words AS (
        SELECT l.n, l.author FROM public.tickets_logline l JOIN run ON l.ticket_id = run.ticket_ref
         WHERE l.author_kind = 'person' AND l.at <= run.created_at)
    SELECT coalesce(array_agg(DISTINCT who ORDER BY who), '{}') FROM (
        SELECT inputs ->> 'asked_by' AS who FROM asked
        UNION SELECT substr(requested_by, 8) FROM asked WHERE requested_by LIKE 'person:%'
        UNION SELECT regexp_replace(q.principal, '^person:', '') FROM public.agentops_request q
                JOIN asked ON q.intent_id = asked.id
        UNION SELECT author FROM words WHERE n = 1
        UNION SELECT author FROM words WHERE n = (SELECT max(n) FROM words)
        UNION SELECT a.person FROM public.approvals_author a
               WHERE a.kind = 'tree' AND a.digest = p_tree_hash
        UNION SELECT a.person FROM public.approvals_author a, run
                JOIN public.personas_card c ON c.name = run.card_id
               WHERE a.kind = 'card' AND a.digest = c.digest) found
     WHERE coalesce(btrim(who), '') <> ''
$$;
