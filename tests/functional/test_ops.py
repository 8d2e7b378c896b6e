"""Operations: SIGHUP reads the configuration again, and nobody notices."""

import ftplib
import os
import re
import signal
import socket
import ssl
import subprocess
import time

import pytest

import harness
from harness import Cosftpd, account, free_ports, wait_for

MIB = 1024 * 1024


class Reloaded(Cosftpd):
    def change(self, *pairs):
        """Of texts in the configuration; the signal is not sent."""
        with open(self.config, encoding='utf-8') as f:
            text = f.read()
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(text)

    def hup(self, what='reloaded on port'):
        """Until the log says so once more."""
        before = self.log_text().count(what)
        self.child.send_signal(signal.SIGHUP)
        wait_for(what, lambda: self.log_text().count(what) > before)

    def reload(self, *pairs):
        """Until workers of before accept nobody any more."""
        old = self.workers()
        self.change(*pairs)
        self.hup()
        wait_for('the old workers to retire',
                 lambda: not any(listens(pid) for pid in old))


def listens(pid):
    """Has the process a listening socket?  False where one may not look."""
    inodes = set()
    try:
        for name in '/proc/%d/net/tcp' % pid, '/proc/%d/net/tcp6' % pid:
            with open(name) as f:
                inodes |= {x.split()[9] for x in f if x.split()[3] == '0A'}
        fds = '/proc/%d/fd/' % pid
        links = {os.readlink(fds + x) for x in os.listdir(fds)}
    except OSError:
        return False
    return any('socket:[%s]' % x in links for x in inodes)


def starter(directory, fake, usual=1, **always):
    """For a fixture: starts servers, and stops them at the end."""
    servers = []

    def begin(workers=usual, **keys):
        optional = dict({'worker_num': workers, **always},
                        **keys.pop('optional', {}))
        servers.append(Reloaded(str(directory), fake, optional=optional,
                                **keys))
        return servers[-1]
    yield begin
    for s in servers:
        assert s.stop() == 0, s.text()


@pytest.fixture
def start(tmp_path, fake):
    yield from starter(tmp_path, fake)


def refused(s, *who):
    try:
        s.login(*who).close()
        return False
    except ftplib.error_perm:
        return True


def only_new(s, n):
    """The workers of earlier configurations have gone."""
    wait_for('the old workers end', lambda: len(s.workers()) == n)


def test_an_upload_survives_changes_of_accounts(start, fake):
    s = start(accounts=[account(0, fake),
                        account(1, fake, 'gone', 'pass 2')])
    f = s.login()
    sock = f.transfercmd('STOR kept')
    sock.sendall(b'x' * MIB)
    old = s.worker()
    s.reload(('"pass 1"', '"pass new"'), ('= gone', '= fresh'))
    assert old in s.workers() and len(s.workers()) == 2
    assert refused(s) and refused(s, 'gone', 'pass 2')
    s.login('fresh', 'pass 2').close()
    s.login(password='pass new').close()
    sock.sendall(b'y' * (3 * MIB))
    sock.close()
    assert f.voidresp().startswith('226 ')
    assert fake.get('kept') == b'x' * MIB + b'y' * (3 * MIB)
    harness.store(f, 'more', b'1')          # its session goes on
    assert f.quit().startswith('221')
    only_new(s, 1)
    assert old not in s.workers() and fake.uploads() == []


@pytest.mark.parametrize('bad, words', [
    (('"pass 1"', ''), 'ftp_login_user_password'),
    (('listen_port = ', 'listen_port = x'), r'vsftpd\.conf:\d+: \[NETWORK\] '
     'listen_port'),
    (('[NETWORK]', '[TLS]\nca_file = /none/ca.pem\n[NETWORK]'), 'ca_file'),
    (('[NETWORK]', '[TLS]\ncert_file = /none/c.pem\n[NETWORK]'),
     '/none/c.pem'),
])
def test_a_bad_file_changes_nothing(start, bad, words):
    s = start()
    pids = s.workers()
    s.change(bad)
    s.hup('not reloaded')
    assert re.search('ERROR .*' + words, s.log_text()), s.log_text()
    assert s.workers() == pids
    s.login().close()


def test_a_file_that_is_none_does_not_hold_it_up(start):
    """A FIFO can be read at the start, and not again."""
    s = start()
    os.unlink(s.config)
    os.mkfifo(s.config)
    s.hup('not reloaded')
    assert s.config + ': not a regular file' in s.log_text()
    s.login().close()


def test_a_port_in_use_changes_nothing(start):
    s = start()
    with socket.socket() as t:
        t.bind(('0.0.0.0', 0))
        t.listen(1)
        s.change(('listen_port = %d' % s.port,
                  'listen_port = %d' % t.getsockname()[1]))
        s.hup('not reloaded')
    s.login().close()


def test_another_port(start):
    s = start()
    f = s.login()
    old, s.port = s.port, free_ports(1)
    s.reload(('listen_port = %d' % old, 'listen_port = %d' % s.port))
    s.login().close()

    def closed():
        try:
            socket.create_connection(('127.0.0.1', old), 5).close()
            return False
        except ConnectionRefusedError:
            return True
    wait_for('the old port is closed', closed)
    assert f.sendcmd('NOOP').startswith('200')
    f.close()
    only_new(s, 1)


def test_limits_count_over_generations(start, fake):
    s = start(optional={'max_connection_num': 5, 'memory_limit': '4M'})
    held = [s.login()]
    s.reload()
    held.append(s.login())
    with pytest.raises(ftplib.error_temp, match='^421'):
        s.login()
    held[0].quit()
    only_new(s, 1)
    held.append(s.login())
    harness.store(held[1], 'f', os.urandom(9 * MIB))
    for f in held:
        f.close()


def test_reloads_are_bounded(start):
    """Three earlier configurations at most have sessions."""
    s = start(workers=2)
    held = []
    for _ in range(3):
        held.append(s.login())
        s.reload()
    s.hup('not reloaded')
    s.login().close()
    held[0].quit()
    wait_for('an old one ends', lambda: len(s.workers()) < 5)
    s.reload()
    for f in held[1:]:
        assert f.sendcmd('NOOP').startswith('200')
        f.close()
    only_new(s, 2)


def test_more_workers_are_as_many_as_the_next_reload_can_replace(start):
    s = start(workers=1)
    s.change(('worker_num = 1', 'worker_num = 3'))
    s.hup('worker_num = 3: more than 2, twice those of the start')
    s.reload(('worker_num = 3', 'worker_num = 2'))
    only_new(s, 2)
    s.reload()
    only_new(s, 2)


@pytest.mark.skipif(not harness.may_mount('unshare', '-m'),
                    reason='needs root and mount namespaces')
def test_memory_that_is_in_use_does_not_prevent_a_reload(start, tmp_path):
    """By the server itself, or by what the kernel keeps of the log."""
    info = tmp_path / 'meminfo'
    info.write_text('MemAvailable: %d kB\n' % (600 * 1024))
    s = start(optional={'config_check_enable': 'true'}, under=[
        'unshare', '-m', 'sh', '-c', 'mount --bind "$0" /proc/meminfo && '
        'exec "$@"', str(info)])
    info.write_text('MemAvailable: %d kB\n' % (200 * 1024))
    s.reload()
    s.change(('worker_num = 1', 'memory_limit = 512M\nworker_num = 1'))
    s.hup('not reloaded')
    s.login().close()


def test_many_signals_at_once(start):
    s = start(workers=2)
    f = s.login()
    for _ in range(20):
        s.child.send_signal(signal.SIGHUP)
    wait_for('a reload', lambda: 'reloaded on port' in s.log_text())
    assert f.sendcmd('NOOP').startswith('200')
    f.close()
    only_new(s, 2)
    s.login().close()


def begin_upload(s):
    """A session and its data connection, three MiB into an upload."""
    f = s.login()
    sock = f.transfercmd('STOR a')
    sock.sendall(os.urandom(3 * MIB))
    return f, sock


def test_an_old_worker_dies(start, fake):
    """What it left in the store is aborted by one that then ends."""
    s = start()
    f, sock = begin_upload(s)
    wait_for('the upload', lambda: len(fake.uploads()) == 1)
    old = s.worker()
    s.reload()
    os.kill(old, signal.SIGKILL)
    wait_for('an abort', lambda: fake.uploads() == [])
    only_new(s, 1)
    s.login().close()
    sock.close()
    f.close()


def test_a_worker_that_died_just_before(start, fake):
    """It is started again only to abort what it left."""
    s = start()
    f, sock = begin_upload(s)
    wait_for('the upload', lambda: len(fake.uploads()) == 1)
    old = s.worker()
    os.kill(old, signal.SIGKILL)
    s.reload()
    wait_for('an abort', lambda: fake.uploads() == [])
    only_new(s, 1)
    assert old not in s.workers()
    s.login().close()
    sock.close()
    f.close()


def test_the_new_workers_cannot_start(start):
    """They are killed as they come: the old ones go on."""
    s = start(workers=2)
    pids = set(s.workers())
    f = s.login()
    seen = s.log_text().count('not reloaded')
    s.child.send_signal(signal.SIGHUP)
    young = wait_for('a new one', lambda: set(s.workers()) - pids)
    for pid in young:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    wait_for('an outcome', lambda: 'reloaded on port' in s.log_text() or
             s.log_text().count('not reloaded') > seen)
    assert f.sendcmd('NOOP').startswith('200')
    f.close()
    only_new(s, 2)
    s.login().close()


def test_the_stop_reaches_old_workers(start, fake):
    s = start()
    f, sock = begin_upload(s)
    s.reload()
    pids = s.workers()
    assert len(pids) == 2
    assert s.stop(seconds=8) == 0
    assert not [p for p in pids if os.path.exists('/proc/%d' % p)]
    assert fake.uploads() == []
    sock.close()
    f.close()


def opened(pids):
    """The files these processes have open."""
    names = set()
    for p in pids:
        for fd in os.listdir('/proc/%d/fd' % p):
            try:
                names.add(os.readlink('/proc/%d/fd/%s' % (p, fd)))
            except FileNotFoundError:
                pass
    return names


def test_logrotate(start):
    """Old workers, too, write to the new file; also with a bad file."""
    s = start()
    old = s.login()
    s.reload()
    new = s.login()
    log = os.path.join(s.directory, 'log/cos_v5.log')
    os.rename(log, log + '.1')
    s.change(('listen_port', 'listen_prt x'))
    s.child.send_signal(signal.SIGHUP)
    wait_for('a new file', lambda: os.path.exists(log) and
             'not reloaded' in s.log_text())
    wait_for('the old file is closed', lambda: log + '.1' not in opened(
        [s.child.pid] + s.workers()))
    size = os.path.getsize(log + '.1')
    for f, name in ((old, 'of the old'), (new, 'of the new')):
        harness.store(f, name, b'1')
        wait_for(name, lambda: name in s.log_text())
        f.close()
    assert os.path.getsize(log + '.1') == size


def turns(directory):
    """Times that the log was rotated."""
    return len([x for x in os.listdir(os.path.join(directory, 'log'))
                if x != 'cos_v5.log'])


@pytest.mark.parametrize('rotates', ['true', 'false'])
def test_the_configuration_in_use_rotates_the_log(start, rotates):
    """A session of the one before has its lines in the same file."""
    s = start(optional={'log_rotate_enabled': 'true', 'log_rotate_when': 'S'})
    log = os.path.join(s.directory, 'log/cos_v5.log')
    old = s.login()
    wait_for('rotation', lambda: turns(s.directory) > 1)
    s.change(('log_rotate_enabled = true', 'log_rotate_enabled = ' + rotates))
    s.child.send_signal(signal.SIGHUP)
    wait_for('a worker more', lambda: len(s.workers()) == 2)
    before, end = turns(s.directory), time.monotonic() + 3
    while time.monotonic() < end:
        old.sendcmd('NOOP')
        s.login().close()
    assert turns(s.directory) > before + 1 or rotates == 'false'
    wait_for('one file of both', lambda: all(
        log in opened([pid]) for pid in s.workers()))
    old.close()


def test_a_limit_of_file_sizes_ends_nobody(start):
    """As a full disk: lines of the log are lost, and nothing else."""
    s = start(under=['sh', '-c', 'ulimit -f 8; exec "$0" "$@"'])
    worker = s.worker()
    for _ in range(30):
        s.login().close()
    size = os.path.getsize(os.path.join(s.directory, 'log/cos_v5.log'))
    s.login().close()
    assert size == os.path.getsize(os.path.join(s.directory,
                                                'log/cos_v5.log'))
    assert s.worker() == worker


def test_another_certificate(start, tmp_path):
    certs = []
    for name in ('one', 'two'):
        d = tmp_path / name
        d.mkdir()
        subprocess.run([harness.COSFTPD, '--make-cert', str(d), 'localhost'],
                       check=True, stdout=subprocess.DEVNULL)
        certs.append(d)
    files = {p.name for p in certs[0].iterdir()}
    cert = next(n for n in files if 'cert' in n or n.endswith('.crt'))
    key = next(n for n in files if 'key' in n)
    s = start(tls={'cert_file': certs[0] / cert, 'key_file': certs[0] / key,
                   'mode': 'allow'})

    def connect():
        c = ssl._create_unverified_context()
        f = ftplib.FTP_TLS(context=c)
        f.connect('127.0.0.1', s.port, timeout=20)
        f.login(harness.USER, harness.PASSWORD)
        return f
    a = connect()
    s.reload((str(certs[0]), str(certs[1])))
    b = connect()
    for f, d in ((a, certs[0]), (b, certs[1])):
        der = ssl.PEM_cert_to_DER_cert((d / cert).read_text())
        assert f.sock.getpeercert(True) == der
        assert f.sendcmd('NOOP').startswith('200')
        f.close()


# ---- the service manager, health checks ----

class Manager:
    """What systemd is to a service: a datagram socket."""

    def __init__(self, name, monkeypatch):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind('\0' + name[1:] if name[0] == '@' else name)
        self.sock.settimeout(10)
        monkeypatch.setenv('NOTIFY_SOCKET', name)

    def next(self):
        return self.sock.recv(4096).decode()


@pytest.fixture(params=['path', 'abstract'])
def manager(request, tmp_path, monkeypatch):
    m = Manager(str(tmp_path / 'n') if request.param == 'path' else
                '@cosftpd-test-%d' % os.getpid(), monkeypatch)
    yield m
    m.sock.close()


def test_the_service_manager_is_told(start, manager):
    s = start(workers=2)
    assert manager.next() == 'READY=1'
    before = time.monotonic_ns() // 1000
    s.reload()
    m = re.fullmatch(r'RELOADING=1\nMONOTONIC_USEC=(\d+)', manager.next())
    assert before <= int(m[1]) <= time.monotonic_ns() // 1000
    assert manager.next() == 'READY=1\nSTATUS='
    s.change(('[NETWORK]', '[NETWORK]\nlisten_prt = x\nactive_enable = x'))
    s.hup('not reloaded')
    assert manager.next().startswith('RELOADING=1\n')
    assert manager.next().startswith('READY=1\nSTATUS=Not reloaded')
    assert s.stop() == 0
    assert manager.next() == 'STOPPING=1'


def test_of_two_reloads_the_last_is_told(start, manager):
    """The second comes, with a bad file, while workers of the first start."""
    s = start(workers=12)
    assert manager.next() == 'READY=1'
    bad = '[NETWORK]\nactive_enable = x'
    for _ in range(50):
        n = len(s.workers())
        s.child.send_signal(signal.SIGHUP)
        assert manager.next().startswith('RELOADING=1\n')
        seen = time.monotonic()
        while len(s.workers()) <= n and time.monotonic() - seen < 0.2:
            pass                                # else they were too fast
        s.change(('[NETWORK]', bad))
        s.child.send_signal(signal.SIGHUP)
        said = manager.next()
        together = said.startswith('RELOADING=1\n')
        if not together:
            assert said == 'READY=1\nSTATUS='
            assert manager.next().startswith('RELOADING=1\n')
        assert manager.next().startswith('READY=1\nSTATUS=Not reloaded')
        s.change((bad, '[NETWORK]'))
        only_new(s, 12)
        if together:
            break
    if not together:
        pytest.skip('no reload was slow enough')
    s.child.send_signal(signal.SIGHUP)
    assert manager.next().startswith('RELOADING=1\n')
    assert manager.next() == 'READY=1\nSTATUS='
    only_new(s, 12)


def test_the_watchdog_is_fed(start, manager, monkeypatch):
    monkeypatch.setenv('WATCHDOG_USEC', '200000')
    s = start()
    said = [manager.next() for _ in range(4)]
    assert said.count('READY=1') == 1 and said.count('WATCHDOG=1') == 3
    assert s.stop() == 0


def test_the_watchdog_of_another_process(start, manager, monkeypatch):
    monkeypatch.setenv('WATCHDOG_USEC', '1000')
    monkeypatch.setenv('WATCHDOG_PID', '1')
    s = start()
    assert manager.next() == 'READY=1'
    assert s.stop() == 0
    assert manager.next() == 'STOPPING=1'


def test_nobody_listens_to_notifications(start, monkeypatch, tmp_path):
    monkeypatch.setenv('NOTIFY_SOCKET', str(tmp_path / 'none'))
    s = start()
    assert 'NOTIFY_SOCKET=' in s.log_text()
    s.login().close()


def health(s):
    return subprocess.run([harness.COSFTPD, '--health', '-c', s.config],
                          stderr=subprocess.PIPE, timeout=10, text=True)


def test_health(start):
    s = start(network={'listen_address': '127.0.0.1'},
              optional={'max_connection_num': 3})
    assert health(s).returncode == 0
    f = s.login()
    assert health(s).returncode == 0        # full: 421
    f.close()
    assert s.stop() == 0
    r = health(s)
    assert r.returncode == 1 and 'refused' in r.stderr.lower()


def bound(sock, port):
    try:
        sock.bind(('127.0.0.1', port))
        return True
    except OSError:         # a connection out has it just now
        return False


def test_health_of_what_does_not_answer(start):
    s = start()
    assert s.stop() == 0
    with socket.socket() as t:
        t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wait_for('the port', lambda: bound(t, s.port))
        t.listen(1)
        begun = time.monotonic()
        r = health(s)
        assert r.returncode == 1 and 'no answer' in r.stderr
        assert 3 < time.monotonic() - begun < 6


def test_health_of_what_is_slow(start):
    s = start()
    assert s.stop() == 0

    def handle(sock):
        time.sleep(2)               # the slowness itself
        sock.sendall(b'220 Here.\r\n')
        assert sock.recv(100) == b'QUIT\r\n'
        sock.sendall(b'221 Gone.\r\n')
        sock.close()
    with socket.socket() as t:
        t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wait_for('the port', lambda: bound(t, s.port))
        t.listen(1)
        harness.serve(t, handle)
        r = health(s)
        assert (r.returncode, r.stderr) == (0, '')
