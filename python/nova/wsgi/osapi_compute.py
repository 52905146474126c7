"""The compute API: ``module = nova.wsgi.osapi_compute:application``."""

from nova.wsgi.beside import Application

application = Application("nova.wsgi.osapi_compute")
