"""What the server says of itself: SIGUSR1, status_socket, --status."""

import os
import re
import signal

import pytest

import harness
from harness import Cosftpd, wait_for
from test_ops import Reloaded

MIB = 1024 * 1024
SESSION = re.compile(
    r'#(?P<id>\d+) (?P<user>\S+) from 127\.0\.0\.1 port (?P<port>\d+) '
    r'(?P<tls>over TLS|in clear): (?:(?P<idle>idle)|(?P<verb>[A-Z]+) '
    r'(?P<path>.*?))(?:, (?P<bytes>\d+)(?: of (?P<total>\d+))? bytes, '
    r'(?P<rate>\d+\.\d\d) MB/s)?, (?P<seconds>\d+) s')


@pytest.fixture
def start(tmp_path, fake):
    servers = []

    def begin(workers=2, **keys):
        optional = dict({'worker_num': workers}, **keys.pop('optional', {}))
        servers.append(Reloaded(str(tmp_path), fake, optional=optional,
                                **keys))
        return servers[-1]
    yield begin
    for s in servers:
        assert s.stop() == 0, s.text()
        assert 'ERROR: ' not in s.text(), s.text()


def parse(block):
    """The lines of a status: {name: [numbers]} of the sums, the sessions."""
    head, sessions = {}, []
    for line in block:
        if line.startswith('#'):
            m = SESSION.fullmatch(line)
            assert m, line
            sessions.append(m.groupdict())
        else:
            name, rest = line.split(': ', 1)
            head[name] = [int(n) for n in re.findall(r'\d+', rest)]
    assert list(head) == ['cosftpd ' + version(), 'sessions', 'uploads',
                          'downloads', 'listings', 'COS', 'memory'], block
    return head, sessions


def version():
    import subprocess
    return subprocess.run([harness.COSFTPD, '-V'], check=True,
                          stdout=subprocess.PIPE).stdout.decode().split()[1]


def usr1(s):
    """The block that SIGUSR1 adds to the log."""
    before = len(s.log_text())
    s.child.send_signal(signal.SIGUSR1)

    def look():
        lines = re.findall(r' status: (.*)\n', s.log_text()[before:])
        return lines if lines and lines[-1].startswith('memory: ') else None
    return parse(wait_for('a status in the log', look))


def of(sessions, verb):
    found = [x for x in sessions if x['verb'] == verb]
    assert len(found) <= 1
    return found[0] if found else None


def slow_upload(s, name='dir/a name'):
    """A session in the middle of an upload of 1 MiB of 3."""
    f = s.login()
    f.sendcmd('ALLO %d' % (3 * MIB))
    sock = f.transfercmd('STOR ' + name)
    sock.sendall(b'x' * MIB)
    return f, sock


def test_usr1_shows_what_sessions_do(start, fake):
    fake.put('big', b'y' * (32 * MIB))
    s = start()
    idle = s.login()
    guest = s.raw()
    f, up = slow_upload(s)
    g = s.login()
    down = g.transfercmd('RETR big')
    assert down.recv(1)

    def look():
        head, sessions = usr1(s)
        stor, retr = of(sessions, 'STOR'), of(sessions, 'RETR')
        if stor and retr and int(stor['bytes']) == MIB and \
                int(retr['bytes']) > 0:
            return head, sessions, stor, retr
        return None
    head, sessions, stor, retr = wait_for('both transfers', look)
    assert stor['path'] == '/dir/a name' and int(stor['total']) == 3 * MIB
    assert retr['path'] == '/big' and int(retr['total']) == 32 * MIB
    assert int(retr['bytes']) < 32 * MIB
    assert stor['user'] == retr['user'] == harness.USER
    assert stor['tls'] == 'in clear'
    assert int(stor['port']) == f.sock.getsockname()[1]
    others = [x for x in sessions if x['idle']]
    assert sorted(x['user'] for x in others) == ['-', harness.USER]
    assert head['sessions'] == [4, 4, 0]
    assert head['uploads'] == [1, 1, 0, MIB]
    assert head['downloads'][:3] == [1, 1, 0]
    assert head['downloads'][3] >= int(retr['bytes'])
    assert head['COS'][0] > 0 and head['COS'][1:] == [0, 0]
    assert 0 < head['memory'][0] <= head['memory'][1] == 64 * MIB
    up.close()
    assert f.voidresp().startswith('226 ')
    down.close()
    with pytest.raises(harness.ftplib.error_temp):
        g.voidresp()
    head, sessions = usr1(s)
    assert head['uploads'] == [0, 1, 0, MIB]
    assert head['downloads'][:3] == [0, 1, 1]
    for x in (idle, guest, f, g):
        x.close()


def test_the_speed_is_told(start):
    s = start(workers=1)
    f, up = slow_upload(s)
    stor = wait_for('a second', lambda: [
        x for x in [of(usr1(s)[1], 'STOR')] if int(x['seconds']) >= 1 and
        int(x['bytes']) == MIB])[0]
    assert 0.2 <= float(stor['rate']) <= 1.05
    up.close()
    f.voidresp()
    f.close()


def test_usr1_with_option_1(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake, args=['-1'])
    f = s.login()
    for _ in range(3):
        head, sessions = usr1(s)
        assert head['sessions'] == [1, 1, 0] and len(sessions) == 1
    f.close()
    assert s.stop() == 0


def test_usr1_is_said_at_any_level(start):
    s = start(optional={'log_level': 'ERROR'})
    usr1(s)


def test_a_worker_ignores_usr1(start):
    s = start(workers=1)
    f = s.login()
    pid = s.worker()
    os.kill(pid, signal.SIGUSR1)
    assert f.sendcmd('NOOP').startswith('200')
    assert s.worker() == pid
    f.close()


def test_failures_are_counted(start, fake):
    s = start(workers=1)
    with pytest.raises(harness.ftplib.error_perm):
        s.login(password='wrong')
    f = s.login()
    harness.store(f, 'f', b'1')
    fake.fault(op='HeadObject', status=503, code='SlowDown')
    assert f.size('f') == 1
    fake.fault(op='HeadObject', status=403, code='AccessDenied')
    with pytest.raises(harness.ftplib.error_perm):
        f.size('f')
    with pytest.raises(harness.ftplib.error_perm):
        f.size('none')                  # is no failure
    head, _ = usr1(s)
    assert head['sessions'][2] == 1
    assert head['COS'][1:] == [1, 1]
    assert head['COS'][0] == sum(fake.ops().values())
    f.close()


def test_names_forge_no_line(start):
    """Long names are cut in front."""
    s = start(workers=1)
    f = s.raw()
    f.login()
    for name, shown in (
            ('x: idle, 3 s #1 root from', '/x: idle, 3 s #1 root from'),
            ('a/' * 200 + 'the end', 'a/' * 59 + 'the end'),
            ('\u65e5' * 100, '\u65e5' * 42)):
        data = f.pasv()
        assert f.cmd('STOR ' + name).startswith('150 ')
        head, sessions = usr1(s)
        assert of(sessions, 'STOR')['path'].endswith(shown)
        assert len(of(sessions, 'STOR')['path'].encode()) < 128
        data.close()
        assert f.reply().startswith('226 ')
    for name in ('\x1b]0;x\x07', 'a\rb', 'a\x7fb'):
        assert f.cmd('STOR ' + name).startswith('5')
        assert len(usr1(s)[1]) == 1
    f.close()


def test_counters_survive_a_worker(start):
    s = start()
    f, up = slow_upload(s)
    wait_for('the bytes', lambda: usr1(s)[0]['uploads'][3] == MIB)
    before, _ = usr1(s)
    pids = s.workers()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for('others', lambda: len(s.workers()) == 2 and
             not set(s.workers()) & set(pids))
    wait_for('service', lambda: s.login().close() is None)
    after, sessions = usr1(s)
    assert after['uploads'] == [0, 1, 0, MIB]
    assert after['COS'][0] >= before['COS'][0] > 0
    assert after['sessions'][1] > before['sessions'][1]
    assert after['memory'][0] == 0
    assert after['cosftpd ' + version()][-1] == 2
    assert not of(sessions, 'STOR')
    up.close()
    f.close()
