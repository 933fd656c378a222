"""The inventory of one play."""

from dataclasses import replace

import pytest
import yaml

from adapters.cmdb.port import Host
from ethops.executor import inventory
from ethops.executor.errors import HostMissingError

LOCAL = Host("localhost", "local", "", "", 22, "")
SSH = Host("web1", "ssh", "192.0.2.7", "ops", 2222, "/usr/bin/python3.12")


class Loader(yaml.SafeLoader):
    """Reads `!unsafe` as plain text."""


Loader.add_constructor("!unsafe", lambda _, node: str(node.value))


def settings(host, tmp_path):
    text = inventory.document(host, scratch=tmp_path)
    return yaml.load(text, Loader=Loader)["all"]["hosts"]  # noqa: S506


def test_a_local_host_keeps_its_files_in_the_play(tmp_path):
    assert settings(LOCAL, tmp_path)["localhost"]["ansible_remote_tmp"] == str(tmp_path)


def test_a_host_by_ssh_is_reached_as_declared(tmp_path):
    assert settings(SSH, tmp_path) == {
        "web1": {
            "ansible_connection": "ssh",
            "ansible_host": "192.0.2.7",
            "ansible_port": 2222,
            "ansible_python_interpreter": "/usr/bin/python3.12",
            "ansible_user": "ops",
        }
    }


@pytest.mark.parametrize("name", ["web[1:9]", "a,b", "a:b", "!web1", "all hosts", "", "-x", "Web"])
def test_a_name_that_ansible_would_read_as_a_pattern_is_refused(name, tmp_path):
    with pytest.raises(HostMissingError):
        inventory.document(replace(SSH, name=name), scratch=tmp_path)


def test_a_retired_host_is_not_reached(tmp_path):
    with pytest.raises(HostMissingError):
        inventory.document(replace(SSH, retired=True), scratch=tmp_path)
