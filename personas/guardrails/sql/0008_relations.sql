-- Who does not know what a CI carries does not change it by itself: where a relation of it is older
-- than its source may let it become, a person decides. Frozen: a later change is a new file and
-- migration.

-- Which relation of a CI is overdue the longest, in words. What the CI stands on directly, and what
-- stands directly on it: as old as the class that a mirror read them with, so that one stands for more.
CREATE FUNCTION gate.overdue_around(p_ci text) RETURNS text LANGUAGE plpgsql STABLE AS $$
DECLARE v_dependent text; v_support text; v_source text; v_until timestamptz;
BEGIN
    SELECT o.dependent, o.support, o.source, o.fresh_until
      INTO v_dependent, v_support, v_source, v_until
      FROM (SELECT r.* FROM reading.relation r
             WHERE r.dependent = p_ci AND NOT r.gone AND r.fresh_until < now()
            UNION ALL
            SELECT r.* FROM reading.relation r
             WHERE r.support = p_ci AND NOT r.gone AND r.fresh_until < now()) o
     ORDER BY o.fresh_until, o.dependent, o.support LIMIT 1;
    RETURN CASE WHEN FOUND THEN format(
        'what a change of %s touches is not known: that %s stands on %s, as %s says, is overdue since %s UTC',
        p_ci, left(v_dependent, 80), left(v_support, 80), v_source,
        to_char(v_until AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')) END;
END $$;

-- Only of what would be done without a person, and changes something.
CREATE FUNCTION gate.guard_relations(p gate.ask) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE
        WHEN gate.level_given(p) NOT IN ('veto', 'act') OR (p.known).risk = 'none' THEN NULL
        ELSE gate.overdue_around(p.target) END
$$;

INSERT INTO gate.guard (position, name, verbs, says) VALUES
    (112, 'relations', '{playbook.run,command.run}',
     'what the CI stands on and carries is known and not overdue, or a person decides');

REVOKE ALL ON FUNCTION gate.overdue_around(text), gate.guard_relations(gate.ask) FROM PUBLIC;
