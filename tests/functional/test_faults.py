"""The fault matrix: what COS can do wrong, at every request of every kind of
operation.  A fault that passes (once, and twice) is not noticed by the client
and ends byte-exact; one that lasts ends in a clear 4xx or 5xx within 90 s
with what was there before as it was, or, where the store did what was asked
and only its answer is spoilt, in a success that is true.  Nothing is pending
and the session goes on.

Each case has a bucket, an account and a session of its own, and all run side
by side; the tests then look at what came of them.  Elsewhere: names in
test_names, the clock and malformed heads in test_store_http, certificates in
test_https, a store that is dead in test_dead_store, keys that end in
test_credentials."""

import concurrent.futures
import ftplib
import os
import re
import time

import harness
import pytest

GET, HEAD, PUT, DELETE, COPY, LIST = (
    'GetObject', 'HeadObject', 'PutObject', 'DeleteObject', 'CopyObject',
    'ListObjects')
INITIATE, PART, COMPLETE, BATCH = (
    'InitiateMultipartUpload', 'UploadPart', 'CompleteMultipartUpload',
    'DeleteMultipleObjects')
SMALL, LARGE = os.urandom(100 * 1000), os.urandom(2 * 1024 * 1024 + 17)
MANY = 1003                     # two pages

ALL = {GET, HEAD, PUT, DELETE, COPY, LIST, INITIATE, PART, COMPLETE, BATCH}
BODIES = {PUT, PART}            # of requests
DOCUMENTS = {LIST, INITIATE, COPY, COMPLETE, BATCH}     # of answers
SUMS = {GET, PUT, PART, COMPLETE}

OK = 'HTTP/1.1 200 OK\r\nETag: "x"\r\n'
BOMB = ('<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">' + ''.join(
    '<!ENTITY %s "%s">' % (b, ('&%s;' % a) * 10)
    for a, b in zip('abcdefgh', 'bcdefghi')) + ']><x>&i;</x>')


def document(text):
    return dict(raw=OK + 'Content-Length: %d\r\n\r\n%s' % (len(text), text))


def chunks(text):
    return dict(raw=OK + 'Transfer-Encoding: chunked\r\n\r\n' + text)


class Fault:
    """where: the requests it is tried on.  passes: it may go away, and then
    nobody noticed.  does: the request is carried out all the same.  harmless
    even when it lasts.  word: of it in the reply."""

    def __init__(self, where, passes=True, does=False, harmless=False,
                 word='', **params):
        self.where, self.passes, self.does = where, passes, does
        self.harmless, self.word = harmless, word
        self.params = params
        self.times = [1, 2, -1] if passes else [-1]


def status(number, code, **more):
    word = ('denied|clock|' if number == 403 else 'busy|') + code
    return Fault(ALL, word=word, status=number, code=code, **more)


FAULTS = {
    '500': status(500, 'InternalError'),
    '502': status(502, 'BadGateway'),
    '503': status(503, 'SlowDown'),
    '504': status(504, 'GatewayTimeout'),
    '429': status(429, 'TooManyRequests'),
    '500-done': status(500, 'InternalError', does=True, done=1),
    '403': status(403, 'AccessDenied', passes=False),
    '404-bucket': Fault(ALL, passes=False, status=404, code='NoSuchBucket'),
    'skewed': status(403, 'RequestTimeTooSkewed', passes=False),
    'expired-key': status(403, 'ExpiredToken', passes=False),
    'redirect': Fault(ALL, passes=False, redirect='http://127.0.0.1:9/x'),
    'delayed': Fault(ALL, harmless=True, does=True, delay=300),
    'head-cut': Fault(ALL, does=True, head_stall=10),
    'body-cut-0': Fault(DOCUMENTS | {GET}, does=True, body_cut=0),
    'body-cut': Fault(DOCUMENTS | {GET}, does=True, body_cut=50),
    'body-cut-late': Fault({GET, LIST}, does=True, body_cut=60000),
    'stall-head': Fault(ALL, does=True, head_stall=600000),
    'stall-answer': Fault(ALL, done=1, does=True, delay=600000, status=500),
    'stall-read': Fault(ALL, read_stall=0),
    'stall-read-late': Fault(BODIES, read_stall=50000),
    'stall-body-0': Fault(DOCUMENTS | {GET}, does=True, body_stall=0),
    'stall-body': Fault(DOCUMENTS | {GET}, does=True, body_stall=50),
    'stall-body-late': Fault({GET, LIST}, does=True, body_stall=60000),
    'lost': Fault(ALL, does=True, lost=1),
    'reset': Fault(ALL, reset_read=0),
    'reset-late': Fault(BODIES, reset_read=50000),
    'cut': Fault(ALL, read_cut=0),
    'cut-late': Fault(BODIES, read_cut=50000),
    'wrong-etag': Fault(SUMS, passes=False, does=True, wrong_etag=1),
    'wrong-crc': Fault({PUT, PART}, does=True, wrong_crc=1),
    'wrong-crc-get': Fault({GET}, does=True, wrong_crc=1),
    'no-crc': Fault(SUMS, harmless=True, does=True, no_crc=1),
    'error200': Fault(DOCUMENTS, error200='InternalError'),
    'denied200': Fault(DOCUMENTS, passes=False,
                       error200='AccessDenied'),
    'empty200': Fault(ALL - {DELETE}, empty200=1),
    'late': Fault({COMPLETE}, harmless=True, does=True, delay=30000),
    'spaces': Fault({COMPLETE}, harmless=True, does=True, spaces=1000),
    'cut-xml': Fault(ALL - {DELETE}, bad_xml=1),
    'deep-xml': Fault(DOCUMENTS, **document('<a>' * 1500)),
    'bomb': Fault(DOCUMENTS, **document(BOMB)),
    'huge-xml': Fault(DOCUMENTS, raw=OK + 'Content-Length: 999999999\r\n\r\n'
                      '<x>' + 'a' * 4096, loop=4096),
    'endless-spaces': Fault(DOCUMENTS, raw=OK + 'Content-Length: 999999999'
                            '\r\n\r\n' + ' ' * 4096, loop=100),
    'long-head': Fault(ALL, raw=OK + 'X: %s\r\n\r\n' % ('y' * 20000)),
    'endless-head': Fault(ALL, raw=OK + 'X: yyyyyyyyyyyyyyyy\r\n',
                          loop=len(OK)),
    '1xx-flood': Fault(ALL, raw='HTTP/1.1 100 Continue\r\n\r\n', loop=0),
    'garbage': Fault(ALL, raw='\x01 what? \r\n\r\n'),
    'length-long': Fault((DOCUMENTS | {GET}) - {COMPLETE}, does=True,
                         longer=10),
    'length-short': Fault((DOCUMENTS | {GET}) - {COMPLETE}, does=True,
                          shorter=10),
    'chunk-overflow': Fault(DOCUMENTS, **chunks('3\r\nabcdef\r\n0\r\n\r\n')),
    'chunk-wraps': Fault(DOCUMENTS, **chunks('10000000000000003\r\nabc')),
    'chunk-huge': Fault(DOCUMENTS, **chunks('f' * 30 + '\r\nabc')),
    'garbage-behind': Fault(ALL, harmless=True, does=True,
                            garbage='HTTP/1.1 200 OK\r\n\r\nsurprise'),
    'closed-behind': Fault(ALL, harmless=True, does=True, close_idle=1),
}


class Operation:
    """before, after: the objects by key, b'' for a marker.  requests: those
    of the store it makes, each a place for a fault."""

    def __init__(self, name, requests, run, before, after=None, skip=0):
        self.name, self.requests, self.run = name, requests, run
        self.before = before
        self.after = before if after is None else after
        self.skip = skip

    def may_be(self, there, does):
        """Is this good for what is there after a failure?"""
        if there == self.before:
            return True
        if self.name.startswith('rename'):
            for old, new in moves(self):
                data = self.before[old]
                if there.get(old) != data and there.get(new) != data:
                    return False
            return set(there) <= set(self.before) | set(self.after) and all(
                there[k] in (self.before.get(k), self.after.get(k))
                for k in there)
        return does and there == self.after


def moves(operation):
    gone = sorted(set(operation.before) - set(operation.after))
    for old in gone:
        yield old, 'b' + old[1:]


def listed(command):
    def run(ftp):
        out = []
        reply = ftp.retrlines(command + ' d', out.append)
        names = [x.split('; ' if command == 'MLSD' else None)[-1].strip()
                 for x in out]
        assert sorted(n for n in names if n != '.' and n != '..') == [
            '%06d' % i for i in range(MANY)]
        return reply
    return run


def got(ftp):
    parts = []
    reply = ftp.retrbinary('RETR f', parts.append, 65536)
    assert b''.join(parts) == LARGE
    return reply


def stored(data):
    return lambda ftp: harness.store(ftp, 'f', data)


OLD = {'f': b'what was there', 'g': b'and beside it'}
FULL = {'d/%06d' % i: b'' for i in range(MANY)}
TREE = {'a/': b'', 'a/1': b'one', 'a/2': SMALL, 'a/s/3': b'three'}
OPERATIONS = [
    Operation('put', {PUT}, stored(SMALL), OLD, dict(OLD, f=SMALL)),
    Operation('upload', {INITIATE, PART, COMPLETE}, stored(LARGE), OLD,
              dict(OLD, f=LARGE)),
    Operation('get', {GET}, got, dict(OLD, f=LARGE)),
    Operation('list', {LIST}, listed('LIST'), FULL),
    Operation('mlsd-page-2', {LIST}, listed('MLSD'), FULL, skip=1),
    Operation('rename', {HEAD, COPY, DELETE}, lambda ftp:
              ftp.rename('a', 'b'), {'a': SMALL, 'b': b'old'}, {'b': SMALL}),
    Operation('rename-tree', {LIST, HEAD, COPY, BATCH}, lambda ftp:
              ftp.rename('a', 'b'), TREE,
              {'b' + k[1:]: v for k, v in TREE.items()}),
    Operation('delete', {DELETE}, lambda ftp: ftp.delete('f'), OLD,
              {'g': OLD['g']}),
    Operation('mkd', {PUT}, lambda ftp: ftp.voidcmd('MKD d'), OLD,
              dict(OLD, **{'d/': b''})),
    Operation('rmd', {LIST, DELETE}, lambda ftp: ftp.rmd('d'),
              dict(OLD, **{'d/': b''}), OLD),
]


class Case:
    def __init__(self, number, operation, request, fault, times):
        self.o, self.request, self.times = operation, request, times
        self.fault = FAULTS[fault]
        self.name = '-'.join((operation.name, request, fault,
                              'ever' if times < 0 else str(times)))
        self.bucket = 'b%d-1250000000' % number
        self.user = 'u%d' % number
        self.error = self.reply = None

    def there(self, fake):
        def body(o):
            return b'' if o['size'] == 0 else fake.control(
                'GET', '/object', bucket=self.bucket,
                key=harness.PREFIX + o['key'])
        objects = harness.json.loads(fake.control(
            'GET', '/objects', bucket=self.bucket))
        for o in objects:
            o['key'] = fake.below(o['key'])
        return {o['key']: body(o) for o in objects}

    def prepare(self, fake):
        if self.o.before is FULL:
            fake.control('POST', '/fill', bucket=self.bucket, count=MANY,
                         prefix=harness.PREFIX + 'd/')
            return
        for key, data in self.o.before.items():
            fake.control('POST', '/object', body=data, bucket=self.bucket,
                         key=harness.PREFIX + key)

    def attempt(self, server, fake):
        self.prepare(fake)
        fake.fault(op=self.request, bucket=self.bucket, times=self.times,
                   skip=self.o.skip, **self.fault.params)
        ftp = server.login(self.user, timeout=90)
        start = time.monotonic()
        try:
            self.reply = self.o.run(ftp)
        except ftplib.Error as e:
            self.reply = str(e)
        self.seconds = time.monotonic() - start
        self.noop = ftp.sendcmd('NOOP')
        ftp.close()
        self.left = self.there(fake)

    def run(self, server, fake):
        try:
            self.attempt(server, fake)
        except Exception as e:          # told by the test of this case
            self.error = e


def cases():
    out = []
    for fault, f in FAULTS.items():
        for o in OPERATIONS:
            for request in sorted(o.requests & f.where):
                for times in f.times:
                    out.append(Case(len(out), o, request, fault, times))
    return out


CASES = cases()


def descriptors(server):
    return sum(len(os.listdir('/proc/%d/fd' % p)) for p in server.workers())


@pytest.fixture(scope='module')
def store(tmp_path_factory):
    buckets = [x for c in CASES for x in ('--bucket', c.bucket)]
    f = harness.Fakecos(str(tmp_path_factory.mktemp('fakecos')), *buckets)
    yield f
    assert f.stop() == 0


@pytest.fixture(scope='module')
def outcome(tmp_path_factory, store, request):
    """All cases that were asked for have run."""
    asked = [i.callspec.params['case'] for i in request.session.items
             if 'case' in getattr(getattr(i, 'callspec', None), 'params', ())
             and isinstance(i.callspec.params['case'], Case)]
    server = harness.Cosftpd(
        str(tmp_path_factory.mktemp('cosftpd')), store, accounts=[
            harness.account(i, store, c.user, cos_bucket=c.bucket)
            for i, c in enumerate(CASES)],
        optional={'memory_limit': '1G', 'max_connection_num': 1000,
                  'log_level': 'INFO'}, ports=400)
    server.before = server.workers()
    server.files = descriptors(server)
    asked.sort(key=lambda c: 'stall' not in c.name)     # they last longest
    with concurrent.futures.ThreadPoolExecutor(250) as pool:
        list(pool.map(lambda c: c.run(server, store), asked))
    yield server
    assert server.stop() == 0, server.text()


@pytest.mark.parametrize('case', CASES, ids=lambda c: c.name)
def test_fault(outcome, case):
    assert case.error is None, (case.reply, case.error)
    assert case.noop.startswith('200 ')
    assert case.seconds < 90
    good = case.reply[0] == '2'
    if case.times > 0 or case.fault.harmless:
        assert good, case.reply
    if good:
        assert case.fault.does or case.times > 0, case.reply
        assert case.left == case.o.after
    else:
        assert re.match(r'[45]\d\d .{10}', case.reply), case.reply
        assert re.search(case.fault.word, case.reply), case.reply
        assert case.o.may_be(case.left, case.fault.does), sorted(case.left)


def test_nothing_is_left(outcome, store):
    """No upload, no session, no worker that died."""
    harness.wait_for('nothing pending', lambda: store.uploads() == [], 30)
    assert outcome.workers() == outcome.before
    harness.wait_for('no descriptor is left', lambda: descriptors(outcome) <=
                     outcome.files + store.stats()['connections'], 20)
