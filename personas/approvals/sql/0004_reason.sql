-- As before, and: what the action says of it is who approved it, and whether he was somebody else.
CREATE OR REPLACE FUNCTION gate.permit_approved(p public.approvals_approval) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    v public.personas_action%ROWTYPE; v_run public.personas_run%ROWTYPE;
    v_expires timestamptz := clock_timestamp() + interval '10 minutes'; v_deadline timestamptz;
BEGIN
    SELECT * INTO STRICT v FROM public.personas_action WHERE id = p.action_id;
    SELECT * INTO STRICT v_run FROM public.personas_run WHERE id = v.run_id;
    v_deadline := v_expires + gate.time_to_act(v.verb, v.entry);
    INSERT INTO public.audit_work (id, kind, queue, state, subject, priority, expires_at)
    VALUES (v.id, 'effect', gate.queue_of(v.verb), 'waiting', left(v.target, 200), 3, v_expires);
    UPDATE public.personas_action
       SET verdict = 'authorised', work_id = v.id, deadline = v_deadline, guard = '',
           reason = format('%s approved it%s%s', replace(p.approver, 'person:', ''),
               CASE p.factor WHEN '' THEN '' ELSE ' with a second factor' END,
               CASE WHEN p.independent THEN '' ELSE ', not independent' END)
     WHERE id = v.id;
    PERFORM audit.put_pending('person.approved', v.id::text, v.ticket_ref, gate.decided_body(p));
    PERFORM audit.put_pending('action.authorised', v.id::text, v.ticket_ref,
        gate.asked_body(v_run, v.step_number, v.key, v.verb, v.entry, v.target)
        || jsonb_build_object('level', v.level, 'guard', '', 'reason', '',
            'tree_hash', v.tree_hash, 'risk', v.risk, 'approval', p.approver,
            'shown_sha256', p.shown_sha256, 'factor', p.factor, 'independent', p.independent,
            'instance', v.incarnation_id, 'asked_digest', v.asked_digest,
            'deadline', audit.moment(v_deadline),
            'values', jsonb_build_object('args', v.args_digest)), v.id);
END $$;
