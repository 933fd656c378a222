-- A pull request touches no CI: it is none of the fleet's changes, and a forge that is away says
-- nothing of the fleet. Frozen: a later change is a new file and migration.

-- As before, and: nor is a pull request one.
CREATE OR REPLACE FUNCTION gate.is_change(p_verb text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$
    SELECT p_verb NOT LIKE 'ticket.%' AND p_verb NOT LIKE 'pull.%'
       AND p_verb NOT IN ('notify', 'alerts.silence')
$$;

-- As before, and: nor is a pull request counted.
CREATE OR REPLACE FUNCTION gate.fleet_changes(p_since timestamptz) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (SELECT count(*) FROM public.personas_action a
             WHERE a.verdict = 'authorised' AND a.verb NOT LIKE 'ticket.%' AND a.verb <> 'notify'
               AND a.verb NOT LIKE 'pull.%' AND a.verb <> 'alerts.silence'
               AND a.decided_at > p_since AND a.risk <> 'none');
END $$;
