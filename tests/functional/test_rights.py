"""What an account may do, and that it sees its own bucket only."""

import ftplib

import pytest

import harness
from harness import account, Cosftpd, Fakecos

OTHER = 'other-1250000000'


@pytest.fixture(scope='module')
def two(tmp_path_factory):
    """A stand-in with two buckets."""
    f = Fakecos(str(tmp_path_factory.mktemp('two')), '--bucket', OTHER)
    yield f
    assert f.stop() == 0


@pytest.fixture(scope='module')
def many(tmp_path_factory, two):
    rows = [('rw', {}), ('r', {'authority': 'R'}), ('w', {'authority': 'W'}),
            ('keep', {'delete_enable': 'false'}),
            ('once', {'overwrite_enable': 'false'}),
            ('other', {'cos_bucket': OTHER})]
    s = Cosftpd(str(tmp_path_factory.mktemp('many')), two, [
        account(i, two, user=user, password='pw of ' + user, **keys)
        for i, (user, keys) in enumerate(rows)])
    yield s
    assert s.stop() == 0, s.text()


@pytest.fixture
def at(many, two):
    """Logs in; the bucket holds f, d/ and d/g."""
    two.reset()
    two.wipe()
    two.put('f', b'old')
    two.put('d/', b'')
    two.put('d/g', b'1')
    two.put('e/', b'')
    two.reset()
    open_ones = []

    def login(user):
        f = many.login(user, 'pw of ' + user)
        open_ones.append(f)
        return f
    yield login
    for f in open_ones:
        f.close()


def refused(code, call, *args):
    with pytest.raises(ftplib.Error, match='^%d ' % code):
        call(*args)


def append(f, name, data):
    import io
    return f.storbinary('APPE ' + name, io.BytesIO(data))


def rename(f, a, b):
    return f.rename(a, b)


READS = [('SIZE f',), ('MDTM f',), ('MLST f',), ('STAT f',)]
REMOVES = [('DELE f',), ('RMD e',), ('RNFR f',), ('RNTO x',), ('XRMD e',)]


def test_read_only_account_reads_and_changes_nothing(at, two):
    f = at('r')
    assert harness.fetch(f, 'f') == b'old'
    assert f.nlst() == ['d', 'e', 'f']
    assert len(harness.lines(f, 'LIST')) == len(list(f.mlsd())) == 3
    assert f.size('f') == 3
    f.cwd('d')
    f.cwd('/')
    before = two.ops()
    for call in (harness.store, append):
        refused(550, call, f, 'f', b'new')
        refused(550, call, f, 'n', b'new')
    refused(550, f.mkd, 'x')
    for command, in REMOVES + [('STOU',), ('XMKD x',)]:
        refused(550, f.sendcmd, command)
    assert two.ops() == before              # refused without asking
    assert two.keys() == ['d/', 'd/g', 'e/', 'f']
    assert two.get('f') == b'old'


def test_write_only_account_writes_and_reads_nothing(at, two):
    f = at('w')
    f.cwd('d')
    assert f.pwd() == '/d'
    harness.store(f, 'n', b'new')
    assert f.mkd('sub') == '/d/sub'
    append(f, 'n', b'er')
    assert two.get('d/n') == b'newer'
    f.rename('n', 'm')
    f.delete('m')
    f.rmd('sub')
    f.cwd('/')
    before = two.ops()
    refused(550, harness.fetch, f, 'f')
    for command in ('LIST', 'NLST', 'MLSD', 'LIST d'):
        refused(550, harness.lines, f, command)
    for command, in READS:
        refused(550, f.sendcmd, command)
    assert two.ops() == before
    assert f.sendcmd('STAT').startswith('211')


def test_read_write_account_does_everything(at, two):
    f = at('rw')
    harness.store(f, 'n', b'new')
    assert harness.fetch(f, 'n') == b'new'
    f.delete('n')
    f.rmd('e')
    f.rename('d', 'x')
    f.rename('f', 'y')
    assert two.keys() == ['x/', 'x/g', 'y']


def test_delete_enable_false_removes_no_name(at, two):
    f = at('keep')
    for command, in REMOVES:
        refused(550, f.sendcmd, command)
    assert two.keys() == ['d/', 'd/g', 'e/', 'f']
    harness.store(f, 'f', b'newer')            # overwriting stays allowed
    assert two.get('f') == b'newer'
    append(f, 'f', b'!')
    assert two.get('f') == b'newer!'
    f.mkd('n')
    assert harness.fetch(f, 'f') == b'newer!'


def test_overwrite_enable_false_is_write_once(at, two):
    f = at('once')
    refused(553, harness.store, f, 'f', b'new')
    refused(553, append, f, 'f', b'new')
    refused(553, append, f, 'n', b'new')
    f.sendcmd('REST 1')
    refused(553, harness.store, f, 'f', b'new')
    assert two.get('f') == b'old'
    harness.store(f, 'n', b'first')
    refused(553, harness.store, f, 'n', b'second')
    assert two.get('n') == b'first'
    big = b'x' * (3 * 1024 * 1024)
    harness.store(f, 'big', big)
    refused(553, harness.store, f, 'big', big)
    refused(553, rename, f, 'n', 'f')
    assert two.get('f') == b'old' and two.get('n') == b'first'
    rename(f, 'n', 'm')
    assert two.get('m') == b'first'
    assert two.uploads() == []


def test_write_once_name_taken_while_the_upload_runs(at, two, many):
    for size in (1000, 3 * 1024 * 1024):
        r = many.raw()
        r.login('once', 'pw of once')
        d = r.pasv()
        assert r.cmd('STOR race%d' % size).startswith('150 ')
        two.put('race%d' % size, b'somebody was faster')
        d.sendall(b'x' * size)
        d.close()
        assert r.reply()[:3] in ('553', '550')
        assert two.get('race%d' % size) == b'somebody was faster'
        assert two.uploads() == []
        r.close()


def test_two_accounts_with_different_buckets_see_only_their_own(at, two,
                                                                many):
    two.control('POST', '/object', body=b'theirs', bucket=OTHER, key='f')
    a, b = at('rw'), at('other')
    assert harness.fetch(a, 'f') == b'old'
    assert harness.fetch(b, 'f') == b'theirs'
    assert a.nlst() == ['d', 'e', 'f'] and b.nlst() == ['f']
    harness.store(b, 'only b', b'1')
    refused(550, a.size, 'only b')
    b.delete('f')
    assert a.size('f') == 3
    with pytest.raises(ftplib.error_perm, match='^530 '):
        many.login('other', 'pw of rw')
    targets = [x['target'] for x in two.log()]
    assert targets


def test_two_accounts_with_the_same_bucket_share_it(at, two):
    a, b = at('rw'), at('w')
    harness.store(b, 'n', b'from w')
    assert harness.fetch(a, 'n') == b'from w'
    a.delete('n')
    c = at('r')
    refused(550, harness.fetch, c, 'n')


def test_a_second_user_in_one_session_has_its_own_rights(at, many, two):
    r = many.raw()
    r.login('rw', 'pw of rw')
    r.cmd('CWD d')
    r.cmd('RNFR g')
    r.login('r', 'pw of r')
    assert r.cmd('PWD').startswith('257 "/" ')
    assert r.cmd('RNTO x').startswith('550 ')
    assert r.cmd('DELE f').startswith('550 ')
    r.login('rw', 'pw of rw')
    assert r.cmd('RNTO x').startswith('503 ')
    r.close()
