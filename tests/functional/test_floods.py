"""Many at once, or without an end: connections, commands, handshakes, slow
clients, clients that have vanished.  Meanwhile a session that behaves asks
with NOOP all the time and is answered within 100 ms.

The longest wait is held to that without the time in which other processes had
the processors; as it is, 99 of 100 are, and the longest within a second."""

import os
import random
import re
import resource
import socket
import ssl
import struct
import threading
import time

import pytest

import ftps
import harness
import measure
from harness import Cosftpd, wait_for

NOOP_MS = 100
MOST = 30 * 1000 * 1000     # more than two sockets hold
ASAN = 'asan' in harness.COSFTPD


class Noops(measure.Noops):
    def __exit__(self, kind, *rest):
        super().__exit__(kind, *rest)
        if kind is not None or ASAN:    # which is several times as slow
            return
        assert self.count > 10 and self.median < NOOP_MS / 2
        # of few: no more than the longest
        assert self.p99 < NOOP_MS or self.count < 300
        assert self.own < NOOP_MS and self.longest < 1000


@pytest.fixture
def start(tmp_path, fake):
    running = []

    def begin(network=None, tls=False, **optional):
        keys = dict(network=network, optional={
            'log_level': 'INFO', 'worker_num': 1, 'max_connection_num': 0,
            **optional})
        if tls:
            s = ftps.Server(str(tmp_path), fake, tls, cert='rsa', **keys)
        else:
            s = Cosftpd(str(tmp_path), fake, **keys)
        running.append(s)
        return s
    yield begin
    for s in running:
        assert s.stop() == 0, s.text()


@pytest.fixture(scope='module', autouse=True)
def silent(tmp_path_factory, fakecos):
    """Begun first, looked at last: clients who never log in."""
    s = Cosftpd(str(tmp_path_factory.mktemp('silent')), fakecos,
                optional={'worker_num': 1})
    clients = [s.raw() for _ in range(3)]
    clients[1].send(b'USER')
    clients[2].cmd('USER user1')
    vanish(clients[2].sock)
    began = time.monotonic()
    yield s, clients, began
    for r in clients:
        reset(r.sock)
    assert s.stop() == 0


@pytest.fixture
def descriptors():
    """Some thousands of them, for this process and the server."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 5000:
        pytest.skip('only %d descriptors' % hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_files(server):
    harness.needs_root()
    return sum(len(os.listdir('/proc/%d/fd' % p)) for p in server.workers())


def connections(server):
    """Sockets of clients it has open: of the ports it serves."""
    harness.needs_root()
    ports, rows, n = {server.port, *range(server.passive[0],
                                          server.passive[1] + 1)}, {}, 0
    for path in ('/proc/net/tcp', '/proc/net/tcp6'):
        with open(path) as f:
            for row in list(f)[1:]:
                x = row.split()
                rows['socket:[%s]' % x[9]] = int(x[1].split(':')[1], 16)
    for pid in server.workers():
        for fd in os.listdir('/proc/%d/fd' % pid):
            try:
                n += rows.get(os.readlink('/proc/%d/fd/%s' % (pid, fd))) in \
                    ports
            except OSError:
                pass
    return n


def connect(port, source='127.0.0.1'):
    return socket.create_connection(('127.0.0.1', port), timeout=30,
                                    source_address=(source, 0))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    sock.close()


# ---- connections ----

class Slow(threading.Thread):
    """n clients that send a command byte by byte, some seconds between."""

    def __init__(self, port, n):
        super().__init__()
        self.socks = [connect(port, '127.0.1.%d' % (1 + i % 50))
                      for i in range(n)]
        self.end = threading.Event()

    def run(self):
        while not self.end.is_set():
            for s in self.socks:
                if self.end.wait(0.001):
                    return
                s.sendall(b'N')


def rapid(port, n):
    """As they come: gone at once, reset, with a command, with rubbish."""
    for i in range(n):
        s = connect(port, '127.0.2.%d' % (1 + i % 50))
        if i % 4 == 1:
            reset(s)
            continue
        if i % 4 == 2:
            s.sendall(b'USER x\r\nQUIT\r\n')
        if i % 4 == 3:
            s.sendall(b'\x16\x03\x01\0\r\n')
        s.close()


def test_ten_thousand_connects_and_two_thousand_slow_clients(start,
                                                             descriptors):
    s = start(network={'max_per_ip': 60}, max_connection_num=4601)
    base = open_files(s)
    memory = measure.private(s)
    with Noops(s):
        slow = Slow(s.port, 2000)
        wait_for('all of them', lambda: open_files(s) >= base + 2001)
        each = (measure.private(s) - memory) / 2000
        slow.start()
        rapid(s.port, 10000)
        slow.end.set()
        slow.join()
    print('%d bytes for each of the slow' % each)
    assert ASAN or each < 10 * 1024
    for c in slow.socks:                # all were held, and still are
        c.sendall(b'\r\nNOOP\r\n')
    for c in slow.socks:
        with c.makefile('rb') as f:
            assert [f.readline()[:4] for _ in range(3)] == [
                b'220 ', b'500 ', b'200 ']
        c.close()
    wait_for('all descriptors', lambda: open_files(s) <= base, 20)


def test_connections_that_are_refused(start):
    """Beyond the limit of an address, as fast as it goes."""
    s = start(network={'max_per_ip': 5})
    held = [connect(s.port, '127.0.0.5') for _ in range(5)]
    base = None
    with Noops(s):
        for i in range(3000):
            c = connect(s.port, '127.0.0.5')
            if i == 0:
                assert c.recv(4) == b'421 '
                base = open_files(s)
            c.close()
    wait_for('descriptors', lambda: open_files(s) <= base)
    for c in held:
        c.close()


def hello(context):
    """The bytes with which a client begins TLS."""
    inp, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(inp, out, server_hostname='localhost')
    with pytest.raises(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


@pytest.fixture(scope='module')
def certs(tmp_path_factory):
    return ftps.certificates(str(tmp_path_factory.mktemp('certs')))


def test_handshakes_that_cost_the_client_nothing(start, certs):
    """300 at once, each a signature of RSA for the server."""
    s = start(tls=certs)
    first = hello(s.context)
    base = open_files(s)
    with Noops(s):
        socks = [connect(s.implicit) for _ in range(300)]
        for c in socks:
            c.sendall(first)
        for c in socks:
            assert c.recv(1) == b'\x16'
            c.close()
    wait_for('descriptors', lambda: open_files(s) <= base)


# ---- commands ----

class Reader(threading.Thread):
    """Counts the replies."""

    def __init__(self, sock):
        super().__init__(daemon=True)
        self.sock, self.lines = sock, 0
        self.start()

    def run(self):
        try:
            while True:
                piece = self.sock.recv(65536)
                if not piece:
                    return
                self.lines += piece.count(b'\n')
        except OSError:
            return


@pytest.mark.parametrize('line', [b'NOOP\r\n', b'FEAT\r\n', b'CWD a/../b\r\n',
                                  b'PASV\r\n', b'TYPE I\r\nSTAT\r\n', b'\r\n'],
                         ids=lambda x: x.split()[0].decode() if x.strip()
                         else 'empty')
def test_a_flood_of_commands(start, line):
    s = start()
    r = s.raw()
    r.login()
    with Noops(s):
        reader = Reader(r.sock)
        block = line * 2000
        try:
            for _ in range(2 if line[:3] == b'CWD' else 30):
                r.send(block)
            r.sock.shutdown(socket.SHUT_WR)
        except OSError:
            assert line == b'\r\n'      # cut: a run of unknown commands
        reader.join(60)
    assert not reader.is_alive() and reader.lines > 5
    assert s.rss() < 64 * 1024 * 1024 or ASAN
    r.close()


def test_a_flood_of_noops_during_a_transfer(start, fake):
    """They are answered after it: not all are taken in advance."""
    s = start()
    r = s.raw()
    r.login()
    data = r.pasv()
    assert r.cmd('STOR f').startswith('150 ')
    r.sock.settimeout(0.3)
    sent = 0
    with Noops(s):
        try:
            while sent < MOST:
                sent += r.sock.send((b'NOOP\r\n' * 10000)[sent % 6:])
        except TimeoutError:
            pass
        data.sendall(b'12345')
        r.sock.settimeout(30)
        reader = Reader(r.sock)
        data.close()
        wait_for('the replies', lambda: reader.lines > sent // 6, 60)
    assert fake.get('f') == b'12345'
    assert sent < MOST
    r.close()


@pytest.mark.parametrize('login', [True, False])
def test_a_line_without_an_end(start, login):
    s = start()
    r = s.raw()
    if login:
        r.login()
    before = s.rss()
    with Noops(s):
        for _ in range(1000):
            r.send(b'x' * 65536)
        r.send(b'\r\n')
        assert r.reply()[:4] == ('500 ' if login else '421 ')
    assert s.rss() - before < 8 * 1024 * 1024
    r.close()


# ---- passive ports ----

def test_one_user_does_not_take_all_passive_ports(start):
    """One for each session, and the limits are on sessions."""
    s = start(network={'max_per_ip': 20})
    base = open_files(s)
    sessions = [s.raw() for _ in range(20)]
    for r in sessions:
        assert r.login().startswith('230 ')
        for _ in range(50):
            assert r.cmd('EPSV').startswith('229 ')
    assert open_files(s) == base + 2 * 20
    assert connect(s.port).recv(4) == b'421 '
    other = harness.Raw.__new__(harness.Raw)
    other.sock = connect(s.port, '127.0.0.6')
    other.file = other.sock.makefile('rb')
    other.reply()
    assert other.login().startswith('230 ')
    assert other.cmd('EPSV').startswith('229 ')
    for r in [*sessions, other]:
        r.close()
    wait_for('all ports', lambda: open_files(s) == base)


# ---- those who have vanished ----

def vanish(sock):
    """As if its machine had lost its power: whatever comes for it is dropped
    (a filter that takes 0 bytes of each segment), and it says no more."""
    program = struct.pack('HBBI', 0x06, 0, 0, 0)        # BPF: ret 0
    buffer = bytearray(program)
    import ctypes
    at = (ctypes.c_char * len(buffer)).from_buffer(buffer)
    sock.setsockopt(socket.SOL_SOCKET, 26,              # SO_ATTACH_FILTER
                    struct.pack('HxxxxxxP', 1, ctypes.addressof(at)))


@pytest.mark.parametrize('command', [
    None, 'STOR f', 'APPE big', 'RETR big', 'NLST many', 'STAT many'])
def test_half_open_connections_end(start, fake, command):
    """Nothing of it is left: no descriptor, no upload, no file."""
    s = start(idle_timeout=3, data_timeout=3)
    fake.put('big', size=64 * 1024 * 1024)
    fake.fill('many/' + 'x' * 800, 9000, 1)
    assert connections(s) == 1          # it listens
    r = s.raw()
    r.login()
    data = r.pasv() if command and not command.startswith('STAT') else None
    if data:
        data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    if command:
        r.send(command.encode() + b'\r\n')
        assert re.match('150 |213-', r.line())
    if command and command[:4] in ('STOR', 'APPE'):
        data.sendall(random.randbytes(100000))
        wait_for('its bytes', lambda: r.received() == 100000)
    for sock in (r.sock, data):
        if sock:
            vanish(sock)
    wait_for('both', lambda: connections(s) == (3 if data else 2))
    wait_for('its end', lambda: connections(s) == 1, 20)
    assert fake.uploads() == []
    assert s.cpu() < 5
    for sock in (r.sock, data):
        if sock:
            reset(sock)


def test_who_does_not_log_in_is_ended_after_a_minute(silent):
    """Whatever he sends meanwhile."""
    server, clients, began = silent
    for r in clients[:2]:
        r.sock.settimeout(5)
        while time.monotonic() < began + 90:
            try:
                r.send(b'U')
                r.sock.recv(1, socket.MSG_PEEK)
                break
            except TimeoutError:
                continue
        assert r.reply().startswith('421 ') and r.line() == ''
    assert time.monotonic() - began > 55
    wait_for('its end', lambda: connections(server) == 1, 20)
