-- As before, and: a silence that a person has made is none of the fleet's changes of an hour. Frozen:
-- a later change is a new file and migration.
CREATE OR REPLACE FUNCTION gate.fleet_changes(p_since timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (SELECT count(*) FROM public.personas_action a
             WHERE a.verdict = 'authorised' AND a.verb NOT LIKE 'ticket.%' AND a.verb <> 'notify'
               AND a.verb <> 'alerts.silence' AND a.decided_at > p_since AND a.risk <> 'none');
END $$;
