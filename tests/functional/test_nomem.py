"""No memory: each allocation of a scenario fails once, by itself.  Whatever it
is, the server lives, every command is answered, what is said to be stored is,
and nothing else is left behind.  tests/nomem.c makes them fail; the sanitizers
see what leaks."""

import ftplib
import io
import mmap
import os
import select
import socket
import ssl
import struct

import ftps
import harness
import pytest
from harness import TOP, Cosftpd, wait_for

PROGRAM = os.path.join(TOP, 'build/asan/cosftpd-nomem')
SMALL, BIG = b'small' * 1000, bytes(range(256)) * 7000

pytestmark = pytest.mark.skipif('asan' not in harness.COSFTPD,
                                reason='it is the sanitizer build')


class Order:
    """Which allocation fails; as struct order of tests/nomem.c."""

    def __init__(self, directory):
        path = os.path.join(directory, 'nomem')
        with open(path, 'wb') as f:
            f.write(bytes(32))
        with open(path, 'r+b') as f:
            self.map = mmap.mmap(f.fileno(), 32)
        os.environ['NOMEM_FILE'] = path

    def give(self, n, least=0):
        self.map[:] = struct.pack('<4q', n, least, 0, 0)

    @property
    def seen(self):
        return struct.unpack('<4q', self.map[:])[2]


@pytest.fixture
def start(tmp_path, fake, monkeypatch):
    monkeypatch.setattr(harness, 'COSFTPD', PROGRAM)
    running = []

    def begin(tls=None):
        order = Order(str(tmp_path))
        s = Cosftpd(str(tmp_path), fake, tls=tls, args=('-1',), optional={
            'min_part_size': '1M', 'max_connection_num': 0,
            'interrupted_upload': 'discard'})   # no client waits for its end
        del os.environ['NOMEM_FILE']
        running.append((s, order))
        return s, order
    yield begin
    for s, order in running:
        order.give(0)
        assert s.stop() == 0, s.text()


class Client:
    """None as an outcome: refused for now, or the connection is lost."""

    def __init__(self, server, tls):
        self.ftp = ftplib.FTP_TLS(
            context=ssl._create_unverified_context(), encoding='utf-8') \
            if tls else ftplib.FTP(encoding='utf-8')
        self.lost = False
        self.lost = not (
            self.call(self.ftp.connect, '127.0.0.1', server.port, timeout=10)
            and self.call(self.ftp.login, harness.USER, harness.PASSWORD)
            and (not tls or self.call(self.ftp.prot_p)))

    def call(self, what, *args, **keys):
        if self.lost:
            return None
        try:
            return what(*args, **keys)
        except ftplib.error_temp as e:
            self.lost = str(e).startswith('421')
        except socket.timeout:
            raise
        except (OSError, EOFError):
            self.lost = True
        return None

    def store(self, name, data, verb='STOR'):
        return self.call(self.ftp.storbinary, verb + ' ' + name,
                         io.BytesIO(data), 65536)

    def end(self):
        self.call(self.ftp.quit)
        self.ftp.close()


def upload(c, fake):
    said = {'small': (c.store('small', SMALL), SMALL),
            'big': (c.store('big', BIG), BIG),
            'old': (c.store('old', b'more', 'APPE'), b'old more')}
    c.end()
    for name, (reply, data) in said.items():
        if reply:
            assert fake.get(name) == data
        elif name in fake.keys() and not c.lost:
            assert fake.get(name) in (data, b'old ')


def cut(c, fake):
    def begin():
        sock = c.ftp.transfercmd('STOR old')
        sock.sendall(BIG)
        wait_for('an upload or a reply', lambda: fake.uploads() or
                 select.select([c.ftp.sock], [], [], 0)[0])
        return sock
    sock = c.call(begin)
    if sock:
        c.call(c.ftp.sendcmd, 'ABOR')
        sock.close()
    c.ftp.close()
    assert fake.get('old') == b'old '


def listing(c, fake):
    for command in ('LIST', 'NLST', 'MLSD', 'LIST old', 'NLST o*'):
        lines = []
        reply = c.call(c.ftp.retrlines, command, lines.append)
        if reply:
            assert len(lines) == (1 if ' ' in command else 2), command
            assert reply.startswith('226 %d entr' % len(lines))
    reply = c.call(c.ftp.sendcmd, 'STAT /')
    if reply and reply.startswith('213'):
        assert len(reply.split('\n')) == 4, reply
    c.end()


def change(c, fake):
    got = io.BytesIO()
    if c.call(c.ftp.retrbinary, 'RETR old', got.write):
        assert got.getvalue() == b'old '
    moved = c.call(c.ftp.rename, 'dir', 'new')
    gone = c.call(c.ftp.rename, 'old', 'older') and \
        c.call(c.ftp.delete, 'older')
    c.end()
    keys = fake.keys()
    if moved:
        assert 'new/f' in keys and 'dir/f' not in keys
    assert 'new/f' in keys or 'dir/f' in keys
    if gone:
        assert 'old' not in keys and 'older' not in keys


def once(server, fake, scenario, tls=False):
    fake.wipe()
    fake.put('old', b'old ')
    fake.put('dir/f', b'f')
    scenario(Client(server, tls), fake)
    wait_for('the end of all uploads', lambda: not fake.uploads())


@pytest.mark.parametrize('scenario,tls', [
    (upload, False), (cut, False), (listing, False), (change, False),
    (change, True)])
def test_each_allocation_fails_once(start, tmp_path, fake, scenario, tls):
    certs = ftps.certificates(str(tmp_path)) if tls else None
    server, order = start({'cert_file': certs + '/ec.pem',
                           'key_file': certs + '/ec.key'} if tls else None)
    once(server, fake, scenario, tls)       # what the server keeps is there
    order.give(0)
    once(server, fake, scenario, tls)
    count = order.seen
    assert count > 20
    for n in range(1, count + 1):
        order.give(n)
        once(server, fake, scenario, tls)
    order.give(0)
    once(server, fake, scenario, tls)


# Those of the first upload: they are kept for the next ones.
@pytest.mark.parametrize('n', range(1, 5))
def test_a_buffer_for_an_upload_fails(start, fake, n):
    server, order = start()
    f = server.login()
    order.give(n, 256 * 1024)
    with pytest.raises(ftplib.error_temp):
        harness.store(f, 'big', BIG)
    wait_for('the end of the upload', lambda: not fake.uploads())
    assert fake.keys() == []
    assert harness.store(f, 'big', BIG).startswith('226')
    assert fake.get('big') == BIG
    f.close()


@pytest.mark.parametrize('n', [1, 2])
def test_a_buffer_for_a_download_fails(start, fake, n):
    """It is read with less ahead, or refused; and never cut."""
    fake.put('big', BIG)
    server, order = start()
    f = server.login()
    order.give(n, 64 * 1024)
    try:
        assert harness.fetch(f, 'big') == BIG
    except ftplib.error_temp:
        pass
    assert harness.fetch(f, 'big') == BIG
    f.close()
