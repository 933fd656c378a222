"""Log lines of every process: one JSON object a line, control characters escaped."""

import json
import logging
import logging.config
from datetime import UTC, datetime
from typing import Any


class JsonLines(logging.Formatter):
    """One record as one JSON line, so that no text of a stranger can forge a second one."""

    def __init__(self, process: str) -> None:
        super().__init__()
        self.process = process

    def format(self, record: logging.LogRecord) -> str:
        """Render one record."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "process": self.process,
            "level": record.levelname.lower(),
            "logger": record.name,
            "said": record.getMessage(),
        }
        if record.exc_info:
            line["fault"] = self.formatException(record.exc_info)
        return json.dumps(line)


def dict_config(process: str) -> dict[str, Any]:
    """The logging table, for Django's LOGGING and for Celery alike."""
    quiet = {name: {"level": "WARNING"} for name in ("celery", "kombu", "amqp", "httpx")}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines, "process": process}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": quiet,
    }


def configure(process: str) -> None:
    """Send every log line of this process to standard error."""
    logging.config.dictConfig(dict_config(process))
