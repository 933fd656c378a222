"""What every forge does, as cases that run as tests and by `manage.py adapters check forge`."""
