"""What other people's clients do, over real sockets: curl, wget, lftp, the
two classic ftp programs and ncftp.  Names, trees, resuming, active mode,
IPv6; every byte is compared with what the store holds.  tests/clients has
what all clients do alike."""

import os
import re
import subprocess

import pytest

import clients
import harness
from clients import NAMES, content

MIB = 1024 * 1024


@pytest.fixture
def c(tmp_path, server, fake):
    """The clients; afterwards nothing is left pending in the bucket."""
    yield clients.Clients(tmp_path, server)
    assert fake.uploads() == []


@pytest.fixture(scope='module', autouse=True)
def six():
    """Whether this machine has IPv6 on loopback."""
    return harness.has_ipv6()


def files(fake):
    """What the bucket holds but for the markers of directories."""
    return {k: fake.get(k) for k in fake.keys() if not k.endswith('/')}


def names_with_content():
    return {name: ('%d: %s' % (i, name)).encode() * (i + 1)
            for i, name in enumerate(NAMES)}


# ---- curl ----

# curl 7.88 waits a second when the answer to EPSV comes faster than it looks
# for it.  Several transfers at a time wake each other.
PARALLEL = ['-Z', '--parallel-max', '6']


def test_curl_names(c, fake):
    want = names_with_content()
    args = []
    for i, (name, data) in enumerate(want.items()):
        args += ['-T', c.write('up/%d' % i, data), c.url(name)]
    c.curl(*PARALLEL, *args)
    assert files(fake) == want

    args = []
    for i, name in enumerate(want):
        args += ['-o', c.path('down%d' % i), c.url(name)]
    c.curl(*PARALLEL, *args)
    for i, (name, data) in enumerate(want.items()):
        assert c.read('down%d' % i) == data, name

    out = c.curl(c.url()).output
    for name in want:
        assert re.search(r' \d\d:\d\d %s$' % re.escape(name), out, re.M), out
    out = c.curl('-l', c.url()).output.split('\n')
    assert sorted(out) == sorted(list(want) + [''])


def test_curl_takes_the_local_name(c, fake):
    """-T to a URL that ends in a slash; curl escapes the name itself."""
    want = {'in/' + n: d for n, d in names_with_content().items()
            if '\\' not in n}       # curl takes a backslash for a separator
    for name, data in want.items():
        c.write(name, data)
    args = []
    for name in want:
        args += ['-T', c.path(name), c.url('dir/')]
    c.curl(*PARALLEL, '--ftp-create-dirs', *args)
    assert files(fake) == {'dir' + n[2:]: d for n, d in want.items()}


def test_curl_creates_directories(c, fake):
    c.write('f', b'deep')
    path = 'one/two words/三/#4+%/f'
    c.curl('--ftp-create-dirs', '-T', 'f', c.url(path))
    assert fake.get(path) == b'deep'
    assert [k for k in fake.keys() if k.endswith('/')] == [
        'one/', 'one/two words/', 'one/two words/三/', 'one/two words/三/#4+%/']
    # and again into what is there
    c.curl('--ftp-create-dirs', '-T', 'f', c.url('one/two words/g'))
    assert fake.get('one/two words/g') == b'deep'
    # which without that option must not be needed: a name has no parent
    c.curl('--ftp-method', 'nocwd', '-T', 'f', c.url('no/such/dir/f'))
    assert fake.get('no/such/dir/f') == b'deep'


MODES = {
    'plain': [],
    'pasv': ['--disable-epsv'],
    'eprt': ['-P', '-'],
    'port': ['-P', '-', '--disable-eprt'],
    'multicwd': ['--ftp-method', 'multicwd'],
    'nocwd': ['--ftp-method', 'nocwd'],
    'singlecwd': ['--ftp-method', 'singlecwd'],
    'skip pasv ip': ['--ftp-skip-pasv-ip', '--disable-epsv'],
}


@pytest.mark.parametrize('host', ['127.0.0.1', '[::1]', 'localhost'])
@pytest.mark.parametrize('mode', MODES)
def test_curl_modes(c, fake, mode, host, six):
    if host == '[::1]' and not six:
        pytest.skip('no IPv6 here')
    data = b'line\nline\r\n' + content(mode, 2 * MIB + 3)
    c.write('up', data)
    fake.put('d/e/', b'')
    where = c.url('d/e/f', host)
    c.curl(*MODES[mode], '-T', 'up', where)
    assert fake.get('d/e/f') == data
    c.curl(*MODES[mode], '-o', 'down', where)
    assert c.read('down') == data
    assert clients.listed(c.curl(*MODES[mode], c.url('d/e/', host)).output) \
        == ['f']


@pytest.mark.parametrize('have', [0, 1, 700000, MIB, 3 * MIB + 1])
def test_curl_resumes(c, fake, have):
    data = content('resume', 5 * MIB + 11)
    fake.put('old', data)
    c.write('old', data[:have])
    c.curl('-C', '-', '-o', 'old', c.url('old'))
    assert c.read('old') == data
    # the other way
    fake.put('new', data[:have])
    c.curl('-C', '-', '-T', 'old', c.url('new'))
    assert fake.get('new') == data


def test_curl_resumes_what_is_whole(c, fake):
    data = content('whole', 100000)
    c.write('f', data)
    fake.put('f', data)
    c.curl('-C', '-', '-T', 'f', c.url('f'))
    c.curl('-C', '-', '-o', 'f', c.url('f'))
    assert c.read('f') == fake.get('f') == data


@pytest.mark.parametrize('have', [None, 0, 5, 2 * MIB])
def test_curl_appends(c, fake, have):
    old, new = content('old', have or 0), content('new', MIB + 1)
    if have is not None:
        fake.put('log', old)
    c.write('more', new)
    c.curl('--append', '-T', 'more', c.url('log'))
    assert fake.get('log') == old + new


def test_curl_killed_and_resumed(c, fake):
    """What had arrived is kept, and the next try adds to it."""
    data = content('killed', 8 * MIB)
    c.write('f', data)
    child = c.start('curl', '-sS', '-T', '-', c.url('f'),
                    stdin=subprocess.PIPE)
    try:
        child.stdin.write(data[:5 * MIB])
        child.stdin.flush()
        harness.wait_for('three parts', lambda: fake.ops().get(
            'UploadPart', 0) >= 3)
        assert fake.keys() == []
    finally:
        child.kill()
        child.communicate(timeout=10)
    harness.wait_for('what arrived', lambda: fake.keys() == ['f'])
    have = fake.get('f')
    assert 2 * MIB <= len(have) <= 5 * MIB
    assert have == data[:len(have)]
    c.curl('-C', '-', '-T', 'f', c.url('f'))
    assert fake.get('f') == data


def test_curl_stopped_download_and_resumed(c, fake):
    data = content('cut', 8 * MIB)
    fake.put('f', data)
    done = c.curl('-o', 'f', '--max-filesize', '9000000', '-r', '0-3999999',
                  c.url('f'))
    assert done.code == 0 and c.read('f') == data[:4000000]
    c.curl('-C', '-', '-o', 'f', c.url('f'))
    assert c.read('f') == data


@pytest.mark.parametrize('size', [1000, 3 * MIB])
def test_curl_ranges(c, fake, size):
    """A range's end is the client's: it closes the data connection early and
    the session goes on."""
    data = content('range', size)
    fake.put('f', data)
    for text, want in (('100-199', data[100:200]), ('0-0', data[:1]),
                       ('-7', data[-7:]), ('990-', data[990:])):
        c.curl('-r', text, '-o', 'part', c.url('f'))
        assert c.read('part') == want, text
    # two in one session
    c.curl('-r', '5-9', '-o', 'a', '-o', 'b', c.url('f'), c.url('f'))
    assert c.read('a') == c.read('b') == data[5:10]


def test_curl_ascii(c, fake):
    """curl changes the line ends, as ASCII asks; the server changes nothing."""
    c.write('f', b'a\nb\n')
    c.curl('-B', '-T', 'f', c.url('f'))
    assert fake.get('f') == b'a\r\nb\r\n'
    c.curl('-o', 'got', c.url('f'))
    assert c.read('got') == b'a\r\nb\r\n'
    c.curl('-o', 'got', c.url('f') + ';type=a')
    assert c.read('got') == b'a\nb\n'


def test_curl_head_and_time(c, fake):
    fake.put('f', b'x' * 1234, mtime=1500000000)
    out = c.curl('-I', c.url('f')).output
    assert 'Content-Length: 1234' in out
    assert 'Fri, 14 Jul 2017 02:40:00 GMT' in out
    c.curl('-R', '-o', 'f', c.url('f'))
    assert os.stat(c.path('f')).st_mtime == 1500000000
    # not newer: nothing is fetched
    c.curl('-z', 'Mon, 01 Jan 2018 00:00:00 GMT', '-o', 'g', c.url('f'))
    assert not os.path.exists(c.path('g'))


def test_curl_errors(c, fake):
    c.write('f', b'x')
    c.curl('-o', 'x', c.url('no'), code=78)
    c.curl(c.url('no/'), code=9)
    c.curl('-T', 'f', c.url('no/f'), code=9)
    c.curl(c.url().replace('pass', 'wrong'), code=67)
    fake.put('d/f', b'x')
    c.curl('-o', 'x', c.url('d'), code=78)      # a directory is no file
    assert not os.path.exists(c.path('x'))


def test_curl_commands(c, fake):
    for key in ('a', 'b', 'c d'):
        fake.put(key, key.encode())
    c.curl('-Q', 'DELE a', '-Q', 'RNFR b', '-Q', 'RNTO 乙', '-Q', 'MKD new',
           '-Q', '*SITE CHMOD 644 c d', '-Q', '-RMD new', c.url())
    assert fake.keys() == ['c d', '乙']


def test_curl_from_a_pipe_and_empty(c, fake):
    data = 'text ' * 400000
    c.curl('-T', '-', c.url('piped'), script=data)
    assert fake.get('piped') == data.encode()
    c.write('empty', b'')
    c.curl('-T', 'empty', c.url('empty'))
    assert fake.get('empty') == b''
    c.curl('-o', 'got', c.url('empty'))
    assert not os.path.exists(c.path('got')) or c.read('got') == b''


def test_curl_in_parallel(c, fake):
    want = {'p%d' % i: content(i, 50000 + i) for i in range(40)}
    args = []
    for name, data in want.items():
        args += ['-T', c.write(name, data), c.url(name)]
    c.curl('-Z', '--parallel-max', '20', *args)
    assert files(fake) == want
    args = []
    for name in want:
        args += ['-o', 'got-' + name, c.url(name)]
    c.curl('-Z', '--parallel-max', '20', *args)
    for name, data in want.items():
        assert c.read('got-' + name) == data


# ---- wget ----

def wget(c, *args, **options):
    return c.run('wget', '-nv', '-t', '1', '-T', '20', *args, **options)


def test_wget_names(c, fake):
    # these two wget changes on its way to the disk
    want = {n: d for n, d in names_with_content().items()
            if '\\' not in n and '%41' not in n}
    for name, data in want.items():
        fake.put(name, data)
    wget(c, '--no-glob', '--restrict-file-names=nocontrol', '-P', 'got',
         *map(c.url, want))
    assert clients.read_tree(c.path('got')) == want


def test_wget_glob_resume_and_times(c, fake):
    for name in ('a.txt', 'b.txt', 'c.bin'):
        fake.put('d/' + name, name.encode(), mtime=1500000000)
    wget(c, '-P', 'got', c.url('d/') + '*.txt')
    assert clients.read_tree(c.path('got')) == {
        'a.txt': b'a.txt', 'b.txt': b'b.txt'}
    # nothing new: nothing fetched
    before = fake.ops().get('GetObject', 0)
    wget(c, '-N', '-P', 'got', c.url('d/') + '*.txt')
    assert fake.ops().get('GetObject', 0) == before
    data = content('wget', 3 * MIB)
    fake.put('big', data)
    c.write('big', data[:2000001])
    wget(c, '-c', c.url('big'))
    assert c.read('big') == data
    assert wget(c, c.url('nosuch'), code=None).code != 0


def test_wget_tree(c, fake):
    want = clients.tree(80, seed=3)
    # wget drops the blanks before a name of a listing as well
    want = {n: d for n, d in want.items() if '\\' not in n and
            '%41' not in n and '/ ' not in n}
    for name, data in want.items():
        fake.put('top/' + name, data)       # implicit directories
    wget(c, '-r', '-l', '9', '-nH', '--restrict-file-names=nocontrol',
         c.url('top/'))
    assert clients.read_tree(c.path('top')) == want


@pytest.mark.parametrize('host', ['127.0.0.1', '[::1]'])
@pytest.mark.parametrize('mode', [[], ['--no-passive-ftp']])
def test_wget_modes(c, fake, mode, host, six):
    if host == '[::1]' and not six:
        pytest.skip('no IPv6 here')
    data = content('modes', 2 * MIB)
    fake.put('d/f', data)
    wget(c, *mode, c.url('d/f', host))
    assert c.read('f') == data


# ---- lftp ----

def q(name):
    """A word for lftp and the classic clients."""
    return '"%s"' % name.replace('\\', '\\\\').replace('"', '\\"')


@pytest.mark.parametrize('mlsd', ['on', 'off'])
def test_lftp_mirrors_a_tree_there_and_back(c, fake, mlsd):
    want = clients.tree(300)
    clients.write_tree(c.path('up'), want)
    c.lftp('set ftp:use-mlsd %s\n'
           'mirror -R --parallel=4 up there\n'
           'mirror --parallel=4 there down' % mlsd)
    assert files(fake) == {'there/' + k: d for k, d in want.items()}
    assert clients.read_tree(c.path('down')) == want
    # sizes and names in the listing are right: nothing to do a second time
    puts = fake.ops()['PutObject']
    c.lftp('set ftp:use-mlsd %s\n'
           'mirror -R --ignore-time --delete up there' % mlsd)
    assert fake.ops()['PutObject'] == puts
    # a directory moved as a whole, and all of it removed
    c.lftp('mv there moved')
    assert files(fake) == {'moved/' + k: d for k, d in want.items()}
    c.lftp('set ftp:use-mlsd %s\nrm -r moved' % mlsd)
    assert fake.keys() == []


def test_lftp_mirror_deletes_what_is_gone(c, fake):
    clients.write_tree(c.path('up'), {'a': b'1', 'd/b': b'2', 'd/c': b'3'})
    c.lftp('mirror -R up there')
    os.unlink(c.path('up/a'))
    clients.write_tree(c.path('up'), {'d/b': b'longer', 'e/f': b'new'})
    c.lftp('mirror -R --delete --ignore-time up there')
    assert files(fake) == {'there/d/b': b'longer', 'there/d/c': b'3',
                           'there/e/f': b'new'}


def test_lftp_globs(c, fake):
    for name in ('a1.txt', 'a2.txt', 'b1.txt', 'a 3.txt', 'x.bin', '图.txt',
                 '#%+&*[].txt'):
        fake.put('d/' + name, name.encode())
    for name in ('got', 'got2', 'got3'):
        os.mkdir(c.path(name))
    c.lftp('mget -O got d/a*.txt\nmget -O got2 d/[bx]*\nmget -O got3 d/?.txt')
    assert sorted(clients.read_tree(c.path('got'))) == [
        'a 3.txt', 'a1.txt', 'a2.txt']
    assert sorted(clients.read_tree(c.path('got2'))) == ['b1.txt', 'x.bin']
    assert sorted(clients.read_tree(c.path('got3'))) == ['图.txt']
    clients.write_tree(c.path('up'), {'m1.dat': b'1', 'm2.dat': b'2'})
    c.lftp('mput -O new/dir up/*.dat\nmrm d/a*')
    assert {k for k in files(fake)} == {
        'new/dir/m1.dat', 'new/dir/m2.dat', 'd/b1.txt', 'd/x.bin',
        'd/图.txt', 'd/#%+&*[].txt'}


def test_lftp_names(c, fake):
    want = names_with_content()
    script = ['lcd up']
    for name, data in want.items():
        c.write('up/' + name, data)
        script.append('put -- %s' % q(name))
    script.append('lcd ../down')
    os.mkdir(c.path('down'))
    script += ['get -- %s' % q(name) for name in want]
    c.lftp('\n'.join(script))
    assert files(fake) == want
    assert clients.read_tree(c.path('down')) == want
    out = c.lftp('cls -1 --sort=name').output
    assert sorted(out.rstrip('\n').split('\n')) == sorted(want)
    script = []
    for i, name in enumerate(want):
        script += ['mv %s t%d' % (q('./' + name), i),
                   'mv t%d %s' % (i, q('dir of/' + name)),
                   'rm %s' % q('dir of/' + name)]
    c.lftp('\n'.join(script))
    assert files(fake) == {}


def test_lftp_in_pieces(c, fake):
    """pget: several sessions, each with a range of one file."""
    data = content('pget', 20 * MIB + 5)
    fake.put('big', data)
    c.lftp('pget -n 5 big')
    assert c.read('big') == data


@pytest.mark.parametrize('have', [10, 1500000, 4 * MIB])
def test_lftp_resumes(c, fake, have):
    data = content('lftp', 6 * MIB)
    fake.put('f', data)
    c.write('f', data[:have])
    c.lftp('reget f')
    assert c.read('f') == data
    fake.put('g', data[:have])
    c.lftp('put -c f -o g')
    assert fake.get('g') == data
    clients.write_tree(c.path('tree'), {'f': data, 'new': b'n'})
    fake.put('tree/f', data[:have])
    c.lftp('mirror -R -c tree tree')
    assert fake.get('tree/f') == data and fake.get('tree/new') == b'n'


@pytest.mark.parametrize('mode', [
    'set ftp:passive-mode no', 'set ftp:prefer-epsv yes',
    'set ftp:use-feat no', 'set ftp:sync-mode no',
    'set ftp:use-size no; set ftp:use-mdtm no',
    'set ftp:use-stat no; set ftp:use-allo no'])
def test_lftp_modes(c, fake, mode):
    data = content(mode, 3 * MIB)
    c.write('f', data)
    out = c.lftp(mode + '\nmkdir -p a/b\ncd a/b\nput f\npwd\nls\n'
                 'get f -o down\nfind /').output
    assert c.read('down') == fake.get('a/b/f') == data
    assert clients.listed(out) == ['f']
    assert '/a/b/f' in out
    c.lftp(mode + '\nrm a/b/f\nrmdir a/b\nrmdir a')
    assert fake.keys() == []


def test_lftp_six(c, fake, six):
    if not six:
        pytest.skip('no IPv6 here')
    data = content('six', MIB)
    c.write('f', data)
    # lftp 4.9.2 in active mode offers the address "::", is refused, and goes
    # on in passive mode by itself
    for active in ('yes', 'no'):
        c.run('lftp', '--norc', '-c', 'set cmd:fail-exit true; '
              'set net:max-retries 3; set net:reconnect-interval-base 1; '
              'set net:timeout 20; set ftp:passive-mode %s; '
              'open -u %s,"%s" -p %d ::1; put f -o %s; get %s -o got-%s' % (
                  active, harness.USER, harness.PASSWORD, c.server.port,
                  active, active, active))
        assert fake.get(active) == c.read('got-' + active) == data


def test_lftp_says_what_failed(c, fake):
    out = c.lftp('get nosuch', code=1).output
    assert '550' in out
    out = c.lftp('cd nosuch', code=1).output
    assert '550' in out
    fake.put('d/f', b'x')
    out = c.lftp('rmdir d', code=1).output
    assert '550' in out and 'not empty' in out
    assert fake.keys() == ['d/f']


# ---- the classic ftp: tnftp, which is Debian's ftp, and GNU inetutils ----

CLASSIC = ['tnftp', 'inetutils-ftp']


@pytest.mark.parametrize('program', CLASSIC)
def test_classic_session(c, fake, program):
    data = content(program, 2 * MIB + 7)
    c.write('f', data)
    c.write('more', b'more')
    os.mkdir(c.path('down'))
    out = c.classic(
        program, 'put f', 'put f "d e/g"', 'size f', 'modtime f',
        'append more f', 'get f down/f', 'mkdir new', 'cd new', 'pwd',
        'put more inside', 'ls', 'nlist', 'dir ..', 'cdup', 'ls -la',
        'rename f "f 2"', 'delete "d e/g"', 'rmdir new', 'delete new/inside',
        'rmdir new', 'rmdir nosuch', 'get nosuch', 'cd nosuch', 'system',
        'rstatus', 'quote NOOP', 'ascii', 'put more asc', 'bye')
    assert out.rstrip().endswith('221 Goodbye.')
    assert c.read('down/f') == data + b'more'
    assert files(fake) == {'f 2': data + b'more', 'asc': b'more'}
    assert '%d' % len(data) in out and '"/new"' in out
    assert out.count('\ninside') == 1           # nlist
    assert clients.listed(out) == [
        'd e', 'd e', 'f', 'f', 'inside', 'new', 'new']
    assert re.search(r'^550 The directory is not empty', out, re.M)
    assert len(re.findall(r'^550 No such ', out, re.M)) == 3
    assert len(re.findall(r'^5', out, re.M)) == 4, out


@pytest.mark.parametrize('program', CLASSIC)
def test_classic_many(c, fake, program):
    """mput, mget and mdelete: the server's NLST expands the pattern."""
    want = {n: d for n, d in names_with_content().items()
            if n.endswith('.txt') and not set(n) & set('\\"-')}
    for name, data in want.items():
        c.write('up/' + name, data)
    os.mkdir(c.path('down'))
    out = c.classic(program, 'lcd up', 'mput *.txt', 'lcd ../down',
                    'mget *.txt', 'bye')
    assert files(fake) == want, out
    assert clients.read_tree(c.path('down')) == want, out
    fake.put('sub/x1', b'1')
    fake.put('sub/x2', b'2')
    fake.put('sub/y', b'3')
    os.mkdir(c.path('down', 'sub'))
    c.classic(program, 'lcd down', 'mget sub/x*', 'mdelete *.txt', 'cd sub',
              'mdelete x?', 'bye')
    assert sorted(os.listdir(c.path('down/sub'))) == ['x1', 'x2']
    assert fake.keys() == ['sub/y']


@pytest.mark.parametrize('program', CLASSIC)
def test_classic_names(c, fake, program):
    # quotes and backslashes inside quoted words differ between the two
    want = {n: d for n, d in names_with_content().items()
            if not set(n) & set('"\\')}
    os.mkdir(c.path('down'))
    commands = ['glob', 'lcd up']
    for name, data in want.items():
        c.write('up/' + name, data)
        commands.append('put %s %s' % (q('./' + name), q(name)))
    commands.append('lcd ../down')
    for name in want:
        commands.append('get %s %s' % (q(name), q('./' + name)))
    out = c.classic(program, *commands, 'bye')
    assert files(fake) == want, out
    assert clients.read_tree(c.path('down')) == want, out
    commands = []
    for i, name in enumerate(want):
        commands += ['rename %s t%d' % (q(name), i), 'delete t%d' % i]
    out = c.classic(program, *commands, 'bye')
    assert fake.keys() == [], out


@pytest.mark.parametrize('program', CLASSIC)
@pytest.mark.parametrize('have', [1000, 2 * MIB])
def test_classic_resumes(c, fake, program, have):
    data = content('reget', 3 * MIB)
    fake.put('f', data)
    c.write('f', data[:have])
    out = c.classic(program, 'passive', 'reget f', 'bye')
    assert c.read('f') == data, out
    # restart works for put with tnftp and for get with both
    c.write('g', data[:have])
    out = c.classic(program, 'restart %d' % have, 'get f g', 'quit')
    assert c.read('g') == data, out
    if program == 'tnftp':
        fake.put('h', data[:have])
        out = c.classic(program, 'restart %d' % have, 'put f h', 'bye')
        assert fake.get('h') == data, out


@pytest.mark.parametrize('program', CLASSIC)
@pytest.mark.parametrize('host', ['127.0.0.1', '::1'])
@pytest.mark.parametrize('option', ['-A', '-p'])
def test_classic_modes(c, fake, program, host, option, six):
    if host == '::1' and not six:
        pytest.skip('no IPv6 here')
    data = content('modes', 2 * MIB)
    c.write('up', data)
    out = c.classic(program, 'put up', 'get up down', 'ls', 'bye',
                    options=[option], host=host)
    assert fake.get('up') == c.read('down') == data, out
    assert clients.listed(out) == ['up']


def test_tnftp_mls_and_urls(c, fake):
    fake.put('d/f', b'12345', mtime=1500000000)
    os.mkdir(c.path('d'))
    out = c.classic('tnftp', 'mlst d/f', 'mlsd d', 'mlst d', 'feat',
                    'remopts UTF8 ON', 'chmod 644 d/f', 'newer d/f', 'bye')
    assert re.search(r'size=5;modify=20170714024000;.*; f\s', out)
    assert re.search(r'type=dir;.*; /d\s', out)
    assert c.read('d/f') == b'12345'
    # the URL forms
    c.run('tnftp', '-o', 'got', c.url('d/f'))
    assert c.read('got') == b'12345'
    c.write('one', b'1')
    c.write('two', b'2')
    c.run('tnftp', '-u', c.url('d/'), 'one', 'two')
    assert fake.get('d/one') == b'1' and fake.get('d/two') == b'2'


# ---- ncftp ----

def test_ncftp_trees(c, fake):
    want = clients.tree(100, seed=5)
    clients.write_tree(c.path('up/top'), want)
    c.ncftp('ncftpput', '-R', '-m', '127.0.0.1', 'in/here', 'up/top')
    assert files(fake) == {'in/here/top/' + k: d for k, d in want.items()}
    os.mkdir(c.path('down'))
    c.ncftp('ncftpget', '-R', '-T', '127.0.0.1', 'down', 'in/here/top')
    assert clients.read_tree(c.path('down/top')) == want


def test_ncftp_transfers(c, fake):
    data = content('ncftp', 3 * MIB)
    c.write('f', data)
    os.mkdir(c.path('down'))
    c.ncftp('ncftpput', '-S', '.tmp', '127.0.0.1', '.', 'f')
    assert files(fake) == {'f': data}           # it was renamed
    c.write('down/f', data[:1000000])
    c.ncftp('ncftpget', '-z', '127.0.0.1', 'down', 'f')
    assert c.read('down/f') == data
    fake.put('f', data[:1200000])
    # -s: with sendfile() ncftp 3.2.6 sends the whole file behind the old part
    c.ncftp('ncftpput', '-s', '-z', '127.0.0.1', '.', 'f')
    assert fake.get('f') == data
    c.ncftp('ncftpput', '-A', '127.0.0.1', '.', 'f')
    assert fake.get('f') == data + data
    c.ncftp('ncftpput', '-E', '-c', '127.0.0.1', 'piped', script='abc')
    assert fake.get('piped') == b'abc'
    got = c.ncftp('ncftpget', '-E', '-c', '127.0.0.1', 'piped').output
    assert 'abc' in got
    c.ncftp('ncftpget', '-DD', '127.0.0.1', 'down', 'piped')
    assert c.read('down/piped') == b'abc' and fake.keys() == ['f']
    assert c.ncftp('ncftpget', '127.0.0.1', 'down', 'no', code=None).code != 0


def test_ncftp_names_and_globs(c, fake):
    want = {n: d for n, d in names_with_content().items()
            if '\\' not in n and not n.startswith('-')}
    for name, data in want.items():
        c.write('up/' + name, data)
    c.ncftp('ncftpput', '-m', '127.0.0.1', '/in', *('up/' + n for n in want))
    assert files(fake) == {'in/' + k: d for k, d in want.items()}
    os.mkdir(c.path('down'))
    c.ncftp('ncftpget', '127.0.0.1', 'down', '/in/*.txt')
    assert clients.read_tree(c.path('down')) == {
        k: d for k, d in want.items() if k.endswith('.txt')}


def test_ncftp_itself(c, fake):
    data = content('ncftp', MIB)
    c.write('f', data)
    out = c.run('ncftp', '-u', harness.USER, '-p', harness.PASSWORD, '-P',
                str(c.server.port), '127.0.0.1', script='\n'.join([
                    'mkdir d', 'cd d', 'put f', 'pwd', 'rename f "g h"',
                    'ls -l', 'get -z "g h" got', 'cd ..', 'ls', 'put -z f x',
                    'rm x', 'quote NOOP', 'quit', ''])).output
    assert c.read('got') == fake.get('d/g h') == data
    assert fake.keys() == ['d/', 'd/g h']
    assert re.search(r'^-\S+ .* g h$', out, re.M) and '\nd/\n' in out, out


def test_ncftp_lists(c, fake):
    for name in ('a.txt', 'b c.txt', 'd.bin', 'sub/e'):
        fake.put(name, b'12345')
    url = c.url(login=False)
    assert c.ncftp('ncftpls', '-1', url).output.split('\n') == [
        'a.txt', 'b c.txt', 'd.bin', 'sub', '']
    assert clients.listed(c.ncftp('ncftpls', '-l', url).output) == [
        'a.txt', 'b c.txt', 'd.bin', 'sub']
    assert 'size=5;' in c.ncftp('ncftpls', '-m', url).output
    assert c.ncftp('ncftpls', '-1', '-i', '*.txt', url).output.split() == [
        'a.txt', 'b', 'c.txt']
    assert clients.listed(c.ncftp('ncftpls', '-la', c.url(
        'sub/', login=False)).output) == ['e']
