"""https to the store: verified, or refused with the reason."""

import ftplib
import os
import socket
import subprocess
import threading
import time

import harness
import pytest

MIB = 1024 * 1024


@pytest.fixture(scope='module')
def certs(tmp_path_factory):
    d = str(tmp_path_factory.mktemp('certs'))
    subprocess.run([os.path.join(harness.TOP, 'tests/mkcert.sh'), d],
                   check=True)
    return d


def pair(directory, certs, cert, key, ca, **sections):
    fake = harness.Fakecos(directory, '--tls', os.path.join(certs, cert),
                           os.path.join(certs, key))
    return fake, harness.Cosftpd(directory, fake, tls={
        'ca_file': os.path.join(certs, ca)}, **sections)


@pytest.mark.parametrize('cert,key', [
    ('ec.pem', 'ec.key'), ('rsa.pem', 'rsa.key'), ('chain.pem', 'chain.key')])
def test_works(tmp_path, certs, cert, key):
    fake, server = pair(str(tmp_path), certs, cert, key, 'ca.pem')
    try:
        ftp = server.login()
        for size in (0, 1000, 5 * MIB + 1):
            data = os.urandom(size)
            assert harness.store(ftp, 'f%d' % size, data).startswith('226')
            assert fake.get('f%d' % size) == data
            assert harness.fetch(ftp, 'f%d' % size) == data
            assert harness.fetch(ftp, 'f%d' % size, size // 2) == \
                data[size // 2:]
        assert sorted(harness.lines(ftp, 'NLST')) == [
            'f0', 'f1000', 'f%d' % (5 * MIB + 1)]
        ftp.close()
        assert server.stop() == 0
    finally:
        server.stop()
        assert fake.stop() == 0


def test_faults_over_tls(tmp_path, certs):
    fake, server = pair(str(tmp_path), certs, 'ec.pem', 'ec.key', 'ca.pem')
    try:
        ftp = server.login()
        data = os.urandom(3 * MIB)
        for op, fault in (('UploadPart', dict(reset_read=100000)),
                          ('UploadPart', dict(read_cut=100000)),
                          ('UploadPart', dict(close_idle=1)),
                          ('CompleteMultipartUpload', dict(lost=1)),
                          ('CompleteMultipartUpload', dict(head_stall=50)),
                          ('InitiateMultipartUpload', dict(lost=1))):
            fake.fault(op=op, **fault)
            assert harness.store(ftp, 'f', data).startswith('226')
            assert fake.get('f') == data
        for fault in (dict(body_cut=1000000), dict(reset_read=0),
                      dict(close_idle=1)):
            fake.fault(op='GetObject', **fault)
            assert harness.fetch(ftp, 'f') == data
        assert fake.uploads() == []
        ftp.close()
        assert server.stop() == 0
    finally:
        server.stop()
        assert fake.stop() == 0


def test_connections_count_in_memory_limit(tmp_path, certs):
    """4 MB hold three parts of 1 MB with their connections, not four."""
    fake, server = pair(str(tmp_path), certs, 'ec.pem', 'ec.key', 'ca.pem',
                        optional={'memory_limit': '4M'},
                        files={'single_file_max_size': '9G'})
    try:
        fake.fault(op='UploadPart', delay=2500, times=4)
        raw = server.raw()
        raw.login()
        out = raw.pasv()
        assert raw.cmd('STOR f').startswith('150')
        data = os.urandom(10 * MIB)

        def send():
            out.sendall(data)
            out.close()

        sender = threading.Thread(target=send)
        sender.start()

        start = time.monotonic()
        harness.wait_for('3 parts', lambda: raw.received() == 3 * MIB)
        while time.monotonic() - start < 1.5:
            assert raw.received() == 3 * MIB
        sender.join(60)
        assert raw.reply().startswith('226')
        assert fake.get('f') == data
        raw.close()
        assert server.stop() == 0
    finally:
        server.stop()
        assert fake.stop() == 0


@pytest.mark.parametrize('cert,key,ca,reason', [
    ('ec.pem', 'ec.key', 'other-ca.pem', 'trust'),
    ('self.pem', 'self.key', 'ca.pem', 'trust'),
    ('expired.pem', 'ec.key', 'ca.pem', 'expired'),
    ('future.pem', 'ec.key', 'ca.pem', 'not yet valid'),
    ('wrong.pem', 'ec.key', 'ca.pem', 'name')])
def test_refused(tmp_path, certs, cert, key, ca, reason):
    fake, server = pair(str(tmp_path), certs, cert, key, ca)
    try:
        fake.put('f', b'abc')
        ftp = server.login()
        for action in (lambda: harness.fetch(ftp, 'f'),
                       lambda: harness.store(ftp, 'g', b'abc'),
                       lambda: harness.store(ftp, 'h', bytes(3 * MIB)),
                       lambda: harness.lines(ftp, 'NLST')):
            with pytest.raises((ftplib.error_temp, ConnectionError)) as e:
                action()
            if e.type is ftplib.error_temp:
                assert str(e.value).startswith('451 The secure connection')
            else:
                with pytest.raises(ftplib.error_temp, match='^451'):
                    ftp.voidresp()
            assert ftp.sendcmd('NOOP').startswith('200')
        lines = [x for x in server.log_text().splitlines() if 'TLS: ' in x]
        assert lines and all(reason in x for x in lines), lines
        assert fake.keys() == ['f'] and fake.stats()['requests'] == 0
        ftp.close()
        assert server.stop() == 0
    finally:
        server.stop()
        assert fake.stop() == 0


class PlainServer:
    """Answers everything as a web server does who expects plain http."""
    bucket, tls = harness.BUCKET, True

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.count = 0
        harness.serve(self.listener, self.answer)

    def answer(self, sock):
        self.count += 1
        sock.recv(4096)
        sock.sendall(b'HTTP/1.1 400 Bad Request\r\n'
                     b'Content-Length: 0\r\n\r\n')
        sock.close()


def test_plain_answer_to_tls(tmp_path, certs):
    plain = PlainServer()
    server = harness.Cosftpd(str(tmp_path), plain, tls={
        'ca_file': os.path.join(certs, 'ca.pem')})
    ftp = server.login()
    with pytest.raises(ftplib.error_temp, match='^451 The secure connection'):
        harness.fetch(ftp, 'f')
    assert 'TLS: ' in server.log_text() and plain.count == 1
    plain.listener.close()
    ftp.close()
    assert server.stop() == 0
