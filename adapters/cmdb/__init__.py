"""The CMDB contract: what exists, where it runs, and which alert means which CI."""
