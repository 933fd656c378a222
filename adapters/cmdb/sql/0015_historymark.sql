-- How far another system's history of changes was read. It was kept as if the history were a class.
-- Frozen: a later change is a new file and migration.

CREATE FUNCTION cmdb.marked(p_source text, p_date timestamptz, p_number bigint,
    p_new_at timestamptz, p_looked_at timestamptz)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.cmdb_historymark (source, date, number, new_at, looked_at)
    VALUES (p_source, p_date, p_number, p_new_at, p_looked_at)
    ON CONFLICT (source) DO UPDATE
        SET date = excluded.date, number = excluded.number, new_at = excluded.new_at,
            looked_at = excluded.looked_at
$$;

INSERT INTO public.cmdb_historymark (source, date, number, new_at, looked_at)
SELECT source, left(said, 19)::timestamp AT TIME ZONE 'UTC', substr(said, 21)::bigint, whole_at,
       checked_at
  FROM public.cmdb_synced
 WHERE their_class = 'CMDBChangeOp' AND whole_at IS NOT NULL AND checked_at IS NOT NULL
   AND said ~ '^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \d{1,18}$';
DELETE FROM public.cmdb_synced WHERE their_class = 'CMDBChangeOp';

GRANT SELECT ON public.cmdb_historymark TO ethops_app;
REVOKE ALL ON FUNCTION cmdb.marked(text, timestamptz, bigint, timestamptz, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cmdb.marked(text, timestamptz, bigint, timestamptz, timestamptz)
    TO ethops_app;
