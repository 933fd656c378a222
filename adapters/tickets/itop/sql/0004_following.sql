-- Who may write what following an iTop needs. Frozen: a later change is a new file and migration.

GRANT SELECT, INSERT, DELETE ON public.itop_news TO ethops_app, ethops_executor;
GRANT UPDATE ON public.itop_news TO ethops_app;
GRANT SELECT, INSERT, UPDATE ON public.itop_following TO ethops_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON public.itop_callback TO ethops_app;
GRANT USAGE ON SEQUENCE public.itop_news_id_seq TO ethops_app, ethops_executor;
GRANT USAGE ON SEQUENCE public.itop_callback_id_seq TO ethops_app;

-- What was asked for in iTop has an item of our catalogue that nobody is offered: no site declares
-- it, and no process of the desk may add items.
CREATE FUNCTION public.itop_request_model() RETURNS text
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    INSERT INTO public.tickets_requestmodel
           (slug, title, description, impact, urgency, fields, steps, retired)
    VALUES ('itop', 'Asked for in iTop', '', 3, 3, '[]', '[]', true)
    ON CONFLICT (slug) DO NOTHING;
    SELECT 'itop'::text;
$$;
REVOKE ALL ON FUNCTION public.itop_request_model() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION public.itop_request_model() TO ethops_app;
