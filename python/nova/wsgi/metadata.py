"""The metadata API: ``module = nova.wsgi.metadata:application``."""

from nova.wsgi.beside import Application

application = Application("nova.wsgi.metadata")
