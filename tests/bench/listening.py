"""The peer of Celery: the same executor in one process, woken by LISTEN alone.

DATABASE_URL=... python -m tests.child tests.bench.listening
"""

from django.db import connection

from ethops.executor import worker


def main() -> None:
    """Drain at every notice until somebody ends the process."""
    with connection.cursor() as cursor:
        cursor.execute("LISTEN ethops_ready")
    while True:
        worker.drain_light()
        for _ in connection.connection.notifies(timeout=1.0, stop_after=1):
            pass


if __name__ == "__main__":
    main()
