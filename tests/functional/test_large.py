"""Objects above 5 GB, which COS copies by parts only, and directories of many
keys.  The stand-in keeps such objects as a pattern.  SLOW=1 adds what takes
longer: real bytes, and the bars for speed (not with sanitizers)."""

import io
import os
import time

import pytest

import harness
from harness import Cosftpd, Fakecos, account

MIB, GIB = 1024 ** 2, 1024 ** 3
SIZE = 6 * GIB + 12345


def slow(test):
    return test if os.environ.get('SLOW') else None


def pattern(at, n):
    """Bytes of an object that the stand-in made by itself."""
    return bytes(((i % 65521) * 31 ^ (i % 65521) >> 7) & 255
                 for i in range(at, at + n))


def entry(fake, key):
    return next(o for o in fake.objects()
                if o['key'] == key)


@pytest.fixture
def big(fake):
    fake.put('big', size=SIZE)
    return fake


def test_sizes_are_shown_whole(ftp, big):
    assert ftp.size('big') == SIZE
    assert ' %d ' % SIZE in harness.lines(ftp, 'LIST')[0]
    assert dict(ftp.mlsd())['big']['size'] == str(SIZE)
    assert 'size=%d;' % SIZE in ftp.voidcmd('MLST big')


@pytest.mark.parametrize('left', [0, 1, 100000, 3 * MIB])
def test_rest_near_the_end(ftp, big, left):
    assert harness.fetch(ftp, 'big', rest=SIZE - left) == \
        pattern(SIZE - left, left)


def test_rest_beyond_4_gib_and_aborted(server, big):
    r = server.raw()
    r.login()
    d = r.pasv()
    assert r.cmd('REST %d' % (4 * GIB + 7)).startswith('350 ')
    assert r.cmd('RETR big').startswith('150 ')
    assert d.recv(1000) == pattern(4 * GIB + 7, 1000)[:1000]
    d.close()
    assert r.reply()[:3] in ('426', '451')
    r.close()


def test_rename(ftp, big):
    before = entry(big, 'big')
    ftp.rename('big', 'moved')
    after = entry(big, 'moved')
    assert big.keys() == ['moved'] and big.uploads() == []
    assert (after['size'], after['crc']) == (SIZE, before['crc'])
    assert big.ops()['UploadPartCopy'] >= 2
    assert 'CopyObject' not in big.ops()
    assert harness.fetch(ftp, 'moved', rest=SIZE - 1000) == \
        pattern(SIZE - 1000, 1000)


def test_rename_within_a_directory(ftp, fake):
    fake.put('d/big', size=SIZE)
    fake.put('d/small', b'1')
    ftp.rename('d', 'e')
    assert fake.keys() == ['e/big', 'e/small'] and fake.uploads() == []
    assert entry(fake, 'e/big')['size'] == SIZE


def test_append(ftp, big):
    tail = os.urandom(3 * MIB)
    assert ftp.storbinary('APPE big', io.BytesIO(tail)).startswith('226 ')
    assert ftp.size('big') == SIZE + len(tail)
    assert harness.fetch(ftp, 'big', rest=SIZE - 1000) == \
        pattern(SIZE - 1000, 1000) + tail
    assert big.uploads() == []
    assert max(o['bytes_in'] for o in big.log()
               if o['op'] == 'UploadPartCopy') < 1000


def test_resume_beyond_5_gib(ftp, big):
    at, tail = 5 * GIB + 4321, os.urandom(100000)
    assert ftp.storbinary('STOR big', io.BytesIO(tail),
                          rest=at).startswith('226 ')
    assert ftp.size('big') == at + len(tail)
    assert harness.fetch(ftp, 'big', rest=at - 1000) == \
        pattern(at - 1000, 1000) + tail
    assert big.uploads() == []


def test_a_failing_part_leaves_the_old_object(ftp, big):
    big.fault(op='UploadPartCopy', status=403, code='AccessDenied', skip=1,
              times=-1)
    before = entry(big, 'big')
    with pytest.raises(harness.ftplib.Error, match='^(550|451) '):
        ftp.storbinary('APPE big', io.BytesIO(b'x' * 1000))
    with pytest.raises(harness.ftplib.Error, match='^(550|451) '):
        ftp.rename('big', 'moved')
    assert big.keys() == ['big'] and entry(big, 'big') == before
    harness.wait_for('no upload pending', lambda: big.uploads() == [])


def test_100000_entries_in_flat_memory(tmp_path, fakecos, fake):
    s = Cosftpd(str(tmp_path), fakecos, [account(0, fakecos)],
                optional={'max_list_file': 1000000})
    fake.fill('few/f', 5000)
    fake.fill('many/f', 100000)
    with s.login(timeout=60) as ftp:
        assert len(harness.lines(ftp, 'LIST few')) == 5000
        before = s.rss()
        last = None
        count = 0

        def line(text):
            nonlocal last, count
            assert last is None or text > last
            last, count = text, count + 1
        assert ftp.retrlines('NLST many', line).startswith('226 100000 ')
        assert count == 100000
        if 'asan' not in harness.COSFTPD:
            assert s.rss() - before < 2 * MIB
    assert s.stop() == 0


# ---- SLOW=1 ----

class Zeros(io.RawIOBase):
    def __init__(self, size):
        self.left = size

    def read(self, n=-1):
        n = min(n, self.left)
        self.left -= n
        return b'\0' * n


@slow
def test_an_upload_of_more_than_5_gib(tmp_path):
    """All bytes go through; only their sums are kept."""
    size = 5 * GIB + 100 * MIB + 1
    fake = Fakecos(str(tmp_path), '--discard')
    s = Cosftpd(str(tmp_path), fake, optional={'log_level': 'INFO'})
    with s.login(timeout=120) as ftp:
        start = time.monotonic()
        assert ftp.storbinary('STOR big', Zeros(size),
                              1024 * 1024).startswith('226 ')
        took = time.monotonic() - start
        assert ftp.size('big') == size
    assert fake.uploads() == []
    assert s.rss() < 128 * MIB
    print('5.1 GiB in %.1f s' % took)
    assert s.stop() == 0 and fake.stop() == 0


@slow
def test_a_directory_of_10000_keys_in_15_s(tmp_path):
    fake = Fakecos(str(tmp_path), '--latency', '20')
    s = Cosftpd(str(tmp_path), fake, optional={'log_level': 'INFO'})
    fake.fill('d/f', 10000, 10)
    with s.login(timeout=60) as ftp:
        start = time.monotonic()
        assert ftp.rename('d', 'e').startswith('250 ')
        took = time.monotonic() - start
    assert len(fake.keys()) == 10000
    print('10,000 keys in %.1f s' % took)
    assert took < 15
    assert s.stop() == 0 and fake.stop() == 0
