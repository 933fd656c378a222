"""Settings of the tests: ours, with nothing of the developer's own stack in them."""

import atexit
import os
import shutil
import tempfile

# A Neo4j that is named is the live tests' own, and not the graph of the tests' house.
_named = {name: os.environ.pop(name) for name in [*os.environ] if name.startswith("NEO4J_")}
for name in [*os.environ]:
    if name.startswith("ETHOPS_") or name in {"DATABASE_URL", "REDIS_URL"}:
        del os.environ[name]
# An empty folder: no test meets the secrets of a stack that runs beside it.
os.environ["ETHOPS_STATE"] = tempfile.mkdtemp(prefix="ethops-tests-state-")
atexit.register(shutil.rmtree, os.environ["ETHOPS_STATE"], ignore_errors=True)
# A pool would hold databases open that the tests drop.
os.environ["ETHOPS_DATABASE_POOL"] = "0"

from ethops.settings import *  # noqa: E402, F403  after the environment is set
from ethops.settings import DATABASES  # noqa: E402

os.environ.update(_named)

DATABASES["default"]["CONN_HEALTH_CHECKS"] = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
