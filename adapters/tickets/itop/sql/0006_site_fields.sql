-- Who may read what a site has us write. Frozen: a later change is a new file and migration.

GRANT SELECT ON public.itop_sitefield TO ethops_app, ethops_executor;
