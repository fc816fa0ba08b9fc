"""The routes below /api/: thin handlers, one file per line of work. Each module has `ROUTES`."""
