"""What can go wrong between us and a CMDB."""

from adapters.errors import AdapterError


class CmdbError(AdapterError):
    """The base of the CMDB contract's errors."""

    code = "cmdb.error"


class CINotFoundError(CmdbError):
    """No CI has this ref."""

    code = "cmdb.not_found"
    hint = "CIs are declared in the site file; `manage.py site load` writes them."
