"""FTPS data connections: the order of things, cut uploads, sessions, active
mode; other people's clients; what idle sessions cost."""

import ftplib
import io
import os
import re
import socket
import ssl
import struct

import pytest

import ftps
import harness
from clients import Clients, content, read_tree, tree, write_tree
from harness import PASSWORD, USER, wait_for

MIB = 1024 * 1024


@pytest.fixture(scope='module')
def certs(tmp_path_factory):
    return ftps.certificates(str(tmp_path_factory.mktemp('certs')))


@pytest.fixture(scope='module')
def server_(tmp_path_factory, fakecos, certs):
    s = ftps.Server(str(tmp_path_factory.mktemp('cosftpd')), fakecos, certs,
                    optional={'data_timeout': 2})
    yield s
    assert s.stop() == 0, s.text()


@pytest.fixture
def server(server_, fake):
    return server_


@pytest.fixture
def c(server):
    c = server.login_tls()
    c.protect()
    yield c
    c.close()


def ftplib_tls(server, implicit=False):
    f = ftplib.FTP_TLS(context=server.context, encoding='utf-8', timeout=20)
    if implicit:
        f.host = 'localhost'
        f.sock = server.context.wrap_socket(
            socket.create_connection(('localhost', server.implicit), 20),
            server_hostname='localhost')
        f.file = f.sock.makefile('r', encoding='utf-8')
        f.af = f.sock.family
        f.welcome = f.getresp()
        f.login(USER, PASSWORD, secure=False)
    else:
        f.connect('localhost', server.port)
        f.login(USER, PASSWORD)
    f.prot_p()
    return f


# ---- transfers ----

@pytest.mark.parametrize('implicit', [False, True])
@pytest.mark.parametrize('passive', [True, False])
def test_files_of_all_sizes(server, fake, implicit, passive):
    f = ftplib_tls(server, implicit)
    f.set_pasv(passive)
    sizes = (0, 1, 1000, 16383, 16384, 16385, 300000, 5 * MIB + 1)
    for n in sizes:
        data = content(n, n)
        assert harness.store(f, 'f%d' % n, data).startswith('226')
        assert fake.get('f%d' % n) == data
        assert harness.fetch(f, 'f%d' % n) == data
    assert sorted(harness.lines(f, 'NLST')) == sorted(
        'f%d' % n for n in sizes)
    assert harness.fetch(f, 'f300000', 299000) == content(300000,
                                                          300000)[299000:]
    f.quit()


def test_a_listing_of_many_pages(server, fake, c):
    fake.fill('many/', 2500)
    data, reply = c.fetch('NLST many')
    assert data.count(b'\r\n') == 2500 and reply.startswith('226 2500 ')


@pytest.mark.parametrize('when', ['before PROT', 'before', 'after 150'])
def test_the_client_may_shake_hands_when_it_likes(server, fake, when):
    c = server.login_tls()
    c.cmd('PBSZ 0')
    fake.put('f', b'abc')
    for command in ('RETR f', 'LIST', 'STOR g'):
        c.cmd('PROT C')
        sock = c.pasv() if when == 'before PROT' else None
        assert c.cmd('PROT P').startswith('200 ')
        sock = sock or c.pasv()
        if when == 'before':
            sock = c.tls(sock)
        c.send(command.encode() + b'\r\n')
        if when == 'after 150':
            assert c.reply().startswith('150 ')
        if when != 'before':
            sock = c.tls(sock)
        if when != 'after 150':
            assert c.reply().startswith('150 ')
        if command == 'STOR g':
            sock.sendall(b'xyz')
            sock.unwrap()
        else:
            assert b'abc' == ftps.read_all(sock) or command == 'LIST'
        sock.close()
        assert c.reply().startswith('226 ')
    assert fake.get('g') == b'xyz'
    c.close()


def test_prot_c_after_tls_has_begun(server, fake, c):
    fake.put('f', b'abc')
    sock = c.tls(c.pasv())
    assert c.cmd('PROT C').startswith('200 ')
    assert c.cmd('RETR f').startswith('425 ')
    sock.close()
    assert c.fetch('RETR f', c.pasv())[0] == b'abc'


def eprt(c):
    listener = socket.create_server(('127.0.0.1', 0))
    assert c.cmd('EPRT |1|127.0.0.1|%d|' %
                 listener.getsockname()[1]).startswith('200 ')
    return listener


def test_active_mode_by_hand(server, fake, c):
    """The server connects, and is the TLS server all the same."""
    fake.put('f', b'abc')
    listener = eprt(c)
    assert c.cmd('RETR f').startswith('150 ')
    sock = c.tls(listener.accept()[0])
    assert ftps.read_all(sock) == b'abc'
    assert c.reply().startswith('226 ')
    sock.close()
    listener.close()
    listener = eprt(c)
    listener.close()
    c.cmd('RETR f')
    assert c.reply().startswith('425 ')     # refused is no matter of TLS


# ---- what goes wrong ----

def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    sock.close()


def fin(sock):
    """The end in clear: socket closed in good order, no close_notify."""
    sock.close()


def half_record(sock):
    raw = socket.socket(fileno=os.dup(sock.fileno()))
    sock.detach()
    raw.sendall(b'\x17\x03\x03\x20\x00' + b'x' * 100)
    raw.close()


def clear_bytes(sock):
    raw = socket.socket(fileno=os.dup(sock.fileno()))
    sock.detach()
    raw.sendall(b'this is no TLS at all')
    raw.close()


@pytest.mark.parametrize('cut', [reset, fin, half_record, clear_bytes])
@pytest.mark.parametrize('size', [0, 100, 3 * MIB])
def test_an_upload_without_close_notify_replaces_nothing(server, fake, c, cut,
                                                         size):
    fake.put('f', b'old')
    sock = c.tls(c.pasv())
    assert c.cmd('STOR f').startswith('150 ')
    sock.sendall(content(1, size))
    cut(sock)
    assert c.reply().startswith('426 ')
    assert fake.get('f') == b'old'
    assert fake.uploads() == []
    assert c.store('f', b'new').startswith('226 ')
    assert fake.get('f') == b'new'


def test_a_cut_upload_is_kept_only_where_nothing_was(server, fake, c):
    sock = c.tls(c.pasv())
    assert c.cmd('STOR f').startswith('150 ')
    sock.sendall(b'half')
    wait_for('them', lambda: '150 ' in server.log_text())
    fin(sock)
    assert re.match('426 .* holds the [0-4] bytes', c.reply())
    assert b'half'.startswith(fake.get('f'))


def test_a_broken_download_has_no_close_notify(server, fake, c):
    """The client must not take it for the whole."""
    fake.put('f', content(2, 5 * MIB))
    fake.fault(op='GetObject', body_cut=MIB)
    fake.fault(op='GetObject', body_cut=0, times=-1)
    sock = c.tls(c.pasv())
    assert c.cmd('RETR f').startswith('150 ')
    with pytest.raises((ssl.SSLError, ConnectionError)):
        ftps.read_all(sock)
    assert c.reply()[:3] in ('426', '451')
    sock.close()
    assert c.cmd('NOOP').startswith('200 ')


@pytest.mark.parametrize('command', ['RETR f', 'LIST', 'STOR g'])
def test_a_client_that_does_not_shake_hands(server, fake, c, command):
    fake.put('f', b'abc')
    sock = c.pasv()
    assert c.cmd(command).startswith('150 ')
    reply = c.reply()                       # after data_timeout
    assert reply.startswith('425 ') and 'handshake' in reply
    sock.close()
    sock = c.pasv()
    sock.sendall(b'this is not a ClientHello')
    assert c.cmd(command).startswith('150 ')
    reply = c.reply()
    assert reply.startswith('522 ') and 'does not speak TLS' in reply
    sock.close()
    sock = c.pasv()
    sock.close()
    assert c.cmd(command).startswith('150 ')
    assert c.reply().startswith('425 ')
    assert fake.keys() == ['f']
    assert c.cmd('NOOP').startswith('200 ')


@pytest.mark.parametrize('command', ['RETR f', 'LIST', 'STOR g'])
def test_abor_during_the_handshake(server, fake, c, command):
    fake.put('f', b'abc')
    sock = c.pasv()
    assert c.cmd(command).startswith('150 ')
    assert c.cmd('ABOR').startswith('426 ')
    assert c.reply().startswith('226 ')
    sock.close()
    assert c.cmd('NOOP').startswith('200 ')
    assert c.fetch('RETR f')[0] == b'abc'


@pytest.mark.parametrize('command', ['RETR f', 'STOR f'])
def test_abor_during_a_transfer(server, fake, c, command):
    data = content(3, 20 * MIB)
    fake.put('f', data)
    sock = c.tls(c.pasv())
    assert c.cmd(command).startswith('150 ')
    if command == 'RETR f':
        sock.recv(100)
    else:
        sock.sendall(b'x' * 3 * MIB)
    # as a BSD client does: IAC IP, IAC DM, in TLS of course
    c.send(b'\xff\xf4\xff\xf2ABOR\r\n')
    assert c.reply().startswith('426 ')
    assert c.reply().startswith('226 ')
    sock.close()
    assert c.cmd('NOOP').startswith('200 ')
    assert fake.get('f') == data
    assert fake.uploads() == []


# ---- the session of the data connection ----

def test_new_sessions_are_taken_by_default(server, fake, c):
    fake.put('f', b'abc')
    before = server.data_connections()
    assert c.fetch('RETR f', c.tls(c.pasv(), False))[0] == b'abc'
    assert c.fetch('RETR f')[0] == b'abc'
    after = server.data_connections()
    assert (after[0] - before[0], after[1] - before[1]) == (1, 1)


def test_require_session_reuse(tmp_path, fake, certs):
    s = ftps.Server(str(tmp_path), fake, certs,
                    tls={'require_session_reuse': 'true'})
    fake.put('f', b'old')
    c, other = s.login_tls(), s.login_tls(auth=None)
    c.protect()
    assert c.fetch('RETR f')[0] == b'old'
    foreign = other.sock.session
    for make in (lambda sock: c.tls(sock, False),
                 lambda sock: ftps.wrap(c.context, sock, foreign)):
        for command in ('RETR f', 'LIST', 'STOR f', 'STOR g'):
            sock = make(c.pasv())
            assert c.cmd(command).startswith('150 ')
            assert c.reply().startswith('522 The data connection must resume')
            sock.close()
    assert fake.get('f') == b'old' and fake.keys() == ['f']
    assert c.store('f', b'new').startswith('226 ')
    assert other.fetch('RETR f')[0] == b'new'
    assert c.cmd('PROT C').startswith('200 ')       # mode = allow
    assert c.fetch('RETR f', c.pasv())[0] == b'new'
    for x in (c, other):
        x.close()
    assert s.stop() == 0


# ---- clients ----

@pytest.fixture
def clients(tmp_path, server):
    return Clients(tmp_path, server)


def test_curl(server, fake, clients, certs):
    before = server.data_connections()
    small, large = content(4, 1000), content(5, 5 * MIB)
    clients.write('small', small)
    clients.write('large', large)
    clients.write('empty', b'')
    ca = ('--cacert', os.path.join(certs, 'ca.pem'))
    explicit = clients.url(host='localhost')
    implicit = explicit.replace('ftp://', 'ftps://').replace(
        ':%d/' % server.port, ':%d/' % server.implicit)
    for url, options in ((explicit, ('--ssl-reqd',)), (implicit, ()),
                         (explicit, ('--ssl-reqd', '--disable-epsv'))):
        fake.wipe()
        clients.curl(*ca, *options, *(x for name in (
            'small', 'large', 'empty') for x in ('-T', name, url)))
        assert fake.get('small') == small and fake.get('large') == large
        assert fake.get('empty') == b''
        clients.curl(*ca, *options, '-O', url + 'large', '-O',
                     url + 'small', cwd='home')
        assert clients.read('home/large') == large
        assert clients.read('home/small') == small
        names = clients.curl(*ca, *options, '-l', url).output
        assert sorted(names.split()) == ['empty', 'large', 'small']
    # refused: the wrong authority
    wrong = clients.curl('--cacert', os.path.join(certs, 'other-ca.pem'),
                         '--ssl-reqd', explicit, code=None)
    assert wrong.code == 60, wrong.output
    wait_for('the reason', lambda: 'TLS handshake failed: the peer does not '
             'trust the issuer' in server.log_text())
    after = server.data_connections()
    new, resumed = after[0] - before[0], after[1] - before[1]
    assert resumed >= 9 * (new + resumed) / 10 and resumed >= 18


def lftp_tls(clients, certs, script, **options):
    return clients.lftp('\n'.join([
        'set ssl:ca-file ' + os.path.join(certs, 'ca.pem'),
        'set ftp:ssl-force true', 'set ftp:ssl-protect-data true',
        'set ssl:check-hostname false', script]), **options)


@pytest.mark.parametrize('sync', ['on', 'off'])
@pytest.mark.parametrize('passive', ['on', 'off'])
def test_lftp(server, fake, clients, certs, sync, passive):
    before = server.data_connections()
    files = tree(40)
    write_tree(clients.path('up'), files)
    lftp_tls(clients, certs, '\n'.join([
        'set ftp:sync-mode ' + sync, 'set ftp:passive-mode ' + passive,
        'mirror -R --parallel=3 up there', 'mirror there down']))
    assert read_tree(clients.path('down')) == files
    new, resumed = (b - a for a, b in zip(before, server.data_connections()))
    assert resumed >= 9 * (new + resumed) / 10 and resumed >= 80


def test_lftp_implicit(server, fake, clients, certs):
    fake.put('f', b'abc')
    lftp_tls(clients, certs, '\n'.join([
        'open -u \'%s,%s\' ftps://localhost:%d' % (USER, PASSWORD,
                                                  server.implicit),
        'get f -o got', 'put got -o again']))
    assert clients.read('got') == b'abc' and fake.get('again') == b'abc'


def test_lftp_without_tls_meets_require_all(tmp_path, fake, certs):
    s = ftps.Server(str(tmp_path), fake, certs, tls={'mode': 'require-all'})
    clients = Clients(tmp_path, s)
    r = clients.lftp('set ftp:ssl-allow false\nls', code=1)
    assert '530' in r.output
    r = lftp_tls(clients, certs, 'set ftp:ssl-protect-data false\n'
                 'set ftp:ssl-protect-list false\nls', code=1)
    assert '521' in r.output or '534' in r.output, r.output
    lftp_tls(clients, certs, 'ls')
    assert s.stop() == 0


# ---- cost ----

def private(server):
    """Bytes that only one of the workers has."""
    harness.needs_root()
    total = 0
    for pid in server.workers():
        with open('/proc/%d/smaps_rollup' % pid) as f:
            total += sum(1024 * int(line.split()[1]) for line in f
                         if line.startswith('Private_'))
    return total


@pytest.mark.skipif('asan' in harness.COSFTPD,
                    reason='sanitizers need more memory')
def test_idle_sessions_are_small(tmp_path, fake, certs):
    fake.fill('d/', 20)
    s = ftps.Server(str(tmp_path), fake, certs,
                    optional={'max_connection_num': 0})

    def sessions(n):
        made = []
        for i in range(n):
            c = s.login_tls()
            c.protect()
            got, reply = c.fetch('LIST d')
            assert got.count(b'\r\n') == 20 and reply.startswith('226 ')
            made.append(c)
        return made

    first = sessions(10)
    before = private(s)
    more = sessions(300)
    each = (private(s) - before) / 300
    print('%.1f KiB each' % (each / 1024))
    assert 4096 < each < 24 * 1024
    for c in first + more:
        c.close()
    assert s.stop() == 0
