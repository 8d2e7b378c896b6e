"""Directories: what exists, what is refused, and names at their limits."""

import ftplib

import pytest

import harness


@pytest.fixture
def late(fake):
    """New keys are listed late, as a store of eventual consistency does."""
    fake.config(list_delay=60000)
    yield fake
    fake.config(list_delay=0)


def names(ftp, command='NLST'):
    return harness.lines(ftp, command)


def refused(code, call, *args):
    with pytest.raises(ftplib.error_perm, match='^%d ' % code):
        call(*args)


def test_mkd_puts_the_marker_and_cwd_enters_it(ftp, fake):
    assert ftp.mkd('d') == '/d'
    assert fake.keys() == ['d/']
    assert ftp.cwd('d').startswith('250 ')
    assert ftp.pwd() == '/d'


def test_mkd_needs_a_proof(ftp, fake):
    """A 200 without an ETag stored nothing."""
    fake.fault(op='PutObject', empty200=1)
    assert ftp.mkd('d') == '/d'
    assert fake.keys() == ['d/']
    fake.fault(op='PutObject', empty200=1, times=-1)
    with pytest.raises(ftplib.error_temp, match='^451 '):
        ftp.mkd('e')


def test_three_levels_and_back(ftp, fake):
    for name in ('a', 'b', 'c'):
        ftp.mkd(name)
        ftp.cwd(name)
    assert ftp.pwd() == '/a/b/c'
    harness.store(ftp, 'f', b'1')
    assert fake.keys() == ['a/', 'a/b/', 'a/b/c/', 'a/b/c/f']
    ftp.cwd('..')
    assert ftp.pwd() == '/a/b'
    ftp.voidcmd('CDUP')
    assert ftp.pwd() == '/a'
    ftp.cwd('/a/b/c')
    ftp.cwd('/')
    assert ftp.pwd() == '/'


def test_mkd_makes_no_parents_but_needs_none(ftp, fake):
    assert ftp.mkd('x/y/z') == '/x/y/z'
    assert fake.keys() == ['x/y/z/']
    ftp.cwd('x/y')
    assert names(ftp) == ['z']


def test_mkd_of_what_exists_is_550(ftp, fake):
    ftp.mkd('d')
    refused(550, ftp.mkd, 'd')
    refused(550, ftp.mkd, 'd/')
    refused(550, ftp.mkd, '/')
    fake.put('implicit/f', b'')
    refused(550, ftp.mkd, 'implicit')
    assert fake.keys() == ['d/', 'implicit/f']


def test_trailing_slashes_mean_the_directory(ftp, fake):
    assert ftp.mkd('d/') == '/d'
    assert ftp.mkd('d//e///') == '/d/e'
    assert fake.keys() == ['d/', 'd/e/']
    ftp.cwd('d/')
    ftp.cwd('e//')
    assert ftp.pwd() == '/d/e'
    ftp.cwd('/')
    ftp.rmd('d/e/')
    ftp.rmd('/d/')
    assert fake.keys() == []


def test_a_trailing_slash_is_no_file(ftp, fake):
    fake.put('f', b'1')
    fake.put('d/', b'')
    for name in ('f/', 'd/', '/', '.', 'd/..'):
        refused(550, ftp.size, name)
        refused(550, ftp.delete, name)
        refused(550, harness.fetch, ftp, name)
        refused(550, ftp.voidcmd, 'MDTM ' + name)
        refused(553, harness.store, ftp, name, b'x')
    assert fake.keys() == ['d/', 'f']


def test_a_directory_inside_one_of_the_same_name(ftp, fake):
    for _ in range(3):
        ftp.mkd('a')
        ftp.cwd('a')
    assert ftp.pwd() == '/a/a/a'
    harness.store(ftp, 'a', b'deep')
    assert names(ftp) == ['a']
    assert fake.keys() == ['a/', 'a/a/', 'a/a/a/', 'a/a/a/a']
    assert names(ftp, 'NLST /a') == ['/a/a']
    refused(550, ftp.cwd, 'a')
    assert harness.fetch(ftp, 'a') == b'deep'


def test_quotes_in_names_are_doubled(raw, fake):
    assert raw.cmd('MKD a"b""c').startswith('257 "/a""b""""c" ')
    assert fake.keys() == ['a"b""c/']
    raw.cmd('CWD a"b""c')
    assert raw.cmd('PWD').startswith('257 "/a""b""""c" ')


@pytest.mark.parametrize('name', [
    ' lead', 'trail ', '  two  ', '-dash', '--', '#', '%41', '+', 'a&b?c=d',
    '<x>', 'back\\slash', "q'q", 'semi;colon', '中文', 'é', 'e\u0301',
    '𝄞', 'a,b', '*', '[a]', '~', 'tab\there', '@', '...', '..x', '.hidden'])
def test_odd_names_are_only_names(ftp, fake, name):
    assert ftp.mkd('D' + name) == '/D' + name
    ftp.cwd('D' + name)
    assert ftp.pwd() == '/D' + name
    harness.store(ftp, name, b'12')
    assert fake.keys() == ['D' + name + '/', 'D' + name + '/' + name]
    assert fake.get('D' + name + '/' + name) == b'12'
    assert names(ftp) == [name]
    assert ftp.size(name) == 2
    assert harness.fetch(ftp, name) == b'12'
    ftp.rename(name, 'x' + name)
    ftp.delete('x' + name)
    ftp.cwd('/')
    ftp.rmd('D' + name)
    assert fake.keys() == []


def test_a_prefix_of_a_name_does_not_exist(ftp, fake):
    fake.put('abcd/f', b'')
    fake.put('abce', b'1')
    refused(550, ftp.cwd, 'abc')
    refused(550, ftp.cwd, 'abce')
    refused(550, ftp.rmd, 'abc')
    refused(550, ftp.size, 'abc')
    refused(550, ftp.delete, 'abc')
    refused(550, names, ftp, 'LIST abc')
    refused(550, ftp.sendcmd, 'RNFR abc')
    refused(550, ftp.sendcmd, 'MLST abc')
    ftp.cwd('abcd')


def test_a_directory_behind_1500_siblings(ftp, fake):
    fake.fill('a-', 1500)
    fake.put('d/f', b'1')
    fake.fill('e-', 10)
    ftp.cwd('d')
    assert names(ftp) == ['f']
    ftp.cwd('/')
    assert len(names(ftp)) == 1511
    refused(550, ftp.rmd, 'd')
    refused(550, ftp.mkd, 'd')
    refused(550, ftp.cwd, 'c')


def test_file_and_directory_of_one_name(ftp, fake):
    fake.put('a', b'file')
    fake.put('a/', b'')
    fake.put('a/b', b'below')
    listing = harness.lines(ftp, 'LIST')
    assert sorted(x[0] for x in listing) == ['-', 'd']
    assert all(x.endswith(' a') for x in listing)
    assert ftp.size('a') == 4
    assert harness.fetch(ftp, 'a') == b'file'
    assert names(ftp, 'NLST a') == ['a/b']
    ftp.cwd('a')
    assert names(ftp) == ['b']
    ftp.cwd('/')
    refused(550, ftp.rmd, 'a')
    ftp.delete('a')
    assert fake.keys() == ['a/', 'a/b']
    ftp.delete('a/b')
    ftp.rmd('a')
    assert fake.keys() == []


def test_rmd_of_the_directory_keeps_the_file(ftp, fake):
    fake.put('a', b'file')
    fake.put('a/', b'')
    ftp.rmd('a')
    assert fake.keys() == ['a']
    refused(550, ftp.rmd, 'a')
    refused(550, ftp.cwd, 'a')


def test_mkd_beside_a_file_of_that_name(ftp, fake):
    fake.put('a', b'file')
    ftp.mkd('a')
    assert fake.keys() == ['a', 'a/']


def test_implicit_directories_exist(ftp, fake):
    fake.put('x/y/f', b'1')
    ftp.cwd('x')
    assert names(ftp) == ['y']
    ftp.cwd('y')
    refused(550, ftp.rmd, '/x/y')
    ftp.delete('f')
    refused(550, ftp.cwd, '/x/y')        # nothing of it is left
    refused(550, ftp.rmd, '/x/y')


def test_rmd_refuses_what_is_not_empty_or_not_there(ftp, fake):
    fake.put('d/', b'')
    fake.put('d/f', b'1')
    fake.put('f', b'1')
    before = fake.keys()
    refused(550, ftp.rmd, 'd')
    refused(550, ftp.rmd, 'none')
    refused(550, ftp.rmd, 'f')
    refused(550, ftp.rmd, '/')
    refused(550, ftp.rmd, 'd/f')
    assert fake.keys() == before


def test_rmd_of_a_directory_whose_only_child_has_a_strange_name(ftp, fake):
    fake.put('d/', b'')
    fake.put('d//x', b'')
    refused(550, ftp.rmd, 'd')
    assert fake.keys() == ['d/', 'd//x']


def test_dele_of_a_directory_is_550_and_keeps_it(ftp, fake):
    ftp.mkd('d')
    refused(550, ftp.delete, 'd')
    assert fake.keys() == ['d/']


def test_what_is_not_there_is_550(raw, fake):
    for command in ('DELE x', 'SIZE x', 'MDTM x', 'RMD x', 'RNFR x',
                    'CWD x', 'MLST x', 'STAT x'):
        assert raw.cmd(command).startswith('550 '), command
    for command in ('RETR x', 'LIST x', 'NLST x', 'MLSD x', 'LIST x/'):
        d = raw.pasv()
        assert raw.cmd(command).startswith('550 '), command
        d.close()


def test_above_the_root(raw, fake):
    assert raw.cmd('CWD ..').startswith('250 ')
    assert raw.cmd('PWD').startswith('257 "/" ')
    assert raw.cmd('CDUP').startswith('250 ')
    raw.cmd('MKD d')
    raw.cmd('CWD d')
    assert raw.cmd('CWD ../..').startswith('550 ')
    assert raw.cmd('PWD').startswith('257 "/d" ')
    for command in ('SIZE ../../x', 'DELE ../../x', 'MKD ../../x',
                    'RNFR /..', 'RETR ../../../etc/passwd',
                    'STOR /../x', 'LIST ../..', 'MLSD /../..', 'STAT /..'):
        assert raw.cmd(command).startswith('550 '), command
    assert raw.cmd('CWD a/../..').startswith('250 ')
    assert raw.cmd('PWD').startswith('257 "/" ')
    assert fake.keys() == ['d/']


def test_dots_are_resolved_without_asking(ftp, fake):
    fake.put('a/b/c', b'1')
    ftp.cwd('a/b')
    assert ftp.size('../b/./c') == 1
    assert ftp.size('/a/x/../b/c') == 1
    ftp.cwd('.')
    assert ftp.pwd() == '/a/b'
    ftp.cwd('..')
    assert ftp.pwd() == '/a'


# ---- new keys that are not yet listed ----

def test_a_fresh_directory_works_before_it_is_listed(ftp, late):
    ftp.mkd('d')
    ftp.cwd('d')
    assert names(ftp) == []
    assert names(ftp, 'NLST /d') == []
    assert names(ftp, 'LIST /d/') == []
    assert names(ftp, 'MLSD /d') == []
    assert ftp.sendcmd('MLST /d').startswith('250-')
    assert ftp.sendcmd('STAT /d').startswith('213')
    ftp.cwd('/')
    ftp.rmd('d')
    assert late.keys() == []


def test_a_fresh_file_works_before_it_is_listed(ftp, late):
    harness.store(ftp, 'f', b'123')
    assert ftp.size('f') == 3
    assert harness.fetch(ftp, 'f') == b'123'
    assert harness.lines(ftp, 'LIST f')[0].endswith(' f')
    ftp.rename('f', 'g')
    assert harness.fetch(ftp, 'g') == b'123'
    ftp.delete('g')
    assert late.keys() == []


def test_what_is_not_there_stays_550_with_late_listings(ftp, late):
    for command in ('LIST x', 'NLST x', 'MLSD x/', 'LIST x/'):
        refused(550, names, ftp, command)
    refused(550, ftp.cwd, 'x')
    refused(550, ftp.rmd, 'x')


# ---- limits and encodings ----

@pytest.mark.parametrize('unit', ['k', '中'])
def test_keys_up_to_850_bytes(ftp, fake, unit):
    name = unit * (849 // len(unit.encode())) + 'x'
    name += 'y' * (850 - len(name.encode()))
    assert len(name.encode()) == 850
    harness.store(ftp, name, b'1')
    assert fake.keys() == [name]
    assert harness.fetch(ftp, name) == b'1'
    assert names(ftp) == [name]
    assert ftp.size(name) == 1
    ftp.rename(name, 'z' + name[1:])
    ftp.delete('z' + name[1:])
    for call in (harness.fetch, harness.store):
        refused(553, call, ftp, name + 'q', *([b''] if call is harness.store
                                              else []))
    for verb in ('SIZE', 'DELE', 'RNFR', 'MDTM'):
        refused(553, ftp.sendcmd, verb + ' ' + name + 'q')
    assert fake.keys() == []


def test_directories_up_to_849_bytes(ftp, fake):
    ftp.mkd('d' * 849)
    ftp.cwd('d' * 849)
    assert names(ftp) == []
    refused(553, harness.store, ftp, 'f', b'')
    ftp.cwd('/')
    assert names(ftp) == ['d' * 849]
    refused(553, ftp.mkd, 'e' * 850)
    refused(553, ftp.cwd, 'e' * 850)
    refused(553, ftp.rmd, 'e' * 850)
    ftp.rmd('d' * 849)
    assert fake.keys() == []


def test_many_levels_up_to_the_limit(ftp, fake):
    for i in range(8):
        ftp.mkd('n' * 100)
        ftp.cwd('n' * 100)
    refused(553, ftp.mkd, 'm' * 100)
    harness.store(ftp, 'm' * 42, b'1')
    assert len(fake.keys()[-1]) == 850


@pytest.mark.parametrize('name', [
    b'\xb2\xe2\xca\xd4', b'\xc0\x80', b'a\x80', b'\xed\xa0\x80',
    b'\xf4\x90\x80\x80', b'\xe4\xb8'])
def test_names_that_are_not_utf8_are_553_and_stored_never(raw, fake, name):
    for verb in (b'MKD ', b'STOR ', b'DELE ', b'CWD ', b'RETR ', b'SIZE ',
                 b'RNFR ', b'RMD '):
        raw.send(verb + name + b'\r\n')
        got = raw.reply()
        assert got.startswith('553 '), (verb, got)
        assert 'UTF-8' in got
    for verb in (b'LIST ', b'NLST ', b'MLSD ', b'STAT '):
        raw.send(verb + name + b'\r\n')
        assert raw.reply().startswith('553 ')
    assert fake.keys() == [] and fake.ops() == {}


def test_size_and_mdtm(ftp, fake):
    fake.put('f', b'12345', mtime=951827696)
    assert ftp.size('f') == 5
    assert ftp.voidcmd('MDTM f') == '213 20000229123456'
    fake.put('huge', size=6 * 1024 ** 3, mtime=4102444800)
    assert ftp.size('huge') == 6 * 1024 ** 3
    assert ftp.voidcmd('MDTM huge') == '213 21000101000000'
    ftp.voidcmd('TYPE A')
    assert ftp.sendcmd('SIZE f') == '213 5'
