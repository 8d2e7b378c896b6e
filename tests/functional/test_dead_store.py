"""A store that is dead, or asks for patience."""

import concurrent.futures
import ftplib
import os
import re
import select
import socket
import time

import pytest

import harness
from harness import Cosftpd, Fakecos, wait_for


def refused(ftp, name):
    """Seconds until the 451."""
    begin = time.monotonic()
    with pytest.raises(ftplib.error_temp, match='^4[25]'):
        harness.fetch(ftp, name)
    return time.monotonic() - begin


def test_a_dead_store_is_answered_for_at_once(tmp_path):
    """And it is found when it comes back, on the same session."""
    fake = Fakecos(str(tmp_path))
    server = Cosftpd(str(tmp_path), fake, optional={'worker_num': 1})
    ftp = server.login(timeout=60)
    fake.put('f', b'1')
    assert harness.fetch(ftp, 'f') == b'1'
    assert fake.stop() == 0
    for _ in range(3):
        refused(ftp, 'f')
    wait_for('five seconds without an answer', lambda: refused(ftp, 'f') and
             'does not answer: requests to it fail at once' in
             server.log_text())
    assert refused(ftp, 'f') < 0.5
    other = server.login()
    assert refused(other, 'f') < 0.5
    with pytest.raises(ftplib.error_temp, match='^451'):
        harness.store(other, 'g', b'1')
    again = Fakecos(str(tmp_path), port=fake.port)
    again.put('f', b'22')

    def back():
        try:
            return harness.fetch(ftp, 'f')
        except ftplib.error_temp:
            return None
    assert wait_for('the store is found', back, 15) == b'22'
    assert harness.fetch(other, 'f') == b'22'
    harness.store(other, 'g', b'1')
    assert again.get('g') == b'1'
    ftp.close()
    other.close()
    assert server.stop() == 0
    assert again.stop() == 0


def test_errors_of_one_object_do_not_make_the_store_dead(ftp, fake):
    fake.put('f', b'1')
    fake.put('g', b'2')
    for _ in range(4):
        fake.fault(op='GetObject', times=5, status=500, code='InternalError')
        refused(ftp, 'f')
        assert harness.fetch(ftp, 'g') == b'2'


def gets(fake):
    return [e['start'] for e in fake.log() if e['op'] == 'GetObject']


@pytest.mark.parametrize('status', [503, 429])
def test_retry_after_is_honoured(ftp, fake, status):
    fake.put('f', b'1')
    fake.fault(op='GetObject', status=status, code='SlowDown', retry_after=2)
    assert harness.fetch(ftp, 'f') == b'1'
    wait_for('both in the log', lambda: len(gets(fake)) == 2)
    first, second = gets(fake)
    assert second - first >= 2000


def outage(server, fake, op, **fault):
    """Of all there is, until it has been asked for more than five times."""
    fake.fault(op='Any', times=-1, **fault)
    wait_for('a seventh try', lambda: re.search(
        op + r' \S+: .*, attempt 7$', server.log_text(), re.M), 60)
    fake.reset()


@pytest.mark.parametrize('fault', [dict(read_cut=0), dict(
    status=503, code='ServiceUnavailable')], ids=lambda f: next(iter(f)))
def test_a_short_outage_ends_no_transfer(server, fake, fault):
    mib = 1024 * 1024
    body = os.urandom(40 * mib)
    fake.put('down', body)
    up, down = server.login(timeout=90), server.login(timeout=90)
    up.voidcmd('TYPE I')
    down.voidcmd('TYPE I')
    to, source = up.transfercmd('STOR up'), down.transfercmd('RETR down')
    to.sendall(body[:8 * mib])
    got = source.recv(mib, socket.MSG_WAITALL)
    wait_for('a part', lambda: fake.ops().get('UploadPart'))

    def rest():
        to.sendall(body[8 * mib:])
        to.close()
        return up.voidresp()

    def read():
        parts = [got]
        while data := source.recv(mib):
            parts.append(data)
        source.close()
        assert down.voidresp().startswith('226 ')
        return b''.join(parts)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = pool.submit(rest), pool.submit(read)
        outage(server, fake, 'UploadPart', **fault)
        assert jobs[0].result().startswith('226 ')
        assert jobs[1].result() == body
    assert fake.get('up') == body
    up.close()
    down.close()


class Full:
    """A listener that takes no connection: its queue is full, SYNs are lost."""

    def __init__(self):
        self.listener = socket.socket()
        self.listener.bind(('127.0.0.1', 0))
        self.listener.listen(0)
        self.port = self.listener.getsockname()[1]
        self.waiting = []
        while len(self.waiting) < 8:
            s = socket.socket()
            s.setblocking(False)
            s.connect_ex(self.listener.getsockname())
            self.waiting.append(s)
            if not select.select([], [s], [], 0.2)[1]:
                return
        raise AssertionError('everybody comes in')

    def close(self):
        for s in self.waiting + [self.listener]:
            s.close()


class Mute:
    """It takes connections, and never says a word."""

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0), backlog=64)
        self.port = self.listener.getsockname()[1]

    def close(self):
        self.listener.close()


def ask(server, command):
    """Seconds until the error."""
    ftp = server.login(timeout=120)
    began = time.monotonic()
    with pytest.raises(ftplib.error_temp, match='^451 COS cannot be reached'):
        command(ftp)
    took = time.monotonic() - began
    assert ftp.sendcmd('NOOP').startswith('200 ')
    ftp.close()
    return took


def behind(directory, fake, kind, protocol):
    hole = kind()
    server = Cosftpd(directory, fake, accounts=[harness.account(
        0, fake, cos_endpoint='cos.localhost:%d' % hole.port,
        cos_protocol=protocol)])
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        longest = max(pool.map(lambda f: ask(server, f), (
            lambda ftp: ftp.size('f'), lambda ftp: ftp.nlst(),
            lambda ftp: harness.store(ftp, 'f', b'x' * 100),
            lambda ftp: harness.store(ftp, 'f', os.urandom(3 << 20)))))
    assert ', attempt 2' in server.log_text()
    hole.close()
    server.end()                # it would wait for what may be pending
    return longest


def test_a_store_behind_a_black_hole(tmp_path_factory, fake):
    """Packets that are dropped, and a TLS handshake that is not answered."""
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        jobs = [pool.submit(behind, str(tmp_path_factory.mktemp('hole')), fake,
                            *how)
                for how in ((Full, 'http'), (Mute, 'http'), (Mute, 'https'))]
        assert max(j.result() for j in jobs) < 90
