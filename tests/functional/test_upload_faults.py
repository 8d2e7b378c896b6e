"""What COS can do wrong at every step of an upload.  A passing fault ends in
a 226 with the right bytes; a lasting one in a 4xx or 5xx with the old object
as it was, none where there was none, and nothing pending; and the same
session goes on.

All cases run side by side, each in its own session and with a fault that is
bound to its own key; the tests then look at what came of them."""

import concurrent.futures
import ftplib
import os
import re
import time

import harness
import pytest

PUT, INITIATE, PART, COMPLETE, ABORT = (
    'PutObject', 'InitiateMultipartUpload', 'UploadPart',
    'CompleteMultipartUpload', 'AbortMultipartUpload')
SMALL, LARGE = 300 * 1000, 3 * 1024 * 1024 + 17
OLD = b'what was there before'
ONCE, EVER = 1, -1
LAST = 2                # of the three parts of LARGE: leave two alone

# name: parameters of the fault
FAULTS = {
    '403': dict(status=403, code='AccessDenied'),
    '404': dict(status=404, code='NoSuchBucket'),
    '500': dict(status=500, code='InternalError'),
    '503': dict(status=503, code='SlowDown'),
    '500-early': dict(status=500, code='InternalError', early=1),
    '500-done': dict(status=500, code='InternalError', done=1),
    'lost': dict(lost=1),
    'cut': dict(read_cut=40 * 1000),
    'cut-at-once': dict(read_cut=0),
    'reset': dict(reset_read=40 * 1000),
    'reset-at-once': dict(reset_read=0),
    'answer-cut': dict(body_cut=10),
    'head-stall': dict(head_stall=100),
    'wrong-etag': dict(wrong_etag=1),
    'wrong-crc': dict(wrong_crc=1),
    'no-crc': dict(no_crc=1),
    'error200': dict(error200='InternalError'),
    'denied200': dict(error200='AccessDenied'),
    'empty200': dict(empty200=1),
    'bad-xml': dict(bad_xml=1),
    'bad-xml-done': dict(bad_xml=1, done=1),
    'redirect': dict(redirect='http://127.0.0.1:9/elsewhere'),
    'stale': dict(close_idle=1),
}

# Once, and the upload must not fail over it.
PASSING = {
    PUT: '500 503 500-early 500-done lost cut cut-at-once reset reset-at-once '
         'head-stall wrong-etag wrong-crc no-crc error200 empty200 bad-xml '
         'bad-xml-done stale',
    INITIATE: '500 503 500-done lost cut-at-once reset-at-once answer-cut '
              'head-stall error200 empty200 bad-xml bad-xml-done stale',
    PART: '500 503 500-early 500-done lost cut cut-at-once reset '
          'reset-at-once head-stall wrong-crc no-crc error200 empty200 '
          'bad-xml bad-xml-done stale',
    COMPLETE: '500 503 500-done lost cut-at-once reset-at-once answer-cut '
              'head-stall wrong-etag no-crc error200 empty200 bad-xml '
              'bad-xml-done stale',
}
# For ever, and the object is stored all the same: it is proven otherwise.
HARMLESS = {
    PUT: 'lost 500-done bad-xml-done wrong-etag no-crc stale',
    INITIATE: 'stale',
    PART: 'no-crc stale',
    COMPLETE: 'lost 500-done bad-xml-done answer-cut wrong-etag no-crc stale',
}
# For ever (or not worth a second try), and the upload fails.
LASTING = {
    PUT: '403 404 500 503 500-early cut reset error200 denied200 empty200 '
         'bad-xml redirect',
    INITIATE: '403 404 500 500-done lost reset-at-once answer-cut error200 '
              'denied200 empty200 bad-xml redirect',
    PART: '403 404 500 503 500-early 500-done lost cut reset wrong-etag '
          'wrong-crc error200 denied200 empty200 bad-xml redirect',
    COMPLETE: '403 404 500 503 reset-at-once error200 denied200 empty200 '
              'bad-xml redirect',
}
# With an upload that fails at a part: the abort itself meets the fault.
ABORTS = '500 503 500-done lost cut-at-once reset-at-once head-stall stale'


class Case:
    def __init__(self, op, fault, times, skip=0, old=None, also=None):
        self.op, self.fault, self.times = op, fault, times
        self.skip, self.old, self.also = skip, old, also
        self.name = '-'.join(filter(None, (
            op, fault, 'ever' if times < 0 else 'once',
            'last' if skip else '', 'old' if old is not None else 'new')))
        self.key = 'f/' + self.name + '.bin'
        self.other = 'ok/' + self.name
        self.data = os.urandom(SMALL if op == PUT else LARGE)
        self.error = None

    def run(self, server, fake):
        try:
            self.attempt(server, fake)
        except Exception as e:      # told by the test of this case
            self.error = e
        return self

    def attempt(self, server, fake):
        if self.old is not None:
            fake.put(self.key, self.old)
        fake.fault(op=self.op, key=self.key, times=self.times,
                   skip=self.skip, **FAULTS[self.fault])
        if self.also:
            fake.fault(op=self.also, key=self.key, times=EVER,
                       **FAULTS['403'])
        ftp = server.login(timeout=60)
        start = time.monotonic()
        try:
            self.reply = harness.store(ftp, self.key, self.data)
        except ftplib.Error as e:
            self.reply = str(e)
        except ConnectionError:         # of the data connection, closed
            with pytest.raises(ftplib.Error) as e:
                ftp.voidresp()
            self.reply = str(e.value)
        self.seconds = time.monotonic() - start
        self.noop = ftp.sendcmd('NOOP')
        self.second = harness.store(ftp, self.other, self.data)
        ftp.close()
        self.second_right = fake.get(self.other) == self.data
        there = fake.objects(self.key)
        self.stored = fake.get(self.key) if there else None
        # what a passing fault left behind may go a moment after the 226
        self.pending = None
        harness.wait_for('nothing pending of ' + self.key, lambda: not [
            u for u in fake.uploads() if u['key'] == self.key], 20)
        self.pending = False


def cases(table, times, olds):
    for op, names in table.items():
        for fault in names.split():
            for old in olds:
                yield Case(op, fault, times, old=old)
                if op == PART:
                    yield Case(op, fault, times, skip=LAST, old=old)


PASS = list(cases(PASSING, ONCE, [None]))
PASS += list(cases(HARMLESS, EVER, [OLD]))
FAIL = list(cases(LASTING, EVER, [None, OLD]))
FAIL += [Case(ABORT, f, ONCE, old=OLD, also=PART) for f in ABORTS.split()]


@pytest.fixture(scope='module')
def server(tmp_path_factory, fakecos):
    s = harness.Cosftpd(str(tmp_path_factory.mktemp('cosftpd')), fakecos,
                        optional={'memory_limit': '512M'})
    yield s
    assert s.stop() == 0, s.text()


@pytest.fixture(scope='module')
def outcome(server, fakecos):
    """All cases have run."""
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        list(pool.map(lambda c: c.run(server, fakecos), FAIL + PASS))
    return server


def session_went_on(case):
    assert case.error is None, (case.reply if hasattr(case, 'reply') else
                                'no reply', case.error)
    assert case.noop.startswith('200')
    assert case.second.startswith('226') and case.second_right
    assert case.pending is False
    assert case.seconds < 30


@pytest.mark.parametrize('case', PASS, ids=lambda c: c.name)
def test_stored_in_spite_of(outcome, case):
    session_went_on(case)
    assert case.reply.startswith('226'), case.reply
    assert case.stored == case.data


@pytest.mark.parametrize('case', FAIL, ids=lambda c: c.name)
def test_nothing_changed(outcome, case):
    session_went_on(case)
    assert case.reply[0] in '45', case.reply
    assert case.stored == case.old


@pytest.mark.parametrize('case', FAIL, ids=lambda c: c.name)
def test_words(outcome, case):
    """The code tells rights and missing buckets from trouble of the moment,
    the log names operation, key and, where the store gave one, the id."""
    assert case.reply[:3] == ('550' if case.also or case.fault in (
        '403', '404', 'denied200') else '451'), case.reply
    op = case.also or case.op
    if case.fault == 'wrong-etag':      # found out when it is completed
        op = COMPLETE
    log = [x for x in outcome.log_text().splitlines()
           if ' %s ' % op in x and case.key in x and
           ('WARNING' in x or 'ERROR' in x)]
    assert log
    if case.fault in ('403', '404', '500', '503'):
        assert 'request-id Zm' in log[-1]


def test_final_checksum_is_wrong(server, fakecos):
    """Complete's own CRC differs: 451, an error in the log, and the object is
    left to whoever wants it (never a blind delete)."""
    fakecos.fault(op=COMPLETE, key='f/final', wrong_crc=1, times=EVER)
    fakecos.fault(op='HeadObject', key='f/final', wrong_crc=1, times=EVER)
    ftp = server.login()
    data = os.urandom(LARGE)
    with pytest.raises(ftplib.error_temp, match='^451'):
        harness.store(ftp, 'f/final', data)
    assert ftp.sendcmd('NOOP').startswith('200')
    assert fakecos.get('f/final') == data
    assert [x for x in server.log_text().splitlines()
            if 'ERROR' in x and 'f/final' in x and 'CRC-64' in x]
    ftp.close()


def test_single_put_checksum_is_wrong(server, fakecos):
    fakecos.fault(op=PUT, key='f/single', wrong_crc=1, times=EVER)
    ftp = server.login()
    with pytest.raises(ftplib.error_temp, match='^451'):
        harness.store(ftp, 'f/single', b'x' * 1000)
    assert ftp.sendcmd('NOOP').startswith('200')
    assert fakecos.stats()['pending_uploads'] == 0
    ftp.close()


def test_abort_is_refused(server, fakecos):
    """Not even the abort is allowed: the reply comes all the same, and the
    log says what is left."""
    fakecos.fault(op=PART, key='f/stuck', times=EVER, **FAULTS['403'])
    fakecos.fault(op=ABORT, key='f/stuck', times=EVER, **FAULTS['403'])
    ftp = server.login()
    with pytest.raises(ftplib.error_perm, match='^550'):
        harness.store(ftp, 'f/stuck', os.urandom(LARGE))
    assert harness.store(ftp, 'ok/stuck', b'abc').startswith('226')
    (left,) = [u for u in fakecos.uploads() if u['key'] == 'f/stuck']
    assert left['uploadId'] in server.log_text()
    ftp.close()
    fakecos.wipe()


@pytest.mark.parametrize('fault', [
    {'lost': 1}, {'status': 500, 'done': 1}, {'body_cut': 50}])
def test_given_up_while_the_answer_with_the_id_gets_lost(tmp_path, fake,
                                                         fault):
    """The upload that COS has begun is looked for, and its id is found."""
    server = harness.Cosftpd(str(tmp_path), fake, optional={
        'interrupted_upload': 'discard'})
    fake.fault(op=INITIATE, delay=700, times=1, **fault)
    r = server.raw()
    r.login()
    sock = r.pasv()
    assert r.cmd('STOR a').startswith('150 ')
    sock.sendall(b'x' * 3000000)
    harness.wait_for('the upload is begun', lambda:
                     fake.ops().get(INITIATE))
    r.send(b'ABOR\r\n')
    assert r.reply()[0] == '4'
    assert r.reply().startswith('226 ')
    sock.close()
    harness.wait_for('nothing pending', lambda:
                     fake.ops().get(ABORT) and fake.uploads() == [])
    assert fake.keys() == []
    r.close()
    assert server.stop() == 0


def test_a_lost_id_that_cannot_be_looked_for_is_said(server, ftp, fake):
    """The stray one stays in the bucket: the log has to name it."""
    fake.fault(op=INITIATE, lost=1)
    fake.fault(op='ListMultipartUploads', times=-1, status=403,
               code='AccessDenied')
    data = os.urandom(LARGE)
    assert harness.store(ftp, 'lost-id', data).startswith('226 ')
    assert fake.get('lost-id') == data
    assert [u['key'] for u in fake.uploads()] == ['lost-id']
    assert re.search(r'an upload of \S+/lost-id may be left unfinished, as an '
                     r'answer was lost: .*AccessDenied', server.log_text())
