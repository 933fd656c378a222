-- What the join said stays said.

GRANT SELECT, INSERT ON public.desk_keyuse TO ethops_app;
