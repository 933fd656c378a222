"""A real Neo4j of our own: on a free port, with a folder of its own, ended by its process id."""

import os
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from neo4j import GraphDatabase
from neo4j.exceptions import DriverError, Neo4jError

from ethops.stack.ports import LOOPBACK, free_ports
from ethops.stack.spawn import spawn
from tests.waiting import eventually

LONGEST_START = 180.0
LONGEST_STOP = 30.0
OPENED = ("java.nio", "java.io", "sun.nio.ch", "java.lang", "java.lang.reflect")
"""Packages of the JDK that the server looks into."""

CONFIGURATION = """\
server.default_listen_address={host}
server.bolt.listen_address={host}:{port}
server.http.enabled=false
server.https.enabled=false
dbms.security.auth_enabled=false
dbms.usage_report.enabled=false
server.memory.heap.max_size=512m
server.memory.pagecache.size=64m
"""


@dataclass(slots=True)
class Cypher:
    """One server that speaks Bolt; `process` is None where somebody else runs it."""

    uri: str
    user: str = ""
    password_file: str = ""
    process: "subprocess.Popen[bytes] | None" = None

    def stop(self) -> None:
        """End it, if it is ours."""
        if self.process is None:
            return
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(LONGEST_STOP)
        self.process.kill()
        self.process.wait()


def start(jars: Path, folder: Path) -> Cypher:
    """Start the community server from its jars, and wait until it answers."""
    port = free_ports().web
    settings = folder / "conf"
    settings.mkdir(parents=True)
    (settings / "neo4j.conf").write_text(
        CONFIGURATION.format(host=LOOPBACK, port=port), encoding="utf-8"
    )
    process = spawn(
        [
            shutil.which("java") or "java",
            "-Xmx512m",
            *(f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in OPENED),
            "-cp",
            f"{jars}/*",
            "org.neo4j.server.CommunityEntryPoint",
            f"--home-dir={folder}",
            f"--config-dir={settings}",
        ],
        environment={"PATH": os.environ["PATH"], "HOME": str(folder), "NEO4J_HOME": str(folder)},
        folder=folder,
        log=folder / "neo4j.out",
    )
    server = Cypher(f"bolt://{LOOPBACK}:{port}", process=process)
    try:
        eventually(lambda: _answers(server), seconds=LONGEST_START, told="no Neo4j")
    except BaseException:
        server.stop()
        raise
    return server


def _answers(server: Cypher) -> bool:
    try:
        with GraphDatabase.driver(server.uri) as driver:
            driver.execute_query("RETURN 1", database_="neo4j")
    except (DriverError, Neo4jError, OSError):
        return False
    return True
