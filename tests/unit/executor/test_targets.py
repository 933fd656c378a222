"""To whom notices may go."""

import pytest

from ethops.executor.targets import of_url


@pytest.mark.parametrize(
    ("url", "pair"),
    [
        ("mailto:ops@example.org", ("mail", "ops@example.org")),
        ("https://ntfy.example.org/ops", ("http", "https://ntfy.example.org/ops")),
    ],
)
def test_a_setting_names_a_kind_and_a_target(url, pair):
    assert of_url(url) == pair
