"""Who may log in, how often, how many at once and how fast."""

import os
import re
import signal
import socket
import time

import pytest

from harness import account, PASSWORD, Raw, USER, wait_for
from test_limits import logged_in, passive, refusal, start

__all__ = ['start']		# a fixture

BANNED = '421 Too many failed logins from your address'


class From(Raw):
    """A session from another address of this machine."""

    def __init__(self, address, port):
        super().__init__('127.0.0.1', port, source=(address, 0))


def fail(s, address='127.0.0.1', n=1):
    """The replies to n logins that fail, at most 4 of one connection."""
    replies = []
    while len(replies) < n:
        r = From(address, s.port)
        for _ in range(min(4, n - len(replies))):
            replies.append(r.login(password='wrong'))
        r.close()
    return replies


def greeting(s, address):
    r = socket.create_connection(('127.0.0.1', s.port), timeout=10,
                                 source_address=(address, 0))
    text = r.recv(1000).decode()
    r.close()
    return text


# ---- guessing ----

def test_an_address_is_banned_by_all_workers_and_others_are_not(start):
    s = start(optional={'login_ban_failures': 'default', 'worker_num': 2})
    held = From('127.0.0.7', s.port)
    inside = From('127.0.0.7', s.port)
    assert inside.login().startswith('230 ')
    assert [x[:3] for x in fail(s, '127.0.0.7', 10)] == ['530'] * 10
    for _ in range(8):
        assert greeting(s, '127.0.0.7').startswith(BANNED)
    # the right password does not help on a connection that was there
    assert held.login().startswith(BANNED)
    assert held.line() == ''
    assert inside.cmd('NOOP').startswith('200 ')
    assert greeting(s, '127.0.0.8').startswith('220 ')
    other = logged_in(s)
    assert s.log_text().count('127.0.0.7 is banned for 600 s after 10') == 1
    assert not re.search('WARNING.*refused 127.0.0.7', s.log_text())
    for r in held, inside, other:
        r.close()


def test_a_ban_outlives_the_worker_and_a_reload_and_ends(start):
    s = start(optional={'login_ban_failures': 3, 'login_ban_time': 8,
                        'worker_num': 1})
    fail(s, n=3)
    banned = time.monotonic()
    worker = s.worker()
    os.kill(worker, signal.SIGKILL)
    wait_for('another worker', lambda: s.workers() not in ([], [worker]))
    assert refusal(s).startswith(BANNED)
    old = s.worker()
    s.child.send_signal(signal.SIGHUP)
    wait_for('new workers', lambda: s.workers() not in ([], [old]) and
             len(s.workers()) == 1)
    if time.monotonic() - banned < 7:
        assert refusal(s).startswith(BANNED)
    wait_for('the end of the ban',
             lambda: greeting(s, '127.0.0.1').startswith('220 '), 15)
    assert time.monotonic() - banned > 7.5
    logged_in(s).close()


def test_a_success_takes_nothing_away(start, fakecos):
    s = start(accounts=[account(0, fakecos),
                        account(1, fakecos, user='mallory', password='m')],
              optional={'login_ban_failures': 4})
    fail(s, n=2)
    r = s.raw()
    assert r.login('mallory', 'm').startswith('230 ')
    r.close()
    fail(s, n=2)
    assert refusal(s).startswith(BANNED)


def test_zero_bans_nobody(start):
    s = start()             # the harness has login_ban_failures = 0
    fail(s, n=40)
    logged_in(s).close()


def test_the_pause_doubles_for_an_address_over_its_connections(start):
    s = start(optional={'login_delay': 1})
    took = []
    for _ in range(3):
        begun = time.monotonic()
        assert fail(s) == ['530 Login incorrect.']
        took.append(time.monotonic() - begun)
    assert took[0] >= 0.99 and took[1] >= 1.99 and took[2] >= 3.99
    begun = time.monotonic()
    assert fail(s, '127.0.0.9') == ['530 Login incorrect.']
    assert time.monotonic() - begun < 3


def test_a_pause_holds_nobody_up(start):
    s = start(optional={'login_delay': 5, 'worker_num': 1})
    waiting = [From('127.0.0.5', s.port) for _ in range(5)]
    for r in waiting:
        assert r.cmd('USER x').startswith('331 ')
        r.send(b'PASS y\r\n')
    r = logged_in(s)
    begun = time.monotonic()
    assert r.cmd('NOOP').startswith('200 ')
    assert time.monotonic() - begun < 1
    for x in waiting + [r]:
        x.close()


def test_users_that_are_not_there_are_answered_alike(start):
    s = start()
    r = s.raw()
    assert r.login(USER, 'wrong') == r.login('nobody', PASSWORD) \
        == '530 Login incorrect.'
    r.close()


# ---- allow_ip and max_sessions ----

def test_allow_ip(start, fakecos):
    s = start(accounts=[
        account(0, fakecos, allow_ip='10.0.0.0/8, 127.0.0.16/28, ::1'),
        account(1, fakecos, user='any', password='a')])
    for address, user, password, code in (
            ('127.0.0.17', USER, PASSWORD, '230'),
            ('127.0.0.31', USER, PASSWORD, '230'),
            ('127.0.0.32', USER, PASSWORD, '530'),
            ('127.0.0.1', USER, PASSWORD, '530'),
            ('127.0.0.1', 'any', 'a', '230')):
        r = From(address, s.port)
        assert r.login(user, password)[:3] == code, address
        r.close()
    assert 'from 127.0.0.32 failed: not in its allow_ip' in s.log_text()


def test_max_sessions_of_a_user_over_all_workers(start, fakecos):
    s = start(accounts=[account(0, fakecos, max_sessions=3),
                        account(1, fakecos, user='two', password='2')],
              optional={'worker_num': 2})
    held = [logged_in(s) for _ in range(3)]
    r = s.raw()
    assert r.login().startswith('530 Too many sessions of this user')
    # others may log in, and the refused session may be another user's
    assert r.login('two', '2').startswith('230 ')
    # who becomes another user gives the place back, as who leaves does
    assert held[0].login('two', '2').startswith('230 ')
    held.append(logged_in(s))
    held[1].close()
    wait_for('a free place', lambda: try_user(s))
    for x in held + [r]:
        x.close()


def try_user(s):
    r = s.raw()
    ok = r.login().startswith('230 ')
    r.close()
    return ok


def test_sessions_of_a_killed_worker_do_not_count(start, fakecos):
    s = start(accounts=[account(0, fakecos, max_sessions=2)],
              optional={'worker_num': 1})
    held = [logged_in(s) for _ in range(2)]
    assert not try_user(s)
    os.kill(s.worker(), signal.SIGKILL)
    wait_for('free places', lambda: connects(s) and try_user(s))
    for r in held:
        r.close()


def connects(s):
    try:
        return greeting(s, '127.0.0.1').startswith('220 ')
    except OSError:
        return False


# ---- rate_limit ----

RATE = 4 << 20


def send(r, name, size):
    d = r.pasv()
    assert r.cmd('STOR ' + name).startswith('150 ')
    d.sendall(b'x' * size)
    d.close()


@pytest.mark.parametrize('workers', [1, 2])
def test_uploads_of_a_user_share_its_rate(start, fakecos, workers):
    s = start(accounts=[account(0, fakecos, rate_limit='4M')],
              optional={'worker_num': workers})
    both = [logged_in(s) for _ in range(2)]
    begun = time.monotonic()
    data = [r.pasv() for r in both]
    for i, r in enumerate(both):
        assert r.cmd('STOR f%d' % i).startswith('150 ')
    for d in data:
        d.settimeout(30)
    for _ in range(4):
        for d in data:
            d.sendall(b'x' * (RATE // 4))
    for d in data:
        d.close()
    assert [r.reply()[:3] for r in both] == ['226'] * 2
    # the first tenth of each comes at once
    assert 1.6 < time.monotonic() - begun < 8
    for r in both:
        r.close()


def test_downloads_go_at_the_rate_and_uploads_meanwhile_too(start, fakecos):
    fakecos.put('f', b'y' * (2 * RATE))
    s = start(accounts=[account(0, fakecos, rate_limit='4M')],
              optional={'data_timeout': 1})
    r, up = logged_in(s), logged_in(s)
    begun = time.monotonic()
    d = r.pasv()
    assert r.cmd('RETR f').startswith('150 ')
    send(up, 'g', RATE // 2)
    assert up.reply().startswith('226 ')
    got = 0
    while True:
        piece = d.recv(1 << 20)
        if not piece:
            break
        assert piece == b'y' * len(piece)
        got += len(piece)
        # never ahead of the rate, but for the first of it
        assert got <= RATE * (time.monotonic() - begun + 0.3)
    d.close()
    assert r.reply().startswith('226 ')
    assert got == 2 * RATE
    assert 1.8 < time.monotonic() - begun < 8
    r.close()
    up.close()


def test_a_transfer_that_waits_burns_no_time_and_can_be_aborted(start,
                                                                 fakecos):
    s = start(accounts=[account(0, fakecos, rate_limit='100K')],
              optional={'worker_num': 1})
    fakecos.put('f', b'y' * (4 << 20))
    r = logged_in(s)
    up, down = logged_in(s), r.pasv()
    d = up.pasv()
    cpu, begun = s.cpu(), time.monotonic()
    assert r.cmd('RETR f').startswith('150 ')
    assert up.cmd('STOR g').startswith('150 ')
    d.setblocking(False)
    try:
        d.send(b'x' * (1 << 20))
    except BlockingIOError:
        pass
    wait_for('two seconds', lambda: time.monotonic() - begun > 2)
    assert s.cpu() - cpu < 0.5
    for x in r, up:
        assert x.cmd('ABOR').startswith('426 ')
        assert x.reply().startswith('226 ')
    for x in r, up, d, down:
        x.close()


def test_a_rate_of_one_byte(start, fakecos):
    s = start(accounts=[account(0, fakecos, rate_limit=1)])
    r = logged_in(s)
    send(r, 'f', 3)
    begun = time.monotonic()
    assert r.reply().startswith('226 ')
    assert time.monotonic() - begun > 1.5
    assert fakecos.get('f') == b'xxx'
    r.close()


# ---- passive ports ----

def test_one_user_takes_one_port_for_each_session(start, fakecos):
    s = start(ports=4, accounts=[account(0, fakecos, max_sessions=3),
                                 account(1, fakecos, user='b', password='b')])
    greedy = [logged_in(s) for _ in range(3)]
    for r in greedy:
        for _ in range(10):
            passive(r)
    assert not try_user(s)
    other = s.raw()
    assert other.login('b', 'b').startswith('230 ')
    send(other, 'f', 10)
    assert other.reply().startswith('226 ')
    for r in greedy + [other]:
        r.close()
