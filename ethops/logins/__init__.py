"""Who a person is: roles as a table, how long a session lasts, and what is refused at the login."""
