"""A message of the relay is never quicker than what it announces."""

from audit.work import relay, rows


def test_a_worker_that_is_told_at_once_finds_the_work(role):
    work = rows.enqueue(kind="sweep", subject="a", payload={})
    worker = role("app")
    found = []

    def publish(queue, work_id):
        # As quick as a worker could ever be: while the relay is still at it.
        claimed = worker.execute("SELECT id FROM audit.claim(%s, 'test', 5)", [queue]).fetchone()
        found.append(claimed and claimed[0])

    relay.relay_once(publish)

    assert found == [work]
