-- As before, and: only for a tree head that there is. One line over a size to come would else let
-- every risky effect go that ever follows.
CREATE OR REPLACE FUNCTION audit.cosigned(p_witness text, p_size bigint, p_line text, p_at timestamptz)
RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE v_before bigint; v_now bigint; v_queue text;
BEGIN
    -- Who talks to witnesses is the one of us who is reached from outside.
    IF NOT EXISTS (SELECT 1 FROM public.audit_treehead WHERE size = p_size) THEN
        RAISE EXCEPTION 'no tree head of % was shown to anybody', p_size
            USING ERRCODE = 'check_violation';
    END IF;
    SELECT audit.witnessed_size() INTO v_before;
    UPDATE public.audit_witness
       SET state = 'well', said = '', size = greatest(size, p_size),
           asked_at = clock_timestamp(), signed_at = clock_timestamp()
     WHERE name = p_witness AND enabled;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no witness %', p_witness USING ERRCODE = 'foreign_key_violation';
    END IF;
    INSERT INTO public.audit_cosignature (size, witness, administrator, line, at)
    SELECT p_size, w.name, w.administrator, p_line, p_at
      FROM public.audit_witness w WHERE w.name = p_witness
    ON CONFLICT (size, witness) DO NOTHING;
    SELECT audit.witnessed_size() INTO v_now;
    IF v_now > v_before THEN
        FOR v_queue IN
            WITH woken AS (
                UPDATE public.audit_work SET published_at = NULL
                 WHERE kind = 'effect' AND state = 'ready'
                   AND entry_seq > v_before AND entry_seq <= v_now
                RETURNING queue)
            SELECT DISTINCT queue FROM woken
        LOOP
            PERFORM pg_notify('ethops_ready', v_queue);
        END LOOP;
    END IF;
END $$;
