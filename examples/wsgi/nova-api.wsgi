# mod_wsgi: the compute API
from nova.wsgi.osapi_compute import application
