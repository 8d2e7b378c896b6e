"""How much memory the server takes, and that meanwhile nobody waits: long
listings, idle sessions, many transfers at once.

The memory of a server is that of its process and of all its children, as far
as it is their own: what they share, the program, counts for none.  The
sanitizers keep what was freed, so their build is left out."""

import concurrent.futures
import re
import selectors
import socket
import threading
import time

import harness
import pytest
from measure import Noops, peak, pids, private

MIB = 1024 * 1024
NOOP_MS = 30        # about 6, where nothing else runs on the machine

pytestmark = pytest.mark.skipif('asan' in harness.COSFTPD,
                                reason='a sanitizer keeps what is freed')


def prompt(noops):
    assert noops.count > 10
    assert noops.own < NOOP_MS


@pytest.fixture
def start(tmp_path):
    """A store that keeps no bytes, and a server."""
    running = []

    def begin(files=None, **optional):
        fake = harness.Fakecos(str(tmp_path), '--discard')
        running.append(fake)
        server = harness.Cosftpd(
            str(tmp_path), fake, files=files, ports=256, optional=dict(
                {'log_level': 'INFO', 'max_connection_num': 0}, **optional))
        running.insert(0, server)
        return server, fake
    yield begin
    for p in running:
        assert p.stop() == 0, p.text()


def session(server):
    r = server.raw()
    assert r.login().startswith('230')
    return r


# ---- listings ----

def listed(server, command):
    """The number of lines, taken by a reader who is slow at first."""
    r = session(server)
    data = r.pasv()
    data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 128 * 1024)
    assert r.cmd(command).startswith('150')
    lines = 0
    for _ in range(200):
        time.sleep(0.005)       # its pace; nothing is waited for
        lines += data.recv(4096).count(b'\n')
    while piece := data.recv(MIB):
        lines += piece.count(b'\n')
    assert r.reply().startswith('226')
    data.close()
    r.close()
    return lines


def test_a_listing_of_100000_entries(start):
    """Of 20 MB: more than the connection holds for a reader who rests."""
    server, fake = start(max_list_file=100000)
    fake.fill('many/' + 'x' * 150, 100000, 1)
    with Noops(server) as noops:
        idle = private(server)
        assert listed(server, 'LIST many') == 100000
        assert listed(server, 'MLSD many') == 100000
    print('LIST and MLSD: %d KiB at most, idle %d KiB' % (
        peak(server) // 1024, idle // 1024))
    assert peak(server) - idle <= 4 * MIB
    prompt(noops)


# ---- sessions ----

def test_idle_sessions(start):
    server, fake = start()
    fake.fill('d/', 20, 1)

    def one():
        r = session(server)
        data = r.pasv()
        assert r.cmd('LIST d').startswith('150')
        while data.recv(65536):
            pass
        data.close()
        assert r.reply().startswith('226')
        return r

    sessions = [one() for _ in range(20)]
    idle = private(server)
    sessions += [one() for _ in range(500)]
    each = (private(server) - idle) / 500
    print('an idle session: %d bytes' % each)
    assert each <= 8 * 1024
    for r in sessions:
        r.close()


# ---- transfers ----

def upload(server, name, size, announced=False):
    r = session(server)
    if announced:
        assert r.cmd('ALLO %d' % size).startswith('200')
    data = r.pasv()
    assert r.cmd('STOR ' + name).startswith('150')
    chunk = bytes(65536)
    while size > 0:
        data.sendall(chunk[:size])
        size -= len(chunk)
    data.close()
    data = r.reply()
    r.close()
    return data


class Peak(threading.Thread):
    """The most that all processes had at once.  (Each one's own high water is
    not enough: one takes what another has given back.)"""

    def __init__(self, server):
        super().__init__()
        self.files = ['/proc/%d/status' % pid for pid in pids(server)]
        self.bytes, self.end = 0, threading.Event()

    def run(self):
        while not self.end.wait(0.003):
            total = 0
            for path in self.files:
                with open(path) as f:
                    total += next(int(x.split()[1]) for x in f
                                  if x.startswith('RssAnon'))
            self.bytes = max(self.bytes, total * 1024)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.end.set()
        self.join()


class SlowReaders(threading.Thread):
    """n downloads, all read by turns and slowly until hurry is set."""

    def __init__(self, server, name, size, n):
        super().__init__()
        self.size, self.hurry, self.left = size, threading.Event(), {}
        self.selector, self.replies = selectors.DefaultSelector(), []
        for _ in range(n):
            r = session(server)
            data = r.pasv()
            data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
            assert r.cmd('RETR ' + name).startswith('150')
            self.selector.register(data, selectors.EVENT_READ, r)
            self.left[data] = size

    def run(self):
        while self.left:
            for key, _ in self.selector.select(1):
                piece = key.fileobj.recv(MIB if self.hurry.is_set() else 2048)
                self.left[key.fileobj] -= len(piece)
                if not piece:
                    self.selector.unregister(key.fileobj)
                    assert self.left.pop(key.fileobj) == 0
                    key.fileobj.close()
                    self.replies.append(key.data.reply())
                    key.data.close()
            self.hurry.wait(0.01)


def test_fifty_uploads_and_fifty_slow_downloads(start):
    """memory_limit is that of all of them together: 64 MiB by default."""
    server, fake = start()
    fake.put('down', size=8 * MIB)
    fake.config(latency=20, rate=50 * 1000 * 1000)
    readers = SlowReaders(server, 'down', 8 * MIB, 50)
    with Noops(server) as noops, Peak(server) as most:
        readers.start()
        with concurrent.futures.ThreadPoolExecutor(50) as pool:
            replies = list(pool.map(
                lambda i: upload(server, 'up%d' % i, 20 * MIB), range(50)))
        readers.hurry.set()
        readers.join()
    print('50 and 50: peak %.1f MiB' % (most.bytes / MIB))
    assert [x[:3] for x in replies] == ['226'] * 50, replies
    assert [x[:3] for x in readers.replies] == ['226'] * 50
    assert fake.uploads() == []
    assert 16 * MIB < most.bytes <= (64 + 24) * MIB
    prompt(noops)


@pytest.mark.parametrize('announced', [False, True])
def test_ten_uploads_of_60_mb_with_a_limit_of_200_gib(start, announced):
    server, fake = start(files={'single_file_max_size': 200 << 30})
    fake.config(latency=20, rate=50 * 1000 * 1000)
    with Noops(server) as noops, Peak(server) as most:
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            replies = list(pool.map(
                lambda i: upload(server, 'up%d' % i, 60 * 1000 * 1000,
                                 announced),
                range(10)))
    print('10 of 60 MB: peak %.1f MB' % (most.bytes / 1e6))
    assert [x[:3] for x in replies] == ['226'] * 10, replies
    assert all(re.search(': 60000000 bytes in ', x) for x in replies)
    assert 8 * MIB < most.bytes < 88 * 1000 * 1000
    prompt(noops)
