"""How long the store is waited for: 90 s of silence are enough, but what takes
longer without being silent is not given up, and an answer that only drips is
none.  These take a minute each, side by side."""

import concurrent.futures
import ftplib
import io
import os
import socket
import threading
import time

import harness
import pytest

MIB = 1024 * 1024
PART, COMPLETE = 'UploadPart', 'CompleteMultipartUpload'
BIG = 3 << 30                   # for Complete of it a minute may be right
SLOW = 48 * 1024                # bytes per second
LATE = 66                       # s: more than is left for another try


class Drip:
    """A store that answers every PUT and listing with blanks, one a second;
    nothing is there."""
    bucket, tls = harness.BUCKET, False

    def __init__(self):
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        self.ended = threading.Event()
        harness.serve(self.socket, self.answer)

    def answer(self, conn):
        with conn, conn.makefile('rb') as f:
            drips = f.readline().startswith((b'PUT', b'GET /?'))
            while f.readline() not in (b'\r\n', b''):
                pass
            try:
                if drips:
                    conn.sendall(b'HTTP/1.1 200 OK\r\nETag: "x"\r\n'
                                 b'Content-Length: 60000\r\n\r\n')
                else:
                    conn.sendall(b'HTTP/1.1 404 Not Found\r\n'
                                 b'Content-Length: 0\r\n\r\n')
                while drips and not self.ended.wait(1):
                    conn.sendall(b' ')
            except OSError:
                pass

    def stop(self):
        self.ended.set()
        self.socket.close()
        return 0


def told(call, *args):
    """The reply to a transfer, and the seconds it took."""
    begin = time.monotonic()
    try:
        return call(*args), time.monotonic() - begin
    except ftplib.Error as e:
        return str(e), time.monotonic() - begin


def drip(directory, fake):
    server = harness.Cosftpd(directory, fake)
    ftp = server.login(timeout=200)
    return server, told(harness.store, ftp, 'f', b'abc')


def drip_list(directory, fake):
    server = harness.Cosftpd(directory, fake)
    ftp = server.login(timeout=200)
    return server, told(ftp.nlst)


class Mute:
    """Hands on what is said to a store and its answers, until it is told not
    to: then nobody hears anything any more, on no connection."""
    bucket, tls = harness.BUCKET, False

    def __init__(self, directory):
        self.fake = harness.Fakecos(directory)
        self.socket = socket.create_server(('127.0.0.1', 0))
        self.port = self.socket.getsockname()[1]
        self.mute = False
        harness.serve(self.socket, self.connect)

    def connect(self, conn):
        other = socket.create_connection(('127.0.0.1', self.fake.port))
        for pair in ((conn, other), (other, conn)):
            threading.Thread(target=self.hand_on, args=pair,
                             daemon=True).start()

    def hand_on(self, a, b):
        try:
            while data := a.recv(65536):
                if not self.mute:
                    b.sendall(data)
            if not self.mute:
                b.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def stop(self):
        self.socket.close()
        return self.fake.stop()


def mute(op, size):
    """From the first such request on; None: from the beginning."""
    def run(directory, store):
        server = harness.Cosftpd(directory, store)
        ftp = server.login(timeout=200)
        harness.store(ftp, 'warm', b'abc')
        store.mute = op is None
        if op:
            store.fake.fault(op=op, head_stall=10 ** 6, times=-1)
        with concurrent.futures.ThreadPoolExecutor() as pool:
            reply = pool.submit(told, harness.store, ftp, 'f',
                                os.urandom(size))
            if op:
                harness.wait_for(op, lambda: store.fake.ops().get(op))
                store.mute = True
            said = reply.result()
        server.end()            # it would wait for what is pending
        return None, said
    return run


def slow_part(directory, fake):
    """It breaks after it has moved for longer than silence may last."""
    server = harness.Cosftpd(directory, fake,
                             optional={'min_part_size': '4M'})
    ftp = server.login(timeout=200)
    # the first one may be on a kept connection, and is not counted then
    fake.fault(op=PART, reset_read=SLOW * LATE, times=2)
    data = os.urandom(4 * MIB)        # one part
    with concurrent.futures.ThreadPoolExecutor() as pool:
        reply = pool.submit(told, harness.store, ftp, 'f', data)
        harness.wait_for('the part', lambda: fake.ops().get(PART))
        fake.config(rate=0)     # of requests that begin from now on
        said = reply.result()
    if said[0].startswith('226 '):
        assert fake.get('f') == data
    assert fake.uploads() == []
    return server, said


def late_complete(directory, fake):
    """The one of an object for which COS may take a minute is refused late,
    and the next one is as good as it ever was."""
    server = harness.Cosftpd(directory, fake)
    ftp = server.login(timeout=200)
    fake.put('f', size=BIG)
    fake.fault(op=COMPLETE, delay=15 * 1000, status=500,
               code='InternalError', times=1)
    said = told(ftp.storbinary, 'APPE f', io.BytesIO(b'abc'))
    assert fake.uploads() == []
    return server, said


CASES = {
    'mute-put': (mute(None, 3), Mute),
    'mute-initiate': (mute(None, 3 * MIB), Mute),
    'mute-part': (mute(PART, 3 * MIB), Mute),
    'mute-complete': (mute(COMPLETE, 3 * MIB), Mute),
    'drip-put': (drip, lambda d: Drip()),
    'drip-list': (drip_list, lambda d: Drip()),
    'slow-part': (slow_part, lambda d: harness.Fakecos(
        d, '--rate', str(SLOW))),
    'late-complete': (late_complete, harness.Fakecos),
}


@pytest.fixture(scope='module')
def outcome(tmp_path_factory):
    def run(name, directory):
        do, make = CASES[name]
        fake = make(directory)
        server, said = do(directory, fake)
        assert server is None or server.stop() == 0, server.text()
        assert fake.stop() == 0
        return said
    with concurrent.futures.ThreadPoolExecutor(len(CASES)) as pool:
        todo = {name: pool.submit(run, name, str(
            tmp_path_factory.mktemp(name))) for name in CASES}
    return todo


def test_a_part_that_takes_long_is_sent_again(outcome):
    reply, took = outcome['slow-part'].result()
    assert reply.startswith('226 '), reply
    assert took > 60


def test_a_complete_that_breaks_late_is_sent_again(outcome):
    reply, took = outcome['late-complete'].result()
    assert reply.startswith('226 '), reply
    assert 15 < took < 60


@pytest.mark.parametrize('case', ['drip-put', 'drip-list'])
def test_an_answer_that_drips_has_an_end(outcome, case):
    reply, took = outcome[case].result()
    assert reply[0] == '4', reply
    assert took < 90


@pytest.mark.parametrize('case', [c for c in CASES if c.startswith('mute')])
def test_a_store_that_falls_silent_is_given_up(outcome, case):
    """With all that an upload does then: look, abort, look for its id."""
    reply, took = outcome[case].result()
    assert reply[0] == '4', reply
    assert took < 90
