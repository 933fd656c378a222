-- Who may use which door of the queue. The agent has none: it asks through the gate.

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA gpu FROM PUBLIC;
GRANT USAGE ON SCHEMA gpu TO ethops_app, ethops_gpu;

GRANT EXECUTE ON FUNCTION
    gpu.request(text, text, text, text, text, text, jsonb, boolean, boolean, boolean, int,
                double precision, int),
    gpu.cancel(uuid, text), gpu.ready_jobs(double precision), gpu.end_overdue(),
    gpu.unpin(text, text), gpu.forget(double precision, double precision),
    gpu.foreign_beat(uuid), gpu.foreign_over(uuid, int),
    gpu.quote(uuid, double precision, double precision)
    TO ethops_app;
GRANT EXECUTE ON FUNCTION gpu.waiting() TO ethops_app, ethops_gpu;
GRANT EXECUTE ON FUNCTION
    gpu.take_card(text, text, double precision, text),
    gpu.beat_card(text, bigint, double precision, uuid[]), gpu.leave_card(text, bigint),
    gpu.show_card(text, bigint, jsonb),
    gpu.note_piece(text, bigint, text, text, text, uuid, double precision, text, int),
    gpu.measure(text, double precision, double precision, double precision, double precision),
    gpu.see_digest(text, text), gpu.holds(text, bigint),
    gpu.claim_job(text, bigint, uuid, double precision), gpu.company(text, text, int),
    gpu.begin_job(uuid, bigint, double precision, boolean, text), gpu.cancel_asked(uuid),
    gpu.put_back(uuid, bigint, jsonb, int, double precision),
    gpu.try_again(uuid, bigint, text, text, double precision, double precision),
    gpu.finish_job(uuid, bigint, text, jsonb, text, text, int, int, double precision),
    gpu.ask_back(uuid), gpu.foreign_look(uuid), gpu.leave_hold(uuid, bigint),
    gpu.hold_before(text), gpu.ops_wait()
    TO ethops_gpu;

GRANT SELECT ON public.gpu_slot, public.gpu_card TO ethops_app, ethops_gpu, ethops_agent;
GRANT SELECT ON public.gpu_job, public.gpu_piece, public.gpu_client TO ethops_app;
GRANT INSERT, UPDATE, DELETE ON public.gpu_client TO ethops_app;
GRANT SELECT ON public.django_migrations TO ethops_gpu;
