"""HASH (draft-bryan-ftpext-hash-02) and XMD5: from a HEAD, and only what is
certain."""

import hashlib
import io
import os

import clients
import harness
import pytest
from harness import Cosftpd, account

MIB = 1024 * 1024
NOTHING = 'd41d8cd98f00b204e9800998ecf8427e'


def md5(data):
    return hashlib.md5(data).hexdigest()


def object_of(fake, key):
    return next(o for o in fake.objects()
                if o['key'] == key)


def crc(fake, key):
    return '%016x' % int(object_of(fake, key)['crc'])


@pytest.fixture
def raw(server, fake):
    r = server.raw()
    r.login()
    yield r
    assert r.cmd('NOOP').startswith('200 ')
    r.close()


def is_hash(raw, fake, name, size, algorithm='CRC-64', value=None):
    """One HEAD, and the reply of the draft's section 3."""
    before = dict(fake.ops())
    got = raw.cmd('HASH ' + name)
    assert got == '213 %s 0-%d %s /%s' % (
        algorithm, max(size - 1, 0), value or crc(fake, name), name)
    before['HeadObject'] = before.get('HeadObject', 0) + 1
    assert fake.ops() == before


def is_refused(raw, code, command, *words):
    got = raw.cmd(command)
    assert got.startswith('%d ' % code) and '\n' not in got, got
    for word in words:
        assert word in got


def use_md5(raw):
    assert raw.cmd('OPTS HASH MD5') == '200 MD5'


# ---- FEAT and OPTS, section 3.1 and 3.2 ----

def test_feat_and_opts(server, raw):
    def selected():
        lines = raw.cmd('FEAT').split('\r\n')
        assert ' XMD5' in lines
        assert not [x for x in lines if 'RANG' in x or 'XCRC' in x or
                    'SHA' in x]
        line, = [x for x in lines if x.startswith(' HASH')]
        return line

    assert selected() == ' HASH CRC-64*;MD5'
    assert raw.cmd('OPTS HASH') == '200 CRC-64'
    for name, shown in (('MD5', 'MD5'), ('crc-64', 'CRC-64'),
                        ('md5', 'MD5')):
        assert raw.cmd('opts hash ' + name) == '200 ' + shown
        assert raw.cmd('OPTS HASH') == '200 ' + shown
    assert selected() == ' HASH CRC-64;MD5*'
    for bad in ('SHA-1', 'CRC-32', 'MD5 ', ' MD5', 'MD', 'MD5;CRC-64', '*'):
        is_refused(raw, 501, 'OPTS HASH ' + bad)
        assert raw.cmd('OPTS HASH') == '200 MD5'
    is_refused(raw, 501, 'OPTS HASHES')
    for command in ('XCRC f', 'XSHA1 f', 'RANG 0 1', 'MD5 f'):
        is_refused(raw, 500, command)
    # another session has its own, and so has this one after REIN
    other = server.raw()
    assert other.cmd('OPTS HASH') == '200 CRC-64'
    other.close()
    assert raw.cmd('REIN').startswith('2')
    assert raw.cmd('OPTS HASH') == '200 CRC-64'
    raw.login()
    use_md5(raw)
    assert 'HASH' in raw.cmd('HELP')


def test_before_the_login(server, fake):
    r = server.raw()
    for command in ('HASH f', 'XMD5 f'):
        assert r.cmd(command).startswith('530 ')
    r.close()


def test_arguments_that_are_none(raw, fake):
    fake.put('d/f', b'x')
    fake.put('marked/', b'')
    for command in ('HASH', 'XMD5'):
        is_refused(raw, 501, command)
    for command, code in (('HASH', 553), ('XMD5', 550)):
        for directory in ('/', 'd', 'd/', 'marked', 'marked/'):
            is_refused(raw, code, '%s %s' % (command, directory),
                       'directory')
        for missing in ('none', 'd/none', 'no d/f', '"none"', '"'):
            is_refused(raw, 550, '%s %s' % (command, missing), 'No such file')
        is_refused(raw, 550, command + ' ../f')
    for offsets in ('d/f 0 5', 'd/f 0', '"d/f" 0 5'):
        is_refused(raw, 504, 'XMD5 ' + offsets, 'whole files')


def test_no_permission(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake, [account(0, fake, authority='W')])
    fake.put('f', b'x')
    r = s.raw()
    r.login()
    for command in ('HASH f', 'XMD5 f'):
        is_refused(r, 550, command, 'Permission denied')
    assert fake.ops() == {}
    r.close()
    assert s.stop() == 0


def test_the_store_refuses(raw, fake):
    fake.put('f', b'x')
    for command in ('HASH f', 'XMD5 f'):
        fake.fault(op='HeadObject', status=403)
        is_refused(raw, 550, command, 'denied')
        fake.fault(op='HeadObject', status=500, times=20)
        is_refused(raw, 451, command)
        fake.reset()


# ---- values ----

@pytest.mark.parametrize('size', [0, 1, 1000, MIB - 1])
def test_one_put(ftp, raw, fake, size):
    data = os.urandom(size)
    stored = harness.store(ftp, 'f', data)
    is_hash(raw, fake, 'f', size)
    assert raw.cmd('HASH f').split()[3] in stored
    assert raw.cmd('XMD5 f') == '250 ' + md5(data)
    use_md5(raw)
    is_hash(raw, fake, 'f', size, 'MD5', md5(data))


def test_after_rename(ftp, raw, fake):
    """The ETag of a copy is its own; what is stored with it goes along."""
    data = os.urandom(5000)
    harness.store(ftp, 'a', data)
    ftp.rename('a', 'b')
    assert object_of(fake, 'b')['etag'] != md5(data)
    is_hash(raw, fake, 'b', 5000)
    assert raw.cmd('XMD5 b') == '250 ' + md5(data)


def test_after_rename_by_parts(ftp, raw, fake):
    """Above the largest copy it is built from parts, of the same bytes."""
    size, sum_ = 6 << 30, 'ab' * 16
    meta = {'x-cos-meta-md5': sum_}
    fake.put('a', size=size)
    meta['x-cos-meta-crc64'] = object_of(fake, 'a')['crc']
    fake.put('a', size=size, headers=meta)
    ftp.rename('a', 'b')
    assert '-2' in object_of(fake, 'b')['etag']
    is_hash(raw, fake, 'b', size)
    assert raw.cmd('XMD5 b') == '250 ' + sum_


def test_many_parts(ftp, raw, fake):
    data = os.urandom(3 * MIB)
    harness.store(ftp, 'f', data)
    assert '-' in object_of(fake, 'f')['etag']
    is_hash(raw, fake, 'f', 3 * MIB)
    is_refused(raw, 551, 'XMD5 f', 'MD5', 'OPTS HASH CRC-64')
    use_md5(raw)
    is_refused(raw, 551, 'HASH f', 'MD5', 'OPTS HASH CRC-64')


@pytest.mark.parametrize('old, new', [(5000, 5000), (0, 10), (5000, 2 * MIB),
                                      (2 * MIB, 10), (2 * MIB, 0)])
def test_appended(ftp, raw, fake, old, new):
    """The MD5 of the old file is never that of the new one."""
    a, b = os.urandom(old), os.urandom(new)
    meta = {'x-cos-meta-md5': md5(a), 'x-cos-meta-owner': 'me'}
    fake.put('f', a, headers=meta)
    meta['x-cos-meta-crc64'] = object_of(fake, 'f')['crc']
    fake.put('f', a, headers=meta)
    assert raw.cmd('XMD5 f') == '250 ' + md5(a)
    ftp.storbinary('APPE f', io.BytesIO(b))
    assert fake.get('f') == a + b
    is_hash(raw, fake, 'f', old + new)
    headers = object_of(fake, 'f')['headers'].lower()
    assert headers.count('x-cos-meta-owner') == 1
    if old + new < MIB:
        assert headers.count('x-cos-meta-md5') == 1
        assert raw.cmd('XMD5 f') == '250 ' + md5(a + b)
    else:
        assert 'x-cos-meta-md5' not in headers
        is_refused(raw, 551, 'XMD5 f')


def test_metadata_that_is_full_stays(ftp, raw, fake):
    """COS takes 2 KB of it: an append must not fail over ours."""
    full = 'v' * 1990
    fake.put('f', b'old', headers={'x-cos-meta-note': full})
    ftp.storbinary('APPE f', io.BytesIO(b' new'))
    assert fake.get('f') == b'old new'
    headers = object_of(fake, 'f')['headers'].lower()
    assert full in headers and 'x-cos-meta-md5' not in headers
    is_refused(raw, 551, 'XMD5 f')
    is_hash(raw, fake, 'f', 7)


def test_encrypted(ftp, raw, fake):
    """With KMS no ETag is an MD5."""
    data = os.urandom(3000)
    fake.config(kms=1)
    try:
        harness.store(ftp, 'f', data)
        assert object_of(fake, 'f')['etag'] != md5(data)
        assert raw.cmd('XMD5 f') == '250 ' + md5(data)
        fake.put('g', data)
        is_refused(raw, 551, 'XMD5 g')
    finally:
        fake.config(kms=0)
    fake.put('h', data, headers={'x-cos-server-side-encryption': 'cos/kms'})
    is_refused(raw, 551, 'XMD5 h')


def test_stored_by_others(raw, fake):
    """An ETag alone proves nothing, nor does metadata that it contradicts."""
    data = os.urandom(100)
    other = md5(b'other')
    for n, (headers, known) in enumerate([
            ({}, False),
            ({'x-cos-meta-md5': md5(data)}, True),
            ({'x-cos-meta-md5': md5(data).upper()}, True),
            ({'x-cos-meta-md5': other}, False),
            ({'x-cos-meta-md5': other, 'x-cos-meta-crc64': '1'}, False),
            ({'x-cos-meta-md5': other, 'x-cos-meta-crc64': '0x1'}, False),
            ({'x-cos-meta-md5': md5(data)[:-1]}, False),
            ({'x-cos-meta-md5': md5(data) + '0'}, False),
            ({'x-cos-meta-md5': 'z' * 32}, False),
            ({'x-cos-meta-crc64': '1'}, False)]):
        name = 'f%d' % n
        fake.put(name, data, headers=headers)
        if known:
            assert raw.cmd('XMD5 ' + name) == '250 ' + md5(data)
        else:
            is_refused(raw, 551, 'XMD5 ' + name)
        is_hash(raw, fake, name, 100)


def test_no_checksum(raw, fake):
    fake.put('old', b'abc', no_crc=1)
    is_refused(raw, 551, 'HASH old', 'CRC-64')
    got = raw.cmd('XMD5 old')
    assert got.startswith('551 ') and 'CRC-64' not in got
    # with nothing to compare with, a stored CRC proves nothing
    fake.put('older', b'abc', no_crc=1, headers={
        'x-cos-meta-md5': md5(b'other'), 'x-cos-meta-crc64': '0'})
    is_refused(raw, 551, 'XMD5 older')
    # nothing is nothing, whoever stored it
    fake.put('empty', b'', no_crc=1)
    is_hash(raw, fake, 'empty', 0, value='0' * 16)
    assert raw.cmd('XMD5 empty') == '250 ' + NOTHING


# ---- names ----

def test_names(raw, fake):
    for name in ('with blanks', ' led by one', 'x 1', '中文/报告', '#%41+',
                 'a"b', '"'):
        fake.put(name, b'abc', headers={'x-cos-meta-md5': md5(b'abc')})
        assert raw.cmd('XMD5 ' + name) == '250 ' + md5(b'abc'), name
        is_hash(raw, fake, name, 3)
    assert raw.cmd('CWD 中文').startswith('250')
    assert raw.cmd('HASH 报告').endswith(' /中文/报告')


def test_names_in_quotes(raw, fake):
    """Clients send them so; a file called so with its quotes goes first."""
    fake.put('d/a b', b'plain', headers={'x-cos-meta-md5': md5(b'plain')})
    for quoted in ('"/d/a b"', '"d/a b"'):
        assert raw.cmd('XMD5 ' + quoted) == '250 ' + md5(b'plain')
        assert raw.cmd('HASH ' + quoted) == '213 CRC-64 0-4 %s /d/a b' % crc(
            fake, 'd/a b')
    is_refused(raw, 553, 'HASH "d"', 'directory')
    fake.put('"d/a b"', b'quoted', headers={'x-cos-meta-md5': md5(b'quoted')})
    assert raw.cmd('XMD5 "d/a b"') == '250 ' + md5(b'quoted')


# ---- clients ----

def said(output, data):
    assert '213 MD5 0-%d %s /f' % (len(data) - 1, md5(data)) in output
    assert '250 ' + md5(data) in output


def test_clients(tmp_path, server, ftp, fake):
    c = clients.Clients(tmp_path, server)
    data = os.urandom(2000)
    harness.store(ftp, 'f', data)
    said(c.curl('-v', '-I', '-Q', 'OPTS HASH MD5', '-Q', 'HASH f', '-Q',
                'XMD5 f', c.url('f')).output, data)
    said(c.lftp('quote OPTS HASH MD5\nquote HASH f\nquote XMD5 f').output,
         data)
