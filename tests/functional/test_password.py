"""Passwords as hashes: computed beside the sessions, never within them."""

import base64
import ftplib
import hashlib
import os
import pty
import re
import subprocess
import threading
import time

import pytest

import harness
from harness import Cosftpd, account, children, wait_for

SLOW = 1500000
# of passlib's manual
PASSLIB = '$pbkdf2-sha256$29000$N2YMIWQsBWBMae09x1jrPQ' \
    '$1t8iyB2A.WF/Z5JZv.lfCIhXXN33N23OSgQYThBYRfk'


def hashed(password, iterations, salt=b'salt of a test'):
    digest = hashlib.pbkdf2_hmac('sha256', password.encode(), salt, iterations)
    return '$pbkdf2-sha256$%d$%s$%s' % (
        iterations, passlib64(salt), passlib64(digest))


def passlib64(data):
    return base64.b64encode(data).decode().rstrip('=').replace('+', '.')


@pytest.fixture
def start(tmp_path, fake):
    servers = []

    def begin(accounts, **optional):
        texts = [account(i, fake, user=user, password=password)
                 for i, (user, password) in enumerate(accounts)]
        servers.append(Cosftpd(str(tmp_path), fake, texts, optional=dict(
            {'worker_num': 1}, **optional)))
        return servers[-1]
    yield begin
    for s in servers:
        assert s.stop() == 0, s.text()


def wrong(server, user, password):
    with pytest.raises(ftplib.error_perm, match='^530'):
        server.login(user, password)


def test_hashed_and_plain_accounts(start):
    long = 'long ' * 60
    h = hashed('secret', 1000)
    s = start([('h', h), ('p', 'plain'), ('l', hashed(long, 2000)),
               ('u', hashed('p\u00e4ss', 1000)), ('k', PASSLIB)])
    for user, password in (('h', 'secret'), ('p', 'plain'), ('l', long),
                           ('u', 'p\u00e4ss'), ('k', 'toomanysecrets')):
        with s.login(user, password) as f:
            assert f.pwd() == '/'
    for user, password in (('h', 'plain'), ('p', 'secret'), ('h', ''),
                           ('h', h), ('l', 'secret'), ('l', long + ' '),
                           ('none', 'secret'), ('none', 'plain'), ('p', '')):
        wrong(s, user, password)
    text = s.log_text()
    assert 'secret' not in text and '$pbkdf2' not in text


def test_what_the_program_prints_is_taken(start):
    for password in ('simple', ' with # blanks ', 'x' * 300):
        r = subprocess.run([harness.COSFTPD, '--hash-password'],
                           input=password + '\n', capture_output=True,
                           text=True, timeout=60)
        assert r.returncode == 0, r.stderr
        m = re.match(r'\$pbkdf2-sha256\$600000\$([\w./]{22})\$[\w./]{43}\n$',
                     r.stdout)
        salt = base64.b64decode(m[1].replace('.', '+') + '==')
        assert r.stdout.strip() == hashed(password, 600000, salt)
    fewer = subprocess.run(
        [harness.COSFTPD, '--hash-password=1234'], input='p\r\nq\n',
        capture_output=True, text=True, timeout=60).stdout.strip()
    s = start([('h', fewer)])
    s.login('h', 'p').close()
    wrong(s, 'h', 'q')


@pytest.mark.parametrize('option, text', [
    ('--hash-password', ''), ('--hash-password', '\n'),
    ('--hash-password=999', 'x\n'), ('--hash-password=10000001', 'x\n'),
    ('--hash-password=x', 'x\n'), ('--hash-password=1000x', 'x\n'),
    ('--hash-password', 'x' * 2000 + '\n')])
def test_what_it_does_not_hash(option, text):
    r = subprocess.run([harness.COSFTPD, option], input=text,
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == 1 and r.stdout == ''
    assert '--hash-password: allowed' in r.stderr


def test_a_terminal_shows_no_password():
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(harness.COSFTPD, [harness.COSFTPD, '--hash-password=1000'])
    seen = b''
    while b'Password: ' not in seen:
        seen += os.read(fd, 100)
    os.write(fd, b'topsecret\n')
    try:
        while True:
            seen += os.read(fd, 1000)
    except OSError:
        pass                    # the terminal's end
    os.close(fd)
    assert os.waitpid(pid, 0)[1] == 0
    assert b'topsecret' not in seen and b'$pbkdf2-sha256$1000$' in seen


@pytest.mark.parametrize('bad', [
    '$pbkdf2-sha256$999$AAAA$' + 'A' * 43, '$pbkdf2-sha256$1000$AAAA$AAAA',
    '$pbkdf2-sha512$1000$AAAA$' + 'A' * 86])
def test_a_hash_that_is_none(tmp_path, fake, bad):
    conf = tmp_path / 'bad.conf'
    conf.write_text(account(0, fake, password=bad))
    r = subprocess.run([harness.COSFTPD, '-t', '-c', str(conf)],
                       capture_output=True, text=True, timeout=20)
    assert r.returncode == 1
    assert re.search(r'bad.conf:9: \[COS_ACCOUNT_0\] ftp_login_user_password = '
                     r'\*\*\*: not a hash, allowed: ', r.stderr), r.stderr
    assert bad not in r.stderr + r.stdout


def test_logins_never_stop_the_sessions(start):
    """Eight at once, of a second each; another session notices nothing."""
    s = start([('h', hashed('secret', SLOW)), ('p', 'plain')])
    other = s.login('p', 'plain')
    other.sendcmd('NOOP')
    results, pause = [], threading.Event()

    def enter():
        try:
            s.login('h', 'secret', timeout=120).close()
            results.append(True)
        except ftplib.all_errors as e:
            results.append(e)
    threads = [threading.Thread(target=enter) for _ in range(8)]
    for t in threads:
        t.start()
    worker = s.worker()
    helper, = children(worker)
    wait_for('they burn', lambda: len(children(helper)) >= 6)
    assert len(children(helper)) <= 8
    times = []
    while any(t.is_alive() for t in threads):
        began = time.monotonic()
        assert other.sendcmd('NOOP').startswith('200')
        times.append(time.monotonic() - began)
        pause.wait(0.01)
    for t in threads:
        t.join()
    assert results == [True] * 8
    times.sort()
    slowest = times[len(times) * 95 // 100]
    assert len(times) > 20 and slowest < 0.1, (slowest, times[-1])
    other.close()


def test_commands_wait_for_the_password(start):
    s = start([('h', hashed('secret', 100000))])
    r = s.raw()
    r.send(b'USER h\r\nPASS secret\r\nPWD\r\nNOOP\r\nQUIT\r\n')
    assert [r.reply()[:3] for _ in range(5)] == \
        ['331', '230', '257', '200', '221']
    r.close()
    r = s.raw()
    r.send(b'USER h\r\nPASS wrong\r\nPWD\r\nUSER h\r\nPASS secret\r\nPWD\r\n')
    assert [r.reply()[:3] for _ in range(6)] == \
        ['331', '530', '530', '331', '230', '257']
    r.close()


def test_who_is_not_there_takes_as_long(start):
    s = start([('h', hashed('secret', SLOW)), ('p', 'plain')])
    spent = {}
    for user in ('h', 'none', 'p'):
        wrong(s, user, 'x')             # and as much of the processor
        helper, = children(s.worker())
        wait_for('its end', lambda: children(helper) == [])
        with open('/proc/%d/stat' % helper) as f:
            total = sum(map(int, f.read().rsplit(')', 1)[1].split()[13:15]))
        spent[user] = total - sum(spent.values())
    assert min(spent.values()) > 10, spent
    assert max(spent.values()) < 3 * min(spent.values()), spent


def test_who_is_not_there_may_take_as_long_as_any(start):
    """Where hashes are not alike, time must not name who is there."""
    s = start([('quick', hashed('secret', 1000)),
               ('slow', hashed('secret', SLOW // 3))])
    slow = {}
    for user in ['slow', 'quick'] + ['none%d' % i for i in range(16)]:
        began = time.monotonic()
        wrong(s, user, 'x')
        slow[user] = time.monotonic() - began
        again = time.monotonic()
        wrong(s, user, 'y')
        slow[user] = min(slow[user], time.monotonic() - again)
    limit = (slow.pop('slow') + slow.pop('quick')) / 2
    assert 0 < sum(t > limit for t in slow.values()) < 16, slow


def test_a_flood_of_logins_waits_in_line(start):
    """No more than the places there are burn; those who left do not."""
    s = start([('h', hashed('secret', SLOW)), ('p', 'plain')],
              max_connection_num=0)
    flood = [s.raw() for _ in range(60)]
    for r in flood:
        r.send(b'USER h\r\nPASS wrong\r\n')
    for r in flood:
        assert r.reply()[:3] == '331'
    helper, = children(s.worker())
    wait_for('they burn', lambda: len(children(helper)) >= 6)
    with s.login('p', 'plain') as f:
        for _ in range(20):
            assert f.sendcmd('NOOP').startswith('200')
            assert len(children(helper)) <= 8
    for r in flood:
        r.close()
    wait_for('silence', lambda: children(helper) == [], 60)
    s.login('h', 'secret').close()


def test_a_ban_holds_for_guesses_under_way(start):
    """Sent all at once, they are not all judged: the last one is right."""
    s = start([('h', hashed('secret', SLOW // 3))], max_connection_num=0,
              login_ban_failures=2)
    guesses = [s.raw() for _ in range(12)]
    for i, r in enumerate(guesses):
        r.send(b'USER h\r\nPASS %s\r\n' % (b'secret' if i == 11 else b'no'))
        assert r.reply()[:3] == '331'
    replies = [r.reply() for r in guesses]
    assert replies.count('530 Login incorrect.') >= 2
    assert replies[-1].startswith('421 Too many failed logins'), replies
    for r in guesses:
        r.close()


def test_one_process_hashes_beside_it(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake, [account(
        0, fake, user='h', password=hashed('secret', 1000))], args=['-1'])
    s.login('h', 'secret').close()
    wrong(s, 'h', 'x')
    assert s.stop() == 0


def memory_holds(pid, words):
    """Which of them are anywhere in the memory of a process."""
    found = set()
    with open('/proc/%d/maps' % pid) as maps, \
            open('/proc/%d/mem' % pid, 'rb', 0) as mem:
        for line in maps:
            where, rights = line.split()[:2]
            if not rights.startswith('rw'):
                continue
            low, high = (int(x, 16) for x in where.split('-'))
            if high - low > 1 << 30:
                continue                # shared between all, never a secret
            try:
                mem.seek(low)
                data = mem.read(high - low)
            except (OSError, ValueError):
                continue
            found |= {w for w in words if w in data}
    return found


@pytest.mark.skipif('asan' in harness.COSFTPD, reason='shadows and redzones')
def test_passwords_leave_no_trace(start):
    """Neither those of clients nor, in a helper, those of the file."""
    harness.needs_root()
    s = start([('h', hashed('Pw-right-5831', 1000)), ('p', 'Pw-plain-5831')])
    f = s.login('h', 'Pw-right-5831')
    wrong(s, 'h', 'Pw-wrong-5831')
    wrong(s, 'none', 'Pw-nobody-5831')
    r = s.raw()                         # all at once, and cut in two
    r.send(b'USER h\r\nPASS Pw-first-5831\r\nNOOP\r\nUSER h\r\nPASS Pw-se')
    assert [r.reply()[:3] for _ in range(4)] == ['331', '530', '200', '331']
    r.send(b'cond-5831\r\nNOOP\r\n')
    assert [r.reply()[:3] for _ in range(2)] == ['530', '200']
    words = [b'Pw-%s-5831' % w for w in (
        b'right', b'wrong', b'nobody', b'first', b'second')]
    plain = b'Pw-plain-5831'
    worker = s.worker()
    helper, = children(worker)
    wait_for('silence', lambda: children(helper) == [])
    # there, but once: what the test looks for can be found
    assert memory_holds(worker, words + [plain]) == {plain}
    held = []
    for i in range(40):                 # also in what is not used again
        r = s.raw()
        r.send(b'USER h\r\nPASS Pw-%03d-5831\r\nREIN' % i)
        assert [r.reply()[:3] for _ in range(2)] == ['331', '530']
        held.append(r)
    assert memory_holds(worker, [b'Pw-%03d-5831' % i for i in range(40)]) == \
        set()
    for r in held:
        r.close()
    assert memory_holds(helper, words + [plain, harness.KEY.encode()]) == set()
    assert memory_holds(s.child.pid, words) == set()
    f.close()
    r.close()
