"""Uploads that succeed, that are refused, and what they cost."""

import base64
import concurrent.futures
import datetime
import ftplib
import hashlib
import io
import os
import re
import socket
import threading
import time

import harness
import pytest

MIB = 1024 * 1024
SIZES = [0, 1, 1000, MIB - 1, MIB, MIB + 1, 2 * MIB + 65536, 5 * 1000 * 1000,
         40 * MIB + 3]


def objects(fake):
    return {o['key']: o for o in fake.objects()}


@pytest.mark.parametrize('size', SIZES)
def test_sizes(ftp, fake, size):
    data = os.urandom(size)
    reply = harness.store(ftp, 'f.bin', data)
    assert reply.startswith('226 ')
    assert fake.get('f.bin') == data
    assert 'CRC-64 %016x.' % int(objects(fake)['f.bin']['crc']) in reply
    assert ': %d bytes in ' % size in reply
    assert fake.uploads() == []
    assert ftp.size('f.bin') == size


@pytest.mark.parametrize('size', [0, 1, MIB - 1, MIB])
def test_small_is_one_put(ftp, fake, size):
    harness.store(ftp, 'small', b'x' * size)
    ops = fake.ops()
    if size < MIB:
        assert ops == {'PutObject': 1}
    else:
        assert ops.get('PutObject', 0) <= 1 and 'HeadObject' not in ops


def test_large_is_parts_and_nothing_else(ftp, fake):
    harness.store(ftp, 'large', b'x' * (5 * MIB))
    ops = fake.ops()
    assert ops.pop('UploadPart') in (4, 5)
    assert ops == {'InitiateMultipartUpload': 1, 'CompleteMultipartUpload': 1}


def test_parts_leave_while_the_client_sends(ftp, fake):
    """A slow client: parts are stored before its last byte."""
    out = ftp.transfercmd('STOR slow')
    out.sendall(b'a' * (2 * MIB + 100000))
    harness.wait_for('a part stored', lambda: [
        u for u in fake.uploads() if u['parts'] >= 1])
    assert fake.keys() == []
    out.sendall(b'b' * MIB)
    out.close()
    assert ftp.voidresp().startswith('226')
    assert fake.get('slow') == b'a' * (2 * MIB + 100000) + b'b' * MIB


def test_many_small_writes(ftp, fake):
    out = ftp.transfercmd('STOR drops')
    for i in range(2000):
        out.send(b'%07d\n' % i)
    out.close()
    assert ftp.voidresp().startswith('226')
    assert fake.get('drops') == b''.join(b'%07d\n' % i for i in range(2000))


@pytest.mark.parametrize('threads', [1, 3])
def test_upload_thread_num(tmp_path, fake, threads):
    server = harness.Cosftpd(str(tmp_path), fake,
                             optional={'upload_thread_num': threads})
    ftp = server.login()
    fake.fault(op='UploadPart', delay=30, times=-1)
    data = os.urandom(12 * MIB)
    assert harness.store(ftp, 'f', data).startswith('226')
    assert fake.stats()['max_parts_in_flight'] == threads
    assert fake.get('f') == data
    ftp.close()
    assert server.stop() == 0


def test_parts_side_by_side(ftp, fake):
    """With default several parts are under way, and never more than 16."""
    fake.fault(op='UploadPart', delay=100, times=-1)
    harness.store(ftp, 'f', bytes(30 * MIB))
    assert 3 <= fake.stats()['max_parts_in_flight'] <= 16


# ---- Content-Type, Content-MD5 ----

def content_type(fake, key):
    m = re.search(r'(?im)^content-type: (.*?)\r?$',
                  objects(fake)[key]['headers'])
    return m and m[1]


TYPES = [('index.html', 'text/html'), ('a.JPG', 'image/jpeg'),
         ('b.json', 'application/json'), ('noext', 'application/octet-stream'),
         ('x.unheard-of', 'application/octet-stream')]


@pytest.mark.parametrize('size', [10, 2 * MIB], ids=['put', 'parts'])
@pytest.mark.parametrize('name,want', TYPES)
def test_content_type(ftp, fake, name, want, size):
    harness.store(ftp, name, bytes(size))
    assert content_type(fake, name).split(';')[0] == want


def test_content_type_off(tmp_path, fake):
    server = harness.Cosftpd(
        str(tmp_path), fake,
        accounts=[harness.account(0, fake, content_type='off')])
    ftp = server.login()
    for size in (10, 2 * MIB):
        harness.store(ftp, 'index.html', bytes(size))
        assert content_type(fake, 'index.html') in (
            None, 'application/octet-stream')
    ftp.close()
    assert server.stop() == 0


class Recorder:
    """Says yes to one request and keeps it."""
    bucket, tls = harness.BUCKET, False

    def __init__(self):
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        sock, _ = self.listener.accept()
        sock.settimeout(10)
        got = b''
        while b'\r\n\r\n' not in got:
            got += sock.recv(65536)
        head, _, self.body = got.partition(b'\r\n\r\n')
        self.line, *fields = head.decode().split('\r\n')
        self.fields = {k.lower(): v for k, v in
                       (f.split(': ', 1) for f in fields)}
        while len(self.body) < int(self.fields['content-length']):
            self.body += sock.recv(65536)
        sock.sendall(b'HTTP/1.1 200 OK\r\nETag: "e"\r\n'
                     b'x-cos-hash-crc64ecma: %s\r\n'
                     b'Content-Length: 0\r\n\r\n' %
                     self.fields['x-cos-meta-crc64'].encode())
        sock.close()
        self.listener.close()


@pytest.mark.parametrize('data', [b'', b'Hello, COS!\n'])
def test_one_put_on_the_wire(tmp_path, data):
    """Content-MD5, so that damaged bytes replace nothing; all is signed."""
    cos = Recorder()
    server = harness.Cosftpd(str(tmp_path), cos)
    ftp = server.login()
    assert harness.store(ftp, 'a b.txt', data).startswith('226')
    cos.thread.join(10)
    assert cos.line == 'PUT /a%20b.txt HTTP/1.1' and cos.body == data
    assert cos.fields['host'] == '%s.cos.localhost:%d' % (cos.bucket,
                                                          cos.port)
    assert cos.fields['content-md5'] == base64.b64encode(
        hashlib.md5(data).digest()).decode()
    signed = re.search('q-header-list=([^&]*)',
                       cos.fields['authorization'])[1].split(';')
    assert set(signed) == {'content-length', 'content-md5', 'content-type',
                           'host', 'x-cos-meta-crc64', 'x-cos-meta-md5'}
    assert cos.fields['x-cos-meta-md5'] == hashlib.md5(data).hexdigest()
    ftp.close()
    assert server.stop() == 0


def test_damaged_on_the_way(ftp, fake):
    """The store got other bytes than the Content-MD5 says: sent again."""
    fake.fault(op='PutObject', status=400, code='BadDigest')
    assert harness.store(ftp, 'f', b'abc').startswith('226')
    assert fake.ops()['PutObject'] == 2


# ---- limits ----

@pytest.fixture(scope='module')
def limited(tmp_path_factory, fakecos):
    s = harness.Cosftpd(str(tmp_path_factory.mktemp('limited')), fakecos,
                        files={'single_file_max_size': 3 * MIB})
    yield s
    assert s.stop() == 0, s.text()


@pytest.mark.parametrize('old', [None, b'old'], ids=['new', 'old'])
@pytest.mark.parametrize('size', [3 * MIB, 3 * MIB + 1, 10 * MIB])
def test_oversize(limited, fake, size, old):
    if old is not None:
        fake.put('big', old)
    ftp = limited.login()
    data = os.urandom(size)
    if size == 3 * MIB:
        assert harness.store(ftp, 'big', data).startswith('226')
        assert fake.get('big') == data
    else:
        try:
            reply = harness.store(ftp, 'big', data)
        except ftplib.Error as e:
            reply = str(e)
        except ConnectionError:
            with pytest.raises(ftplib.Error) as e:
                ftp.voidresp()
            reply = str(e.value)
        assert reply.startswith('552 '), reply
        assert fake.keys() == (['big'] if old else [])
        assert old is None or fake.get('big') == old
        assert [x for x in limited.log_text().splitlines()
                if 'ERROR' in x and 'single_file_max_size' in x]
    assert fake.uploads() == []
    assert ftp.sendcmd('NOOP').startswith('200')
    assert harness.store(ftp, 'next', b'abc').startswith('226')
    ftp.close()


def test_oversize_append(limited, fake):
    """The old part counts."""
    fake.put('log', b'o' * (3 * MIB - 10))
    ftp = limited.login()
    with pytest.raises(ftplib.error_perm, match='^552'):
        ftp.storbinary('APPE log', io.BytesIO(b'n' * 11))
    assert fake.get('log') == b'o' * (3 * MIB - 10) and fake.uploads() == []
    assert ftp.storbinary('APPE log', io.BytesIO(b'n' * 10)).startswith('226')
    assert fake.get('log') == b'o' * (3 * MIB - 10) + b'n' * 10
    ftp.close()


def test_allo(limited, fake):
    ftp = limited.login()
    assert ftp.sendcmd('ALLO %d' % (3 * MIB))[0] == '2'
    assert harness.store(ftp, 'f', b'abc').startswith('226')
    # refused before a byte is sent, and once
    assert ftp.sendcmd('ALLO %d' % (3 * MIB + 1)).startswith('200 ')
    fake.reset()
    with pytest.raises(ftplib.error_perm, match='^552'):
        harness.store(ftp, 'g', b'abc')
    assert fake.ops() == {}
    assert harness.store(ftp, 'h', b'abc').startswith('226')
    for bad in ('x', '-1', '99999999999999999999'):
        with pytest.raises(ftplib.error_perm):
            ftp.sendcmd('ALLO ' + bad)
    ftp.close()


@pytest.mark.parametrize('size', [0, 1, MIB - 1, MIB, MIB + 1, 2 * MIB])
def test_announced_small_is_one_put(ftp, fake, size):
    data = os.urandom(size)
    ftp.sendcmd('ALLO %d' % size)
    harness.store(ftp, 'f', data)
    assert fake.get('f') == data
    assert fake.ops() == {'PutObject': 1}


@pytest.mark.parametrize('size,parts', [(2 * MIB + 1, 3), (40 * MIB, 40),
                                        (256 * MIB, 67)])
def test_announced_large_needs_fewer_parts(ftp, fake, size, parts):
    ftp.sendcmd('ALLO %d R 80' % size)
    harness.store(ftp, 'f', bytes(size))
    assert objects(fake)['f']['size'] == size
    ops = fake.ops()
    assert ops.pop('UploadPart') <= parts
    assert ops == {'InitiateMultipartUpload': 1, 'CompleteMultipartUpload': 1}


@pytest.mark.parametrize('said,size', [
    (0, 3 * MIB), (0, MIB), (10, 20), (10, 3 * MIB + 1), (MIB, MIB - 1),
    (MIB, MIB + 65535), (MIB, MIB + 65536), (MIB, MIB + 65537),
    (MIB, 5 * MIB), (2 * MIB, 0), (2 * MIB, MIB), (2 * MIB, 3 * MIB),
    (5 * MIB, 0), (5 * MIB, 1), (5 * MIB, 5 * MIB - 1), (5 * MIB, 20 * MIB),
    (100 << 30, 0), (100 << 30, MIB), (100 << 30, 9 * MIB + 7)])
def test_announced_wrongly(ftp, fake, said, size):
    """It is a hint: what counts is what comes."""
    data = os.urandom(size)
    ftp.sendcmd('ALLO %d' % said)
    assert ': %d bytes in ' % size in harness.store(ftp, 'f', data)
    assert fake.get('f') == data and fake.uploads() == []
    ftp.sendcmd('ALLO %d' % said)
    ftp.storbinary('APPE f', io.BytesIO(data))
    assert fake.get('f') == data + data and fake.uploads() == []


def test_announced_for_one_transfer_only(ftp, fake):
    ftp.sendcmd('ALLO %d' % (2 * MIB))
    with pytest.raises(ftplib.error_perm, match='^553'):
        harness.store(ftp, 'd/', b'')
    fake.reset()
    harness.store(ftp, 'f', bytes(2 * MIB))
    assert 'InitiateMultipartUpload' in fake.ops()


@pytest.mark.parametrize('name,size,announced,config', [
    ('unsent-near', 48 * MIB, False, {}),
    ('unsent-far', 48 * MIB, False, dict(latency=600)),
    ('unsent-told', 48 * MIB, True, dict(latency=600)),
    ('unsent-begin', 5 * MIB, False, dict(latency=600))])
def test_little_is_left_to_send_at_the_end(server, ftp, fake, name, size,
                                           announced, config):
    """When the client has sent all, two parts at most still have to be
    begun; the server says so, and the store saw when they were."""
    late = 300
    fake.config(**config)
    try:
        if announced:
            ftp.sendcmd('ALLO %d' % size)
        harness.store(ftp, name, bytes(size))
    finally:
        fake.config(latency=0)
    line, = [x for x in server.log_text().splitlines()
             if '/%s: all received' % name in x]
    left, flying = (int(x) for x in re.search(
        'not sent yet: (\\d+), under way: (\\d+)$', line).groups())
    assert left <= 2 and (flying > left or not config)
    end = datetime.datetime.strptime(line[:23], '%Y-%m-%d %H:%M:%S.%f')
    end = (end.timestamp() - time.time() + time.monotonic()) * 1000
    parts = [e['start'] for e in fake.log() if e['op'] == 'UploadPart']
    assert len(parts) > 4
    assert len([x for x in parts if x > end + late]) <= 2


# ---- names ----

def test_stou(ftp, fake):
    for n, data in enumerate((b'one', b'two', os.urandom(2 * MIB)), 1):
        before = set(fake.keys())
        out = ftp.transfercmd('STOU')
        out.sendall(data)
        out.close()
        assert ftp.voidresp().startswith('226')
        (new,) = set(fake.keys()) - before
        assert fake.get(new) == data and len(fake.keys()) == n


def test_stou_tells_the_name(server, fake):
    raw = server.raw()
    raw.login()
    out = raw.pasv()
    name = re.fullmatch(r'150 FILE: (\S+)', raw.cmd('STOU'))[1]
    out.sendall(b'abc')
    out.close()
    assert raw.reply().startswith('226')
    assert fake.get(name) == b'abc'
    raw.close()


@pytest.mark.parametrize('name', ['/', '', 'dir/', '..', 'k' * 900])
def test_names_that_are_no_files(ftp, fake, name):
    with pytest.raises(ftplib.error_perm, match='^5[05]'):
        harness.store(ftp, name, b'abc')
    assert fake.ops() == {}
    assert ftp.sendcmd('NOOP').startswith('200')


# ---- readers and writers ----

def test_overwrite_is_atomic(server, fake):
    """Whoever reads while it is replaced sees the old or the new, whole."""
    old, new = b'o' * (3 * MIB), b'n' * (4 * MIB)
    fake.put('f', old)
    end = threading.Event()
    seen = []

    def read():
        ftp = server.login()
        while not end.is_set():
            try:
                seen.append(harness.fetch(ftp, 'f'))
            except ftplib.error_temp:       # replaced while it was read
                pass
        ftp.close()

    reader = threading.Thread(target=read)
    reader.start()
    ftp = server.login()
    try:
        harness.wait_for('a first read', lambda: seen)
        for i in range(6):
            harness.store(ftp, 'f', (new, old)[i % 2])
    finally:
        end.set()
        reader.join(30)
    assert not reader.is_alive()
    assert seen and all(s in (old, new) for s in seen)
    ftp.close()


def test_two_write_one_key(server, fake):
    """The last one wins, whole."""
    a, b = os.urandom(3 * MIB), os.urandom(3 * MIB)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        def put(data):
            ftp = server.login()
            reply = harness.store(ftp, 'same', data)
            ftp.close()
            return reply
        replies = list(pool.map(put, (a, b)))
    assert all(r.startswith('226') for r in replies)
    assert fake.get('same') in (a, b) and fake.uploads() == []


# ---- memory ----

def test_memory_is_bounded(tmp_path, fake):
    """Ten uploads of 20 MB at once in 4 MB of buffers."""
    server = harness.Cosftpd(str(tmp_path), fake,
                             optional={'memory_limit': '4M'})
    data = [os.urandom(20 * 1000 * 1000) for _ in range(10)]
    idle, peak, end = server.rss(), [0], threading.Event()

    def watch():
        while not end.wait(0.01):
            peak[0] = max(peak[0], server.rss())

    def put(i):
        ftp = server.login(timeout=60)
        reply = harness.store(ftp, 'f%d' % i, data[i])
        ftp.close()
        return reply

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with concurrent.futures.ThreadPoolExecutor(10) as pool:
            replies = list(pool.map(put, range(10)))
    finally:
        end.set()
        watcher.join()
    assert all(r.startswith('226') for r in replies), replies
    for i in range(10):
        assert fake.get('f%d' % i) == data[i]
    assert fake.uploads() == []
    if 'asan' not in harness.COSFTPD:       # a sanitizer keeps what is freed
        assert peak[0] - idle < 12 * MIB
    assert server.stop() == 0, server.text()


def test_slow_store_holds_the_client_back(tmp_path, fake):
    """While COS takes nothing, no more is read than the limit allows."""
    server = harness.Cosftpd(str(tmp_path), fake,
                             optional={'memory_limit': '4M',
                                       'data_timeout': 1})
    fake.fault(op='UploadPart', delay=2500, times=4)
    raw = server.raw()
    raw.login()
    out = raw.pasv()
    assert raw.cmd('STOR f').startswith('150')
    data = os.urandom(40 * MIB)
    sent = []

    def send():
        sent.append(0)
        for at in range(0, len(data), 65536):
            out.sendall(data[at:at + 65536])
            sent[0] = at + 65536
        out.close()

    sender = threading.Thread(target=send)
    sender.start()

    start = time.monotonic()
    harness.wait_for('4 parts under way', lambda: fake.ops().get(
        'UploadPart', 0) >= 3)
    while time.monotonic() - start < 2:     # its stall clock stands still
        assert raw.received() <= 4 * MIB
    sender.join(60)
    assert raw.reply().startswith('226')
    assert fake.get('f') == data
    raw.close()
    assert server.stop() == 0


def test_one_slow_user_does_not_slow_others(server, fake):
    fake.fault(op='UploadPart', key='slow', delay=1500, times=-1)
    slow, fast = server.login(), server.login()
    out = slow.transfercmd('STOR slow')
    out.sendall(bytes(3 * MIB))
    out.close()
    start = time.monotonic()
    for i in range(20):
        harness.store(fast, 'fast', b'x' * 1000)
    assert time.monotonic() - start < 1
    assert slow.voidresp().startswith('226')
    slow.close()
    fast.close()


def test_idle_uploads_hold_up_nobody(tmp_path, fake):
    """Those who have sent a byte and no more hold none of the memory that
    others wait for."""
    s = harness.Cosftpd(str(tmp_path), fake, ports=128,
                        optional={'memory_limit': '4M'})
    idle = []
    for i in range(40):
        raw = s.raw()
        raw.login()
        conn = raw.pasv()
        assert raw.cmd('STOR idle%d' % i).startswith('150')
        conn.sendall(b'x')
        idle.append((raw, conn))
    ftp = s.login(timeout=10)
    data = os.urandom(3 * MIB)
    harness.store(ftp, 'small', b'small')
    harness.store(ftp, 'large', data)
    assert fake.get('small') == b'small' and fake.get('large') == data
    for raw, conn in idle:
        conn.close()
        assert raw.reply().startswith('226')
        raw.close()
    assert fake.get('idle0') == b'x'
    ftp.close()
    assert s.stop() == 0
