"""Nova's two WSGI modules, each an ``application`` served by a nova-ts process beside the worker."""
