"""A PEP 3333 application that hands requests to a nova-ts process beside the worker, over a UNIX socket."""

import atexit
import http.client
import os
import sys

from nova.wsgi import packet
from nova.wsgi.process import NotServing, Process, configuration_arguments

PIECE = 65536
# what belongs to a connection, and is not for an application to say (PEP 3333)
_HOP_BY_HOP = frozenset(("connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade"))
_HARMLESS = frozenset(("GET", "HEAD", "OPTIONS"))


class Gone(Exception):
    """The process ended, or broke the connection, before it answered."""


class ClientGone(Exception):
    """The client ended the connection before it had sent its body."""


class Application:
    """The application of a module. Each process of the server gets a nova-ts process of its own."""

    def __init__(self, module, process=None):
        self._process = process or Process(module, arguments=configuration_arguments(sys.argv[1:]))
        self._pid = os.getpid()
        os.register_at_fork(after_in_child=self._after_fork)
        atexit.register(self._at_exit)
        self._start_ahead()

    def __call__(self, environ, start_response):
        if not environ.get("REQUEST_METHOD"):
            # uWSGI hands on what is no HTTP
            return _sorry(start_response, "400 Bad Request", "This is no HTTP.")
        for attempt in (1, 2):
            try:
                answer, connection = self._ask(environ)
                break
            except NotServing as error:
                return _sorry(start_response, "503 Service Unavailable", str(error))
            except ValueError:
                return _sorry(start_response, "431 Request Header Fields Too Large", "The head of the request is too large.")
            except ClientGone:
                # nobody will read it
                return _sorry(start_response, "400 Bad Request", "The body ended too soon.")
            except Gone as error:
                if attempt == 2 or not _repeatable(environ):
                    return _sorry(start_response, "502 Bad Gateway", str(error))
                self._process.broke()
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
        try:
            start_response("%d %s" % (answer.status, answer.reason), headers)
        except BaseException:
            connection.close()
            raise
        return _Body(answer, connection)

    def _ask(self, environ):
        head = packet.encode(packet.variables(environ))
        connection = self._process.connect()
        try:
            try:
                connection.sendall(head)
                _send_body(environ, connection)
            except (BrokenPipeError, ConnectionResetError):
                # it may have answered without reading all of the body
                pass
            answer = http.client.HTTPResponse(connection, method=environ["REQUEST_METHOD"])
            answer.begin()
            return answer, connection
        except (http.client.HTTPException, ConnectionError) as error:
            connection.close()
            raise Gone("The service ended while it was answering.") from error
        except BaseException:
            connection.close()
            raise

    def _start_ahead(self):
        """In a worker at once, so that the first request need not wait; in a master of uWSGI only in the workers that it forks."""
        try:
            import uwsgi
        except ImportError:
            uwsgi = None
        if uwsgi is not None and uwsgi.opt.get("lazy-apps") is None and uwsgi.opt.get("lazy") is None and uwsgi.masterpid():
            before = getattr(uwsgi, "post_fork_hook", None)

            def after():
                if before:
                    before()
                self._process.start()

            uwsgi.post_fork_hook = after
        elif os.environ.get("NOVA_TS_START") != "lazy":
            self._process.start()

    def _after_fork(self):
        self._pid = os.getpid()
        self._process.forget()

    def _at_exit(self):
        if self._pid == os.getpid():
            self._process.stop()


class _Body:
    """The answer piece by piece; closing it tells the process that nobody listens any more."""

    def __init__(self, answer, connection):
        self._answer = answer
        self._connection = connection

    def __iter__(self):
        while True:
            piece = self._answer.read1(PIECE)
            if not piece:
                # cut short: the server must not make a whole answer of it
                if self._answer.length:
                    raise Gone("The service ended in the middle of an answer.")
                return
            yield piece

    def close(self):
        self._answer.close()
        self._connection.close()


def _repeatable(environ):
    """Whether asking again does no harm; a body has been read by then and cannot be sent again."""
    bodiless = not packet.chunked(environ) and environ.get("CONTENT_LENGTH") in (None, "", "0")
    return bodiless and environ["REQUEST_METHOD"] in _HARMLESS


def _send_body(environ, connection):
    source = environ["wsgi.input"]
    if packet.chunked(environ):
        for piece in iter(_chunks(source), b""):
            connection.sendall(piece)
        connection.shutdown(1)
        return
    left = int(environ.get("CONTENT_LENGTH") or 0)
    while left > 0:
        piece = _read(source, min(PIECE, left))
        if not piece:
            raise ClientGone
        connection.sendall(piece)
        left -= len(piece)


def _read(source, size):
    try:
        return source.read(size)
    except OSError as error:
        # uWSGI and mod_wsgi tell it so
        raise ClientGone from error


def _chunks(source):
    """What reads the next piece of a chunked body: uWSGI has a function of its own, other servers end ``wsgi.input`` with the body."""
    try:
        import uwsgi

        return uwsgi.chunked_read
    except ImportError:
        return lambda: _read(source, PIECE)


def _sorry(start_response, status, text):
    body = (text + "\n").encode()
    start_response(status, [("Content-Type", "text/plain; charset=UTF-8"), ("Content-Length", str(len(body)))])
    return [body]
