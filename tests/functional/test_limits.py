"""Limits on sessions, passive ports, addresses and time."""

import re
import socket

import pytest

import harness
from harness import Cosftpd, free_ports, Raw, wait_for


@pytest.fixture
def start(tmp_path, fakecos):
    """A server with its own settings, stopped at the end."""
    fakecos.reset()
    fakecos.wipe()
    running = []

    def begin(**keys):
        d = tmp_path / str(len(running))
        d.mkdir()
        running.append(Cosftpd(str(d), fakecos, **keys))
        return running[-1]
    yield begin
    for s in running:
        assert s.stop() == 0, s.text()


def passive(r):
    """The port of PASV and the address it shows."""
    n = re.search(r'\((\d+),(\d+),(\d+),(\d+),(\d+),(\d+)\)', r.cmd('PASV'))
    return int(n[5]) << 8 | int(n[6]), '.'.join(n.group(1, 2, 3, 4))


def logged_in(s):
    r = s.raw()
    assert r.login().startswith('230 ')
    return r


def close_all(sessions):
    for r in sessions:
        r.close()


def refusal(s):
    c = socket.create_connection(('127.0.0.1', s.port), timeout=10)
    text = b''
    while True:
        piece = c.recv(1000)
        if not piece:
            c.close()
            return text.decode()
        text += piece


# ---- sessions ----

def test_nine_connections_are_four_transfers_at_once_then_421(start, fakecos):
    s = start(optional={'max_connection_num': 9})
    sessions = [logged_in(s) for _ in range(4)]
    data = [r.pasv() for r in sessions]
    for i, r in enumerate(sessions):
        assert r.cmd('STOR f%d' % i).startswith('150 ')
    text = refusal(s)
    assert re.fullmatch(r'421 [^\r\n]+\r\n', text)
    for d in data:
        d.sendall(b'x' * 100)
        d.close()
    assert [r.reply()[:3] for r in sessions] == ['226'] * 4
    assert fakecos.keys() == ['f0', 'f1', 'f2', 'f3']
    assert sessions[0].cmd('QUIT').startswith('221 ')
    assert sessions[0].line() == ''
    wait_for('a free place', lambda: try_login(s))
    close_all(sessions)


def try_login(s):
    c = socket.create_connection(('127.0.0.1', s.port), timeout=10)
    ok = c.recv(1000).startswith(b'220')
    c.close()
    return ok


def test_zero_means_no_limit(start):
    s = start(optional={'max_connection_num': 0})
    sessions = [logged_in(s) for _ in range(210)]
    assert [r.cmd('NOOP')[:3] for r in sessions] == ['200'] * 210
    close_all(sessions)


def test_the_default_is_not_one_hundred(start):
    s = start()
    sessions = [logged_in(s) for _ in range(120)]
    assert [r.cmd('NOOP')[:3] for r in sessions] == ['200'] * 120
    close_all(sessions)


def test_max_per_ip(start):
    s = start(network={'max_per_ip': 2})
    a, b = logged_in(s), logged_in(s)
    assert refusal(s).startswith('421 ')
    other = socket.create_connection(('127.0.0.1', s.port), timeout=10,
                                     source_address=('127.0.0.2', 0))
    assert other.recv(1000).startswith(b'220 ')
    other.close()
    a.close()
    wait_for('a free place', lambda: try_login(s))
    b.close()


def test_out_of_descriptors_it_says_421_and_lives(start):
    import resource
    s = start(optional={'max_connection_num': 0, 'worker_num': 1})
    pid = s.worker()
    used = len(wait_fds(pid))
    soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (used + 5, hard))
    sessions = [logged_in(s) for _ in range(5)]
    cpu = s.cpu()
    assert [refusal(s)[:4] for _ in range(3)] == ['421 '] * 3
    assert s.cpu() - cpu < 0.5
    assert sessions[0].cmd('PASV').startswith('425 ')
    assert sessions[0].cmd('NOOP').startswith('200 ')
    close_all(sessions)
    wait_for('a free place', lambda: try_login(s))
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))


def wait_fds(pid):
    import os
    harness.needs_root()
    return os.listdir('/proc/%d/fd' % pid)


def test_idle_sessions_burn_no_time(start):
    s = start()
    sessions = [logged_in(s) for _ in range(20)]
    held = [r.pasv() for r in sessions[:5]]
    for i, r in enumerate(sessions[:5]):
        assert r.cmd('STOR f%d' % i).startswith('150 ')
        r.send(b'NOOP\r\n')          # held until the transfer ends
    before = s.cpu()
    with pytest.raises(TimeoutError):
        sessions[0].sock.settimeout(0.5)
        sessions[0].sock.recv(1)
    assert s.cpu() - before < 0.1
    close_all(held)
    close_all(sessions)


# ---- passive ports ----

def test_both_ends_of_the_range_are_used_and_nothing_outside(start):
    s = start(ports=3)
    r = logged_in(s)
    low, high = s.passive
    seen = set()
    for _ in range(300):
        seen.add(passive(r)[0])
        if len(seen) == 3:
            break
    assert seen == {low, low + 1, high}
    r.close()


def test_a_range_of_one_port_serves_one_transfer_after_the_other(start):
    s = start(ports=1)
    f = s.login()
    for i in range(10):
        harness.store(f, 'f%d' % i, b'x' * 1000)
        assert harness.fetch(f, 'f%d' % i) == b'x' * 1000
    f.close()


def test_an_exhausted_range_is_425_and_never_left(start):
    s = start(ports=2)
    sessions = [logged_in(s) for _ in range(3)]
    ports = {passive(sessions[0])[0], passive(sessions[1])[0]}
    assert ports == set(s.passive)
    assert sessions[2].cmd('PASV').startswith('425 ')
    assert sessions[2].cmd('EPSV').startswith('425 ')
    assert sessions[2].cmd('LIST').startswith('425 ')
    assert sessions[2].cmd('NOOP').startswith('200 ')
    sessions[0].cmd('ABOR')
    assert sessions[2].cmd('EPSV').startswith('229 ')
    close_all(sessions)


def test_a_port_that_another_program_holds_is_stepped_over(start):
    first = free_ports(2)
    held = socket.create_server(('127.0.0.1', first))
    s = start(ports=2, network={'passive_port': '%d,%d' % (first, first + 1)})
    r = logged_in(s)
    assert {passive(r)[0] for _ in range(10)} == {first + 1}
    held.close()
    r.close()


def test_a_new_pasv_closes_the_old_port(start):
    s = start()
    r = logged_in(s)
    old = passive(r)[0]
    while passive(r)[0] == old:         # any of 64
        pass
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', old), timeout=5)
    r.close()


@pytest.mark.parametrize('value, shown', [
    (None, '127.0.0.1'), ('203.0.113.7', '203.0.113.7'),
    ('localhost', '127.0.0.1')])
def test_masquerade_address(start, value, shown):
    s = start(network={'masquerade_address': value} if value else None)
    r = logged_in(s)
    wait_for('the address', lambda: passive(r)[1] == shown)
    port, _ = passive(r)
    d = socket.create_connection(('127.0.0.1', port), timeout=10)
    r.send(b'LIST\r\n')
    assert r.reply().startswith('150 ') and r.reply().startswith('226 ')
    d.close()
    assert r.cmd('EPSV').startswith('229 ')
    r.close()


def test_masquerade_name_over_another_loopback_address(start):
    s = start(network={'masquerade_address': 'localhost'})
    r = Raw('127.0.0.3', s.port)
    r.login()
    wait_for('the name', lambda: passive(r)[1] == '127.0.0.1')
    r.close()


def test_listen_address(start):
    s = start(network={'listen_address': '127.0.0.5'})
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', s.port), timeout=5)
    r = Raw('127.0.0.5', s.port)
    r.login()
    assert passive(r)[1] == '127.0.0.5'
    r.close()


def test_banner(start):
    s = start(network={'banner': 'Files of the house.'})
    r = s.raw()
    assert r.greeting == '220 Files of the house.'
    r.close()


def test_active_mode_switched_off(start):
    s = start(network={'active_enable': 'false'})
    r = logged_in(s)
    assert r.cmd('PORT 127,0,0,1,200,1').startswith('502 ')
    assert r.cmd('EPRT |1|127.0.0.1|50000|').startswith('502 ')
    assert r.cmd('EPSV').startswith('229 ')
    r.close()


def test_a_stranger_on_the_data_port_is_turned_away(start, fakecos):
    s = start()
    fakecos.put('f', b'secret')
    r = logged_in(s)
    port, _ = passive(r)
    for _ in range(3):
        thief = socket.create_connection(
            ('127.0.0.1', port), timeout=10,
            source_address=('127.0.0.2', 0))
        assert thief.recv(100) == b''
        thief.close()
    r.send(b'RETR f\r\n')
    assert r.reply().startswith('150 ')
    d = socket.create_connection(('127.0.0.1', port), timeout=10)
    assert d.recv(100) == b'secret'
    assert r.reply().startswith('226 ')
    assert 'turned away' in s.log_text()
    d.close()
    r.close()


def test_the_data_port_takes_one_connection_only(start):
    s = start()
    r = logged_in(s)
    port, _ = passive(r)
    d = socket.create_connection(('127.0.0.1', port), timeout=10)

    def closed():
        try:
            socket.create_connection(('127.0.0.1', port), timeout=5).close()
            return False
        except ConnectionRefusedError:
            return True
        except ConnectionResetError:      # it closed just now
            return False
    wait_for('the port to close', closed)
    d.close()
    r.close()


# ---- time ----

def test_an_idle_session_is_ended_with_421(start):
    s = start(optional={'idle_timeout': 1})
    r, busy = logged_in(s), logged_in(s)
    d = busy.pasv()
    assert busy.cmd('STOR f').startswith('150 ')
    assert r.reply().startswith('421 ')
    assert r.line() == ''
    d.sendall(b'x')                   # a transfer is not idle
    d.close()
    assert busy.reply().startswith('226 ')
    assert busy.reply().startswith('421 ')
    r.close()
    busy.close()


def test_bytes_that_end_no_line_do_not_keep_a_session(start):
    s = start(optional={'idle_timeout': 1})
    r = logged_in(s)
    r.sock.settimeout(0.2)
    text = b''
    for _ in range(20):
        try:
            r.send(b'N')
            text = r.sock.recv(1000)
            break
        except TimeoutError:
            continue
    assert text.startswith(b'421 ')
    r.close()


def test_a_stalled_upload_ends_with_426(start, fakecos):
    s = start(optional={'data_timeout': 1})
    r = logged_in(s)
    d = r.pasv()
    assert r.cmd('STOR f').startswith('150 ')
    d.sendall(b'x' * 100)
    assert r.reply().startswith('426 ')
    assert r.cmd('NOOP').startswith('200 ')
    assert fakecos.uploads() == []
    d.close()
    r.close()


def test_a_client_that_stops_reading_ends_with_426(start, fakecos):
    s = start(optional={'data_timeout': 1})
    fakecos.put('f', size=64 * 1024 * 1024)
    r = logged_in(s)
    d = r.pasv()
    assert r.cmd('RETR f').startswith('150 ')
    assert r.reply().startswith('426 ')
    assert r.cmd('NOOP').startswith('200 ')
    d.close()
    r.close()


def test_the_stall_clock_stands_still_while_the_store_is_slow(start, fakecos):
    s = start(optional={'data_timeout': 1})
    fakecos.put('f', b'12345')
    fakecos.fault(op='PutObject', delay=1500)
    fakecos.fault(op='GetObject', delay=1500)
    r, t = logged_in(s), logged_in(s)
    up, down = r.pasv(), t.pasv()
    t.send(b'RETR f\r\n')
    assert r.cmd('STOR g').startswith('150 ')
    up.sendall(b'x' * 100)
    up.close()
    assert r.reply().startswith('226 ')
    assert t.reply().startswith('150 ')
    assert down.recv(10) == b'12345'
    assert t.reply().startswith('226 ')
    down.close()
    close_all([r, t])


@pytest.mark.parametrize('command', ['RETR f', 'LIST', 'STOR g'])
def test_a_data_connection_never_opened_is_425(start, fakecos, command):
    fakecos.put('f', b'12345')
    s = start(optional={'data_timeout': 1})
    r = logged_in(s)
    port, _ = passive(r)
    assert r.cmd(command).startswith('150 ')
    assert r.reply().startswith('425 ')
    assert r.cmd('NOOP').startswith('200 ')
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', port), timeout=5)
    assert fakecos.keys() == ['f'] and fakecos.uploads() == []
    r.close()


def test_login_delay_holds_up_nobody_else(start):
    s = start(optional={'login_delay': 1})
    r = s.raw()
    r.cmd('USER x')
    r.send(b'PASS y\r\n')
    other = logged_in(s)
    other.sock.settimeout(0.5)
    assert other.cmd('NOOP').startswith('200 ')
    r.sock.settimeout(0.3)
    with pytest.raises(TimeoutError):
        r.sock.recv(1)
    r.sock.settimeout(10)
    assert r.sock.recv(100).startswith(b'530 ')
    other.close()
    r.close()
