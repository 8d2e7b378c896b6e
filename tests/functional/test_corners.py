"""Corners of the protocol as FileZilla, lftp and WinSCP meet them."""

import re
import socket

import pytest

from harness import Cosftpd, wait_for

FILE = bytes(range(256)) * 40000


@pytest.fixture
def raw(server, fake):
    r = server.raw()
    r.login()
    yield r
    r.close()


@pytest.mark.parametrize('command, reply', [
    ('CLNT FileZilla 3', '200 '), ('CLNT', '200 '),
    ('HOST example.org', '502 '), ('LANG EN', '502 '), ('LANG', '502 '),
    ('MFMT 20200101000000 a', '502 '), ('MFCT 20200101000000 a', '502 '),
    ('SITE CHMOD 644 a', '504 '), ('SITE UMASK 022', '504 '),
    ('SITE UTIME 20200101000000 a', '504 '),
    ('TYPE L 8', '200 '), ('TYPE L 7', '504 '), ('TYPE A T', '504 '),
    ('OPTS MLST unique;modify', '200 MLST OPTS modify;unique;'),
])
def test_polite_reply_that_changes_nothing(raw, fake, command, reply):
    fake.put('a', b'1')
    before = fake.ops()
    assert raw.cmd(command).startswith(reply)
    assert fake.ops() == before and fake.get('a') == b'1'
    assert raw.cmd('NOOP').startswith('200 ')


def test_before_a_login_too(server):
    """HOST comes first of all (RFC 7151 3), CLNT often."""
    r = server.raw()
    assert r.cmd('HOST example.org').startswith('502 ')
    assert r.cmd('CLNT x').startswith('200 ')
    assert r.login().startswith('230 ')
    r.close()


def test_what_is_refused_is_not_advertised(raw):
    for reply in (raw.cmd('FEAT'), raw.cmd('HELP')):
        assert not re.search(r'\b(CLNT|HOST|LANG|MFMT|MFCT|SITE CHMOD)\b',
                             reply)


@pytest.mark.parametrize('urgent', [False, True])
@pytest.mark.parametrize('command', ['RETR f', 'STOR new', 'APPE f'])
def test_abort_of_a_transfer_has_two_replies(raw, fake, command, urgent):
    """RFC 959 4.1.3: 426 of the transfer, 226 of the abort, in that order."""
    fake.put('f', FILE)
    sock = raw.pasv()
    assert raw.cmd(command).startswith('150 ')
    if urgent:                              # Telnet IP, Synch: RFC 854
        raw.send(b'\xff\xf4')
        raw.sock.send(b'\xff', socket.MSG_OOB)
        raw.send(b'\xf2')
    raw.send(b'ABOR\r\n')
    assert raw.reply().startswith('426 ')
    assert raw.reply().startswith('226 ')
    sock.close()
    assert raw.cmd('NOOP').startswith('200 ')
    assert fake.keys() == ['f'] and fake.get('f') == FILE
    assert fake.uploads() == []


@pytest.mark.parametrize('command', ['STOU', 'STOR new'])
def test_two_aborts_at_once_before_the_first_answer_of_cos(raw, fake, command):
    """The second finds an upload that was never begun."""
    fake.fault(op='Any', delay=1500, times=1)
    sock = raw.pasv()
    raw.send(command.encode() + b'\r\nABOR\r\nABOR\r\n')
    assert raw.reply().startswith('426 ')
    assert raw.reply().startswith('226 ')
    assert raw.reply().startswith('226 ')
    sock.close()
    assert raw.cmd('NOOP').startswith('200 ')
    assert fake.keys() == []


def test_abort_before_the_first_answer_of_cos(raw, fake):
    fake.fault(op='Any', delay=1500, times=1)
    sock = raw.pasv()
    raw.send(b'LIST\r\nABOR\r\n')
    assert raw.reply().startswith('426 ')
    assert raw.reply().startswith('226 ')
    sock.close()


def test_abort_between_pasv_and_transfer(raw):
    raw.cmd('EPSV')
    assert raw.cmd('ABOR').startswith('226 ')
    assert raw.cmd('LIST').startswith('425 ')


def test_commands_behind_a_transfer_wait_for_its_end(raw, fake):
    """STAT is answered at once, a second transfer after the first, and it
    has no data connection then."""
    fake.put('f', FILE)
    sock = raw.pasv()
    assert raw.cmd('RETR f').startswith('150 ')
    raw.send(b'STAT\r\nRETR f\r\nPWD\r\n')
    assert 'Transfer in progress' in raw.reply()
    got = 0
    while True:
        part = sock.recv(65536)
        if not part:
            break
        got += len(part)
    sock.close()
    assert got == len(FILE)
    assert [raw.reply()[:4] for _ in range(3)] == ['226 ', '425 ', '257 ']


def test_quit_lets_an_upload_finish(raw, fake):
    sock = raw.pasv()
    assert raw.cmd('STOR q').startswith('150 ')
    raw.send(b'QUIT\r\n')
    sock.sendall(FILE)
    sock.close()
    assert raw.reply().startswith('226 ')
    assert raw.reply().startswith('221 ')
    assert raw.line() == ''
    assert fake.get('q') == FILE


def test_data_connection_of_another_address_is_let_go(raw, fake):
    """And the right one is still taken (RFC 2577 5)."""
    fake.put('f', b'abc')
    port = int(re.search(r'\|\|\|(\d+)\|', raw.cmd('EPSV'))[1])
    thief = socket.create_connection(('127.0.0.1', port), 10,
                                     ('127.0.0.2', 0))
    assert thief.recv(10) == b''
    sock = socket.create_connection(('127.0.0.1', port), 10)
    assert raw.cmd('RETR f').startswith('150 ')
    assert sock.recv(10) == b'abc'
    assert raw.reply().startswith('226 ')
    thief.close()
    sock.close()


def test_second_data_connection_gets_nothing(raw, fake):
    fake.put('f', b'abc')
    port = int(re.search(r'\|\|\|(\d+)\|', raw.cmd('EPSV'))[1])
    first = socket.create_connection(('127.0.0.1', port), 10)
    try:                        # taken off the queue when it is closed
        second = socket.create_connection(('127.0.0.1', port), 10)
    except ConnectionError:
        second = None
    assert raw.cmd('RETR f').startswith('150 ')
    assert first.recv(10) == b'abc'
    assert raw.reply().startswith('226 ')
    if second:
        try:
            assert second.recv(10) == b''
        except ConnectionResetError:
            pass
        second.close()
    first.close()


def test_lost_control_connection_stores_nothing_over_a_file(server, raw,
                                                            fake):
    fake.put('f', FILE)
    sock = raw.pasv()
    assert raw.cmd('STOR f').startswith('150 ')
    sock.sendall(b'x' * 3000000)
    wait_for('a part', lambda: fake.ops().get('UploadPart'))
    raw.sock.shutdown(socket.SHUT_RDWR)
    sock.close()
    wait_for('the abort', lambda: fake.ops().get('AbortMultipartUpload') and
             fake.uploads() == [])
    assert fake.get('f') == FILE


def test_rest_goes_to_the_next_transfer_only(raw, fake):
    """RFC 3659 5.3; with APPE it says nothing."""
    fake.put('f', b'abcdef')
    for before, command, data, now in (
            ('REST 2', 'STOR f', b'XY', b'abXY'),
            ('NOOP', 'APPE f', b'1', b'abXY1'),
            ('REST 2', 'APPE f', b'2', b'abXY12'),
            ('NOOP', 'STOR f', b'z', b'z')):
        raw.cmd(before)
        sock = raw.pasv()
        assert raw.cmd(command).startswith('150 ')
        sock.sendall(data)
        sock.close()
        assert raw.reply().startswith('226 ')
        assert fake.get('f') == now


def test_eprt_over_ipv6(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake)
    fake.put('f', b'abc')
    r = s.raw('::1')
    r.login()
    listener = socket.socket(socket.AF_INET6)
    listener.bind(('::1', 0))
    listener.listen(1)
    port = listener.getsockname()[1]
    assert r.cmd('PASV').startswith('425 ')
    assert r.cmd('EPSV 1').startswith('522 ')
    assert r.cmd('EPRT |2|::1|%d|' % port).startswith('200 ')
    assert r.cmd('RETR f').startswith('150 ')
    sock, _ = listener.accept()
    assert sock.recv(10) == b'abc'
    assert r.reply().startswith('226 ')
    sock.close()
    listener.close()
    r.close()
    assert s.stop() == 0


@pytest.mark.parametrize('command', ['DELE f', 'RNTO g'])
def test_only_204_says_that_an_object_is_gone(raw, fake, command):
    """The first answer is a 200, and nothing was deleted."""
    fake.put('f', b'1')
    fake.fault(op='DeleteObject', empty200=1, times=1)
    if command.startswith('RNTO'):
        assert raw.cmd('RNFR f').startswith('350 ')
    assert raw.cmd(command).startswith('250 ')
    assert 'f' not in fake.keys()
