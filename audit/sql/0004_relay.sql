-- Inference may wait for minutes, so it is not published again and again: the queue's own
-- reconciler compares it with what lies in Redis (gpu/relay.py).
CREATE OR REPLACE FUNCTION audit.unpublished(p_limit int, p_again_after_s double precision)
RETURNS TABLE (id uuid, queue text)
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH fresh AS (
        SELECT w.id FROM public.audit_work w
         WHERE w.state = 'ready' AND w.published_at IS NULL
           AND w.not_before <= clock_timestamp()
         ORDER BY w.priority, w.created_at LIMIT p_limit FOR UPDATE SKIP LOCKED),
    stale AS (
        SELECT w.id FROM public.audit_work w
         WHERE w.state IN ('ready', 'in_doubt') AND w.not_before <= clock_timestamp()
           AND w.kind <> 'inference'
           AND coalesce(w.published_at, '-infinity')
               < clock_timestamp() - make_interval(secs => p_again_after_s)
           AND (w.state = 'in_doubt' OR w.published_at IS NOT NULL)
         ORDER BY w.created_at LIMIT 16 FOR UPDATE SKIP LOCKED)
    UPDATE public.audit_work w SET published_at = clock_timestamp()
      FROM (SELECT f.id FROM fresh f UNION SELECT s.id FROM stale s) picked
     WHERE w.id = picked.id
    RETURNING w.id, w.queue::text
$$;
