"""FTPS by hand: RFC 2228 and RFC 4217 command by command, the modes, what an
attacker or a broken connection may try, and the session of data connections."""

import os
import re
import socket
import ssl
import subprocess

import pytest

import ftps
import harness
from harness import PASSWORD, USER, wait_for

MODES = ['off', 'allow', 'require-login', 'require-all']
CLEAR, DATA = '530 Logins in clear', '521 Data connections must be protected'


@pytest.fixture(scope='module')
def certs(tmp_path_factory):
    return ftps.certificates(str(tmp_path_factory.mktemp('certs')))


@pytest.fixture(scope='module')
def servers(tmp_path_factory, fakecos, certs):
    """One of each mode, 'none' without a certificate, 'reuse'."""
    made = {}

    def get(name):
        if name not in made:
            tls = {'mode': name} if name in MODES else {}
            if name == 'reuse':
                tls['require_session_reuse'] = 'true'
            made[name] = ftps.Server(
                str(tmp_path_factory.mktemp(name)), fakecos, certs,
                cert=None if name == 'none' else 'ec', tls=tls,
                optional={'data_timeout': 2})
        return made[name]

    yield get
    for s in made.values():
        assert s.stop() == 0, s.text()


@pytest.fixture
def server(servers, fake):
    return servers('allow')


# ---- commands ----

CLEAR_ROWS = [      # command, reply with TLS, reply without
    ('AUTH', '501 ', '502 '), ('AUTH GSSAPI', '504 ', '502 '),
    ('AUTH TLS-X', '504 ', '502 '), ('ADAT x', '503 ', '502 '),
    ('PBSZ 0', '503 ', '502 '), ('PROT P', '503 ', '502 '),
    ('PROT C', '503 ', '502 '), ('CCC', '533 ', '502 '),
    ('MIC x', '503 ', '502 '), ('CONF x', '503 ', '502 '),
    ('ENC x', '503 ', '502 '), ('FEAT', '211', '211'),
]
LOGIN_ROWS = [('USER ' + USER, '331 '), ('PASS ' + PASSWORD, '230 '),
              ('ACCT x', '202 '), ('REIN', '220 ')]


@pytest.mark.parametrize('mode', MODES + ['none'])
def test_commands_in_clear(servers, mode):
    r = servers(mode).raw()
    for command, with_tls, without in CLEAR_ROWS:
        want = without if mode in ('off', 'none') else with_tls
        assert r.cmd(command).startswith(want), command
    for command, want in LOGIN_ROWS:
        if mode.startswith('require') and command != 'REIN':
            want = CLEAR
        assert r.cmd(command).startswith(want), command
    if mode in ('off', 'none'):
        assert r.cmd('AUTH TLS').startswith('502 ')
        assert r.login().startswith('230 ')
    assert r.cmd('NOOP').startswith('200 ')
    r.close()


SECURE_ROWS = [
    ('AUTH TLS', '503 '), ('AUTH GSSAPI', '504 '), ('ADAT x', '503 '),
    ('PROT P', '503 '), ('PBSZ', '501 '), ('PBSZ x', '501 '),
    ('PBSZ -1', '501 '), ('PBSZ 4294967296', '501 '),
    ('PBSZ 99999999999999999999', '501 '), ('PBSZ 4294967295', '200 PBSZ=0'),
    ('pbsz 0', '200 PBSZ=0'), ('PROT', '501 '), ('PROT S', '536 '),
    ('PROT E', '536 '), ('PROT X', '504 '), ('PROT PP', '504 '),
    ('PROT C', '200 '), ('prot p', '200 '), ('CCC', '534 '), ('MIC x', '537 '),
    ('CONF x', '537 '), ('ENC x', '537 '), ('REIN', '502 '),
    ('USER ' + USER, '331 '), ('PASS ' + PASSWORD, '230 '),
    ('PBSZ 0', '200 '), ('AUTH SSL', '503 '), ('CCC', '534 '),
    ('REIN', '502 '), ('PWD', '257 '),
]


@pytest.mark.parametrize('auth', ['TLS', 'tls-c', 'SSL', 'TLS-P', None])
@pytest.mark.parametrize('mode', MODES[1:])
def test_commands_in_tls(servers, mode, auth):
    c = servers(mode).control(auth)
    for command, want in SECURE_ROWS:
        if command == 'PROT C' and mode == 'require-all':
            want = '534 '
        assert c.cmd(command).startswith(want), command
        assert c.cmd('NOOP').startswith('200 '), command
    c.close()


@pytest.mark.parametrize('mode', MODES + ['none'])
def test_feat_and_help_tell_what_there_is(servers, mode):
    s = servers(mode)
    states = [s.raw()]
    if mode not in ('off', 'none'):
        states += [s.control(), s.control(None), s.login_tls()]
    for c in states:
        features = c.cmd('FEAT').split('\r\n')
        commands = c.cmd('HELP').split()
        for feature in ('AUTH TLS', 'PBSZ', 'PROT'):
            there = mode not in ('off', 'none')
            assert (' ' + feature in features) == there
            assert (feature[:4] in commands) == there
        assert ' EPSV' in features and ' CCC' not in features
        c.close()


# What protects the data when nobody says PROT.
@pytest.mark.parametrize('auth,protected', [
    ('TLS', False), ('TLS-C', False), ('SSL', True), ('TLS-P', True),
    (None, True)])
@pytest.mark.parametrize('mode', MODES[1:])
def test_data_of_each_mode(servers, fake, mode, auth, protected):
    fake.put('f', b'abc')
    c = servers(mode).login_tls(auth=auth)
    sock = c.pasv()
    if protected:
        sock = c.tls(sock)
    got, reply = c.fetch('RETR f', sock)
    if mode == 'require-all' and not protected:
        assert reply.startswith(DATA) and got == b''
    else:
        assert reply.startswith('226 ') and got == b'abc'
    c.protect()
    assert c.store('g', b'xyz').startswith('226 ')
    assert fake.get('g') == b'xyz'
    got, reply = c.fetch('NLST')
    assert got == b'f\r\ng\r\n' and reply.startswith('226 ')
    reply = c.cmd('PROT C')
    if mode == 'require-all':
        assert reply.startswith('534 ')
        assert c.store('h', b'123').startswith('226 ')
    else:
        assert reply.startswith('200 ')
        got, reply = c.fetch('RETR g', c.pasv())
        assert got == b'xyz' and reply.startswith('226 ')
    c.close()


def test_require_all_refuses_every_transfer_in_clear(servers, fake):
    fake.put('f', b'abc')
    c = servers('require-all').login_tls()
    for command in ('RETR f', 'STOR f', 'APPE f', 'STOU', 'LIST', 'NLST',
                    'MLSD'):
        sock = c.pasv()
        assert c.cmd(command).startswith(DATA), command
        try:
            assert sock.recv(1) == b''      # and the connection is closed
        except ConnectionError:
            pass
        sock.close()
        assert c.cmd(command).startswith(DATA), command
    assert c.cmd('STAT f').startswith('213')    # it has no data connection
    assert fake.get('f') == b'abc'
    c.close()


# ---- AUTH ----

def test_auth_after_a_login_drops_it(server):
    r = server.raw()
    assert r.login().startswith('230 ')
    assert r.cmd('CWD /').startswith('250 ')
    assert r.cmd('AUTH TLS').startswith('234 ')
    ftps.Control.secure(with_context(r, server))
    assert r.cmd('PWD').startswith('530 ')
    assert r.cmd('PASS ' + PASSWORD).startswith('503 ')
    assert r.login().startswith('230 ')
    r.close()


def with_context(raw, server):
    raw.context = server.context
    return raw


@pytest.mark.parametrize('behind', [
    b'USER ' + USER.encode() + b'\r\n',
    b'FEAT\r\nNOOP\r\nUSER ' + USER.encode() + b'\r\nPASS x\r\n',
    b'USER half'])
def test_what_was_sent_behind_auth_in_clear_is_thrown_away(server, behind):
    r = server.raw()
    r.send(b'AUTH TLS\r\n' + behind)
    assert r.reply().startswith('234 ')
    ftps.Control.secure(with_context(r, server))
    assert r.cmd('PASS ' + PASSWORD).startswith('503 ')
    assert r.login().startswith('230 ')
    r.close()
    assert USER + ' command USER half' not in server.log_text()


def test_much_sent_behind_auth_ends_the_session(server):
    r = server.raw()
    r.send(b'AUTH TLS\r\n' + b'DELE f\r\n' * 4000)
    assert r.reply().startswith('234 ')
    try:
        while r.sock.recv(65536):
            pass
    except ConnectionError:
        pass
    wait_for('the reason in the log',
             lambda: 'the peer does not speak TLS' in server.log_text())
    assert 'command DELE' not in server.log_text()
    r.close()


def test_handshake_failures_are_logged_and_end_the_session(server):
    for port in (server.port, server.implicit):
        before = server.log_text().count('TLS handshake failed: ')
        sock = socket.create_connection(('127.0.0.1', port), timeout=20)
        if port == server.port:
            assert sock.recv(100).startswith(b'220 ')
            sock.sendall(b'AUTH TLS\r\n')
            assert sock.recv(100).startswith(b'234 ')
        sock.sendall(b'GET / HTTP/1.0\r\n\r\n')
        try:
            assert b'220' not in sock.recv(100)     # an alert at most
        except ConnectionError:
            pass
        wait_for('a line for it', lambda: server.log_text().count(
            'TLS handshake failed: the peer does not speak TLS (it sent '
            '"GET /...")') > 0)
        assert server.log_text().count('TLS handshake failed: ') > before
        sock.close()
    sock = socket.create_connection(('127.0.0.1', server.implicit))
    sock.close()
    wait_for('another', lambda: 'TLS handshake failed: closed' in
             server.log_text())


@pytest.mark.parametrize('cert, fault', [
    ('expired', 'has expired'), ('future', 'is not valid yet')])
def test_dates_of_the_certificate_are_looked_at(tmp_path, fake, certs, cert,
                                                fault):
    path = os.path.join(certs, cert + '.pem')
    s = harness.Cosftpd(str(tmp_path), fake, optional={'worker_num': 1}, tls={
        'cert_file': path, 'key_file': os.path.join(certs, 'ec.key')})
    said = '%s: the certificate %s\n' % (path, fault)
    assert 'WARNING ' + said in s.log_text()
    r = subprocess.run([harness.COSFTPD, '-t', '-c', s.config],
                       stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                       text=True)
    assert (r.returncode, r.stderr) == (0, 'warning: ' + said)
    assert s.stop() == 0


@pytest.mark.parametrize('option,reason', [
    ('-tls1', 'the peer does not speak TLS 1.2'),
    ('-tls1_1', 'the peer does not speak TLS 1.2'), ('-tls1_2', None),
    ('-tls1_3', 'no cipher, curve or signature in common')])
def test_only_tls_1_2(server, certs, option, reason):
    p = subprocess.run(
        ['openssl', 's_client', '-connect', 'localhost:%d' % server.port,
         '-starttls', 'ftp', option, '-cipher', 'ALL:@SECLEVEL=0',
         '-CAfile', os.path.join(certs, 'ca.pem'), '-verify_return_error',
         '-crlf', '-quiet'], input=b'QUIT\n', capture_output=True, timeout=30)
    assert (b'221 ' in p.stdout) == (reason is None), p
    if reason:
        wait_for('the reason', lambda: 'TLS handshake failed: ' + reason in
                 server.log_text())


@pytest.mark.parametrize('suite,works', [
    ('ECDHE-ECDSA-AES128-GCM-SHA256', True),
    ('ECDHE-ECDSA-AES256-GCM-SHA384', True),
    ('ECDHE-ECDSA-CHACHA20-POLY1305', True),
    ('ECDHE-ECDSA-AES128-SHA', False), ('ECDHE-RSA-AES128-GCM-SHA256', False)])
def test_suites_are_named_in_the_log(server, certs, suite, works):
    c = ftps.context(certs)
    c.set_ciphers(suite)
    old, server.context = server.context, c
    try:
        if works:
            server.login_tls().close()
            assert 'logged in, TLS 1.2, ' + suite in server.log_text()
        else:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                server.control()
    finally:
        server.context = old


def test_the_log_says_whether_a_login_was_in_clear(server):
    r = server.raw()
    r.login()
    r.close()
    assert re.search(USER + ' logged in, in clear', server.log_text())
    assert PASSWORD not in server.log_text()


@pytest.mark.parametrize('cert', ['rsa', 'chain', 'ec'])
def test_identities(tmp_path, fake, certs, cert):
    """chain is for a client that knows only the root."""
    s = ftps.Server(str(tmp_path), fake, certs, cert=cert)
    for auth in ('TLS', None):
        c = s.login_tls(auth=auth)
        c.protect()
        data = os.urandom(100000)
        assert c.store('f', data).startswith('226 ')
        assert c.fetch('RETR f')[0] == data
        c.close()
    assert s.stop() == 0


def test_key_and_certificate_in_one_file(tmp_path, fake, certs):
    both = tmp_path / 'both.pem'
    both.write_bytes(b''.join(
        open(os.path.join(certs, 'rsa' + x), 'rb').read()
        for x in ('.key', '.pem')))
    s = ftps.Server(str(tmp_path), fake, certs, cert=None,
                    tls={'cert_file': str(both)})
    c = s.login_tls()
    assert c.cmd('QUIT').startswith('221 ')
    c.close()
    assert s.stop() == 0


# ---- the control connection ----

def test_close_notify_at_the_end(server):
    for auth in ('TLS', None):
        c = server.login_tls(auth=auth)
        assert c.cmd('QUIT').startswith('221 ')
        assert c.sock.recv(10) == b''       # no error: there is one
        c.close()


def test_records_of_any_size(server):
    """Cut as they may be: many commands in one record, one in many, lines
    that are too long."""
    c = server.login_tls()
    for n in (1, 100, 190, 200, 2000, 2600):        # 8 bytes each
        c.send(b'NOOP  \r\n' * n)
        assert [c.reply()[:4] for _ in range(n)] == ['200 '] * n
    for i in b'PWD\r\n':
        c.send(bytes([i]))
    assert c.reply().startswith('257 ')
    for n in (1300, 2043, 2044, 5000, 16384, 60000):
        c.send(b'CWD /' + b'x' * n + b'\r\n')
        want = '553 ' if n < 2044 else '500 Command line too long'
        assert c.reply().startswith(want), n
        assert c.cmd('NOOP').startswith('200 ')
    c.close()


def test_transcript_is_the_same_in_clear(server, fake):
    """But for AUTH, PBSZ and PROT."""
    fake.put('dir/f', b'0123456789', mtime=1500000000)
    commands = [
        'SYST', 'FEAT', 'HELP', 'PWD', 'CWD dir', 'PWD', 'SIZE f', 'MDTM f',
        'MLST f', 'RETR f', 'REST 5', 'RETR f', 'LIST', 'NLST', 'MLSD',
        'STOR new', 'APPE new', 'SIZE new', 'RNFR new', 'RNTO other',
        'DELE other', 'DELE other', 'CDUP', 'MKD d2', 'RMD d2', 'TYPE A',
        'MODE B', 'STRU F', 'ALLO 5', 'STAT dir', 'ABOR', 'NOPE', 'CWD ' +
        'y' * 3000, 'EPSV 3', 'PORT 1,2,3,4,5,6', 'SITE HELP', 'RETR none',
        'ACCT x', 'OPTS UTF8 ON', 'QUIT']
    logs = []
    for c in (server.raw(), server.control()):
        log = [c.greeting, c.cmd('USER ' + USER), c.cmd('PASS ' + PASSWORD)]
        secure = isinstance(c, ftps.Control)
        if secure:
            c.protect()
        for command in commands:
            moves = command[:4] in ('RETR', 'LIST', 'NLST', 'MLSD', 'STOR',
                                    'APPE')
            if moves:
                sock = c.pasv()
                sock = c.tls(sock) if secure else sock
            log.append(c.cmd(command))
            if not moves:
                continue
            if command[:4] in ('STOR', 'APPE'):
                sock.sendall(b'some text')
                sock = sock.unwrap() if secure else sock
            elif log[-1][0] == '1':
                log.append(ftps.read_all(sock))
            sock.close()
            if log[-2][0] == '1' or log[-1][0] == '1':
                log.append(re.sub(r' in [0-9.]+ s(, [0-9.]+ MB/s)?', '',
                                  c.reply()))
        c.close()
        logs.append([re.sub(r'modify=\d+', '', str(x)) for x in log])
    assert logs[0] == logs[1] and len(logs[0]) > len(commands) + 8


def test_a_stopping_server_does_not_wait_for_handshakes(tmp_path, fake,
                                                        certs):
    s = ftps.Server(str(tmp_path), fake, certs)
    half = socket.create_connection(('127.0.0.1', s.implicit))
    r = s.raw()
    assert r.cmd('AUTH TLS').startswith('234 ')
    c = s.login_tls()
    wait_for('both', lambda: s.log_text().count('connected from') == 3)
    assert s.stop(seconds=3) == 0       # drain_timeout is 4
    assert c.reply().startswith('421 ')
    assert c.sock.recv(1) == b''
    assert 'TLS handshake failed: the server is shutting down' in \
        s.log_text()
    for x in (half, r, c):
        x.close()


def test_the_implicit_port_when_there_are_too_many(tmp_path, fake, certs):
    s = ftps.Server(str(tmp_path), fake, certs, network={'max_per_ip': 1})
    c = s.login_tls(auth=None)
    late = socket.create_connection(('127.0.0.1', s.implicit), timeout=20)
    assert late.recv(100) == b''        # no text where TLS is awaited
    late.close()
    assert c.cmd('NOOP').startswith('200 ')
    c.close()
    assert s.stop() == 0


# ---- the start ----

@pytest.mark.parametrize('cert,key,reason', [
    ('ec.pem', 'rsa.key', 'does not belong to the certificate'),
    ('ec.pem', 'ca.pem', 'no private key found'),
    ('ec.key', 'ec.key', 'no certificate found'),
    ('/dev/null', 'ec.key', '/dev/null: '),
    ('inter.pem', 'chain.key', 'does not belong')])
def test_a_certificate_that_cannot_be_used(tmp_path, fake, certs, cert, key,
                                           reason):
    text = harness.account(0, fake) + '[TLS]\ncert_file = %s\nkey_file = %s\n'
    path = tmp_path / 'vsftpd.conf'
    path.write_text(text % (os.path.join(certs, cert),
                            os.path.join(certs, key)) +
                    '[NETWORK]\nlisten_port = %d\n' % harness.free_ports(1))
    path.chmod(0o600)
    for args, code in ((['-t'], 1), ([], 2)):
        p = subprocess.run([harness.COSFTPD, '-c', str(path), *args],
                           cwd=str(tmp_path), capture_output=True, text=True,
                           timeout=30)
        assert p.returncode == code
        assert reason in p.stderr and p.stderr.startswith('cosftpd: '), p
        assert os.path.basename(cert if 'found' not in reason else key) in \
            p.stderr or os.path.basename(key) in p.stderr


def test_the_implicit_port_is_taken(tmp_path, fake, certs):
    with socket.create_server(('127.0.0.1', 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AssertionError, match='ended early') as e:
            harness.Cosftpd(str(tmp_path), fake, tls={
                'cert_file': os.path.join(certs, 'ec.pem'),
                'key_file': os.path.join(certs, 'ec.key'),
                'implicit_port': port})
    assert str(port) in str(e.value)
