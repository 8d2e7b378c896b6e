"""Downloads: what arrives is the object, whole, or there is no 226."""

import ftplib
import os
import re
import socket
import threading
import time

import harness
import pytest

MIB = 1024 * 1024
GET = 'GetObject'


@pytest.mark.parametrize('size', [0, 1, 1000, MIB - 1, MIB, MIB + 1,
                                  5 * 1000 * 1000, 40 * MIB + 3])
def test_sizes(ftp, fake, size):
    data = os.urandom(size)
    fake.put('f', data)
    assert harness.fetch(ftp, 'f') == data
    ops = fake.ops()
    if size == 0:       # a range of it is a 416; a HEAD then tells its size
        assert ops == {GET: 1, 'HeadObject': 1}
    else:               # the first MiB, then pieces of up to 4
        assert set(ops) == {GET}
        assert -(-size // (4 * MIB)) <= ops[GET] <= -(-size // MIB)


@pytest.mark.parametrize('size', [0, 1, 3 * MIB])
def test_rest(ftp, fake, size):
    data = os.urandom(size)
    fake.put('f', data)
    for at in {0, 1, size // 2, size - 1, size} & set(range(size + 1)):
        assert harness.fetch(ftp, 'f', at) == data[at:], at
    for beyond in (size + 1, size + 10 * MIB, 1 << 40, (1 << 63) - 1):
        with pytest.raises(ftplib.error_perm, match='^554'):
            harness.fetch(ftp, 'f', beyond)
        assert ftp.sendcmd('NOOP').startswith('200')
    # a refused or used offset is forgotten
    assert harness.fetch(ftp, 'f') == data


def refused(ftp, name, code):
    with pytest.raises(ftplib.Error) as e:
        harness.fetch(ftp, name)
    assert str(e.value).startswith(code), str(e.value)
    assert ftp.sendcmd('NOOP').startswith('200')
    return str(e.value)


def test_missing(ftp, fake):
    fake.put('abcd', b'x')
    fake.put('dir/file', b'x')
    for name in ('abc', 'dir', 'abcd/', '/', 'nothing/here'):
        refused(ftp, name, '550')
    assert harness.fetch(ftp, 'abcd') == b'x'


def test_archived(ftp, fake):
    fake.put('old', b'x', **{'class': 'ARCHIVE'})
    fake.put('older', b'x', **{'class': 'DEEP_ARCHIVE'})
    for name in ('old', 'older'):
        assert 'archived' in refused(ftp, name, '550')
    assert ftp.size('old') == 1


def test_download_forbidden(ftp, fake):
    """Buckets made since 2024 serve no apk and ipa; all else they do."""
    fake.config(force_download=1)
    try:
        fake.put('a.txt', b'text')
        assert harness.fetch(ftp, 'a.txt') == b'text'
        for name in ('app.apk', 'app.IPA'):
            assert harness.store(ftp, name, b'zip').startswith('226')
            assert 'custom domain' in refused(ftp, name, '550')
    finally:
        fake.config(force_download=0)


@pytest.mark.parametrize('fault,code', [
    (dict(status=403, code='AccessDenied'), '550'),
    (dict(status=404, code='NoSuchBucket'), '550'),
    (dict(status=500, code='InternalError'), '451'),
    (dict(status=503, code='SlowDown'), '451'),
    (dict(redirect='http://127.0.0.1:9/x'), '451'),
    (dict(reset_read=0), '451'),
    (dict(head_stall=50), '451'),
], ids=lambda x: '-'.join('%s=%s' % i for i in x.items())
    if isinstance(x, dict) else x)
def test_store_refuses(ftp, fake, fault, code):
    fake.put('f', b'x')
    fake.fault(op=GET, times=-1, **fault)
    refused(ftp, 'f', code)
    fake.reset()
    assert harness.fetch(ftp, 'f') == b'x'


@pytest.mark.parametrize('fault', [
    dict(status=500, code='InternalError'), dict(status=503, code='SlowDown'),
    dict(reset_read=0), dict(head_stall=50), dict(close_idle=1),
    dict(no_crc=1)], ids=lambda d: next(iter(d)) + str(d.get('status', '')))
def test_passing_trouble(ftp, fake, fault):
    data = os.urandom(2 * MIB)
    fake.put('f', data)
    fake.fault(op=GET, **fault)
    assert harness.fetch(ftp, 'f') == data
    assert harness.fetch(ftp, 'f') == data


def test_broken_link_goes_on_at_the_missing_byte(ftp, fake):
    data = os.urandom(3 * MIB)
    fake.put('f', data)
    fake.fault(op=GET, body_cut=1000000)
    fake.fault(op=GET, body_cut=1)
    fake.fault(op=GET, body_cut=2)
    assert harness.fetch(ftp, 'f') == data
    # Three breaks, and pieces of a MiB or more as the first one's pace says.
    assert 2 + 3 <= fake.ops()[GET] <= 3 + 3
    assert sum(e['bytes_in'] for e in fake.log()) == 0
    assert all(e['status'] == 206 for e in fake.log())


@pytest.mark.parametrize('at', [5, 2 * MIB])
def test_broken_link_after_rest(ftp, fake, at):
    data = os.urandom(3 * MIB)
    fake.put('f', data)
    fake.fault(op=GET, body_cut=1000)
    fake.fault(op=GET, body_cut=0)
    assert harness.fetch(ftp, 'f', at) == data[at:]


def test_link_breaks_for_ever(ftp, fake):
    """Some bytes, then never one more: no 226."""
    fake.put('f', os.urandom(MIB))
    fake.fault(op=GET, body_cut=5000)
    fake.fault(op=GET, body_cut=0, times=-1)
    got = []
    with pytest.raises(ftplib.error_temp, match='^4(26|51)'):
        ftp.retrbinary('RETR f', got.append)
    assert len(b''.join(got)) == 5000
    assert ftp.sendcmd('NOOP').startswith('200')


def test_changed_underneath(ftp, fake):
    """The rest of another object is not the rest of this one."""
    fake.put('f', os.urandom(2 * MIB))
    fake.fault(op=GET, body_cut=100000, delay=0)
    fake.fault(op=GET, body_stall=0, ms=300)
    got = []

    def chunk(data):
        if not got:
            fake.put('f', os.urandom(2 * MIB))
        got.append(data)
    with pytest.raises(ftplib.error_temp, match='^4(26|51)'):
        ftp.retrbinary('RETR f', chunk)
    assert len(b''.join(got)) <= 100000
    assert ftp.sendcmd('NOOP').startswith('200')


def test_gone_underneath(ftp, fake):
    fake.put('f', os.urandom(2 * MIB))
    fake.fault(op=GET, body_cut=100000)
    fake.fault(op=GET, status=404, code='NoSuchKey')
    with pytest.raises(ftplib.Error) as e:
        harness.fetch(ftp, 'f')
    assert str(e.value)[:1] in '45'
    assert ftp.sendcmd('NOOP').startswith('200')


@pytest.mark.parametrize('size', [10, 3 * MIB])
def test_wrong_checksum_is_never_226(server, ftp, fake, size):
    fake.put('f', os.urandom(size))
    for op in GET, 'HeadObject':        # it is looked at once more
        fake.fault(op=op, wrong_crc=1, times=-1)
    with pytest.raises(ftplib.error_temp, match='^451'):
        harness.fetch(ftp, 'f')
    assert fake.ops()['HeadObject'] == 1
    assert [x for x in server.log_text().splitlines()
            if 'ERROR' in x and 'CRC-64' in x]
    assert ftp.sendcmd('NOOP').startswith('200')


DONE = r'226 Transfer complete: %d bytes in \d+\.\d{3} s(, \d+\.\d\d MB/s)?'


def checked_by_length(server, name):
    return [x for x in server.log_text().splitlines() if ' INFO ' in x and
            'RETR /%s: length checked only' % name in x]


@pytest.mark.parametrize('size', [0, 1000, 3 * MIB])
def test_226_shows_what_was_checked(server, ftp, fake, size):
    fake.put('shown', os.urandom(size))
    crc = int(fake.objects()[0]['crc'])
    got = ftp.retrbinary('RETR shown', lambda data: None)
    assert re.fullmatch(DONE % size + r', CRC-64 %016x\.' % crc, got)
    assert not checked_by_length(server, 'shown')


def test_226_claims_no_checksum_of_a_part(server, ftp, fake):
    fake.put('part', os.urandom(5000))
    got = ftp.retrbinary('RETR part', lambda data: None, rest=1000)
    assert re.fullmatch(DONE % 4000 + r'\.', got)
    line, = checked_by_length(server, 'part')
    assert 'not read from its beginning' in line


def test_no_checksum_is_fine(server, ftp, fake):
    fake.put('old', b'abc', no_crc=1)
    got = []
    reply = ftp.retrbinary('RETR old', got.append)
    assert b''.join(got) == b'abc' and re.fullmatch(DONE % 3 + r'\.', reply)
    line, = checked_by_length(server, 'old')
    assert 'the store has no CRC of it' in line


def test_shorter_underneath(ftp, fake):
    """A later piece that is no longer there: not the client's mistake."""
    fake.put('f', os.urandom(2 * MIB))
    fake.fault(op=GET, skip=1, status=416, code='InvalidRange')
    with pytest.raises(ftplib.error_temp, match='^4(26|51)'):
        harness.fetch(ftp, 'f')
    assert ftp.sendcmd('NOOP').startswith('200')


def raw_answer(fake, head, body=b''):
    fake.fault(op=GET, times=-1, raw=head.replace(b'\n', b'\r\n') +
               b'\r\n' + body)


@pytest.mark.parametrize('head', [
    b'HTTP/1.1 206 Partial Content\nContent-Length: 3\n'
    b'Content-Range: bytes 5-7/8\nETag: "e"\n',
    b'HTTP/1.1 206 Partial Content\nContent-Length: 3\nETag: "e"\n',
    b'HTTP/1.1 200 OK\nContent-Length: 8\nETag: "e"\n',
    b'HTTP/1.1 206 Partial Content\nContent-Length: 3\n'
    b'Content-Range: bytes 4-7/8\nETag: "e"\n',
], ids=['other-range', 'no-range', 'whole', 'short'])
def test_not_the_range_asked_for(ftp, fake, head):
    raw_answer(fake, head, b'x' * 8)
    got = []
    with pytest.raises(ftplib.error_temp, match='^451'):
        ftp.retrbinary('RETR f', got.append, rest=4)
    assert b''.join(got) == b''


# ---- the client's side ----

def slow_receiver(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)


@pytest.mark.parametrize('byte', [b'', b'!'])
@pytest.mark.parametrize('command', ['RETR f', 'MLSD'])
def test_a_byte_on_the_data_connection_destroys_nothing(server, fake, command,
                                                        byte):
    """Unread, it would turn the end into a reset, behind a 226."""
    fake.put('f', size=1500000)
    fake.fill('x' * 400, 2000)
    r = server.raw()
    r.login()
    port = int(r.cmd('EPSV').split('|')[3])
    with socket.socket() as data:
        data.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        data.connect(('127.0.0.1', port))
        data.sendall(byte)
        assert r.cmd(command).startswith('150 ')
        assert r.reply().startswith('226 ')
        got = b''.join(iter(lambda: data.recv(65536), b''))
    assert len(got) == 1500000 if command == 'RETR f' else \
        got.count(b'\r\n') == 2001
    r.close()


def test_slow_reader_flat_memory(server, fake):
    """A reader who rests costs buffers, not the object."""
    fake.put('big', b'', size=300 * MIB)
    readers = []
    idle = server.rss()
    for _ in range(5):
        raw = server.raw()
        raw.login()
        sock = raw.pasv()
        slow_receiver(sock)
        assert raw.cmd('RETR big').startswith('150')
        readers.append((raw, sock))
    stuck = {}

    def still():
        """Nothing has moved between two looks that are 0.2 s apart."""
        now = tuple(x.cmd('STAT') for x, _ in readers)
        old, when = stuck.get('at', (None, 0))
        if now != old:
            stuck['at'] = now, time.monotonic()
        return now == old and time.monotonic() - when > 0.2
    harness.wait_for('all rest', still)
    if 'asan' not in harness.COSFTPD:
        harness.wait_for('flat memory',
                         lambda: server.rss() - idle < 8 * MIB)
    other = server.login()
    assert harness.store(other, 'small', b'x').startswith('226')
    other.close()
    for raw, sock in readers:
        sock.close()
        assert raw.reply().startswith('426')
        assert raw.cmd('NOOP').startswith('200')
        raw.close()


def test_slow_but_steady(ftp, fake):
    data = os.urandom(3 * MIB)
    fake.put('f', data)
    fake.fault(op=GET, slow=4 * MIB)
    sock = ftp.transfercmd('RETR f')
    slow_receiver(sock)
    got = b''
    while True:
        piece = sock.recv(20000)
        if not piece:
            break
        got += piece
    sock.close()
    assert ftp.voidresp().startswith('226') and got == data


@pytest.mark.parametrize('read', [0, 1000, 2 * MIB])
def test_client_closes_early(ftp, fake, read):
    fake.put('big', b'', size=100 * MIB)
    fake.put('small', b'abc')
    sock = ftp.transfercmd('RETR big')
    got = 0
    while got < read:
        got += len(sock.recv(min(65536, read - got)))
    sock.close()
    with pytest.raises(ftplib.error_temp, match='^426'):
        ftp.voidresp()
    assert harness.fetch(ftp, 'small') == b'abc'


def test_client_stalls(tmp_path, fake):
    server = harness.Cosftpd(str(tmp_path), fake,
                             optional={'data_timeout': 1})
    fake.put('big', b'', size=100 * MIB)
    ftp = server.login()
    sock = ftp.transfercmd('RETR big')
    start = time.monotonic()
    with pytest.raises(ftplib.error_temp, match='^426'):
        ftp.voidresp()
    assert 0.8 < time.monotonic() - start < 10
    sock.close()
    assert ftp.sendcmd('NOOP').startswith('200')
    ftp.close()
    assert server.stop() == 0


def test_abor(server, fake):
    fake.put('big', b'', size=100 * MIB)
    raw = server.raw()
    raw.login()
    sock = raw.pasv()
    assert raw.cmd('RETR big').startswith('150')
    sock.recv(1000)
    assert raw.cmd('ABOR').startswith('426')
    assert raw.reply().startswith('226')
    assert raw.cmd('NOOP').startswith('200')
    sock.close()
    raw.close()


def test_control_is_lost(server, fake):
    fake.put('big', b'', size=100 * MIB)
    raw = server.raw()
    raw.login()
    sock = raw.pasv()
    assert raw.cmd('RETR big').startswith('150')
    raw.close()
    sock.settimeout(10)
    with pytest.raises(ConnectionError):    # or the end, before the last byte
        got = 0
        while got < 100 * MIB:
            n = len(sock.recv(1 << 20))
            if n == 0:
                raise ConnectionError
            got += n
    sock.close()
    harness.wait_for('the store is left alone', lambda:
                     fake.stats()['connections'] <= 20)


def test_many_at_once(server, fake):
    data = {('f%d' % i): os.urandom(2 * MIB + i) for i in range(20)}
    for k, v in data.items():
        fake.put(k, v)
    bad = []

    def get(key):
        ftp = server.login()
        if harness.fetch(ftp, key) != data[key]:
            bad.append(key)
        ftp.close()
    threads = [threading.Thread(target=get, args=(k,)) for k in data]
    for t in threads:
        t.start()
    for t in threads:
        t.join(30)
        assert not t.is_alive()
    assert bad == []


def test_body_stalls(ftp, fake):
    """The store falls silent in the middle: a new connection takes over."""
    data = os.urandom(2 * MIB)
    fake.put('f', data)
    fake.fault(op=GET, body_stall=1000000, ms=60000)
    ftp.timeout = 40            # of the data connection
    ftp.sock.settimeout(40)
    start = time.monotonic()
    assert harness.fetch(ftp, 'f') == data
    assert time.monotonic() - start < 30


@pytest.mark.parametrize('fault', [dict(error200='InternalError'),
                                   dict(empty200=1), dict(bad_xml=1)])
def test_an_answer_without_an_etag_is_no_content(ftp, fake, fault):
    data = os.urandom(1000)
    fake.put('f', data)
    fake.fault(op=GET, **fault)
    assert harness.fetch(ftp, 'f') == data
    fake.fault(op='HeadObject', **fault)
    assert ftp.size('f') == 1000


# ---- pieces read ahead ----

RATE = 10 * 1000 * 1000         # of one connection of a far store


@pytest.fixture
def far(fake):
    fake.config(latency=20, rate=RATE)
    yield fake
    fake.config(latency=0, rate=0)


@pytest.fixture
def small(tmp_path, fake):
    """A server with the least memory there is."""
    s = harness.Cosftpd(str(tmp_path), fake, optional={'memory_limit': '4M'},
                        files={'single_file_max_size': '20G'})
    yield s
    assert s.stop() == 0, s.text()


def read(sock, size):
    """The next size bytes, fewer at the end."""
    got = bytearray()
    while len(got) < size:
        data = sock.recv(min(1 << 18, size - len(got)))
        if not data:
            break
        got += data
    return bytes(got)


def test_far_store_many_connections(ftp, far):
    size = 40 * MIB
    far.put('f', b'', size=size)
    start = time.monotonic()
    sock = ftp.transfercmd('RETR f')
    assert len(read(sock, 2 * size)) == size
    sock.close()
    assert ftp.voidresp().startswith('226')
    assert time.monotonic() - start < size / RATE / 2.5


@pytest.mark.parametrize('fault', [
    dict(body_cut=0), dict(body_cut=700001),
    dict(status=503, code='SlowDown'), dict(reset_read=0),
    dict(body_stall=300000, ms=50), dict(slow=4 * MIB)],
    ids=lambda d: '-'.join('%s=%s' % i for i in d.items()))
def test_faults_ahead(ftp, far, fault):
    """Pieces that break while earlier ones are given out: order stays."""
    data = os.urandom(9 * MIB + 5)
    far.put('f', data)
    for skip in (1, 2, 4):      # of those that are left
        far.fault(op=GET, skip=skip, **fault)
    assert harness.fetch(ftp, 'f') == data


def test_store_is_away_for_a_while(ftp, far):
    """Longer than one request is repeated for: the download outlives it."""
    data = os.urandom(2 * MIB)
    far.put('f', data)
    far.fault(op=GET, skip=1, times=7, status=503, code='SlowDown')
    assert harness.fetch(ftp, 'f') == data


def test_piece_ahead_is_refused(ftp, far):
    """What was there is given out, and no 226 follows."""
    data = os.urandom(12 * MIB)
    far.put('f', data)
    far.fault(op=GET, skip=4, times=-1, status=403, code='AccessDenied')
    got = []
    with pytest.raises(ftplib.Error, match='^[45]'):
        ftp.retrbinary('RETR f', got.append)
    got = b''.join(got)
    assert len(got) < len(data) and got == data[:len(got)]
    assert ftp.sendcmd('NOOP').startswith('200')


def rests(server, raws):
    """Waits until nothing has moved for 0.3 s; the CPU time of that."""
    last = {}

    def still():
        now = tuple(x.cmd('STAT') for x in raws)
        if now != last.get('moved'):
            last.update(moved=now, at=time.monotonic())
        return time.monotonic() - last['at'] > 0.3
    harness.wait_for('all rest', still)
    start = time.monotonic(), server.cpu()
    harness.wait_for('some time', lambda: time.monotonic() - start[0] > 0.5)
    return server.cpu() - start[1]


def begin(server, name, size):
    """A client that reads size bytes fast, and then rests."""
    raw = server.raw()
    raw.login()
    sock = raw.pasv()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
    assert raw.cmd('RETR ' + name).startswith('150')
    return raw, sock, read(sock, size)


def test_resting_readers_of_a_far_store(server, far):
    """What was read ahead is bounded for all together, and costs no time."""
    far.put('f', b'', size=200 * MIB)
    idle = server.rss()
    readers = [begin(server, 'f', 6 * MIB) for _ in range(4)]
    assert rests(server, [r[0] for r in readers]) < 0.2
    if 'asan' not in harness.COSFTPD:
        assert server.rss() - idle < (64 + 8) * MIB
    for raw, sock, _ in readers:
        sock.close()
        assert raw.reply().startswith('426')
        raw.close()


def test_resting_readers_leave_memory_to_uploads(small, far):
    data = os.urandom(48 * MIB)
    far.put('f', data)
    readers = [begin(small, 'f', 12 * MIB) for _ in range(3)]
    assert rests(small, [r[0] for r in readers]) < 0.2
    ftp = small.login()
    far.config(latency=0, rate=0)
    assert harness.store(ftp, 'up', data[:6 * MIB]).startswith('226')
    ftp.close()
    assert far.get('up') == data[:6 * MIB]
    for raw, sock, got in readers:
        assert got + read(sock, len(data)) == data
        sock.close()
        assert raw.reply().startswith('226')
        raw.close()


def test_many_both_ways_in_little_memory(small, far):
    data = os.urandom(6 * MIB)
    for i in range(20):
        far.put('down%d' % i, data[i:])
    good = []

    def work(i):
        ftp = small.login(timeout=60)
        if i < 20:
            if harness.fetch(ftp, 'down%d' % i) == data[i:]:
                good.append(i)
        elif harness.store(ftp, 'up%d' % i, data[i:]).startswith('226'):
            good.append(i)
        ftp.close()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(25)]
    for t in threads:
        t.start()
    for t in threads:
        t.join(60)
        assert not t.is_alive()
    assert sorted(good) == list(range(25))
    for i in range(20, 25):
        assert far.get('up%d' % i) == data[i:]
