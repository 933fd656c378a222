"""Settings of the tests: ours, with nothing of the developer's own stack in them."""

import os
import tempfile
from pathlib import Path

for name in [*os.environ]:
    if name.startswith("ETHOPS_") or name in {"DATABASE_URL", "REDIS_URL"}:
        del os.environ[name]
# A folder that is never made: no test meets the secrets of a stack that runs beside it.
os.environ["ETHOPS_STATE"] = str(Path(tempfile.gettempdir()) / "ethops-tests-have-no-state")
# A pool would hold databases open that the tests drop.
os.environ["ETHOPS_DATABASE_POOL"] = "0"

from ethops.settings import *  # noqa: E402, F403  after the environment is set
from ethops.settings import DATABASES  # noqa: E402

DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
