"""The nova-ts process beside a worker: started when it is needed, started again when it dies, gone when the worker is."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

# how long the process may take until it can serve
START_SECONDS = float(os.environ.get("NOVA_TS_START_SECONDS", "60"))
# between two attempts to start what keeps dying
FIRST_WAIT_SECONDS = 0.1
LAST_WAIT_SECONDS = 10.0
# a process that broke a connection may be dying for so long
BREAK_SECONDS = 0.5
# who ran for so long is started again at once
STEADY_SECONDS = 30.0


class NotServing(Exception):
    """The process cannot be started, or is not ready."""


def command():
    """The words that run nova-ts: NOVA_TS_COMMAND, ``nova-ts`` of the PATH, or that of the folder this package lies in."""
    told = os.environ.get("NOVA_TS_COMMAND")
    if told:
        return told.split()
    found = shutil.which("nova-ts")
    if found:
        return [found]
    here = os.path.dirname(os.path.abspath(__file__))
    beside = os.path.normpath(os.path.join(here, "..", "..", "..", "bin", "nova-ts.js"))
    if os.path.exists(beside):
        node = os.path.normpath(os.path.join(beside, "..", "..", "node_modules", ".bin", "node"))
        return [node if os.path.exists(node) else "node", beside]
    raise NotServing("nova-ts was not found: set NOVA_TS_COMMAND to the command that runs it")


def configuration_arguments(argv):
    """What stands in ``sys.argv`` for the application, among a server's own words: ``--config-file`` and ``--config-dir``."""
    found = []
    words = list(argv)
    while words:
        word = words.pop(0)
        if word in ("--config-file", "--config-dir") and words:
            found += [word, words.pop(0)]
        elif word.startswith(("--config-file=", "--config-dir=")):
            found.append(word)
    return found


class Process:
    """One nova-ts process for one process of the WSGI server. Safe for its threads."""

    def __init__(self, module, command=command, arguments=()):
        self.module = module
        self._command = command
        self._arguments = list(arguments)
        self._lock = threading.Lock()
        self._child = None
        self._folder = None
        self._started = 0.0
        self._stumbles = 0
        self._not_before = 0.0

    def connect(self):
        """A connection to it. Starts it when it does not run. Raises ``NotServing``."""
        for attempt in (1, 2):
            path = self._running()
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                connection.connect(path)
                return connection
            except OSError as error:
                connection.close()
                # it died since it was looked at
                if attempt == 2:
                    raise NotServing("%s does not answer: %s" % (self.module, error)) from error
                time.sleep(0.05)

    def broke(self):
        """A connection broke: when the process is about to die, waits until it has, since it takes connections until the end."""
        child = self._child
        if child is not None:
            try:
                child.wait(BREAK_SECONDS)
            except subprocess.TimeoutExpired:
                pass

    def start(self):
        """Starts it ahead of the first request. Failures are told by the first request."""
        try:
            self._running()
        except NotServing as error:
            _say(str(error))

    def forget(self):
        """In a process that was forked off: what runs beside the parent is the parent's."""
        child, self._child, self._folder = self._child, None, None
        self._lock = threading.Lock()
        if child is not None:
            # the parent alone keeps it alive
            child.stdin.close()
            child.returncode = 0

    def stop(self):
        """Ends it and waits for that."""
        with self._lock:
            self._end()

    def _running(self):
        with self._lock:
            if self._child is not None and self._child.poll() is None:
                return self._path()
            if self._child is not None:
                _say("%s has ended with %s and is started again" % (self.module, self._child.returncode))
                self._stumbled()
                self._end()
            wait = self._not_before - time.monotonic()
            if wait > 1.0:
                raise NotServing("%s keeps ending; the next attempt is in %d s" % (self.module, wait))
            if wait > 0:
                time.sleep(wait)
            self._launch()
            return self._path()

    def _path(self):
        return os.path.join(self._folder, "s")

    def _stumbled(self):
        steady = time.monotonic() - self._started >= STEADY_SECONDS
        self._stumbles = 1 if steady else self._stumbles + 1
        waits = 0.0 if self._stumbles == 1 else FIRST_WAIT_SECONDS * 2 ** (self._stumbles - 2)
        self._not_before = time.monotonic() + min(LAST_WAIT_SECONDS, waits)

    def _launch(self):
        words = self._command()
        self._folder = tempfile.mkdtemp(prefix="nova-ts-")
        self._started = time.monotonic()
        # its end is known by the end of its standard input, even when this process is killed
        arguments = ["host", self.module, "--listen", "uwsgi:" + self._path(), "--socket-mode", "600", "--tether"]
        if self._arguments:
            arguments += ["--"] + self._arguments
        try:
            self._child = subprocess.Popen(words + arguments, stdin=subprocess.PIPE, stdout=None, stderr=None, close_fds=True)
        except OSError as error:
            self._stumbled()
            self._remove_folder()
            raise NotServing("%s cannot be run: %s" % (words[0], error)) from error
        self._wait_until_ready()

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                status = self._child.returncode
                self._stumbled()
                self._end()
                raise NotServing("%s could not start (status %s); its log says why" % (self.module, status))
            probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            try:
                probe.connect(self._path())
                return
            except OSError:
                time.sleep(0.02)
            finally:
                probe.close()
        self._stumbled()
        self._end()
        raise NotServing("%s was not ready within %d s" % (self.module, START_SECONDS))

    def _end(self):
        child, self._child = self._child, None
        if child is not None:
            try:
                child.stdin.close()
            except OSError:
                pass
            try:
                child.wait(2)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._remove_folder()

    def _remove_folder(self):
        folder, self._folder = self._folder, None
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


def _say(text):
    sys.stderr.write("nova-ts: %s\n" % text)
    sys.stderr.flush()
