"""The store's name: its name server fails, is silent, and recovers.

The server under test has a resolv.conf of its own (in a mount namespace) that
names a server of the test's."""

import ftplib
import os
import socket
import struct
import threading
import time

import harness
import pytest
from harness import wait_for

ADDRESS = '127.77.%d.%d' % divmod(os.getpid() % 65000, 256)   # nobody else's
NAME = harness.BUCKET + '.store.test'
INSIDE = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
UNDER = ['unshare', '--mount', 'sh', '-c', INSIDE]


pytestmark = pytest.mark.skipif(not harness.may_mount('unshare', '--mount'),
                                reason='needs root and mounts')


class Names(threading.Thread):
    """Answers as it is told to: 'good', 'servfail', 'nxdomain', 'silent'."""

    CODES = {'good': 0, 'servfail': 2, 'nxdomain': 3}

    def __init__(self):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((ADDRESS, 53))
        self.mode, self.asked = 'servfail', 0
        self.start()

    def answer(self, query):
        """RFC 1035 4.1; only questions for A get an address."""
        end = query.index(b'\0', 12) + 1
        kind, = struct.unpack('!H', query[end:end + 2])
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]])
            at += 1 + query[at]
        known = b'.'.join(labels).decode('latin-1').lower() == NAME
        code = self.CODES[self.mode] if known else 3
        found = code == 0 and kind == 1
        head = query[:2] + struct.pack('!HHHHH', 0x8180 | code, 1, found, 0, 0)
        return head + query[12:end + 4] + (
            b'\xc0\x0c' + struct.pack('!HHIH', 1, 1, 0, 4) +
            socket.inet_aton('127.0.0.1') if found else b'')

    def run(self):
        while True:
            query, peer = self.sock.recvfrom(4096)
            if not query:
                return
            self.asked += 1
            if self.mode != 'silent':
                self.sock.sendto(self.answer(query), peer)

    def close(self):
        self.sock.sendto(b'', (ADDRESS, 53))
        self.join(10)
        self.sock.close()


@pytest.fixture
def names():
    try:
        n = Names()
    except OSError as e:
        pytest.skip('no port 53 at %s: %s' % (ADDRESS, e))
    yield n
    n.close()


@pytest.fixture
def server(tmp_path, fake, names):
    (tmp_path / 'resolv.conf').write_text(
        'nameserver %s\noptions timeout:1 attempts:1\n' % ADDRESS)
    s = harness.Cosftpd(
        str(tmp_path), fake, accounts=[harness.account(
            0, fake, cos_endpoint='store.test:%d' % fake.port)],
        optional={'worker_num': 1}, under=[*UNDER, tmp_path / 'resolv.conf'])
    yield s
    assert s.stop() == 0, s.text()


@pytest.mark.parametrize('mode', ['servfail', 'nxdomain', 'silent'])
def test_failing_names_that_recover_are_not_noticed(server, fake, names,
                                                    mode):
    names.mode = mode
    body = os.urandom(3 * 1024 * 1024)
    ftp = server.login(timeout=90)

    def recover():
        wait_for('a second question', lambda: names.asked > 3)
        names.mode = 'good'
    t = threading.Thread(target=recover)
    t.start()
    assert harness.store(ftp, 'f', body).startswith('226 ')
    t.join()
    assert fake.get('f') == body
    assert 'name lookup' in server.log_text()
    names.mode = mode                   # what is known is used on
    assert harness.fetch(ftp, 'f') == body
    ftp.close()


def stored(ftp, body):
    try:
        return harness.store(ftp, 'f', body).startswith('226 ')
    except ftplib.error_temp:           # it is not asked each time
        return False


@pytest.mark.parametrize('mode', ['servfail', 'nxdomain', 'silent'])
def test_failing_names_are_a_clear_error_and_no_more(server, fake, names,
                                                     mode):
    fake.put('f', b'old')
    names.mode = mode
    ftp = server.login(timeout=90)
    start = time.monotonic()
    for command in ('SIZE f', 'DELE f'):
        with pytest.raises(ftplib.Error, match='^[45]5[01] .*resolve'):
            ftp.sendcmd(command)
        assert time.monotonic() - start < 90
        start = time.monotonic()
    with pytest.raises(ftplib.error_temp, match='^4.. .*resolve'):
        harness.store(ftp, 'f', b'new')
    assert time.monotonic() - start < 90
    assert fake.keys() == ['f'] and fake.get('f') == b'old'
    names.mode = 'good'
    wait_for('an answer', lambda: stored(ftp, b'new'), 30)
    assert fake.get('f') == b'new'
    ftp.close()
