"""Rights of the desk on tables that came with Django and its packages."""
