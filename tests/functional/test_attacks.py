"""What a hostile client can say, and where it is tested:

    bounce (PORT, EPRT elsewhere)     test_commands: active_mode_elsewhere
    stolen data connections           test_limits: a_stranger_on_the_data_port,
                                      the_data_port_takes_one; here: ports that
                                      cannot be guessed; test_proxy; test_
                                      ftps_data: require_session_reuse
    CR, LF, NUL, control bytes        test_commands: nul_and_lone_cr, control_
                                      bytes; here: in every command
    IAC                               test_commands: telnet_commands, abor_with
                                      _telnet; t_line: endless negotiation
    replies that echo                 test_commands: replies_hold_no_bytes
    clear text behind AUTH TLS        test_ftps: sent_behind_auth
    other protocols                   here; test_commands: http_is_cut
    commands before the login         test_commands: before_the_login
    endless lines, floods of commands,
    connections and handshakes, slow
    and vanished clients, one user
    with all passive ports            test_floods
    slow clients on data              test_memory: fifty_uploads_and_fifty;
                                      test_limits: stalled, stops_reading
    replies that nobody reads         test_commands: reads_no_replies
    no descriptors left               test_limits: out_of_descriptors
    glob bombs, path bombs            here; t_glob, t_path
    over-long keys                    here; test_encoding: long_names
    one account in another's files    here; test_rights
    forged lines of the log           here; t_log
    numbers out of range              test_commands: the table; t_addr
    a client who says he is another   test_proxy
"""

import re
import select
import socket
import time

import pytest

import harness
from harness import account, wait_for

OTHER = 'other-1250000000'


def rest(sock):
    got = b''
    try:
        while True:
            piece = sock.recv(4096)
            if not piece:
                break
            got += piece
    except ConnectionResetError:
        pass
    return got


# ---- bytes ----

VERBS = ('USER', 'PASS', 'CWD', 'MKD', 'RMD', 'DELE', 'RNFR', 'SIZE', 'MDTM',
         'STOR', 'RETR', 'APPE', 'LIST', 'NLST', 'MLSD', 'MLST', 'STAT',
         'HASH', 'XMD5', 'OPTS', 'SITE', 'TYPE', 'PORT', 'EPRT', 'HELP')


@pytest.mark.parametrize('byte', [b'\0', b'\r', b'\xff\xff\0',
                                  b'\xff\xfe\r\r'])
def test_no_command_takes_nul_or_cr(raw, fake, byte):
    """One reply each, nothing asked of COS, and still in step."""
    for verb in VERBS:
        raw.send(verb.encode() + b' a' + byte + b'b\r\n')
        assert raw.reply().startswith('500 '), verb
    assert raw.cmd('PWD').startswith('257 "/"')
    assert fake.ops() == {}


def test_a_line_end_in_a_name_is_two_commands_at_most(raw, fake):
    """As a client does that is handed such a name: nothing is stored under
    half of it, and each line has its reply."""
    raw.send(b'DELE a\nDELE b\r\nNOOP\r\n')
    assert [raw.reply()[:3] for _ in range(3)] == ['550', '550', '200']
    raw.send(b'SIZE a\xe2\x80\xa8DELE b\r\n')       # no line end: U+2028
    assert raw.reply().startswith('550 ')
    assert raw.cmd('NOOP').startswith('200 ')


# ---- other protocols ----

HTTP = b'%s / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\n'
LOGIN = b'USER user1\r\nPASS pass 1\r\nMKD forged\r\n'


@pytest.mark.parametrize('method', [
    b'GET', b'POST', b'PUT', b'PATCH', b'PROPFIND', b'get', b'M-SEARCH',
    b'VERSION-CONTROL', b'X'])
def test_http_with_commands_in_its_body(server, fake, method):
    """A browser that is made to send a form: cut at its first line."""
    sock = socket.create_connection(('127.0.0.1', server.port), timeout=20)
    sock.sendall(HTTP % method + LOGIN)
    got = rest(sock).split(b'\r\n')
    assert [x[:4] for x in got] == [b'220 ', b'421 ', b'']
    assert fake.keys() == []
    sock.close()


@pytest.mark.parametrize('hello', [
    b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', b'SSH-2.0-x\r\n', b'EHLO x\r\n',
    b'OPTIONS rtsp://x RTSP/1.0\r\n',
    b'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n', b'* OK\r\n', b'{"a": 1}\r\n'])
def test_other_protocols_get_no_further(server, fake, hello):
    sock = socket.create_connection(('127.0.0.1', server.port), timeout=20)
    sock.sendall(hello * 30 + LOGIN)
    got = rest(sock).split(b'\r\n')
    assert got[0][:4] == b'220 ' and {x[:4] for x in got[1:-2]} <= {b'500 '}
    assert got[-2][:4] == b'421 ' and got[-1] == b'' and len(got) <= 24
    assert fake.keys() == []
    sock.close()


@pytest.mark.parametrize('before', ['', 'USER user1'])
@pytest.mark.parametrize('hello', [
    b'\x16\x03\x01\0\x80\x01\0\0\x7c\x03\x03' + b'r' * 32 + b' ticket:\r\n',
    b'\0\0\0\x85\xffSMB\r\n', b'x' * 5000 + b'\r\n'],
    ids=['tls', 'smb', 'long'])
def test_commands_inside_of_something_else(server, fake, before, hello):
    """A ClientHello, say, with lines in its session ticket: before a login
    what is no line of text ends the connection."""
    r = server.raw()
    if before:
        r.cmd(before)
    r.send(hello + LOGIN)
    assert r.reply().startswith('421 ')
    assert rest(r.sock) == b''
    assert fake.keys() == []
    r.close()


# ---- data connections ----

def test_passive_ports_cannot_be_guessed(raw, server):
    """Neither the next one nor always the same: of 64, in 40 turns."""
    ports = [int(re.search(r'\|(\d+)\|', raw.cmd('EPSV'))[1])
             for _ in range(40)]
    steps = {(b - a) % 64 for a, b in zip(ports, ports[1:])}
    assert len(set(ports)) > 15 and len(steps) > 15
    raw.cmd('ABOR')


@pytest.mark.parametrize('before', ['USER user1', 'REIN'])
def test_a_data_connection_does_not_outlive_its_login(server, fake, before):
    fake.put('f', b'secret')
    r = server.raw()
    r.login()
    data = r.pasv()
    r.cmd(before)
    assert rest(data) == b''
    assert r.login().startswith('230 ')
    assert r.cmd('RETR f').startswith('425 ')
    data.close()
    r.close()


# ---- names ----

@pytest.mark.parametrize('path', [
    '../../etc/passwd', '/../x', 'a/../../../x', '..', '/..'])
def test_nothing_is_above_the_root(raw, fake, path):
    """COS is never asked for what would be there."""
    fake.put('etc/passwd', b'of the bucket')
    for verb in ('RETR', 'SIZE', 'DELE', 'STOR', 'MKD', 'RNFR'):
        raw.cmd('EPSV')
        assert re.match('5[0-9][0-9] |425 ', raw.cmd(verb + ' ' + path))
    raw.cmd('CWD ' + path)
    assert raw.cmd('PWD').startswith('257 "/"')
    assert fake.keys() == ['etc/passwd']
    assert not any('..' in x['target'] for x in fake.log())


@pytest.mark.parametrize('path', [
    'a/' * 1000 + 'b', '../' * 680, '/' * 2040, './' * 1000 + '.',
    'x/../' * 400, 'a' * 2040], ids=['deep', 'up', 'slashes', 'dots',
                                     'back', 'long'])
def test_path_bombs(raw, fake, path):
    """Each is answered once and at once."""
    began = time.monotonic()
    for verb in ('CWD', 'SIZE', 'MKD', 'STOR', 'NLST', 'MLST'):
        assert re.match('[2-5][0-9][0-9][ -]', raw.cmd(verb + ' ' + path))
    assert time.monotonic() - began < 3
    assert raw.cmd('NOOP').startswith('200 ')
    assert all(len(k) <= 850 for k in fake.keys())


def test_keys_of_850_bytes_and_one_more(raw, fake):
    """Never cut short to another name, of one segment or of many, in bytes
    and not in characters; also where the current directory adds to it."""
    for name, size in (('a' * 850, 850), ('d/' * 424 + 'ab', 850),
                       ('\u6f22' * 283 + 'a', 850), ('a' * 851, 851),
                       ('d/' * 425 + 'a', 851), ('\u6f22' * 284, 852)):
        assert len(name.encode()) == size
        data = raw.pasv()
        code = raw.cmd('STOR ' + name)[:3]
        if size > 850:
            assert code == '553'
            data.close()
            continue
        data.close()
        assert code == '150' and raw.reply().startswith('226 ')
        assert name in fake.keys()
    before = sorted(fake.keys())
    assert raw.cmd('MKD ' + 'e' * 400).startswith('257 ')
    assert raw.cmd('CWD ' + 'e' * 400).startswith('250 ')
    assert raw.cmd('MKD ' + 'f' * 449).startswith('553 ')    # and its slash
    assert raw.cmd('MKD ' + 'f' * 448).startswith('257 ')
    assert raw.cmd('RNFR ' + 'f' * 448).startswith('350 ')
    assert raw.cmd('RNTO ' + 'g' * 450).startswith('553 ')
    assert len(fake.keys()) == len(before) + 2


@pytest.mark.parametrize('pattern', [
    '*a' * 400 + 'b', '*' * 800 + 'b', '[' * 800, '?' * 800, '*[!b]' * 200,
    '[a-z]*' * 150 + '\\', '*?' * 400],
    ids=['stars-b', 'row', 'brackets', 'questions', 'not-b', 'classes', 'mix'])
def test_glob_bombs(server, raw, fake, pattern):
    """Against names that nearly fit; another session is answered meanwhile."""
    for i in range(300):
        fake.put('a' * 700 + '%03d' % i)
    other = server.raw()
    other.login()
    data = raw.pasv()
    raw.send(('NLST %s\r\n' % pattern).encode())
    began = time.monotonic()
    assert other.cmd('NOOP').startswith('200 ')
    assert time.monotonic() - began < 1
    while raw.reply()[:1] == '1':
        rest(data)
    assert time.monotonic() - began < 10
    assert raw.cmd('NOOP').startswith('200 ')
    data.close()
    other.close()


@pytest.mark.parametrize('pattern', [
    '*' + 'a' * 390 + 'b', '*' + '[a-z]' * 155 + 'b'], ids=['row', 'classes'])
def test_a_page_of_glob_bombs_holds_up_nobody(tmp_path, fake, pattern):
    for i in range(1000):
        fake.put('a' * 780 + '%04d' % i)
    server = harness.Cosftpd(str(tmp_path), fake, optional={'worker_num': 1})
    raw, other = server.raw(), server.raw()
    raw.login()
    other.login()
    data = raw.pasv()
    began, longest = time.monotonic(), 0
    raw.send(b'NLST %s\r\n' % pattern.encode())
    while not select.select([raw.sock], [], [], 0)[0]:
        asked = time.monotonic()
        assert other.cmd('NOOP').startswith('200 ')
        longest = max(longest, time.monotonic() - asked)
    assert longest < (time.monotonic() - began) / 4
    assert raw.reply().startswith('150 ')
    assert raw.reply().startswith('226 0 ')
    for s in (data, raw, other):
        s.close()
    assert server.stop() == 0


# ---- accounts ----

@pytest.fixture
def two(tmp_path, fakecos):
    """user1 and user2, each with a bucket of its own."""
    fake = harness.Fakecos(str(tmp_path), '--bucket', OTHER)
    theirs = harness.Cosftpd(str(tmp_path), fake, accounts=[
        account(0, fake), account(1, fake, user='user2', password='pass 2',
                                  cos_bucket=OTHER)])
    yield theirs, fake
    assert theirs.stop() == 0 and fake.stop() == 0


def test_nothing_of_one_account_is_left_for_the_next(two):
    """In one session: name, place, offset, transfer, changes not listed."""
    server, fake = two
    fake.put('d/f', b'of user1')
    r = server.raw()
    assert r.login().startswith('230 ')
    assert r.cmd('CWD d').startswith('250 ')
    data = r.pasv()
    assert r.cmd('STOR new').startswith('150 ')
    data.close()
    assert r.reply().startswith('226 ')
    assert r.cmd('RNFR f').startswith('350 ')
    assert r.cmd('REST 3').startswith('350 ')
    data = r.pasv()
    assert r.login('user2', 'pass 2').startswith('230 ')
    assert rest(data) == b''
    assert r.cmd('RNTO g').startswith('503 ')
    assert r.cmd('PWD').startswith('257 "/"')
    assert r.cmd('LIST').startswith('425 ')
    for path in ('f', 'd/f', '/d/f', 'd/new', 'new', '../%s/d/f' % fake.bucket,
                 '//%s/d/f' % fake.bucket):
        assert r.cmd('SIZE ' + path)[:3] in ('550', '553'), path
    data = r.pasv()
    assert r.cmd('NLST d').startswith('550 ')
    data.close()
    r.close()


@pytest.mark.parametrize('user, password', [
    ('user1', 'pass 2'), ('user2', 'pass 1'), ('user2', ''), ('', 'pass 2'),
    ('USER2', 'pass 2'), ('user2 ', 'pass 2'), (' user2', 'pass 2'),
    ('user2', 'pass 2 '), ('user2', ' pass 2'), ('user', 'pass 2'),
    ('user22', 'pass 2'), ('COS_ACCOUNT_1', 'pass 2'), ('*', 'pass 2')])
def test_only_the_password_of_the_user_opens(two, user, password):
    r = two[0].raw()
    assert r.login(user, password)[:3] in ('530', '503')
    assert r.cmd('PWD').startswith('530 ')
    r.close()


# ---- the log ----

FORGED = '2026-11-25 00:00:00.000 +0000 INFO  #1 user1 STOR x: 226 OK'


@pytest.mark.parametrize('text', [
    b'x\x1b[2J\x1b[31mred', b'x\x08\x08\x08y', b'x\x7fy', b'x\x0c\x0b\x1cy',
    b'%s%n%s%x', b'a' * 1900,
    'x\u2028'.encode() + FORGED.encode(), 'x\x85'.encode() + FORGED.encode(),
    'x\x9b31m'.encode()],
    ids=['esc', 'bs', 'del', 'ff', 'format', 'long', 'u2028', 'nel', 'csi'])
def test_the_log_has_its_own_lines_only(server, fake, text):
    """In what a client says that is logged: users, names, any argument."""
    size = len(server.log_text())
    r = server.raw()
    for verb in (b'USER ', b'PASS ', b'NOOP ', b'HELP ', b'CLNT '):
        r.send(verb + text + b'\r\n')
        r.reply()
    r.login()
    for verb in (b'MKD ', b'DELE ', b'RNFR ', b'SIZE ', b'CWD ', b'RETR '):
        r.send(verb + text + b'\r\n')
        r.reply()
    r.cmd('NOOP the end')
    r.close()
    wait_for('the log', lambda: 'the end' in server.log_text()[size:])
    new = server.log_text()[size:]
    assert not re.search('[\0-\x09\x0b-\x1f\x7f-\x9f]', new), new
    for line in new.rstrip('\n').split('\n'):
        assert re.match(r'20\d\d-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d{4} '
                        r'(DEBUG|INFO |WARNING|ERROR) ', line), line
        assert len(line) <= 4096
    for line in new.splitlines():       # of all that somebody takes for one
        assert not line.startswith(FORGED[:10] + ' 00:00:00'), line
