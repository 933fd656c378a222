-- A person approves a ticket: a change, or what somebody has requested. Whoever may approve what
-- agents propose gives his code here too; who approves a request by his group alone may have none,
-- and the table of states says whether he may.

-- Takes the code, or says why not. Nothing is raised, so that a wrong code stays counted: the
-- caller lets this commit, and moves the ticket in the same transaction where it was taken.
CREATE FUNCTION gate.take_ticket_code(p_person text, p_ticket text, p_code text)
RETURNS TABLE (code text, reason text, factor text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_ruling gate.ruling; v_said text;
BEGIN
    IF NOT gate.may_approve(p_person) THEN
        RETURN QUERY SELECT 'ok', 'no code is asked of him', '';
        RETURN;
    END IF;
    IF EXISTS (SELECT 1 FROM public.approvals_factor
                WHERE person = p_person AND confirmed_at IS NOT NULL)
       AND coalesce(p_code, '') !~ '^[0-9]{6}$' THEN
        -- Nothing was guessed, so that nothing is counted.
        RETURN QUERY SELECT 'approvals.wrong_code', 'an approval asks for the six digits of your '
            'second factor', '';
        RETURN;
    END IF;
    SELECT t.said INTO v_said FROM gate.take_confirmed_code(p_person, p_code) t;
    v_ruling := gate.code_ruling(v_said);
    IF v_ruling.code IS NULL THEN
        RETURN QUERY SELECT 'ok', 'taken', 'totp';
        RETURN;
    END IF;
    PERFORM audit.put_pending('person.refused', left(p_ticket, 200), left(p_ticket, 40),
        jsonb_build_object('person', left(p_person, 150), 'entry', '', 'target', '',
            'shown_sha256', '', 'code', v_ruling.code, 'reason', left(v_ruling.reason, 500)));
    RETURN QUERY SELECT v_ruling.code, v_ruling.reason, '';
END $$;

REVOKE ALL ON FUNCTION gate.take_ticket_code(text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.take_ticket_code(text, text, text) TO ethops_app;
