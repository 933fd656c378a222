-- A person says at the desk what is so of a CI. Playbooks take their arguments from CIs and guards
-- their lifelines, so it is his word only with his second factor. Frozen: a later change is a new
-- file and migration.

CREATE FUNCTION gate.may_declare(p_person text) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT NOT EXISTS (SELECT 1 FROM public.personas_card WHERE name = p_person) AND EXISTS (
        SELECT 1 FROM public.auth_user u WHERE u.username = p_person AND u.is_active AND u.is_staff
           AND (u.is_superuser OR EXISTS (
                SELECT 1 FROM public.auth_permission p
                  JOIN public.django_content_type t ON t.id = p.content_type_id
                 WHERE t.app_label = 'cmdb' AND p.codename = 'change_ci'
                   AND (EXISTS (SELECT 1 FROM public.auth_user_user_permissions up
                                 WHERE up.user_id = u.id AND up.permission_id = p.id)
                     OR EXISTS (SELECT 1 FROM public.auth_user_groups ug
                                  JOIN public.auth_group_permissions gp ON gp.group_id = ug.group_id
                                 WHERE ug.user_id = u.id AND gp.permission_id = p.id)))))
$$;

-- `p_said` is all that the desk says of the CI from now on, field by field; {} takes its words back.
-- `p_shown` is the digest of all words about it that he was shown: whoever said something since
-- would be overruled unseen. Nothing is raised, so that a wrong code stays counted.
CREATE FUNCTION gate.declare_ci(p_person text, p_ref text, p_said jsonb, p_why text, p_code text,
    p_shown text)
RETURNS TABLE (code text, reason text)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
#variable_conflict use_column
DECLARE v_ruling gate.ruling; v_bad text; v_said text;
BEGIN
    IF NOT gate.may_declare(p_person) THEN
        v_ruling := ('approvals.forbidden', format('%s may not declare CIs', p_person))
            ::gate.ruling;
    ELSIF coalesce(btrim(p_why), '') = '' THEN
        RETURN QUERY SELECT 'approvals.unfit_ci', 'nobody says why';
        RETURN;
    ELSE
        -- One after the other, with loads of the owner too.
        LOCK TABLE public.cmdb_ci IN SHARE ROW EXCLUSIVE MODE;
        v_bad := cmdb.bad_words(p_ref, p_said);
        IF v_bad IS NULL AND p_shown IS DISTINCT FROM cmdb.words_digest(p_ref) THEN
            v_bad := 'somebody has said something of it meanwhile: look again';
        END IF;
        IF v_bad IS NOT NULL THEN
            RETURN QUERY SELECT 'approvals.unfit_ci', v_bad;
            RETURN;
        END IF;
        SELECT t.said INTO v_said FROM gate.take_confirmed_code(p_person, p_code) t;
        v_ruling := gate.code_ruling(v_said);
    END IF;
    IF v_ruling.code IS NOT NULL THEN
        PERFORM audit.put_pending('person.refused', left(p_ref, 200), '',
            jsonb_build_object('person', left(p_person, 150), 'entry', '', 'target',
                left(p_ref, 64), 'shown_sha256', '', 'code', v_ruling.code,
                'reason', left(v_ruling.reason, 500)));
        RETURN QUERY SELECT v_ruling.code, v_ruling.reason;
        RETURN;
    END IF;
    PERFORM cmdb.say_at_desk(p_ref, p_said);
    PERFORM audit.put_pending('person.declared_ci', p_ref, '', jsonb_build_object(
        'person', left(p_person, 150), 'why', left(p_why, 500), 'is', p_said::text,
        'factor', 'totp'));
    RETURN QUERY SELECT 'ok', 'declared';
END $$;

REVOKE ALL ON FUNCTION gate.may_declare(text),
    gate.declare_ci(text, text, jsonb, text, text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION gate.may_declare(text),
    gate.declare_ci(text, text, jsonb, text, text, text) TO ethops_app;
