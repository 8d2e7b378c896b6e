"""Lists of COS lag; a session sees what it did itself all the same.

The stand-in shows in its lists what was there two seconds ago."""

import ftplib
import io
import time

import pytest

import harness
from harness import fetch, lines, store, wait_for

DELAY = 2000


@pytest.fixture
def late(fake):
    fake.config(list_delay=DELAY)
    yield fake
    fake.config(list_delay=0)


def old(fake, *keys):
    """Stored long ago: listed."""
    for key in keys:
        fake.put(key, b'old', mtime=int(time.time()) - 1000)


def refused(code, call, *args):
    with pytest.raises(ftplib.Error, match='^%d ' % code):
        call(*args)


def sizes(ftp, path=''):
    """By LIST and by MLSD, which must agree; None: a directory."""
    a = {}
    for line in lines(ftp, ('LIST ' + path).rstrip()):
        words = line.split(None, 8)
        a[words[8]] = None if line[0] == 'd' else int(words[4])
    b = {n: None if f['type'] == 'dir' else int(f['size'])
         for n, f in ftp.mlsd(path)}
    assert a == b
    names = [n.split('/')[-1] for n in
             lines(ftp, ('NLST ' + path).rstrip())]
    assert sorted(a) == sorted(names) and len(a) == len(names)
    assert names == [n for n, _ in ftp.mlsd(path)]
    return a


def test_the_store_does_lag(server, ftp, late):
    """What all of this is about: another session sees it later."""
    old(late, 'a', 'b')
    store(ftp, 'c', b'1')
    store(ftp, 'a', b'12345')
    ftp.delete('b')
    with server.login() as other:
        assert sizes(other) == {'a': 3, 'b': 3}
        wait_for('the changes', lambda: lines(other, 'NLST') == ['a', 'c'])
        assert sizes(other) == {'a': 5, 'c': 1} == sizes(ftp)


def test_stored_replaced_appended_deleted(ftp, late):
    old(late, 'm', 'z')
    store(ftp, 'a', b'1')
    store(ftp, 'n', b'')
    store(ftp, 'zz', b'12345')
    assert sizes(ftp) == {'a': 1, 'm': 3, 'n': 0, 'z': 3, 'zz': 5}
    store(ftp, 'm', b'123456')
    ftp.storbinary('APPE z', io.BytesIO(b'er'))
    assert sizes(ftp) == {'a': 1, 'm': 6, 'n': 0, 'z': 5, 'zz': 5}
    ftp.delete('z')
    ftp.delete('a')
    assert sizes(ftp) == {'m': 6, 'n': 0, 'zz': 5}
    store(ftp, 'a', b'123')
    assert sizes(ftp) == {'a': 3, 'm': 6, 'n': 0, 'zz': 5}
    assert lines(ftp, 'NLST z*') == ['zz']
    assert lines(ftp, 'NLST [am]') == ['a', 'm']
    assert 'zz' in ftp.sendcmd('STAT .')


def test_a_large_file(ftp, late):
    """By parts, and its ETag is none of a plain PUT."""
    store(ftp, 'big', b'x' * 5000000)
    assert sizes(ftp) == {'big': 5000000}
    ftp.rename('big', 'big2')
    assert sizes(ftp) == {'big2': 5000000}


def test_times_are_those_of_the_store(ftp, late):
    store(ftp, 'a', b'1')
    t = dict(ftp.mlsd())['a']['modify']
    assert t == ftp.voidcmd('MDTM a')[4:]
    assert dict(ftp.mlsd())['a']['perm']


def test_renamed_files(ftp, late):
    old(late, 'a', 'b')
    ftp.rename('a', 'c')
    assert sizes(ftp) == {'b': 3, 'c': 3}
    store(ftp, 'f.part', b'12345')
    ftp.rename('f.part', 'f')
    assert sizes(ftp) == {'b': 3, 'c': 3, 'f': 5}
    ftp.rename('f', 'b')
    ftp.rename('b', 'f')
    ftp.rename('f', 'a')
    assert sizes(ftp) == {'a': 5, 'c': 3}


def test_directories_made_and_removed(ftp, late):
    old(late, 'd/', 'e/x')
    ftp.mkd('n')
    assert sizes(ftp) == {'d': None, 'e': None, 'n': None}
    refused(550, ftp.mkd, 'n')
    ftp.rmd('d')
    assert sizes(ftp) == {'e': None, 'n': None}
    refused(550, ftp.cwd, 'd')
    refused(550, ftp.rmd, 'd')
    refused(550, ftp.nlst, 'd')
    ftp.mkd('d')
    ftp.cwd('d')
    assert sizes(ftp) == {}
    store(ftp, 'x', b'1')
    assert sizes(ftp) == {'x': 1}
    refused(550, ftp.rmd, '/d')
    ftp.delete('x')
    assert ftp.rmd('/d').startswith('250 ')
    assert sizes(ftp, '/') == {'e': None, 'n': None}


def test_directories_that_only_files_make(ftp, late):
    old(late, 'a')
    store(ftp, 'p/q/f', b'12')
    assert sizes(ftp) == {'a': 3, 'p': None}
    assert sizes(ftp, 'p') == {'q': None}
    assert sizes(ftp, 'p/q') == {'f': 2}
    late.reset()
    ftp.cwd('p/q')
    assert sum(late.ops().values()) == 1
    assert ftp.voidcmd('MLST /p').startswith('250')
    ftp.cwd('/')
    ftp.delete('p/q/f')
    refused(550, ftp.cwd, 'p/q')


def test_a_directory_renamed(ftp, late):
    old(late, 'd/a', 'd/s/b', 'k')
    store(ftp, 'd/new', b'12345')
    ftp.delete('d/a')
    ftp.rename('d', 'e')
    assert late.keys() == ['e/new', 'e/s/b', 'k']       # none left behind
    assert sizes(ftp) == {'e': None, 'k': 3}
    assert sizes(ftp, 'e') == {'new': 5, 's': None}
    refused(550, ftp.cwd, 'd')
    ftp.rename('e', 'd')
    assert late.keys() == ['d/new', 'd/s/b', 'k']
    assert sizes(ftp) == {'d': None, 'k': 3}
    assert sizes(ftp, 'd/s') == {'b': 3}
    ftp.rename('d/s/b', 'b')
    ftp.rename('d', 'x/y/z')
    assert sizes(ftp) == {'b': 3, 'k': 3, 'x': None}
    assert late.keys() == ['b', 'k', 'x/y/z/new']


def test_a_directory_onto_one_that_is_not_listed_yet(ftp, late):
    old(late, 'd/a')
    store(ftp, 'e/a', b'mine')
    refused(550, ftp.rename, 'd', 'e')
    assert late.get('e/a') == b'mine' and late.get('d/a') == b'old'
    ftp.delete('e/a')
    ftp.rename('d', 'e')
    assert late.keys() == ['e/a'] and late.get('e/a') == b'old'


def test_a_directory_onto_one_that_is_still_listed(server, ftp, late):
    """Somebody else has removed it: HEAD tells the truth."""
    old(late, 'd/a', 'e/a', 'e/b')
    with server.login() as other:
        other.delete('e/a')
        other.delete('e/b')
    assert sizes(ftp, 'e') == {'a': 3, 'b': 3}
    ftp.rename('d', 'e')
    assert late.keys() == ['e/a']


def test_a_file_onto_a_directory_just_removed(ftp, late):
    old(late, 'd/', 'f')
    ftp.rmd('d')
    ftp.rename('f', 'd')
    assert sizes(ftp) == {'d': 3}


def test_what_somebody_else_does_later_is_shown(server, ftp, fake):
    """No lag here: the list is newer than the memory."""
    store(ftp, 'a', b'1')
    store(ftp, 'b', b'1')
    ftp.delete('b')
    ftp.mkd('d')
    soon = int(time.time()) + 5
    fake.put('a', b'12345678', mtime=soon)
    fake.put('b', b'123', mtime=soon)
    assert sizes(ftp) == {'a': 8, 'b': 3, 'd': None}
    assert fetch(ftp, 'a') == b'12345678'


def test_another_user_inherits_nothing(server, ftp, late):
    store(ftp, 'a', b'1')
    assert sizes(ftp) == {'a': 1}
    ftp.sendcmd('USER ' + harness.USER)
    ftp.sendcmd('PASS ' + harness.PASSWORD)
    assert sizes(ftp) == {}


def test_a_cut_upload_that_is_kept(server, late):
    r = server.raw()
    r.login()
    d = r.pasv()
    assert r.cmd('STOR cut').startswith('150 ')
    d.sendall(b'x' * 1000)
    wait_for('the bytes', lambda: '1000 bytes' in r.cmd('STAT'))
    r.send(b'ABOR\r\n')
    assert r.reply().startswith('426 ') and r.reply().startswith('226 ')
    d.close()
    d = r.pasv()
    assert r.cmd('LIST').startswith('150 ')
    assert d.makefile('rb').read().split()[4] == b'1000'
    assert r.reply().startswith('226 1 ')
    r.close()


def test_no_request_more(ftp, late):
    old(late, 'd/x')
    for i in range(20):
        store(ftp, 'd/f%02d' % i, b'1')
    for i in range(10):
        ftp.delete('d/f%02d' % i)
    for command, asked in (('NLST d', 1), ('LIST d', 1), ('MLSD /', 1)):
        late.reset()
        lines(ftp, command)
        assert late.ops() == {'ListObjects': asked}
    late.reset()
    ftp.cwd('d')
    assert late.ops() == {'ListObjects': 1}
    late.reset()
    refused(550, ftp.rmd, '/d')
    assert late.ops() == {'ListObjects': 1}


def test_many_pages(ftp, late):
    """In order, and each once, over the ends of pages."""
    late.config(list_delay=0)
    late.fill('p/f', 2500)
    ftp.voidcmd('NOOP')
    for name in ('f000000', 'f000999', 'f001000', 'f001001', 'f002499'):
        ftp.delete('p/' + name)
    for name in ('a', 'f000999x', 'f0010000', 'f001999', 'z'):
        store(ftp, 'p/' + name, b'12')
    want = sorted(set(k[2:] for k in late.keys()))
    assert len(want) == 2499
    assert [n for n, _ in ftp.mlsd('p')] == want


def test_a_directory_made_again_is_empty(server, ftp, late):
    """What was removed below it stays away, by RMD as by a rename."""
    old(late, 'd/', 'd/a', 'd/sub/b', 'e/', 'e/a', 'e/sub/b')
    for name in 'd/a', 'd/sub/b':
        ftp.delete(name)
    ftp.rmd('d')
    ftp.rename('e', 'f')
    for name in 'd', 'e':
        ftp.mkd(name)
        assert sizes(ftp, name) == {}
    store(ftp, 'd/c', b'1')
    assert sizes(ftp, 'd') == {'c': 1}
    late.reset()
    ftp.rmd('e')
    assert late.ops() == {'ListObjects': 1, 'DeleteObject': 1}
    assert sizes(ftp) == {'d': None, 'f': None}
    ftp.rename('f', 'e')
    assert sizes(ftp, 'e') == {'a': 3, 'sub': None}
    assert sizes(ftp, 'e/sub') == {'b': 3}
