-- The numbers of event management, as the columns have them; from then on the desk's. Frozen.

INSERT INTO public.desk_eventpolicy (id) VALUES (1);
