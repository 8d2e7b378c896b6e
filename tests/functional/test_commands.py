"""The control connection: every command of the table, what lines may hold,
and how many replies each gets."""

import ftplib
import os
import re
import socket

import pytest

import harness
from harness import PASSWORD, USER, wait_for

BIG = 3 * 1024 * 1024


def in_step(r):
    """No reply is missing and none is left over."""
    r.send(b'SYST\r\n')
    assert r.reply() == '215 UNIX Type: L8'


def read_all(sock):
    data = b''
    while True:
        piece = sock.recv(65536)
        if not piece:
            return data
        data += piece


def wait_bytes(sock, n):
    got = 0
    while got < n:
        piece = sock.recv(65536)
        assert piece
        got += len(piece)


class Upload:
    """A STOR under way: the first bytes are on their way."""

    def __init__(self, r, name='up.bin', first=b'x' * 1000):
        self.data = r.pasv()
        assert r.cmd('STOR ' + name).startswith('150 ')
        self.data.sendall(first)


class Download:
    """A RETR under way that cannot end by itself: nobody reads its bytes."""

    def __init__(self, r, fake, size=64 * 1024 * 1024):
        fake.put('down.bin', size=size)
        self.data = socket.socket()
        self.data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        self.data.settimeout(20)
        port = int(re.search(r'\|\|\|(\d+)\|', r.cmd('EPSV'))[1])
        self.data.connect(('127.0.0.1', port))
        assert r.cmd('RETR down.bin').startswith('150 ')
        wait_bytes(self.data, 1)


# ---- one reply per command, and the right one ----

@pytest.mark.parametrize('command, reply', [
    ('NOOP', '200 '), ('noop', '200 '), ('SYST', '215 UNIX Type: L8'),
    ('PWD', '257 "/" '), ('XPWD', '257 "/" '),
    ('CWD /', '250 '), ('XCWD /', '250 '), ('CDUP', '250 '),
    ('XCUP', '250 '),
    ('TYPE A', '200 '), ('TYPE I', '200 '), ('TYPE L 8', '200 '),
    ('TYPE A N', '200 '), ('TYPE E', '504 '), ('type i', '200 '),
    ('MODE S', '200 '), ('MODE B', '504 '),
    ('STRU F', '200 '), ('STRU R', '504 '),
    ('ALLO 1000', '200 '), ('ALLO 1000 R 10', '200 '), ('ALLO x', '501 '),
    ('ALLO 99999999999999', '200 '), ('ALLO 99999999999999999999', '501 '),
    ('ALLO -1', '501 '), ('ALLO 0', '200 '), ('ALLO 1 r 99', '200 '),
    ('ALLO 1 R x', '501 '), ('ALLO 1 R ', '501 '), ('ALLO 1 R 1 2', '501 '),
    ('ALLO 1 2', '501 '),
    ('REST 5', '350 '), ('REST -1', '501 '), ('REST 5x', '501 '),
    ('REST 9223372036854775807', '350 '),
    ('REST 9223372036854775808', '501 '),
    ('ACCT x', '202 '), ('SITE HELP', '214 '), ('SITE CHMOD 644 a', '504 '),
    ('SITE UTIME a', '504 '), ('OPTS UTF8 ON', '200 '),
    ('OPTS utf8', '200 '), ('OPTS UTF8 OFF', '504 '), ('OPTS X', '501 '),
    ('OPTS MLST type;nonsense;size;', '200 MLST OPTS type;size;'),
    ('OPTS MLST', '200 MLST OPTS'),
    ('PORT 1,2,3', '501 '), ('EPRT x', '501 '), ('EPRT |3|::1|2000|', '522 '),
    ('EPSV 2', '522 '), ('EPSV 9', '501 '), ('EPSV 1', '229 '),
    ('PASV', '227 '), ('EPSV', '229 '), ('EPSV ALL', '200 '),
    ('ABOR', '226 '), ('RNTO x', '503 '), ('RETR x', '425 '),
    ('STOR x', '425 '), ('LIST', '425 '), ('NLST', '425 '),
    ('MLSD', '425 '), ('STOU', '425 '), ('APPE x', '425 '),
    ('DELE x', '550 '), ('SIZE x', '550 '), ('MDTM x', '550 '),
    ('RMD x', '550 '), ('XRMD x', '550 '), ('RNFR x', '550 '),
    ('MKD d', '257 "/d" '), ('XMKD d2', '257 "/d2" '), ('MLST x', '550 '),
    ('STAT x', '550 '), ('PASS again', '230 '),
    # an argument is missing
    ('CWD', '501 '), ('USER', '501 '), ('DELE', '501 '), ('STOR', '501 '),
    ('RETR', '501 '), ('SIZE', '501 '), ('MKD', '501 '), ('REST', '501 '),
    ('TYPE', '501 '), ('PORT', '501 '), ('RNFR', '501 '), ('OPTS', '501 '),
    # not ours
    ('PRET RETR a', '500 '), ('RANG 1 2', '500 '),
    ('AUTH TLS', '502 '), ('CCC', '502 '), ('X', '500 '), ('', '500 '),
    (' NOOP', '500 '), ('VERYLONGVERB x', '500 '), ('N00P', '500 '),
])
def test_command_gets_exactly_this_reply(raw, command, reply):
    got = raw.cmd(command)
    assert got.startswith(reply)
    assert '\n' not in got
    in_step(raw)


@pytest.mark.parametrize('command', [
    'CWD /', 'CDUP', 'PWD', 'PASV', 'EPSV', 'PORT 127,0,0,1,200,1',
    'EPRT |1|127.0.0.1|50000|', 'TYPE I', 'MODE S', 'STRU F', 'RETR a',
    'STOR a', 'STOU', 'APPE a', 'ALLO 1', 'REST 1', 'RNFR a', 'RNTO b',
    'ABOR', 'DELE a', 'RMD a', 'MKD a', 'LIST', 'NLST', 'MLSD', 'MLST',
    'STAT', 'SIZE a', 'MDTM a', 'SITE HELP', 'ACCT a'])
def test_before_the_login_it_is_530(server, fake, command):
    r = server.raw()
    assert r.greeting.startswith('220 ')
    assert r.cmd(command).startswith('530 ')
    in_step(r)
    assert fake.ops() == {}
    r.close()


@pytest.mark.parametrize('command, code', [
    ('SYST', '215'), ('FEAT', '211'), ('HELP', '214'), ('NOOP', '200'),
    ('OPTS UTF8 ON', '200'), ('QUIT', '221')])
def test_these_work_before_the_login(server, fake, command, code):
    r = server.raw()
    assert r.cmd(command)[:3] == code
    r.close()


def test_feat_has_one_space_and_what_is_true(raw):
    lines = raw.cmd('FEAT').split('\r\n')
    assert lines[0].startswith('211-') and lines[-1] == '211 End'
    for line in lines[1:-1]:
        assert re.fullmatch(r' \S.*', line), line
    for feature in ('UTF8', 'SIZE', 'MDTM', 'REST STREAM', 'EPSV', 'EPRT',
                    'TVFS', 'MLST type*;size*;modify*;perm*;unique;'):
        assert ' ' + feature in lines
    raw.cmd('OPTS MLST size;')
    assert ' MLST type;size*;modify;perm;unique;' in \
        raw.cmd('FEAT').split('\r\n')


def test_help_names_the_commands(raw):
    text = raw.cmd('HELP')
    for verb in ('USER', 'STOR', 'RETR', 'MLSD', 'EPRT', 'SITE', 'STOU'):
        assert verb in text
    assert 'XMKD' not in text
    assert raw.cmd('HELP SITE').startswith('214')


def test_stat_without_a_transfer(raw):
    text = raw.cmd('STAT')
    assert text.startswith('211-') and 'No transfer' in text
    assert USER in text


# ---- logging in and out ----

def test_wrong_password_and_unknown_user_in_the_same_words(server, fake):
    r = server.raw()
    assert r.cmd('PASS x').startswith('503 ')
    assert r.cmd('USER nobody').startswith('331 ')
    first = r.cmd('PASS x')
    assert r.cmd('USER ' + USER).startswith('331 ')
    assert r.cmd('PASS wrong') == first
    assert first.startswith('530 ')
    assert r.cmd('PASS ' + PASSWORD).startswith('230 ')
    r.close()


def test_too_many_failed_logins_end_the_session(server, fake):
    r = server.raw()
    replies = [r.login(USER, 'x')[:3] for _ in range(5)]
    assert replies == ['530'] * 4 + ['421']
    assert r.line() == ''
    r.close()


def test_a_second_user_drops_all_rights(raw):
    raw.cmd('MKD d')
    raw.cmd('CWD d')
    assert raw.cmd('USER ' + USER).startswith('331 ')
    assert raw.cmd('PWD').startswith('530 ')
    assert raw.cmd('PASS wrong').startswith('530 ')
    assert raw.cmd('PWD').startswith('530 ')
    assert raw.cmd('PASS ' + PASSWORD).startswith('230 ')
    assert raw.cmd('PWD').startswith('257 "/" ')


def test_rein_drops_all_rights(raw):
    assert raw.cmd('REIN').startswith('220 ')
    assert raw.cmd('PWD').startswith('530 ')
    assert raw.cmd('PASS ' + PASSWORD).startswith('503 ')
    assert raw.login().startswith('230 ')


def test_quit_says_goodbye_and_closes(raw):
    assert raw.cmd('QUIT').startswith('221 ')
    assert raw.line() == ''


# ---- lines ----

def test_pipelined_commands_are_answered_in_order(server, fake):
    fake.put('a', b'12345')
    r = server.raw()
    r.send(('USER %s\r\nPASS %s\r\nSIZE a\r\nPWD\r\nSIZE b\r\nMKD d\r\n'
            'CWD d\r\nPWD\r\nNOOP\r\nQUIT\r\n' % (USER, PASSWORD)).encode())
    replies = [r.reply()[:7] for _ in range(10)]
    assert [x[:3] for x in replies] == [
        '331', '230', '213', '257', '550', '257', '250', '257', '200', '221']
    assert replies[2] == '213 5' and replies[7] == '257 "/d'
    assert r.line() == ''
    r.close()


def test_two_hundred_pipelined_commands(raw):
    raw.send(b'NOOP\r\n' * 200)
    assert [raw.reply() for _ in range(200)] == ['200 OK.'] * 200
    in_step(raw)


def test_a_line_may_come_byte_by_byte_and_end_in_lf_only(raw):
    for b in b'PWD\r\n':
        raw.send(bytes([b]))
    assert raw.reply().startswith('257 ')
    raw.send(b'PWD\n')
    assert raw.reply().startswith('257 ')
    in_step(raw)


@pytest.mark.parametrize('size', [2049, 5000, 8192, 100000])
def test_over_long_line_gets_one_500_and_the_rest_is_no_command(raw, size):
    raw.send(b'CWD ' + b'a' * size + b'NOOP\r\n')
    assert raw.reply().startswith('500 ')
    in_step(raw)


def test_line_of_the_greatest_length_is_a_command(raw):
    raw.send(b'NOOP ' + b'a' * 2043 + b'\r\n')
    assert raw.reply().startswith('200 ')
    in_step(raw)


@pytest.mark.parametrize('line', [
    b'MKD a\0b', b'\0', b'MKD a\rb', b'NOOP\0', b'MKD \r\0x'])
def test_nul_and_lone_cr_get_one_500_and_change_nothing(raw, fake, line):
    raw.send(line + b'\r\n')
    assert raw.reply().startswith('500 ')
    in_step(raw)
    assert fake.keys() == []


@pytest.mark.parametrize('name', [b'a\x01b', b'\x7f', b'\x1b[31m', b'a\xef'
                                  b'\xbf\xbf'])
def test_control_bytes_in_names_are_553(raw, fake, name):
    for verb in (b'MKD ', b'DELE ', b'STOR ', b'CWD ', b'SIZE '):
        raw.send(verb + name + b'\r\n')
        got = raw.reply()
        assert got.startswith('553 ')
        assert name.decode('utf-8', 'replace') not in got
    in_step(raw)
    assert fake.keys() == []


def test_random_bytes_leave_the_session_usable(raw):
    noise = bytes(b for b in os.urandom(3000) if b not in b'\n\xff')
    raw.send(noise + b'\r\n')
    assert raw.reply().startswith('500 ')
    in_step(raw)


def test_telnet_commands_vanish_from_lines(raw):
    raw.send(b'\xff\xfb\x01\xff\xfd\x03\xff\xf1NO\xff\xf9OP\r\n')
    assert raw.reply().startswith('200 ')
    raw.send(b'\xff\xfa\x18\x01NOOP\r\n\xff\xf0PWD\r\n')
    assert raw.reply().startswith('257 ')
    in_step(raw)


@pytest.mark.parametrize('request_line', [
    b'GET / HTTP/1.1\r\nHost: a\r\n\r\n', b'POST /x HTTP/1.0\r\n\r\n',
    b'PUT /x HTTP/1.1\r\nContent-Length: 9\r\n\r\nUSER x\r\n',
    b'OPTIONS * HTTP/1.1\r\n\r\n'])
def test_http_is_cut_with_one_421(server, fake, request_line):
    r = server.raw()
    r.send(request_line)
    assert r.reply().startswith('421 ')
    try:
        assert r.line() == ''
    except ConnectionResetError:
        pass
    r.close()


def test_a_run_of_unknown_commands_ends_the_session(server, fake):
    r = server.raw()
    codes = [r.cmd('NONSENSE')[:3] for _ in range(20)]
    assert codes == ['500'] * 20
    assert r.cmd('NONSENSE').startswith('421 ')
    assert r.line() == ''
    r.close()


def test_a_known_command_ends_the_run_of_unknown_ones(server, fake):
    r = server.raw()
    for _ in range(3):
        for _ in range(15):
            assert r.cmd('NONSENSE').startswith('500 ')
        assert r.cmd('NOOP').startswith('200 ')
    r.close()


@pytest.mark.parametrize('verb', ['XYZZY', 'SITE', 'OPTS', 'TYPE', 'MODE',
                                  'STRU', 'ALLO', 'REST', 'PORT', 'EPRT',
                                  'EPSV', 'HELP', 'ACCT', 'CLNT'])
def test_replies_hold_no_bytes_of_the_client(raw, verb):
    got = raw.cmd(verb + ' q7\x1bmarker\u4e2d')
    assert 'marker' not in got and '\x1b' not in got
    assert 'XYZZY' not in got
    in_step(raw)


def test_a_client_that_reads_no_replies_is_given_up(server, fake):
    r = harness.Raw('127.0.0.1', server.port)
    r.login()
    r.sock.settimeout(0.5)
    try:
        while True:            # ends: the server resets the connection
            r.send(b'FEAT\r\n' * 2000)
    except socket.timeout:     # or it reads no more: fine as well
        pass
    except OSError:
        pass
    s = server.raw()
    assert s.login().startswith('230 ')
    assert server.rss() < 64 * 1024 * 1024
    s.close()
    r.close()


def test_passwords_are_in_no_log_line(server, fake):
    r = server.raw()
    r.cmd('USER someone')
    for line in ('PASS hushhush1', 'pass hushhush1', ' PASS hushhush1',
                 'PASSS hushhush1', 'PASS\thushhush1 hushhush1',
                 'PAS hushhush1'):
        r.cmd(line)
    r.login()
    r.cmd('NOOP marker77')
    r.close()
    wait_for('the log line', lambda: 'marker77' in server.log_text())
    assert 'hushhush1' not in server.log_text()
    assert PASSWORD not in server.log_text()
    assert harness.KEY not in server.log_text()


# ---- data connections ----

def test_epsv_all_refuses_the_others(raw):
    assert raw.cmd('EPSV ALL').startswith('200 ')
    for c in ('PASV', 'PORT 127,0,0,1,200,1', 'EPRT |1|127.0.0.1|50000|'):
        assert raw.cmd(c).startswith('503 ')
    assert raw.cmd('EPSV').startswith('229 ')


def active(r, command, listener, data=None):
    assert r.cmd(command).startswith('200 ')
    r.send(b'LIST\r\n')
    assert r.reply().startswith('150 ')
    listener.settimeout(10)
    c, peer = listener.accept()
    got = read_all(c)
    c.close()
    assert r.reply().startswith('226 ')
    return got


@pytest.mark.parametrize('form', ['PORT', 'EPRT'])
def test_active_mode_to_the_client_itself(raw, fake, form):
    fake.put('a', b'1')
    listener = socket.create_server(('127.0.0.1', 0))
    port = listener.getsockname()[1]
    command = 'PORT 127,0,0,1,%d,%d' % (port >> 8, port & 255) \
        if form == 'PORT' else 'EPRT |1|127.0.0.1|%d|' % port
    assert active(raw, command, listener).endswith(b' a\r\n')
    listener.close()


@pytest.mark.parametrize('command', [
    'PORT 127,0,0,2,200,1', 'PORT 10,0,0,1,200,1', 'PORT 127,0,0,1,3,255',
    'PORT 127,0,0,1,0,21', 'EPRT |1|127.0.0.2|50000|',
    'EPRT |1|127.0.0.1|1023|', 'EPRT |2|::1|50000|'])
def test_active_mode_elsewhere_is_refused(raw, command):
    assert raw.cmd(command).startswith('501 ')
    assert raw.cmd('LIST').startswith('425 ')


def test_active_mode_to_a_closed_port_is_425(raw, fake):
    s = socket.create_server(('127.0.0.1', 0))
    port = s.getsockname()[1]
    s.close()
    assert raw.cmd('EPRT |1|127.0.0.1|%d|' % port).startswith('200 ')
    raw.send(b'LIST\r\n')
    assert raw.reply().startswith('150 ')
    assert raw.reply().startswith('425 ')
    in_step(raw)


def test_ipv6_passive_and_active(server, fake):
    fake.put('a', b'123')
    r = server.raw('::1')
    r.login()
    assert r.cmd('PASV').startswith('425 ')
    assert r.cmd('EPSV 1').startswith('522 ')
    assert r.cmd('EPSV 2').startswith('229 ')
    d = r.pasv()
    assert r.cmd('RETR a').startswith('150 ')
    assert read_all(d) == b'123'
    assert r.reply().startswith('226 ')
    listener = socket.create_server(('::1', 0), family=socket.AF_INET6)
    port = listener.getsockname()[1]
    assert active(r, 'EPRT |2|::1|%d|' % port, listener).endswith(b' a\r\n')
    assert r.cmd('EPRT |2|::2|%d|' % port).startswith('501 ')
    assert r.cmd('EPRT |1|127.0.0.1|%d|' % port).startswith('501 ')
    listener.close()
    d.close()
    r.close()
    f = server.login(host='::1')
    harness.store(f, 'b', b'xyz')
    assert harness.fetch(f, 'b') == b'xyz'
    f.close()


def test_a_transfer_uses_up_the_data_connection(raw, fake):
    fake.put('a', b'1')
    d = raw.pasv()
    assert raw.cmd('RETR a').startswith('150 ')
    assert read_all(d) == b'1'
    assert raw.reply().startswith('226 ')
    assert raw.cmd('RETR a').startswith('425 ')
    d.close()


@pytest.mark.parametrize('between', [
    'RETR missing', 'RETR /', 'LIST', 'STOR /', 'STOR \x01', 'MLSD missing'])
def test_rest_holds_for_one_transfer_only(raw, fake, between):
    fake.put('a', b'0123456789')
    assert raw.cmd('REST 5').startswith('350 ')
    d = raw.pasv()
    raw.send(between.encode() + b'\r\n')
    if raw.reply().startswith('150 '):
        raw.reply()
    d.close()
    d = raw.pasv()
    assert raw.cmd('RETR a').startswith('150 ')
    assert read_all(d) == b'0123456789'
    assert raw.reply().startswith('226 ')
    d.close()


def test_rest_survives_what_comes_between_it_and_the_transfer(raw, fake):
    fake.put('a', b'0123456789')
    raw.cmd('REST 4')
    raw.cmd('TYPE I')
    d = raw.pasv()
    raw.cmd('RETR a')
    assert read_all(d) == b'456789'
    assert raw.reply().startswith('226 ')
    d.close()


def test_stou_names_the_file_in_the_150(raw, fake):
    d = raw.pasv()
    opening = raw.cmd('STOU')
    name = re.fullmatch(r'150 FILE: (\S+)', opening)[1]
    d.sendall(b'unique')
    d.close()
    assert raw.reply().startswith('226 ')
    assert fake.get(name) == b'unique'


# ---- during transfers ----

def test_stat_during_an_upload_and_a_download(raw, fake):
    up = Upload(raw)
    wait_for('the bytes in STAT', lambda: 'in progress: 1000 bytes' in
             raw.cmd('STAT'))
    up.data.close()
    assert raw.reply().startswith('226 ')
    down = Download(raw, fake)
    assert 'Transfer in progress: ' in raw.cmd('STAT a')
    down.data.close()
    assert raw.reply()[:3] == '426'
    in_step(raw)


def test_abor_without_a_transfer_closes_the_passive_port(raw):
    port = int(re.search(r'\|\|\|(\d+)\|', raw.cmd('EPSV'))[1])
    assert raw.cmd('ABOR').startswith('226 ')
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', port), timeout=5)
    in_step(raw)


def test_abor_during_a_download_is_426_and_226(raw, fake):
    down = Download(raw, fake)
    assert raw.cmd('ABOR').startswith('426 ')
    assert raw.reply().startswith('226 ')
    in_step(raw)
    assert raw.cmd('RETR down.bin').startswith('425 ')
    down.data.close()


@pytest.mark.parametrize('size', [1000, BIG])
def test_abor_during_an_upload_is_426_and_226(raw, fake, size):
    up = Upload(raw, first=b'x' * size)
    wait_for('the bytes', lambda: '%d bytes' % size in raw.cmd('STAT'))
    assert raw.cmd('ABOR').startswith('426 ')
    assert raw.reply().startswith('226 ')
    in_step(raw)
    assert fake.uploads() == []
    assert len(fake.get('up.bin')) == size     # policy: complete
    up.data.close()


def test_abor_before_the_data_connection_is_opened(raw, fake):
    fake.put('a', b'1')
    for command in ('RETR a', 'LIST', 'STOR b'):
        assert raw.cmd('EPSV').startswith('229 ')
        assert raw.cmd(command).startswith('150 ')
        assert raw.cmd('ABOR').startswith('426 ')
        assert raw.reply().startswith('226 ')
        in_step(raw)
    assert fake.uploads() == []


@pytest.mark.parametrize('command, op', [
    ('RETR a', 'GetObject'), ('LIST', 'ListObjects'),
    ('MLSD', 'ListObjects'), ('APPE a', 'HeadObject')])
def test_abor_while_the_store_has_not_answered(raw, fake, command, op):
    fake.put('a', b'1')
    fake.fault(op=op, head_stall=20000, times=1)
    raw.cmd('EPSV')
    raw.send(command.encode() + b'\r\n')
    wait_for('the request', lambda: fake.ops().get(op))
    raw.send(b'ABOR\r\n')
    assert raw.reply()[:3] == '426'
    assert raw.reply().startswith('226 ')
    in_step(raw)


@pytest.mark.parametrize('aborts', [1, 3])
def test_abor_while_the_store_makes_the_object(raw, fake, aborts):
    fake.fault(op='PutObject', delay=700)
    up = Upload(raw)
    up.data.close()
    wait_for('the request', lambda: fake.ops().get('PutObject'))
    raw.send(b'ABOR\r\n' * aborts)
    replies = [raw.reply()[:3] for _ in range(1 + aborts)]
    assert replies[0] in ('226', '426')
    assert replies[1:] == ['226'] * aborts
    in_step(raw)
    assert fake.get('up.bin') == b'x' * 1000


def test_abor_behind_the_end_of_the_data_keeps_the_old_object(raw, fake):
    """The two connections race: the last parts are still on their way."""
    fake.put('up.bin', b'old')
    fake.fault(op='UploadPart', delay=700, times=-1)
    up = Upload(raw, first=b'x' * BIG)
    up.data.close()
    wait_for('the parts', lambda: fake.ops().get('UploadPart'))
    wait_for('the bytes', lambda: '%d bytes' % BIG in raw.cmd('STAT'))
    raw.send(b'ABOR\r\n')
    assert raw.reply().startswith('426 ')
    assert raw.reply().startswith('226 ')
    in_step(raw)
    assert fake.get('up.bin') == b'old' and fake.uploads() == []


def test_abor_after_the_transfer_ended_is_226(raw, fake):
    fake.put('a', b'1')
    d = raw.pasv()
    raw.cmd('RETR a')
    read_all(d)
    assert raw.reply().startswith('226 ')
    assert raw.cmd('ABOR').startswith('226 ')
    in_step(raw)
    d.close()


@pytest.mark.parametrize('style', ['one oob', 'bsd', 'no oob', 'dm apart'])
def test_abor_with_telnet_ip_and_synch(raw, fake, style):
    down = Download(raw, fake)
    if style == 'one oob':            # curl, lftp: IP, then DM urgent
        raw.send(b'\xff\xf4')
        raw.sock.send(b'\xff\xf2', socket.MSG_OOB)
        raw.send(b'ABOR\r\n')
    elif style == 'bsd':              # IAC IP IAC urgent, then DM ABOR
        raw.sock.send(b'\xff\xf4\xff', socket.MSG_OOB)
        raw.send(b'\xf2ABOR\r\n')
    elif style == 'dm apart':
        raw.send(b'\xff\xf4\xff')
        raw.sock.send(b'\xf2', socket.MSG_OOB)
        raw.send(b'ABOR\r\n')
    else:
        raw.send(b'\xff\xf4\xff\xf2ABOR\r\n')
    assert raw.reply().startswith('426 ')
    assert raw.reply().startswith('226 ')
    in_step(raw)
    down.data.close()


def test_abor_sent_whole_as_urgent_data(raw, fake):
    down = Download(raw, fake)
    raw.sock.send(b'ABOR\r\n', socket.MSG_OOB)
    assert raw.reply().startswith('426 ')
    assert raw.reply().startswith('226 ')
    in_step(raw)
    down.data.close()


def test_quit_during_an_upload_finishes_it_first(raw, fake):
    up = Upload(raw)
    raw.send(b'QUIT\r\n')
    up.data.sendall(b'y' * 500)
    up.data.close()
    assert raw.reply().startswith('226 ')
    assert raw.reply().startswith('221 ')
    assert raw.line() == ''
    assert fake.get('up.bin') == b'x' * 1000 + b'y' * 500


def test_quit_during_a_download_finishes_it_first(raw, fake):
    down = Download(raw, fake, size=16 * 1024 * 1024)
    raw.send(b'QUIT\r\n')
    wait_bytes(down.data, 16 * 1024 * 1024 - 65536)
    assert len(read_all(down.data)) <= 65536
    assert raw.reply().startswith('226 ')
    assert raw.reply().startswith('221 ')
    assert raw.line() == ''
    down.data.close()


def test_commands_during_a_transfer_are_answered_after_it(raw, fake):
    up = Upload(raw)
    raw.send(b'NOOP\r\nPWD\r\nSIZE up.bin\r\n')
    up.data.close()
    assert [raw.reply()[:3] for _ in range(4)] == ['226', '200', '257', '213']
    in_step(raw)


@pytest.mark.parametrize('line', [b'a' * 5000, b'NOOP\0', b'NONSENSE'])
def test_a_bad_line_during_a_transfer_gets_its_500_after_it(raw, fake, line):
    up = Upload(raw)
    raw.send(line + b'\r\nNOOP\r\n')
    up.data.close()
    assert [raw.reply()[:3] for _ in range(3)] == ['226', '500', '200']
    in_step(raw)


def test_a_data_connection_closed_early_is_426_and_no_silence(raw, fake):
    down = Download(raw, fake)
    down.data.close()
    assert raw.reply()[:3] in ('426', '451')
    in_step(raw)


def test_a_reset_upload_is_never_226(raw, fake):
    import struct
    up = Upload(raw)
    wait_for('the bytes', lambda: '1000 bytes' in raw.cmd('STAT'))
    up.data.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                       struct.pack('ii', 1, 0))
    up.data.close()
    assert raw.reply()[:3] == '426'
    in_step(raw)


def test_control_lost_during_transfers_ends_the_session(server, fake):
    r = server.raw()
    r.login()
    down = Download(r, fake)
    r.close()
    wait_for('the end of the data connection',
             lambda: ended(down.data))
    fresh = server.raw()
    fresh.login()
    in_step(fresh)
    fresh.close()


def ended(sock):
    try:
        while True:
            if not sock.recv(65536):
                return True
    except ConnectionResetError:
        return True


def test_ftplib_abort(ftp, fake):
    fake.put('big', size=64 * 1024 * 1024)
    c = ftp.transfercmd('RETR big')
    c.recv(1000)
    assert ftp.abort()[:3] in ('225', '226', '426')
    ftp.voidresp()
    c.close()
    assert ftp.pwd() == '/'


def test_slow_store_for_one_session_does_not_hold_up_another(server, raw,
                                                             fake):
    fake.put('a', b'1')
    fake.fault(op='HeadObject', delay=3000)
    raw.send(b'SIZE a\r\n')
    wait_for('the request', lambda: fake.stats()['connections'] > 1)
    other = server.raw()
    other.login()
    other.sock.settimeout(2)
    for _ in range(20):
        assert other.cmd('NOOP').startswith('200 ')
    assert other.cmd('SIZE b').startswith('550 ')
    other.close()
    assert raw.reply() == '213 1'


def test_ftplib_errors_do_not_end_the_session(ftp, fake):
    for call in (lambda: ftp.size('x'), lambda: ftp.delete('x'),
                 lambda: ftp.rmd('x'), lambda: ftp.cwd('x'),
                 lambda: harness.fetch(ftp, 'x'), lambda: ftp.nlst('x')):
        with pytest.raises(ftplib.error_perm, match='^550 '):
            call()
    assert ftp.pwd() == '/'


@pytest.mark.parametrize('op, command', [
    ('HeadObject', 'SIZE a'), ('HeadObject', 'MDTM a'),
    ('HeadObject', 'DELE a'), ('DeleteObject', 'DELE a'),
    ('ListObjects', 'RMD d'), ('DeleteObject', 'RMD d'),
    ('ListObjects', 'CWD d'), ('PutObject', 'MKD e'),
    ('HeadObject', 'RNFR a'), ('HeadObject', 'MLST a'),
    ('ListObjects', 'STAT d')])
@pytest.mark.parametrize('status, code, reply', [
    (403, 'AccessDenied', '550 '), (400, 'InvalidArgument', '451 '),
    (404, 'NoSuchBucket', '550 ')])
def test_a_refusing_store_gives_one_reply(raw, fake, op, command, status,
                                          code, reply):
    fake.put('a', b'1')
    fake.put('d/', b'')
    before = fake.keys()
    fake.fault(op=op, status=status, code=code, times=-1)
    assert raw.cmd(command).startswith(reply)
    in_step(raw)
    assert fake.keys() == before
