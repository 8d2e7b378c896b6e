"""Behind a load balancer: the header of the PROXY protocol from the addresses
named in proxy_protocol, by hand and by haproxy."""

import ftplib
import os
import re
import shutil
import socket
import struct
import subprocess

import pytest

import ftps
import harness
from harness import Cosftpd, wait_for

BALANCER, OTHER, CLIENT = '127.0.0.9', '127.0.0.7', '203.0.113.7'
NETWORK = {'proxy_protocol': BALANCER + ', 10.0.0.0/8'}
SIGNATURE = b'\r\n\r\n\0\r\nQUIT\n'


def v1(source, destination='127.0.0.1', port=4711):
    family = b'TCP6' if ':' in source else b'TCP4'
    return b'PROXY %s %s %s %d 21\r\n' % (
        family, source.encode(), destination.encode(), port)


def v2(source, destination='127.0.0.1', port=4711, tlv=b'\x04\0\x03abc'):
    family = socket.AF_INET6 if ':' in source else socket.AF_INET
    body = socket.inet_pton(family, source) + socket.inet_pton(
        family, destination) + struct.pack('>HH', port, 21) + tlv
    return SIGNATURE + b'\x21' + (
        b'\x21' if ':' in source else b'\x11') + struct.pack(
        '>H', len(body)) + body


LOCAL = SIGNATURE + b'\x20\0\0\0'


def connect(port, source=BALANCER, host='127.0.0.1'):
    return socket.create_connection((host, port), timeout=20,
                                    source_address=(source, 0))


class Through(harness.Raw):
    """A control connection that comes from the balancer."""

    def __init__(self, server, header, source=BALANCER):
        self.sock = connect(server.port, source)
        self.sock.sendall(header)
        self.file = self.sock.makefile('rb')
        self.greeting = self.reply()

    def passive(self):
        return int(re.search(r'\|\|\|(\d+)\|', self.cmd('EPSV'))[1])


@pytest.fixture(scope='module')
def server(tmp_path_factory, fakecos):
    s = Cosftpd(str(tmp_path_factory.mktemp('cosftpd')), fakecos,
                network=NETWORK)
    yield s
    assert s.stop() == 0, s.text()


@pytest.fixture
def start(tmp_path, fake):
    running = []

    def begin(network=None, **keys):
        running.append(Cosftpd(str(tmp_path), fake,
                               network={**NETWORK, **(network or {})}, **keys))
        return running[-1]
    yield begin
    for s in running:
        assert s.stop() == 0, s.text()


def rest(sock):
    """All that still comes; a reset ends it, too."""
    got = b''
    try:
        while True:
            piece = sock.recv(1000)
            if not piece:
                break
            got += piece
    except ConnectionResetError:
        pass
    sock.close()
    return got


# ---- who it is ----

@pytest.mark.parametrize('header, shown', [
    (v1(CLIENT), CLIENT), (v2(CLIENT), CLIENT), (v2(CLIENT, tlv=b''), CLIENT),
    (v2(CLIENT, tlv=b'\x05\x02\x58' + bytes(600)), CLIENT),
    (v1('2001:db8::7', '::1'), '2001:db8::7'),
    (v2('2001:db8::7', '::1'), '2001:db8::7'),
    (LOCAL, BALANCER), (b'PROXY UNKNOWN\r\n', BALANCER),
    (b'PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', BALANCER)],
    ids=['v1', 'v2', 'v2-no-tlv', 'v2-long-tlv', 'v1-6', 'v2-6', 'local',
         'unknown', 'unknown-long'])
def test_the_session_is_of_the_one_in_the_header(server, fake, header, shown):
    size = len(server.log_text())
    r = Through(server, header)
    assert r.greeting.startswith('220 ')
    assert r.login(password='wrong').startswith('530 ')
    assert r.login().startswith('230 ')
    assert ' %s' % shown in r.cmd('STAT')
    r.close()
    text = server.log_text()[size:]
    by = '' if shown == BALANCER else 'port 4711 by ' + BALANCER
    assert 'connected from %s %s' % (shown, by) in text
    assert re.search(r'login.*' + re.escape(shown), text), text


@pytest.mark.parametrize('header', [v1(CLIENT), v2(CLIENT)],
                         ids=['v1', 'v2'])
def test_it_may_come_in_any_pieces_and_with_commands_behind(server, header):
    behind = b'USER user1\r\nPASS pass 1\r\nPWD\r\n'
    for cut in (*range(1, len(header)), len(header) + 3):
        sock = connect(server.port)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.sendall((header + behind)[:cut])
        if cut < len(header):           # nothing is said before it is whole
            sock.setblocking(False)
            with pytest.raises(BlockingIOError):
                sock.recv(1)
            sock.settimeout(20)
        sock.sendall((header + behind + b'QUIT\r\n')[cut:])
        codes = re.findall(rb'^(\d\d\d) ', rest(sock), re.M)
        assert codes == [b'220', b'331', b'230', b'257', b'221']


@pytest.mark.parametrize('bad', [
    b'USER user1\r\nPASS x\r\n', b'GET / HTTP/1.0\r\n\r\n', b'\x16\x03\x01',
    v1(CLIENT)[:-2] + b'\n', v1('203.0.113.07'), v1(CLIENT).lower(),
    b'PROXY TCP4 ' + b'1' * 200, v2(CLIENT).replace(b'\x21\x11', b'\x31\x11'),
    SIGNATURE + b'\x21\x11\0\x04abcd', SIGNATURE + b'\x21\x11\xff\xff'],
    ids=['ftp', 'http', 'tls', 'lf', 'zero', 'case', 'endless', 'version',
         'short', 'huge'])
def test_what_is_no_header_is_cut_without_a_word(server, bad):
    size = len(server.log_text())
    sock = connect(server.port)
    sock.sendall(bad)
    assert rest(sock) == b''
    new = server.log_text()[size:]      # with the end of earlier sessions
    assert new.count('WARNING') == 1 and 'connected from' not in new, new
    assert 'WARNING PROXY header of %s: malformed' % BALANCER in new


def test_a_header_cut_short(server):
    size = len(server.log_text())
    sock = connect(server.port)
    sock.sendall(v2(CLIENT)[:20])
    sock.shutdown(socket.SHUT_WR)
    assert rest(sock) == b''
    assert 'WARNING PROXY header of %s: closed' % BALANCER in \
        server.log_text()[size:]


def test_connecting_and_closing_is_no_warning(server):
    size = len(server.log_text())
    connect(server.port).close()
    wait_for('the line', lambda: 'PROXY header' in server.log_text()[size:])
    assert 'WARNING' not in server.log_text()[size:]


def test_no_header_is_waited_for_some_seconds_only(server):
    import time
    began = time.monotonic()
    socks = [connect(server.port) for _ in range(3)]
    socks[1].sendall(b'PROXY ')
    socks[2].sendall(SIGNATURE)
    cpu = server.cpu()
    assert [rest(s) for s in socks] == [b''] * 3
    assert 3 < time.monotonic() - began < 10
    assert server.cpu() - cpu < 0.2
    assert 'it took too long' in server.log_text()


@pytest.mark.parametrize('header', [v1(CLIENT), v2(CLIENT)],
                         ids=['v1', 'v2'])
def test_nobody_else_can_say_who_he_is(server, header):
    size = len(server.log_text())
    r = Through(server, header, source=OTHER)
    assert r.greeting.startswith('220 ')
    assert r.reply().startswith('500 ')
    r.close()
    r = Through(server, v1(CLIENT) + header)     # as the balancer passes it on
    assert r.greeting.startswith('220 ')
    assert r.reply().startswith('500 ')
    r.close()
    text = server.log_text()[size:]
    assert 'connected from %s ' % OTHER in text
    assert text.count('connected from %s ' % CLIENT) == 1


# ---- limits ----

def test_max_per_ip_is_of_the_clients(start):
    s = start(network={'max_per_ip': 2})
    first = [Through(s, v1(CLIENT)), Through(s, v2(CLIENT))]
    assert Through(s, v2(CLIENT)).greeting.startswith('421 ')
    others = [Through(s, v1('203.0.113.%d' % i)) for i in range(8, 12)]
    assert {r.greeting[:4] for r in first + others} == {'220 '}
    assert 'refused %s: ' % CLIENT in s.log_text()
    first[0].close()

    def again():
        r = Through(s, v1(CLIENT))
        r.close()
        return r.greeting.startswith('220 ')
    wait_for('a free place', again)
    for r in first[1:] + others:
        r.close()


def test_an_ipv6_client_is_its_network(start):
    """Whoever has one address of a /64 has all of them."""
    s = start(network={'max_per_ip': 1})
    first = Through(s, v1('2001:db8:0:1::1', '::1'))
    assert first.greeting.startswith('220 ')
    assert Through(s, v2('2001:db8:0:1:ffff::2', '::1')).greeting.startswith(
        '421 ')
    others = [Through(s, v1('2001:db8:0:2::1', '::1')),
              Through(s, v1('::1', '::1')), Through(s, v1(CLIENT))]
    assert {r.greeting[:4] for r in others} == {'220 '}
    for r in [first] + others:
        r.close()


def test_who_guesses_is_banned_and_not_the_balancer(start):
    s = start(optional={'login_ban_failures': 3})
    for _ in range(3):
        r = Through(s, v1(CLIENT))
        assert r.login(password='wrong').startswith(('530 ', '421 '))
        r.close()
    assert Through(s, v2(CLIENT)).greeting.startswith('421 ')
    assert '%s is banned' % CLIENT in s.log_text()
    r = Through(s, v2('203.0.113.8'))
    assert r.login().startswith('230 ')
    r.close()


def test_those_without_a_header_yet_are_counted(start):
    s = start(optional={'max_connection_num': 9})
    socks = [connect(s.port) for _ in range(4)]

    def full():
        t = connect(s.port, OTHER)
        t.settimeout(5)
        return rest_of_line(t).startswith(b'421 ')
    wait_for('them to be seen', full)
    socks[0].sendall(v1(CLIENT))
    assert rest_of_line(socks[0]).startswith(b'220 ')
    for t in socks:
        t.close()


def rest_of_line(sock):
    with sock.makefile('rb') as f:
        return f.readline()


# ---- data connections ----

@pytest.fixture
def client(server, fake):
    """Of 127.0.0.1, that came through the balancer to 127.0.0.8."""
    fake.put('f', b'secret')
    r = Through(server, v2('127.0.0.1', '127.0.0.8'))
    r.login()
    yield r
    r.close()


def fetched(r, data):
    r.send(b'RETR f\r\n')
    assert r.reply().startswith('150 ')
    got = rest(data)
    assert r.reply().startswith('226 ')
    return got


@pytest.mark.parametrize('header', [
    v1('127.0.0.1'), v2('127.0.0.1'), v2('127.0.0.1', '127.0.0.8', 1)],
    ids=['v1', 'v2', 'v2-as-clients-do'])
def test_data_through_the_balancer(client, header):
    data = connect(client.passive())
    data.sendall(header[:5])
    data.sendall(header[5:])
    assert fetched(client, data) == b'secret'


def test_an_upload_right_behind_the_header(client, fake):
    data = connect(client.passive())
    data.sendall(v2('127.0.0.1') + b'12345')
    data.shutdown(socket.SHUT_WR)
    assert client.cmd('STOR g').startswith('150 ')
    assert client.reply().startswith('226 ')
    assert fake.get('g') == b'12345'
    data.close()


def test_data_around_the_balancer(client):
    assert fetched(client, connect(client.passive(), '127.0.0.1')) == b'secret'


@pytest.mark.parametrize('header', [
    v1('127.0.0.2'), v2(CLIENT), LOCAL, b'PROXY UNKNOWN\r\n', b'RETR x\r\n',
    b''], ids=['v1', 'v2', 'local', 'unknown', 'none', 'closed'])
def test_others_through_the_balancer_are_turned_away(server, client, header):
    port = client.passive()
    thief = connect(port)
    if header:
        thief.sendall(header)
    else:
        thief.shutdown(socket.SHUT_WR)
    assert rest(thief) == b''
    assert rest(connect(port, OTHER)) == b''     # and these need no header
    data = connect(port)
    data.sendall(v1('127.0.0.1'))
    assert fetched(client, data) == b'secret'
    assert 'turned away' in server.log_text()


def test_a_silent_one_holds_the_port_for_some_seconds_only(client):
    port = client.passive()
    silent = connect(port)
    data = connect(port)
    data.sendall(v1('127.0.0.1'))
    assert fetched(client, data) == b'secret'
    assert rest(silent) == b''


def test_the_balancer_is_not_the_client(server, client, fake):
    """Nor can a client of another address take what its balancer brings."""
    r = Through(server, v1(CLIENT))
    r.login()
    thief = connect(r.passive(), '127.0.0.1')
    assert rest(thief) == b''
    r.close()


def test_pasv_shows_where_the_client_connected(start):
    s = start()
    r = Through(s, v1(CLIENT, '198.51.100.4'))
    r.login()
    assert '(198,51,100,4,' in r.cmd('PASV')
    r.close()
    r = Through(s, v2('2001:db8::7', '2001:db8::1'))
    r.login()
    assert r.cmd('PASV').startswith('425 ')
    assert r.cmd('EPSV 2').startswith('229 ')
    assert r.cmd('EPSV 1').startswith('522 ')
    r.close()


def test_masquerade_address_wins(start):
    s = start(network={'masquerade_address': '198.51.100.9'})
    r = Through(s, v1(CLIENT, '198.51.100.4'))
    r.login()
    assert '(198,51,100,9,' in r.cmd('PASV')
    r.close()


def test_active_mode_goes_to_the_client(client):
    listener = socket.create_server(('127.0.0.1', 0))
    port = listener.getsockname()[1]
    assert client.cmd('EPRT |1|%s|%d|' % (BALANCER, port)).startswith('501 ')
    assert client.cmd('EPRT |1|127.0.0.1|%d|' % port).startswith('200 ')
    client.send(b'RETR f\r\n')
    assert client.reply().startswith('150 ')
    listener.settimeout(20)
    data, _ = listener.accept()
    assert rest(data) == b'secret'
    assert client.reply().startswith('226 ')
    listener.close()


# ---- TLS ----

class Front:
    """Wraps a socket's first bytes: the header goes out with the first."""

    def __init__(self, sock, header):
        self.sock, self.header = sock, header

    def handshake(self, context):
        """By hand, so that header and ClientHello are one segment."""
        import ssl
        inp, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(inp, out, server_hostname='localhost')
        first = self.header
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.sock.sendall(first + out.read())
                first = b''
                inp.write(self.sock.recv(65536))
        self.sock.sendall(out.read())
        while True:
            try:
                return tls.read(1000)
            except ssl.SSLWantReadError:
                inp.write(self.sock.recv(65536))


@pytest.fixture(scope='module')
def tls_server(tmp_path_factory, fakecos):
    d = tmp_path_factory.mktemp('tls')
    s = ftps.Server(str(d), fakecos, ftps.certificates(str(d)),
                    network=NETWORK)
    yield s
    assert s.stop() == 0, s.text()


@pytest.mark.parametrize('header', [v1(CLIENT), v2(CLIENT), LOCAL],
                         ids=['v1', 'v2', 'local'])
def test_the_header_comes_before_tls(tls_server, header):
    sock = connect(tls_server.implicit)
    greeting = Front(sock, header).handshake(tls_server.context)
    assert greeting.startswith(b'220 ')
    sock.close()


def test_too_many_on_the_implicit_port(tmp_path, fake):
    s = ftps.Server(str(tmp_path), fake, ftps.certificates(str(tmp_path)),
                    network={**NETWORK, 'max_per_ip': 1})
    r = Through(s, v1(CLIENT))
    sock = connect(s.implicit)
    sock.sendall(v1(CLIENT))
    assert rest(sock) == b''
    r.close()
    assert s.stop() == 0


def test_explicit_tls_and_protected_data(tls_server, fake):
    fake.put('f', b'secret')
    r = Through(tls_server, v2('127.0.0.1'))
    assert r.cmd('AUTH TLS').startswith('234 ')
    r.sock = ftps.wrap(tls_server.context, r.sock)
    r.file = r.sock.makefile('rb')
    assert r.login().startswith('230 ')
    assert r.cmd('PBSZ 0').startswith('200 ')
    assert r.cmd('PROT P').startswith('200 ')
    data = connect(r.passive())
    data.sendall(v2('127.0.0.1'))
    r.send(b'RETR f\r\n')
    assert r.reply().startswith('150 ')
    data = ftps.wrap(tls_server.context, data, r.sock.session)
    assert data.recv(100) == b'secret'
    assert data.recv(100) == b''
    assert r.reply().startswith('226 ')
    data.close()
    r.close()


# ---- others ----

def test_health(start):
    s = start(network={'proxy_protocol': '127.0.0.0/8, ::1'})
    got = subprocess.run([harness.COSFTPD, '--health', '-c', s.config],
                         capture_output=True, timeout=20)
    assert got.returncode == 0, got.stderr


def test_a_stop_does_not_wait_for_headers(start):
    s = start()
    sock = connect(s.port)
    assert s.stop(seconds=4) == 0
    assert rest(sock) == b''


HAPROXY = shutil.which('haproxy', path=os.environ.get('PATH', '') +
                       ':/usr/sbin')


@pytest.fixture(params=['send-proxy', 'send-proxy-v2'])
def haproxy(request, start, tmp_path):
    """On 127.0.0.8: the control port and the passive ports of the server."""
    if HAPROXY is None:
        pytest.skip('haproxy is not installed')
    s = start()
    port = harness.free_ports(1)
    config = tmp_path / 'haproxy.cfg'
    config.write_text('''
defaults
    mode tcp
    timeout connect 10s
    timeout client 30s
    timeout server 30s
listen control
    bind 127.0.0.8:%d
    source %s
    server s 127.0.0.1:%d %s check inter 100ms
listen data
    bind 127.0.0.8:%d-%d
    source %s
    server s 127.0.0.1 %s
''' % (port, BALANCER, s.port, request.param, *s.passive, BALANCER,
       request.param))
    p = harness.Process([HAPROXY, '-db', '-q', '-f', str(config)],
                        str(tmp_path), 'haproxy')

    def ready():
        try:
            socket.create_connection(('127.0.0.8', port), timeout=5).close()
            return True
        except ConnectionRefusedError:
            return False
    wait_for('haproxy', ready)
    yield s, port
    p.end()


def test_haproxy(haproxy, fake):
    s, port = haproxy
    f = ftplib.FTP(encoding='utf-8')
    f.connect('127.0.0.8', port, timeout=20)
    f.login(harness.USER, harness.PASSWORD)
    data = os.urandom(300000)
    for f.trust_server_pasv_ipv4_address in (True, False):
        harness.store(f, 'f', data)
        assert harness.fetch(f, 'f') == data
        assert f.nlst() == ['f']
    assert '(127,0,0,8,' in f.sendcmd('PASV')
    f.quit()
    assert re.search(r'connected from 127\.0\.0\.1 port \d+ by 127\.0\.0\.9',
                     s.log_text())
