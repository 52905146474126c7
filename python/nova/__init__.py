"""The name under which WSGI servers look for Nova's applications."""
