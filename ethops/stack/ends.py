"""The last screen of a start: where everything is, and how to get in."""

from ethops.stack.layout import Layout
from ethops.stack.screen import Form, Screen, shown


def say_ready(screen: Screen, layout: Layout, *, seconds: float, admin_made: bool) -> None:
    """Say that all runs, with every address and login; a new password is shown this once."""
    kept = shown(layout.state / "admin.txt")
    login = f"login admin, password in {kept}"
    if admin_made and screen.form is not Form.JSON:
        login = f"login admin, password {layout.secrets.admin_password}  (kept in {kept})"
    screen.verdict("Ready.", f"All processes run; it took {seconds:.0f} s.")
    screen.places(
        [
            ("desk", f"{layout.web_url}/", login),
            (
                "API",
                f"{layout.web_url}/everything/api/",
                "all of it as a page of the desk",
            ),
            ("Flower", f"{layout.flower_url}/", "same login as the desk"),
            ("status", "manage.py status", "every process, with pid and age"),
            ("proof", "manage.py ledger verify", "needs nothing running"),
            ("stop", "manage.py down", "or Ctrl-C where it runs in front"),
        ]
    )
    screen.gap()
    screen.note("Single-user profile: the gate holds against models, not against other")
    screen.note("processes of this OS user.")
