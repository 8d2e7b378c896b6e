"""Answers that leave open what the store did, where the usual faults of
test_upload_faults do not: it is found out, nothing is left pending and nobody
is told less than what is there."""

import ftplib
import os
import select
import socket
import time
from email.utils import formatdate

import harness
import pytest

INITIATE, COMPLETE, COPY, PUT = (
    'InitiateMultipartUpload', 'CompleteMultipartUpload', 'CopyObject',
    'PutObject')
LARGE = os.urandom(3 * 1024 * 1024 + 17)

# as proxies of old say it: the body ends with the connection
NO_LENGTH = 'HTTP/1.0 %s\r\nContent-Type: text/html\r\n\r\n<html></html>'


@pytest.mark.parametrize('status', ['200 OK', '504 Gateway Time-out'])
@pytest.mark.parametrize('op', [INITIATE, COMPLETE])
def test_an_answer_without_a_length(ftp, fake, op, status):
    """It is no answer, so what must not be done twice is not repeated."""
    fake.fault(op=op, raw=NO_LENGTH % status, done=1, times=1)
    assert harness.store(ftp, 'f', LARGE).startswith('226 ')
    assert fake.get('f') == LARGE
    assert fake.uploads() == []


@pytest.mark.parametrize('skew', [-50, -8, 8, 200])
def test_a_lost_id_is_found_by_a_clock_that_is_wrong(tmp_path, skew):
    """By less than what makes a signature bad, so nobody has noticed."""
    fake = harness.Fakecos(str(tmp_path), '--skew', str(skew))
    server = harness.Cosftpd(str(tmp_path), fake)
    try:
        ftp = server.login()
        fake.fault(op=INITIATE, lost=1)
        assert harness.store(ftp, 'f', LARGE).startswith('226 ')
        assert fake.get('f') == LARGE
        assert fake.uploads() == []
        assert fake.stats()['auth_failures'] == 0
        ftp.close()
    finally:
        assert server.stop() == 0
        assert fake.stop() == 0


@pytest.mark.parametrize('size', [100, 15 << 20])
def test_a_put_that_nothing_is_said_of_is_looked_at(tmp_path, size):
    """An ETag, before the bytes were even sent, is no proof."""
    fake = harness.Fakecos(str(tmp_path))
    server = harness.Cosftpd(str(tmp_path), fake,
                             optional={'min_part_size': '16M'})
    try:
        ftp = server.login()
        fake.fault(op=PUT, early=1, raw='HTTP/1.1 200 OK\r\nETag: "0"\r\n'
                   'Content-Length: 0\r\n\r\n')
        with pytest.raises(ftplib.error_temp, match='^451 .*checksum'):
            harness.store(ftp, 'f', bytes(size))
        assert fake.keys() == []
        ftp.close()
    finally:
        assert server.stop() == 0
        assert fake.stop() == 0


def test_an_endless_list_of_uploads_is_an_error(ftp, fake):
    head = ('HTTP/1.1 200 OK\r\nContent-Length: 9000000000000\r\n\r\n'
            '<ListMultipartUploadsResult>')
    row = '<Upload><Key>f</Key><UploadId>%s</UploadId></Upload>' % ('x' * 4000)
    fake.fault(op=INITIATE, lost=1)
    fake.fault(op='ListMultipartUploads', raw=head + row, loop=len(head))
    assert harness.store(ftp, 'f', LARGE).startswith('226 ')
    assert fake.get('f') == LARGE
    assert fake.uploads() == []


class Slow:
    """Hands on what is said to a store, and its answers to lists of uploads
    after some seconds."""
    bucket, tls = harness.BUCKET, False

    def __init__(self, fake):
        self.store = ('127.0.0.1', fake.port)
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        harness.serve(self.socket, self.connect)

    def connect(self, conn):
        with conn, socket.create_connection(self.store) as other:
            while ready := select.select([conn, other], [], [])[0]:
                data = ready[0].recv(1 << 20)
                if not data:
                    return
                if ready[0] is conn:
                    asked = data.startswith(b'GET /?uploads')
                    other.sendall(data)
                else:
                    time.sleep(4 * asked)
                    conn.sendall(data)


def test_a_lost_id_is_found_by_an_answer_that_is_long_on_its_way(tmp_path):
    """Its Date is old when it is here: that makes no clock wrong."""
    fake = harness.Fakecos(str(tmp_path))
    slow = Slow(fake)
    server = harness.Cosftpd(str(tmp_path), fake, [harness.account(0, slow)])
    try:
        ftp = server.login(timeout=60)
        fake.fault(op=INITIATE, lost=1)
        assert harness.store(ftp, 'f', LARGE).startswith('226 ')
        assert fake.get('f') == LARGE
        assert fake.uploads() == []
        ftp.close()
    finally:
        assert server.stop() == 0
        slow.socket.close()
        assert fake.stop() == 0


def test_a_clock_that_is_learned_meanwhile_is_no_reason(tmp_path):
    """Another request was told one while this one was under way: an answer
    that leaves in doubt what was done says nothing of the clock."""
    fake = harness.Fakecos(str(tmp_path))
    server = harness.Cosftpd(str(tmp_path), fake, optional={'worker_num': 1})
    skewed = '<Error><Code>RequestTimeTooSkewed</Code></Error>'
    try:
        ftp = server.login()
        fake.fault(op=INITIATE, status=500, code='', done=1, delay=1500)
        data = ftp.transfercmd('STOR f')
        data.sendall(LARGE)
        harness.wait_for('it', lambda: fake.ops().get(INITIATE))
        fake.fault(op='ListObjects', raw='HTTP/1.1 403 Forbidden\r\n'
                   'Date: %s\r\nContent-Length: %d\r\n\r\n%s' % (
                       formatdate(time.time() + 40, usegmt=True),
                       len(skewed), skewed))
        other = server.login()
        other.retrlines('NLST')
        other.close()
        assert 'signing with its time' in server.log_text()
        data.close()
        assert ftp.voidresp().startswith('226 ')
        assert fake.get('f') == LARGE
        assert fake.uploads() == []
        ftp.close()
    finally:
        assert server.stop() == 0
        assert fake.stop() == 0


TROUBLE = {
    'cut': dict(body_cut=40, times=2), 'malformed': dict(bad_xml=1, times=2),
    'reset': dict(reset_read=0, times=2), 'empty': dict(empty200=1, times=2),
    'out': dict(status=503, code='SlowDown', times=7)}


@pytest.mark.parametrize('trouble', TROUBLE)
def test_a_lost_id_is_looked_for_until_the_store_answers(ftp, fake, trouble):
    fake.fault(op=INITIATE, lost=1)
    fake.fault(op='ListMultipartUploads', **TROUBLE[trouble])
    assert harness.store(ftp, 'f', LARGE).startswith('226 ')
    assert fake.get('f') == LARGE
    assert fake.uploads() == []


@pytest.mark.parametrize('trouble', ['reset', 'out'])
def test_an_upload_is_aborted_when_the_store_is_back(ftp, fake, trouble):
    fake.fault(op=COMPLETE, status=403, code='AccessDenied', times=-1)
    fake.fault(op='AbortMultipartUpload', **TROUBLE[trouble])
    with pytest.raises(ftplib.error_perm, match='^550 COS denied access'):
        harness.store(ftp, 'f', LARGE)
    harness.wait_for('an abort', lambda: fake.uploads() == [], 30)
    assert fake.keys() == []


@pytest.fixture(scope='module')
def write_once(tmp_path_factory, fakecos):
    s = harness.Cosftpd(
        str(tmp_path_factory.mktemp('once')), fakecos,
        accounts=[harness.account(0, fakecos, overwrite_enable='false')])
    yield s
    assert s.stop() == 0, s.text()


@pytest.mark.parametrize('fault', [
    {'lost': 1}, {'status': 500, 'done': 1}, {'body_cut': 10}])
def test_a_copy_that_must_not_replace_meets_itself(write_once, fake, fault):
    ftp = write_once.login()
    fake.put('a', b'12345')
    fake.put('d/x', b'abc')
    ftp.size('a')               # so that there is a connection to be reused
    fake.fault(op=COPY, times=1, **fault)
    assert ftp.rename('a', 'b').startswith('250 ')
    assert fake.keys() == ['b', 'd/x'] and fake.get('b') == b'12345'
    fake.fault(op=COPY, times=1, **fault)
    assert ftp.rename('d', 'e').startswith('250 ')
    assert fake.keys() == ['b', 'e/x']
    ftp.close()


@pytest.mark.parametrize('fault', [
    {'lost': 1}, {'status': 500, 'done': 1}, {'head_stall': 10}])
def test_an_upload_that_must_not_replace_meets_itself(write_once, fake,
                                                      fault):
    ftp = write_once.login()
    fake.put('a', b'12345')
    ftp.size('a')
    fake.fault(op=PUT, times=1, **fault)
    assert harness.store(ftp, 'b', b'abc').startswith('226 ')
    assert fake.keys() == ['a', 'b'] and fake.get('b') == b'abc'
    ftp.close()


def test_a_copy_that_must_not_replace_meets_another(write_once, fake):
    """With the same number of bytes, and stored between two tries."""
    ftp = write_once.login()
    fake.put('a', b'12345')
    fake.fault(op=COPY, times=1, status=503, code='SlowDown', retry_after=1)
    ftp.sendcmd('RNFR a')
    ftp.putcmd('RNTO b')
    harness.wait_for('the first try', lambda: fake.ops().get(COPY))
    fake.put('b', b'other')
    reply = ftp.getmultiline()
    assert reply.startswith('55'), reply
    assert fake.get('a') == b'12345' and fake.get('b') == b'other'
    ftp.close()


def test_a_lost_id_while_another_session_waits_for_its_own(server, fake):
    """Of the same key: which of the two that COS lists is whose is known when
    the other one has its id."""
    one, two = server.login(), server.login()
    fake.fault(op=INITIATE, delay=1500, times=1)
    fake.fault(op=INITIATE, lost=1)
    a, b = one.transfercmd('STOR f'), two.transfercmd('STOR f')
    b.sendall(LARGE)
    harness.wait_for('the other one', lambda: fake.ops().get(INITIATE) == 1)
    a.sendall(LARGE)
    for sock, ftp in ((a, one), (b, two)):
        sock.close()
        assert ftp.voidresp().startswith('226 ')
        ftp.close()
    assert fake.get('f') == LARGE
    assert fake.uploads() == []


def test_two_lost_ids_of_one_key(server, fake):
    """Both are ours, whichever is whose."""
    fake.fault(op=INITIATE, status=500, code='InternalError', done=1,
               delay=1000, times=2)
    some = [server.login() for _ in range(2)]
    socks = [f.transfercmd('STOR f') for f in some]
    for i, sock in enumerate(socks):
        sock.sendall(LARGE)
        harness.wait_for('it is begun', lambda: fake.ops().get(INITIATE, 0) > i)
    for sock, ftp in zip(socks, some):
        sock.close()
        assert ftp.voidresp().startswith('226 ')
        ftp.close()
    assert fake.get('f') == LARGE
    assert fake.uploads() == []
