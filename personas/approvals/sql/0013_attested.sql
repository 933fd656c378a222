-- A person says, with his second factor, that what a safeguard asks for was done: what, where it is
-- written, and until when he stands by it. Frozen: a later change is a new file and migration.

CREATE FUNCTION gate.may_attest(p_person text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM public.personas_card WHERE name = p_person) AND EXISTS (
        SELECT 1 FROM public.auth_user u WHERE u.username = p_person AND u.is_active AND u.is_staff
           AND (u.is_superuser OR EXISTS (
                SELECT 1 FROM public.auth_permission p
                  JOIN public.django_content_type t ON t.id = p.content_type_id
                 WHERE t.app_label = 'compliance' AND p.codename = 'attest'
                   AND (EXISTS (SELECT 1 FROM public.auth_user_user_permissions up
                                 WHERE up.user_id = u.id AND up.permission_id = p.id)
                     OR EXISTS (SELECT 1 FROM public.auth_user_groups ug
                                  JOIN public.auth_group_permissions gp ON gp.group_id = ug.group_id
                                 WHERE ug.user_id = u.id AND gp.permission_id = p.id)))))
$$;

-- What of a word does not fit, NULL where it does. Its sentence has 500 characters with the rest.
CREATE FUNCTION gate.unfit_word(p_safeguard text, p_ci text, p_what text, p_document text,
    p_until date) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    SELECT CASE
        WHEN coalesce(p_safeguard, '') !~ '^[0-9]{1,2}[.][0-9]{1,2}$' THEN 'there is no such safeguard'
        WHEN length(coalesce(p_ci, '')) > 64 OR p_ci ~ '[[:cntrl:][:space:]]'
            THEN 'it is about no CI'
        WHEN length(btrim(coalesce(p_what, ''))) < 10 OR length(p_what) > 150
            OR p_what ~ '[[:cntrl:]]' THEN 'say what was done, in 10 to 150 characters'
        WHEN length(coalesce(p_document, '')) > 130
            OR coalesce(p_document, '') !~ '^[a-z][a-z0-9+.-]*:[^[:space:][:cntrl:]]+$'
            THEN 'give the address of the document that shows it, such as https://..., '
                'in at most 130 characters'
        WHEN p_until IS NULL OR p_until < (clock_timestamp() AT TIME ZONE 'UTC')::date
            OR p_until > (clock_timestamp() AT TIME ZONE 'UTC')::date + 365
            THEN 'name the last day on which it holds, today or within a year'
        END
$$;

-- `p_holds` false takes back what people have said: it does not hold. Nothing is raised, so that a
-- wrong code stays counted.
CREATE FUNCTION gate.attest(p_person text, p_safeguard text, p_ci text, p_holds boolean,
    p_what text, p_document text, p_until date, p_code text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE
    v_ruling gate.ruling; v_bad text; v_said text; v_id text;
    v_until text := to_char(p_until, 'YYYY-MM-DD');
    v_document text := btrim(coalesce(p_document, '')); v_what text := btrim(coalesce(p_what, ''));
BEGIN
    IF NOT gate.may_attest(p_person) THEN
        v_ruling := ('approvals.forbidden', format('%s may not attest safeguards', p_person))
            ::gate.ruling;
    ELSE
        v_bad := gate.unfit_word(p_safeguard, p_ci, v_what, v_document, p_until);
        IF v_bad IS NOT NULL OR p_holds IS NULL THEN
            RETURN QUERY SELECT 'approvals.unfit_word', coalesce(v_bad, 'say whether it holds');
            RETURN;
        END IF;
        SELECT t.said INTO v_said FROM gate.take_confirmed_code(p_person, p_code) t;
        v_ruling := gate.code_ruling(v_said);
    END IF;
    IF v_ruling.code IS NOT NULL THEN
        PERFORM audit.put_pending('person.refused', left(p_safeguard, 200), '',
            jsonb_build_object('person', left(p_person, 150), 'entry', '', 'target',
                left(coalesce(p_ci, ''), 64), 'shown_sha256', '', 'code', v_ruling.code,
                'reason', left(v_ruling.reason, 500)));
        RETURN QUERY SELECT v_ruling.code, v_ruling.reason;
        RETURN;
    END IF;
    -- What is taken back is so until somebody says it again, and not until a day.
    v_said := format('%s %s: %s (%s)%s', p_person,
        CASE WHEN p_holds THEN 'says' ELSE 'takes back' END, v_what, v_document,
        CASE WHEN p_holds THEN ', until ' || v_until ELSE '' END);
    v_id := public.compliance_attested(p_safeguard, coalesce(p_ci, ''), p_holds, v_said,
        (p_until + 1)::timestamp AT TIME ZONE 'UTC',
        jsonb_build_array(p_person, v_what, v_document, v_until));
    PERFORM audit.put_pending('person.attested', p_safeguard, '', jsonb_build_object(
        'person', left(p_person, 150), 'ci', coalesce(p_ci, ''), 'holds', p_holds, 'what', v_what,
        'document', v_document, 'until', v_until, 'factor', 'totp',
        'observations', jsonb_build_array(v_id)));
    RETURN QUERY SELECT 'ok', 'attested';
END $$;

REVOKE ALL ON FUNCTION gate.may_attest(text),
    gate.unfit_word(text, text, text, text, date),
    gate.attest(text, text, text, boolean, text, text, date, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.may_attest(text),
    gate.attest(text, text, text, boolean, text, text, date, text) TO ethops_app;
