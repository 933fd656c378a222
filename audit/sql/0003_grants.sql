-- Who may do what with the record. Functions are executable by everyone by default: not here.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA audit FROM PUBLIC;
REVOKE ALL ON ALL PROCEDURES IN SCHEMA audit FROM PUBLIC;
GRANT USAGE ON SCHEMA audit
    TO ethops_app, ethops_agent, ethops_executor, ethops_gpu, ethops_audit_writer;

GRANT EXECUTE ON FUNCTION audit.alive(text)
    TO ethops_app, ethops_agent, ethops_executor, ethops_gpu, ethops_audit_writer;
GRANT EXECUTE ON FUNCTION audit.beat(uuid, bigint, double precision)
    TO ethops_app, ethops_agent, ethops_executor;

GRANT EXECUTE ON FUNCTION
    audit.enqueue(text, text, text, jsonb, text, int, double precision, int)
    TO ethops_app, ethops_executor;
GRANT EXECUTE ON FUNCTION
    audit.claim(text, text, double precision),
    audit.finish(uuid, bigint, boolean, text),
    audit.release(uuid, bigint, text),
    audit.reported(uuid),
    audit.unpublished(int, double precision),
    audit.next_due_s(),
    audit.note(text, text, text, jsonb),
    audit.head()
    TO ethops_app;
GRANT SELECT ON public.audit_work, public.audit_pending, public.audit_entry,
    public.audit_heartbeat TO ethops_app;
GRANT SELECT, INSERT, DELETE ON public.audit_check TO ethops_app;

GRANT EXECUTE ON FUNCTION audit.append(bigint[], bytea[]), audit.stamp(), audit.head(),
    audit.clear_stamps() TO ethops_audit_writer;
GRANT EXECUTE ON PROCEDURE audit.record(bigint[], bytea[]) TO ethops_audit_writer;
GRANT SELECT ON public.audit_pending, public.audit_entry TO ethops_audit_writer;

-- django_migrations lets the run-time roles tell whether the schema is current.
GRANT SELECT ON public.django_migrations TO ethops_app;
