"""cos_storage_class and cos_server_side_encryption: what is stored has them,
what was there before keeps its own, and nothing takes an ETag for an MD5."""

import hashlib
import io
import os
import re

import pytest

import harness
from harness import Cosftpd, account

SSE = 'x-cos-server-side-encryption'
KEY = SSE + '-cos-kms-key-id'
LARGE = (2 << 20) + 77777


@pytest.fixture(scope='module')
def server(tmp_path_factory, fakecos):
    def user(n, name, **keys):
        return account(n, fakecos, user=name, **keys)
    s = Cosftpd(str(tmp_path_factory.mktemp('cosftpd')), fakecos, [
        user(0, 'both', cos_storage_class='STANDARD_IA',
             cos_server_side_encryption='AES256'),
        user(1, 'kms', cos_server_side_encryption='cos/kms'),
        user(2, 'cold', cos_storage_class='ARCHIVE'),
        user(3, 'plain')])
    yield s
    assert s.stop() == 0, s.text()


@pytest.fixture
def ftp(server, fake):
    f = server.login('both')
    yield f
    f.close()


def what(fake, key):
    """Class, encryption and KMS key of an object."""
    o, = [o for o in fake.objects(key) if o['key'] == key]
    h = {k.lower(): v for k, v in re.findall(
        r'^(x-cos-\S+): (.*?)\r?$', o['headers'], re.M | re.I)}
    return o['class'], h.get(SSE), h.get(KEY)


def kept(sse, default):
    return ('INTELLIGENT_TIERING', *(sse or (default,)), None)[:3]


def put(fake, key, data, cls, *sse):
    fake.put(key, data, headers=dict(zip((SSE, KEY), sse)),
             **{'class': cls})
    assert what(fake, key) == (cls, *(sse + (None, None))[:2])


@pytest.mark.parametrize('user,cls,sse', [
    ('both', 'STANDARD_IA', 'AES256'), ('kms', 'STANDARD', 'cos/kms'),
    ('cold', 'ARCHIVE', None), ('plain', 'STANDARD', None)])
@pytest.mark.parametrize('size', [0, 1000, LARGE])
def test_what_is_stored_anew(server, fake, user, cls, sse, size):
    data = os.urandom(size)
    put(fake, 'over', b'old', 'INTELLIGENT_TIERING', 'AES256')
    ftp = server.login(user)
    for name in 'f', 'over':
        assert harness.store(ftp, name, data).startswith('226 ')
        assert what(fake, name) == (cls, sse, None)
        assert cls == 'ARCHIVE' or fake.get(name) == data
    assert fake.uploads() == []
    ftp.close()


def test_append_to_nothing(ftp, fake):
    ftp.storbinary('APPE f', io.BytesIO(b'new'))
    assert what(fake, 'f') == ('STANDARD_IA', 'AES256', None)


def test_a_directory_has_the_default_class(ftp, fake):
    ftp.mkd('d')
    assert what(fake, 'd/') == ('STANDARD', 'AES256', None)


@pytest.mark.parametrize('old', [1000, LARGE])
@pytest.mark.parametrize('sse', [(), ('cos/kms',), ('cos/kms', 'key-1')])
@pytest.mark.parametrize('command', ['APPE', 'REST'])
def test_what_is_added_to_keeps_its_own(ftp, fake, old, sse, command):
    a, b = os.urandom(old), os.urandom(3000)
    put(fake, 'f', a, 'INTELLIGENT_TIERING', *sse)
    if command == 'APPE':
        ftp.storbinary('APPE f', io.BytesIO(b))
    else:
        ftp.storbinary('STOR f', io.BytesIO(b), rest=old)
    assert fake.get('f') == a + b
    assert what(fake, 'f') == kept(sse, 'AES256')


@pytest.mark.parametrize('user', ['both', 'plain'])
@pytest.mark.parametrize('sse', [(), ('AES256',), ('cos/kms', 'key-1')])
def test_rename(server, fake, user, sse):
    ftp = server.login(user)
    for key in 'f', 'd/a', 'd/b/c':
        put(fake, key, b'bytes', 'INTELLIGENT_TIERING', *sse)
    ftp.rename('f', 'g')
    ftp.rename('d', 'e')
    default = None if user == 'plain' else 'AES256'
    assert fake.keys() == ['e/a', 'e/b/c', 'g']
    for key in fake.keys():
        assert what(fake, key) == kept(sse, default)
    ftp.close()


@pytest.mark.parametrize('user', ['both', 'kms'])
@pytest.mark.parametrize('size', [1000, LARGE])
def test_no_etag_is_taken_for_an_md5(server, fake, user, size):
    data = os.urandom(size)
    md5 = hashlib.md5(data).hexdigest()
    ftp = server.login(user)
    assert harness.store(ftp, 'f', data).startswith('226 ')
    assert fake.objects()[0]['etag'] != md5
    ftp.sendcmd('OPTS HASH MD5')
    if size == LARGE:
        with pytest.raises(harness.ftplib.error_perm, match='551'):
            ftp.sendcmd('HASH f')
    else:
        assert md5 in ftp.sendcmd('HASH f')
    ftp.rename('f', 'g')
    assert harness.fetch(ftp, 'g') == data
    ftp.storbinary('APPE g', io.BytesIO(data))
    assert fake.get('g') == data + data
    ftp.close()


def test_archived_files_are_not_read(server, fake):
    ftp = server.login('cold')
    harness.store(ftp, 'f', b'cold')
    assert ftp.size('f') == 4
    with pytest.raises(harness.ftplib.error_perm, match='550 .*archive'):
        harness.fetch(ftp, 'f')
    with pytest.raises(harness.ftplib.error_perm):
        ftp.rename('f', 'g')
    ftp.delete('f')
    assert fake.keys() == []
    ftp.close()
