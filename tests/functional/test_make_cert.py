"""--make-cert: a key and a certificate that others take for what they are."""

import os
import re
import socket
import stat
import subprocess

import harness
import pytest


def make(*args, cwd=None):
    return subprocess.run([harness.COSFTPD, '--make-cert', *args], cwd=cwd,
                          capture_output=True, text=True, timeout=20)


def openssl(*args):
    r = subprocess.run(['openssl', *args], capture_output=True, text=True,
                       timeout=20)
    assert r.returncode == 0, r.stdout + r.stderr
    return r.stdout


def mode(path):
    return stat.S_IMODE(os.stat(path).st_mode)


def test_what_it_is(tmp_path):
    old = os.umask(0o077)
    try:
        r = make('.', 'ftp.example.com', '192.0.2.7', '2001:db8::7',
                 'FTP.example.com', cwd=str(tmp_path))
    finally:
        os.umask(old)
    assert r.returncode == 0 and r.stderr == '', r.stderr
    cert, key = str(tmp_path / 'cert.pem'), str(tmp_path / 'key.pem')
    assert mode(cert) == 0o644 and mode(key) == 0o600
    assert 'cert_file = %s\nkey_file = %s\n' % (cert, key) in r.stdout

    text = openssl('x509', '-in', cert, '-noout', '-text')
    assert 'Version: 3' in text and 'prime256v1' in text
    assert text.count('CN = ftp.example.com') == 2
    assert text.count('ecdsa-with-SHA256') == 2
    names = re.search(r'Alternative Name: *\n *(.*)', text)[1].split(', ')
    assert names[:3] == ['DNS:ftp.example.com', 'IP Address:192.0.2.7',
                         'IP Address:2001:DB8:0:0:0:0:0:7']
    assert names[-1] == 'DNS:localhost' and len(set(names)) == len(names)
    assert 'DNS:' + socket.gethostname() in names
    assert 'CA:FALSE' in text and 'Digital Signature' in text
    openssl('verify', '-x509_strict', '-CAfile', cert, cert)
    openssl('x509', '-in', cert, '-noout', '-checkend', str(3649 * 86400))
    with pytest.raises(AssertionError):
        openssl('x509', '-in', cert, '-noout', '-checkend', str(3653 * 86400))

    openssl('pkey', '-in', key, '-check', '-noout')
    assert openssl('pkey', '-in', key, '-pubout') == \
        openssl('x509', '-in', cert, '-noout', '-pubkey')
    print_ = openssl('x509', '-in', cert, '-noout', '-fingerprint', '-sha256')
    assert print_.split('=')[1].strip() in r.stdout


def test_each_is_new(tmp_path):
    serials = set()
    for i in range(20):         # signatures have leading zeros now and then
        d = tmp_path / str(i)
        d.mkdir()
        assert make(str(d)).returncode == 0
        openssl('verify', '-x509_strict', '-CAfile', str(d / 'cert.pem'),
                str(d / 'cert.pem'))
        serials.add(openssl('x509', '-in', str(d / 'cert.pem'), '-noout',
                            '-serial', '-pubkey'))
    assert len(serials) == 20


def test_longest_names(tmp_path):
    names = ['%02d' % i + 'x' * 60 + '.example' * 20 for i in range(30)]
    assert make(str(tmp_path), *names).returncode == 0
    cert = str(tmp_path / 'cert.pem')
    text = openssl('x509', '-in', cert, '-noout', '-text')
    assert all('DNS:' + n in text for n in names)
    openssl('verify', '-CAfile', cert, cert)


@pytest.mark.parametrize('there', ['cert.pem', 'key.pem'])
def test_nothing_is_replaced(tmp_path, there):
    (tmp_path / there).write_text('mine')
    r = make(str(tmp_path))
    assert r.returncode == 1 and r.stdout == ''
    assert r.stderr == 'cosftpd: %s is there already and is not replaced\n' \
        % (tmp_path / there)
    assert os.listdir(str(tmp_path)) == [there]
    assert (tmp_path / there).read_text() == 'mine'


@pytest.mark.parametrize('args,why', [
    (['/nonexistent/x'], '/nonexistent/x: No such file'),
    ([''], 'No such file'),
    (['.', 'a b'], '"a b" is neither a host name nor an address'),
    (['.', 'a\nb'], 'is neither'),
    (['.', ''], '"" is neither'),
    (['.', 'x' * 254], 'is neither'),
    (['.', '1:2'], '"1:2" is neither'),
    (['.'] + ['n%d' % i for i in range(31)], 'more than 30 names')])
def test_refused(tmp_path, args, why):
    r = make(*args, cwd=str(tmp_path))
    assert r.returncode == 1 and r.stdout == '' and why in r.stderr, r.stderr
    assert os.listdir(str(tmp_path)) == []


def test_used_for_https(tmp_path):
    """By a server, by curl, and by our own client."""
    assert make(str(tmp_path), '*.cos.localhost').returncode == 0
    cert, key = str(tmp_path / 'cert.pem'), str(tmp_path / 'key.pem')
    fake = harness.Fakecos(str(tmp_path), '--tls', cert, key)
    server = harness.Cosftpd(str(tmp_path), fake, tls={'ca_file': cert})
    try:
        ftp = server.login()
        assert harness.store(ftp, 'f', b'abc').startswith('226')
        assert harness.fetch(ftp, 'f') == b'abc'
        ftp.close()
        for host, status in (('localhost', 0), ('x.example', 60)):
            r = subprocess.run(
                ['curl', '-sS', '--cacert', cert, '--resolve',
                 '%s:%d:127.0.0.1' % (host, fake.port),
                 'https://%s:%d/' % (host, fake.port)],
                capture_output=True, timeout=20)
            assert r.returncode == status, r.stderr
        assert server.stop() == 0
    finally:
        server.stop()
        assert fake.stop() == 0
