"""The launcher and supervisor: servers, roles and processes of one state folder."""
