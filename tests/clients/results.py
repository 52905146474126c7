"""Reads a subunit v2 stream and writes a line of JSON for each test as it ends: status, name, seconds, reason."""

import json
import sys

import subunit
import testtools


def reason_of(details):
    """What skipped a test, or the error that ended it, without the way to it."""
    for name, content in details.items():
        if name == 'reason':
            return content.as_text().strip()
    for name, content in details.items():
        if name.startswith('traceback'):
            lines = content.as_text().strip().splitlines()
            last = max((i for i, line in enumerate(lines) if line.startswith('  ')), default=-1)
            return ' '.join(line.strip() for line in lines[last + 1:] or lines[-1:])
    return ''


def ended(test):
    if test['status'] in ('exists', 'inprogress'):
        return
    began, end = test['timestamps']
    seconds = (end - began).total_seconds() if began and end else 0
    row = [test['status'], test['id'], seconds, ' '.join(reason_of(test['details']).split())]
    print(json.dumps(row), flush=True)


result = testtools.StreamToDict(ended)
result.startTestRun()
subunit.ByteStreamToStreamResult(sys.stdin.buffer, non_subunit_name='stdout').run(result)
result.stopTestRun()
