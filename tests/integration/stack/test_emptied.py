"""The database that one test leaves to the next."""

import psycopg
import pytest

BEGUN = """
INSERT INTO audit_pending (kind, subject, ticket_ref, body) VALUES ('person.stop', '', '', '{}')
"""


@pytest.mark.usefixtures("clean_db")
def test_what_was_begun_before_a_database_is_emptied_never_comes_into_it(servers, database_name):
    with psycopg.connect(servers.superuser_dsn(database_name)) as late:
        late.execute(BEGUN)
        servers.empty(database_name)
        with pytest.raises(psycopg.OperationalError):
            late.commit()
