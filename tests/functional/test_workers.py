"""The supervisor and its workers: one dies, the others do not notice."""

import ftplib
import io
import os
import re
import signal
import socket
import threading

import pytest

import harness
from harness import Cosftpd, wait_for

MIB = 1024 * 1024


@pytest.fixture
def start(tmp_path, fake):
    servers = []

    def begin(workers=2, **keys):
        optional = dict(keys.pop('optional', {}), worker_num=workers)
        servers.append(Cosftpd(str(tmp_path), fake, optional=optional, **keys))
        return servers[-1]
    yield begin
    for s in servers:
        assert s.stop() == 0, s.text()


def inode(port, peer):
    """Of the server's end of a connection over loopback."""
    for name, width in (('tcp', 8), ('tcp6', 32)):
        with open('/proc/net/' + name) as f:
            for line in f.readlines()[1:]:
                word = line.split()
                if int(word[1][width + 1:], 16) == port and \
                        int(word[2][width + 1:], 16) == peer:
                    return word[9]
    raise AssertionError('no such connection')


def worker_of(server, sock):
    """The pid of the worker that serves this control connection."""
    harness.needs_root()
    want = 'socket:[%s]' % inode(server.port, sock.getsockname()[1])

    def look():
        for pid in server.workers():
            for fd in os.listdir('/proc/%d/fd' % pid):
                try:
                    if os.readlink('/proc/%d/fd/%s' % (pid, fd)) == want:
                        return pid
                except FileNotFoundError:
                    pass
        return None
    return wait_for('a worker takes it', look)


def one_of_each(server):
    """A logged-in session on each of two workers."""
    sessions = {}
    for _ in range(50):
        f = server.login()
        pid = worker_of(server, f.sock)
        if pid in sessions:
            f.close()
        sessions.setdefault(pid, f)
        if len(sessions) == 2:
            return list(sessions.items())
    raise AssertionError('all sessions are on one worker')


def dies(server, pid, sig=signal.SIGKILL):
    before = set(server.workers())
    os.kill(pid, sig)
    return wait_for('another worker', lambda: [
        p for p in server.workers() if p not in before])[0]


def test_sessions_are_spread_evenly(start):
    s = start(workers=3)
    held = [s.login() for _ in range(24)]
    seen = [worker_of(s, f.sock) for f in held]
    assert len(set(seen)) == 3
    assert max(seen.count(p) for p in set(seen)) <= 16
    for f in held:
        f.close()


def test_one_worker_dies_and_the_other_goes_on(start, fake):
    s = start()
    (dead, a), (_, b) = one_of_each(s)
    sock = b.transfercmd('STOR kept')
    sock.sendall(b'x' * MIB)
    dies(s, dead)
    with pytest.raises((EOFError, OSError)):
        a.sendcmd('NOOP')
    sock.sendall(b'y' * (3 * MIB))
    sock.close()
    assert b.voidresp().startswith('226 ')
    assert fake.get('kept') == b'x' * MIB + b'y' * (3 * MIB)
    assert re.search(r'worker \d \(pid %d\) was ended by signal 9' % dead,
                     s.log_text())
    f = s.login()
    harness.store(f, 'new', b'1')
    f.close()
    a.close()
    b.close()


def test_uploads_of_a_dead_worker_are_aborted(start, fake):
    """And nobody else's: not the other worker's, not another tool's."""
    s = start()
    (dead, a), (_, b) = one_of_each(s)
    one, two = a.transfercmd('STOR a'), b.transfercmd('STOR b')
    for sock in (one, two):
        sock.sendall(os.urandom(3 * MIB))
    wait_for('both uploads', lambda: len(fake.uploads()) == 2)
    wait_for('a part', lambda: fake.ops().get('UploadPart', 0) >= 2)
    dies(s, dead)
    wait_for('an abort', lambda: [u['key'] for u in fake.uploads()] == ['b'])
    two.close()
    assert b.voidresp().startswith('226 ')
    assert fake.uploads() == [] and fake.keys() == ['b']
    one.close()
    a.close()
    b.close()


def test_an_upload_that_cannot_be_aborted_is_not_said_to_be(start, fake):
    s = start()
    (dead, a), (_, b) = one_of_each(s)
    fake.fault(op='AbortMultipartUpload', status=403, code='AccessDenied',
               times=-1)
    one = a.transfercmd('STOR a')
    one.sendall(os.urandom(3 * MIB))
    wait_for('the upload', lambda: fake.ops().get('UploadPart'))
    dies(s, dead)
    wait_for('the log', lambda: re.search(
        'upload of %s/%sa is left unfinished, upload id %s' % (
            fake.bucket, harness.PREFIX, fake.uploads()[0]['uploadId']),
        s.log_text()))
    b.sendcmd('NOOP')
    a.close()
    b.close()
    one.close()
    s.stop()
    assert 'aborted' not in s.log_text()


def test_an_upload_whose_id_was_not_known_yet_is_aborted(start, fake):
    s = start()
    (dead, a), (_, b) = one_of_each(s)
    fake.fault(op='InitiateMultipartUpload', body_stall=0, ms=20000)
    one = a.transfercmd('STOR a')
    one.sendall(os.urandom(3 * MIB))
    wait_for('the upload', lambda: len(fake.uploads()) == 1)
    dies(s, dead)
    wait_for('an abort', lambda: fake.uploads() == [])
    one.close()
    a.close()
    b.close()


def test_what_a_dead_worker_held_is_free(start):
    """Memory for parts and places for sessions come back."""
    s = start(optional={'memory_limit': '4M', 'max_connection_num': 9})
    (dead, a), (_, b) = one_of_each(s)
    held = [a.transfercmd('STOR a')]
    held[0].sendall(os.urandom(700 * 1000))
    extra = [s.login() for _ in range(2)]
    with pytest.raises(ftplib.error_temp, match='^421'):
        s.login()
    with pytest.raises(ftplib.error_temp, match='^421'):
        s.login()
    dies(s, dead)
    wait_for('a free place', lambda: comes_in(s))
    harness.store(b, 'b', os.urandom(20 * MIB))
    for f in extra + [a, b] + held:
        f.close()


def comes_in(s):
    try:
        s.login().close()
        return True
    except ftplib.error_temp:
        return False


def three_on_two(server):
    """Three sessions that are not all on one worker; None: not this time."""
    held = []
    try:
        while len(held) < 3:
            held.append(server.login())
        if len({worker_of(server, f.sock) for f in held}) == 2:
            return held
    except ftplib.error_temp:
        pass                    # one of the last time is not gone yet
    for f in held:
        f.close()
    return None


def test_the_limit_of_an_address_counts_over_all_workers(start):
    s = start(network={'max_per_ip': 3})
    held = wait_for('sessions on both', lambda: three_on_two(s))
    with pytest.raises(ftplib.error_temp, match='^421'):
        s.login()
    for f in held:
        f.close()


def test_two_workers_append_to_one_object(start, fake):
    fake.put('f', b'0' * MIB)
    s = start()
    (_, a), (_, b) = one_of_each(s)
    sock = a.transfercmd('APPE f')
    sock.sendall(b'1')
    with pytest.raises(ftplib.error_temp, match='^450'):
        b.storbinary('APPE f', io.BytesIO(b'2'))
    sock.close()
    assert a.voidresp().startswith('226 ')
    assert fake.get('f') == b'0' * MIB + b'1'
    a.close()
    b.close()


def test_memory_is_shared_between_workers(start):
    """One upload alone may have all of memory_limit; many share it."""
    s = start(optional={'memory_limit': '8M'})
    data = os.urandom(24 * MIB)
    sessions = [s.login(timeout=60) for _ in range(6)]
    errors = []

    def put(i):
        try:
            harness.store(sessions[i], 'f%d' % i, data)
        except ftplib.all_errors as e:
            errors.append(e)
    threads = [threading.Thread(target=put, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert errors == []
    for f in sessions:
        f.close()


def test_it_dies_again_and_again(start):
    s = start(workers=1)
    for _ in range(3):
        dies(s, s.worker())
        wait_for('service', lambda: comes_in(s))


def test_signals_to_a_worker_do_not_stop_it(start):
    s = start(workers=1)
    f = s.login()
    for sig in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(s.worker(), sig)
    assert f.sendcmd('NOOP').startswith('200')
    f.close()


def test_a_worker_that_hangs_at_the_end_is_killed_and_named(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake,
                optional={'worker_num': 2, 'drain_timeout': 1})
    hangs = s.workers()[0]
    os.kill(hangs, signal.SIGSTOP)
    assert s.stop() == 0
    assert re.search(r'ERROR worker \d \(pid %d\) was ended by signal 9$'
                     % hangs, s.log_text(), re.M)


def test_the_supervisor_dies_and_the_workers_drain(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake, optional={'worker_num': 2})
    pids = s.workers()
    f = s.login()
    sock = f.transfercmd('STOR f')
    sock.sendall(b'x' * 100)
    s.child.kill()
    s.child.wait()
    wait_for('the workers end', lambda: not any(map(alive, pids)))
    with pytest.raises((EOFError, OSError, ftplib.Error)):
        f.voidresp()
        f.sendcmd('NOOP')
    sock.close()
    f.close()


def alive(pid):
    try:
        with open('/proc/%d/stat' % pid) as f:
            return f.read().rsplit(')', 1)[1].split()[0] != 'Z'
    except OSError:
        return False


def test_option_1_is_one_process(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake, args=['-1'])
    assert s.workers() == [s.child.pid]
    f = s.login()
    harness.store(f, 'f', b'1')
    f.close()
    assert s.stop() == 0


def test_lines_of_the_log_are_whole(start, fake):
    s = start(workers=3)

    def work(i):
        f = s.login()
        for k in range(30):
            harness.store(f, 'd%d/f%d' % (i, k), b'1' * 200)
        f.close()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    head = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d{4} '
                      r'(DEBUG|INFO |WARNING|ERROR) ')
    lines = s.log_text().splitlines()
    assert len(lines) > 180 * 3
    assert [x for x in lines if not head.match(x)] == []
    assert len({re.search(r'#(\d+)', x)[1] for x in lines
                if 'connected from' in x}) == 6


def test_a_full_backlog_is_served_by_all(start):
    s = start(workers=2, optional={'max_connection_num': 0})
    socks = [socket.create_connection(('127.0.0.1', s.port), timeout=10)
             for _ in range(100)]
    for x in socks:
        assert x.recv(1000).startswith(b'220 ')
    seen = [worker_of(s, x) for x in socks]
    assert min(seen.count(p) for p in set(seen)) > 20
    for x in socks:
        x.close()
