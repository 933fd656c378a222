"""The base of every error an adapter raises."""

from typing import ClassVar


class AdapterError(Exception):
    """Something a contract could not do; the message says what and where."""

    code: ClassVar[str] = "adapters.error"
    hint: ClassVar[str] = "See the message; the adapter in use is named by `adapters list`."


class UnknownContractError(AdapterError):
    """The settings name no adapter for this contract."""

    code = "adapters.unknown_contract"
    hint = "Name a module for the contract in the ADAPTERS setting."


class BrokenAdapterError(AdapterError):
    """The module named for a contract does not offer what the contract needs."""

    code = "adapters.broken_adapter"
    hint = "Name a module that exposes the contract's Reader and what else it has."


class UndeclaredSiteError(AdapterError):
    """The site file has faults, so nothing that depends on it can start."""

    code = "adapters.undeclared_site"
    hint = "Run `manage.py check`: it names file, line and mend of each fault."
