-- Whether a run that comes of another would be too deep, for whoever would have it born: as the
-- trigger on intents says, and by what its own card may. Frozen: a later change is a new file and
-- migration.
CREATE FUNCTION gate.is_too_deep(p_parent uuid, p_card text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT gate.depth_of(p_parent) + 1 > least(
        coalesce((gate.run_limits(p_parent) ->> 'max_depth')::int, 0),
        (SELECT coalesce((limits ->> 'max_depth')::int, 5)
           FROM public.personas_card WHERE name = p_card))
$$;

REVOKE ALL ON FUNCTION gate.is_too_deep(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.is_too_deep(uuid, text) TO ethops_app;
