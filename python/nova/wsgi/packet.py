"""A request in the uwsgi protocol, which is what WSGI's ``environ`` is in bytes."""

import struct

# what an application of another process has no use for
_PLAIN = (
    "REQUEST_METHOD",
    "SCRIPT_NAME",
    "PATH_INFO",
    "QUERY_STRING",
    "SERVER_PROTOCOL",
    "SERVER_NAME",
    "SERVER_PORT",
    "REMOTE_ADDR",
    "REMOTE_PORT",
    "CONTENT_TYPE",
    "CONTENT_LENGTH",
)


def variables(environ):
    """The variables of a request, with the undecoded path where the server tells it."""
    found = {name: environ[name] for name in _PLAIN if environ.get(name)}
    found.update((name, value) for name, value in environ.items() if name.startswith("HTTP_"))
    # uWSGI and mod_wsgi call it REQUEST_URI, gunicorn RAW_URI
    raw = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if raw:
        found["REQUEST_URI"] = raw
    found["HTTPS"] = "on" if environ.get("wsgi.url_scheme") == "https" else "off"
    if chunked(environ):
        # the length is not known: the body ends when this side of the connection does
        found.pop("CONTENT_LENGTH", None)
        found["HTTP_TRANSFER_ENCODING"] = "chunked"
    else:
        found.pop("HTTP_TRANSFER_ENCODING", None)
    found.pop("HTTP_EXPECT", None)
    # so that half an answer cannot be taken for a whole one
    found["NOVA_TS_CHUNKED"] = "1"
    return found


def chunked(environ):
    """Whether a body comes whose length nobody has told."""
    return "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


def encode(found):
    """The packet. Raises ``ValueError`` when the head of the request is too large for the protocol."""
    parts = []
    for name, value in found.items():
        for text in (name, value):
            data = text.encode("latin-1")
            if len(data) > 0xFFFF:
                raise ValueError("%s is too long" % name)
            parts += [struct.pack("<H", len(data)), data]
    body = b"".join(parts)
    if len(body) > 0xFFFF:
        raise ValueError("the head of the request is too large")
    return struct.pack("<BHB", 0, len(body), 0) + body
