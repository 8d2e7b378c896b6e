"""APPE, and REST with STOR: the new object begins with bytes of the old one,
which stays as it was until the new one is proven."""

import ftplib
import io
import os

import harness
import pytest

MIB = 1024 * 1024
LITTLE, MUCH = 700 * 1000, 2 * MIB + 77
NEW = {'little': 1000, 'much': 3 * MIB + 1}


def append(ftp, name, data):
    return ftp.storbinary('APPE ' + name, io.BytesIO(data), 65536)


def resume(ftp, name, data, at):
    return ftp.storbinary('STOR ' + name, io.BytesIO(data), 65536, rest=at)


def object_of(fake, key):
    return next(o for o in fake.objects()
                if o['key'] == key)


@pytest.mark.parametrize('new', NEW.values(), ids=NEW)
@pytest.mark.parametrize('old', [1, LITTLE, MIB - 1, MIB, MUCH, 20 * MIB])
def test_append(ftp, fake, old, new):
    a, b = os.urandom(old), os.urandom(new)
    fake.put('f', a)
    assert append(ftp, 'f', b).startswith('226')
    assert fake.get('f') == a + b
    ops = fake.ops()
    if old < MIB:       # too small to be a part: it comes back to us
        assert ops['GetObject'] == 1 and 'UploadPartCopy' not in ops
    else:               # it does not travel
        assert ops['UploadPartCopy'] == 1 and 'GetObject' not in ops
    assert fake.uploads() == []


def test_226_tells_of_the_whole_file(ftp, fake):
    fake.put('f', os.urandom(1000))
    for size, send in ((1500, lambda: append(ftp, 'f', b'x' * 500)),
                       (1200, lambda: resume(ftp, 'f', b'y' * 500, 700))):
        reply = send()
        assert reply.startswith('226 Transfer complete: 500 bytes in ')
        assert reply.endswith('; the file has %d bytes, CRC-64 %016x.' % (
            size, int(object_of(fake, 'f')['crc'])))


def test_append_to_nothing_creates(ftp, fake):
    assert append(ftp, 'f', b'abc').startswith('226')
    assert fake.get('f') == b'abc'
    fake.put('empty', b'')
    assert append(ftp, 'empty', b'abc').startswith('226')
    assert fake.get('empty') == b'abc'


def test_append_nothing(ftp, fake):
    for key, data in (('little', os.urandom(10)), ('much', os.urandom(MUCH))):
        fake.put(key, data)
        assert append(ftp, key, b'').startswith('226')
        assert fake.get(key) == data
    assert append(ftp, 'none', b'').startswith('226')
    assert fake.get('none') == b''
    assert fake.uploads() == []


def test_append_again_and_again(ftp, fake):
    want = b''
    for n in (5, 500000, 600000, 1, 2 * MIB, 3):
        data = os.urandom(n)
        want += data
        assert append(ftp, 'log', data).startswith('226')
    assert fake.get('log') == want


@pytest.mark.parametrize('old', [LITTLE, MUCH])
@pytest.mark.parametrize('new', NEW.values(), ids=NEW)
def test_resume(ftp, fake, old, new):
    a, b = os.urandom(old), os.urandom(new)
    for at in (1, old // 2, old - 1, old):
        fake.put('f', a)
        assert resume(ftp, 'f', b, at).startswith('226')
        assert fake.get('f') == a[:at] + b, at
    assert fake.uploads() == []


def test_resume_makes_shorter(ftp, fake):
    """The client has said so: what follows the offset is replaced."""
    a = os.urandom(3 * MIB)
    fake.put('f', a)
    assert resume(ftp, 'f', b'end', 2 * MIB).startswith('226')
    assert fake.get('f') == a[:2 * MIB] + b'end'


@pytest.mark.parametrize('old', [None, 0, LITTLE, MUCH])
def test_resume_beyond_the_end(ftp, fake, old):
    a = os.urandom(old or 0)
    if old is not None:
        fake.put('f', a)
    for at in ((old or 0) + 1, 1 << 40):
        with pytest.raises(ftplib.error_perm, match='^554'):
            resume(ftp, 'f', b'abc', at)
        assert ftp.sendcmd('NOOP').startswith('200')
    assert fake.keys() == ([] if old is None else ['f'])
    assert old is None or fake.get('f') == a
    assert fake.uploads() == []
    # the offset is used up
    assert harness.store(ftp, 'f', b'plain').startswith('226')
    assert fake.get('f') == b'plain'


def test_bad_offsets(ftp, fake):
    for bad in ('-1', 'x', '1x', '99999999999999999999', ''):
        with pytest.raises(ftplib.error_perm):
            ftp.sendcmd('REST ' + bad)


@pytest.mark.parametrize('old', [LITTLE, MUCH])
@pytest.mark.parametrize('new', NEW.values(), ids=NEW)
def test_what_the_object_carries_is_kept(ftp, fake, old, new):
    """Metadata, storage class and type; the extension says another type."""
    fake.put('a.html', b'o' * old, {
        'Content-Type': 'text/x-special', 'Cache-Control': 'max-age=60',
        'x-cos-meta-owner': 'somebody', 'x-cos-meta-note': 'with blanks'},
        **{'class': 'STANDARD_IA'})
    assert append(ftp, 'a.html', b'n' * new).startswith('226')
    o = object_of(fake, 'a.html')
    assert o['size'] == old + new and o['class'] == 'STANDARD_IA'
    for field in ('content-type: text/x-special', 'cache-control: max-age=60',
                  'x-cos-meta-owner: somebody', 'x-cos-meta-note: with blanks'):
        assert field in o['headers'].lower()


# ---- failures ----

STEPS = [
    (LITTLE, 10, 'HeadObject PutObject GetObject'),
    (LITTLE, 3 * MIB, 'GetObject InitiateMultipartUpload UploadPart '
                      'CompleteMultipartUpload'),
    (MUCH, 10, 'HeadObject InitiateMultipartUpload UploadPartCopy UploadPart '
               'CompleteMultipartUpload'),
]
SLOW = [(LITTLE, 'CompleteMultipartUpload'),    # seen with the larger one
        (LITTLE, 'InitiateMultipartUpload'), (LITTLE, 'UploadPart')]
TROUBLE = {
    '403': dict(status=403, code='AccessDenied'),
    '503': dict(status=503, code='SlowDown'),
    'error200': dict(error200='AccessDenied'),
}


def steps():
    for old, new, ops in STEPS:
        for op in ops.split():
            for name, fault in TROUBLE.items():
                if name == 'error200' and op in ('HeadObject', 'GetObject'):
                    continue
                if name == '503' and (old, op) in SLOW:
                    continue
                yield pytest.param(old, new, op, fault, id='-'.join((
                    'little' if old == LITTLE else 'much', op, name)))


@pytest.mark.parametrize('old,new,op,fault', steps())
def test_failure_leaves_the_old_object(ftp, fake, old, new, op, fault):
    a, b = os.urandom(old), os.urandom(new)
    fake.put('f', a)
    fake.fault(op=op, times=-1, **fault)
    try:
        reply = append(ftp, 'f', b)
    except ftplib.Error as e:
        reply = str(e)
    except ConnectionError:
        with pytest.raises(ftplib.Error) as e:
            ftp.voidresp()
        reply = str(e.value)
    assert reply[0] in '45', reply
    fake.reset()
    assert fake.get('f') == a
    assert fake.uploads() == []
    assert ftp.sendcmd('NOOP').startswith('200')
    assert append(ftp, 'f', b).startswith('226')
    assert fake.get('f') == a + b


@pytest.mark.parametrize('op,fault', [
    ('HeadObject', dict(status=500, code='InternalError')),
    ('GetObject', dict(body_cut=1000)),
    ('GetObject', dict(reset_read=0)),
    ('UploadPartCopy', dict(status=503, code='SlowDown')),
    ('UploadPartCopy', dict(lost=1)),
    ('UploadPartCopy', dict(error200='InternalError')),
    ('UploadPartCopy', dict(empty200=1)),
    ('UploadPartCopy', dict(body_cut=20)),
], ids=lambda x: x if isinstance(x, str) else next(iter(x)))
def test_passing_trouble(ftp, fake, op, fault):
    old = LITTLE if op == 'GetObject' else MUCH
    a, b = os.urandom(old), os.urandom(1000)
    fake.put('f', a)
    fake.fault(op=op, **fault)
    assert append(ftp, 'f', b).startswith('226')
    assert fake.get('f') == a + b and fake.uploads() == []


@pytest.mark.parametrize('old', [LITTLE, MUCH])
def test_old_object_changes_meanwhile(server, fake, old):
    """Between our HEAD and the copy somebody replaces it: nobody's bytes are
    mixed."""
    a, c = os.urandom(old), os.urandom(old)
    fake.put('f', a)
    fake.fault(op='HeadObject', delay=400)      # it was read before that
    raw = server.raw()
    raw.login()
    out = raw.pasv()
    raw.send(b'APPE f\r\n')
    harness.wait_for('HEAD', lambda: fake.ops().get('HeadObject'))
    fake.put('f', c)
    out.sendall(b'more')
    out.close()
    text = raw.reply()
    if text.startswith('150'):
        text = raw.reply()
    now = fake.get('f')
    assert (text[0] == '4' and now == c) or (
        text.startswith('226') and now == c + b'more'), text
    assert fake.uploads() == []
    assert raw.cmd('NOOP').startswith('200')
    raw.close()


def test_copied_part_has_no_checksum(ftp, fake):
    """Old objects may have none: then length and ETag have to do."""
    fake.put('f', os.urandom(MUCH), no_crc=1)
    old = fake.get('f')
    assert append(ftp, 'f', b'more').startswith('226')
    assert fake.get('f') == old + b'more'


def test_what_comes_back_is_damaged(server, ftp, fake):
    """The bytes read back are not those the store's checksum is about."""
    fake.put('f', b'old')
    fake.fault(op='HeadObject', wrong_crc=1)
    with pytest.raises(ftplib.error_temp, match='^451'):
        append(ftp, 'f', b'new')
    assert fake.get('f') == b'old' and ftp.sendcmd('NOOP').startswith('200')
    assert [x for x in server.log_text().splitlines()
            if 'ERROR' in x and 'CRC-64' in x]


def test_somebody_appends_already(server, fake):
    """Two at once would lose the bytes of one: the second is told."""
    fake.put('log', b'old ')
    one, two = server.login(), server.login()
    out = one.transfercmd('APPE log')
    with pytest.raises(ftplib.error_temp, match='^450'):
        append(two, 'log', b'second')
    out.sendall(b'first')
    out.close()
    assert one.voidresp().startswith('226')
    assert append(two, 'log', b' second').startswith('226')
    assert fake.get('log') == b'old first second'
    one.close()
    two.close()


def test_nothing_pending_when_the_old_object_looks_like_ours(ftp, fake):
    """APPE of no bytes, and Complete answered with nothing: a HEAD finds the
    old object, which has the right bytes; the upload still has to go."""
    data = os.urandom(2 * MIB)
    fake.put('f', data)
    fake.fault(op='CompleteMultipartUpload', empty200=1)
    assert append(ftp, 'f', b'').startswith('226')
    assert fake.get('f') == data
    assert fake.uploads() == []
