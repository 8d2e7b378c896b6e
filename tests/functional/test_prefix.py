"""cos_prefix: users in one bucket, each below a prefix of its own.  Whatever
they do, the keys of the others, what is pending there, and the requests that
would ask for them stay untouched."""

import io
import os
import re
import signal
import subprocess

import pytest

import harness
from harness import Cosftpd, account, fetch, lines, store, wait_for
from test_clean import begin, clean

pytestmark = pytest.mark.skipif(harness.PREFIX != '', reason='has its own')

# What is beside, above and nearly below a/, and below the nested a/in/.
FOREIGN = ['A/f', 'a', 'a!', 'a0', 'ab', 'ab/', 'ab/d/f', 'ab/f', 'd/f', 'f',
           'in/f', 'z/a/f', '\u00e4/f']
LARGE = (2 << 20) + 77777
MIB = 1 << 20


def users(fake, **keys):
    return [account(n, fake, user=user, cos_prefix=prefix, **keys)
            for n, (user, prefix) in enumerate(
                [('one', 'a/'), ('two', '/ab'), ('all', None),
                 ('inner', 'a/in')])]


@pytest.fixture(scope='module')
def server(tmp_path_factory, fakecos):
    s = Cosftpd(str(tmp_path_factory.mktemp('cosftpd')), fakecos,
                users(fakecos))
    yield s
    assert s.stop() == 0, s.text()


def is_below(target, prefix):
    """Does a request ask for nothing outside of it?"""
    quoted = harness.urllib.parse.quote(prefix)
    return (target.startswith('/' + quoted) or target == '/?delete=' or
            'prefix=' + quoted.replace('/', '%2F') in target)


@pytest.fixture
def world(fake):
    """The bucket with the others' objects, which must be as they were."""
    for key in FOREIGN:
        fake.put(key, b'theirs: ' + key.encode())
    before = {o['key']: o for o in fake.objects()}
    yield fake
    after = {o['key']: o for o in fake.objects()}
    assert {k: after.get(k) for k in FOREIGN} == before
    assert [e['target'] for e in fake.log() if e['target'].startswith('/') and
            not is_below(e['target'], 'a/')] == []


@pytest.fixture
def ftp(server, world):
    f = server.login('one')
    yield f
    f.close()


def own(fake):
    """What a client without a prefix sees, less the others' objects."""
    return [k for k in fake.keys() if k not in FOREIGN]


def refused(code, ftp, command):
    with pytest.raises(harness.ftplib.Error, match='^%d' % code):
        ftp.sendcmd(command)


def names(ftp, command):
    """Of MLSD, NLST or LIST, in order."""
    return [line.split('; ', 1)[1] if command.startswith('MLSD') else
            line.split()[-1] if command.startswith('LIST') else line
            for line in lines(ftp, command)]


# ---- files and directories ----

@pytest.mark.parametrize('command', ['LIST', 'LIST /', 'LIST -la', 'NLST',
                                     'NLST /', 'MLSD', 'MLSD /'])
@pytest.mark.parametrize('marker', [False, True])
def test_an_empty_prefix_is_an_empty_root(ftp, world, command, marker):
    if marker:
        world.put('a/')
    ftp.sendcmd('CWD /')
    assert [n for n in names(ftp, command) if n not in ('.', '..')] == []
    assert own(world) == ['a/'] * marker


def test_listings(ftp, world):
    for key in 'a/a/f', 'a/ab/f', 'a/f', 'a/sub/', 'a/sub/x', 'a/z':
        world.put(key)
    world.put('a/')
    for command, want in [
            ('NLST', ['a', 'ab', 'f', 'sub', 'z']),
            ('LIST', ['a', 'ab', 'f', 'sub', 'z']),
            ('MLSD', ['a', 'ab', 'f', 'sub', 'z']),
            ('NLST a', ['a/f']), ('NLST sub', ['sub/x']),
            ('NLST a*', ['a', 'ab']), ('NLST /a/../sub', ['/a/../sub/x']),
            ('LIST /sub', ['x']), ('MLSD sub/', ['x'])]:
        assert names(ftp, command) == want, command
    assert ' /sub\n' in ftp.sendcmd('MLST sub')
    assert 'type=cdir;' in ftp.sendcmd('MLST /')
    refused(550, ftp, 'CWD ../ab')
    refused(550, ftp, 'CWD none')
    ftp.cwd('sub')
    assert ftp.pwd() == '/sub' and names(ftp, 'NLST') == ['x']
    ftp.sendcmd('CDUP')
    assert ftp.sendcmd('CDUP')[:1] == '2' and ftp.pwd() == '/'


@pytest.mark.parametrize('size', [0, 1000, LARGE])
def test_files(ftp, world, size):
    data, more = os.urandom(size), os.urandom(3000)
    assert store(ftp, 'f', data).startswith('226 ')
    assert own(world) == ['a/f'] and world.get('a/f') == data
    assert ftp.size('f') == size and fetch(ftp, '/f') == data
    assert re.match(r'213 \d{14}', ftp.sendcmd('MDTM f'))
    assert ftp.sendcmd('MLST f').count('size=%d;' % size) == 1
    assert ftp.sendcmd('HASH f').startswith('213 ')
    assert fetch(ftp, 'f', rest=size // 2) == data[size // 2:]
    ftp.storbinary('APPE f', io.BytesIO(more))
    assert world.get('a/f') == data + more
    ftp.storbinary('STOR f', io.BytesIO(more), rest=size)
    assert world.get('a/f') == data + more
    ftp.rename('f', '/d/g')
    assert own(world) == ['a/d/g'] and world.get('a/d/g') == data + more
    ftp.delete('d/g')
    assert own(world) == [] and world.uploads() == []


def test_stou(ftp, world):
    name = re.search(r'stou-\S+', ftp.storbinary('STOU', io.BytesIO(b'x')) +
                     ' ' + ' '.join(own(world)))[0]
    assert own(world) == ['a/' + name.rstrip(';.')]


def test_directories(ftp, world):
    assert ftp.mkd('in') == '/in'
    assert own(world) == ['a/in/']
    ftp.mkd('/in/d')
    refused(550, ftp, 'RMD in')
    store(ftp, 'in/d/f', b'1')
    for key in ['a/in/%04d' % n for n in range(30)]:
        world.put(key, key.encode())
    refused(550, ftp, 'MKD /')
    refused(550, ftp, 'RMD /')
    before = own(world)
    ftp.rename('in', 'ab')
    assert own(world) == ['a/ab/' + k[5:] for k in before]
    assert world.get('a/ab/0007') == b'a/in/0007'
    assert world.ops()['DeleteMultipleObjects'] == 1
    ftp.sendcmd('DELE ab/d/f')
    ftp.rmd('ab/d')
    assert 'a/ab/d/' not in own(world)


def test_a_directory_named_as_the_prefix(ftp, world):
    """a/a/ is no second a/."""
    for key in 'a/a/a/f', 'a/a/f', 'a/f':
        world.put(key, key.encode())
    ftp.cwd('a')
    assert sorted(names(ftp, 'NLST')) == ['a', 'f']
    assert fetch(ftp, 'f') == b'a/a/f'
    ftp.rename('/a', '/b')
    assert own(world) == ['a/b/a/f', 'a/b/f', 'a/f']


@pytest.mark.parametrize('path', [
    '../ab/f', '/../ab/f', '../f', 'd/../../f', './../ab/f', '/./../../a',
    '..', '/..', '../../../../f'])
def test_no_path_leads_out(ftp, world, path):
    for verb in ('RETR', 'SIZE', 'MDTM', 'DELE', 'MLST', 'RNFR', 'HASH', 'STOR',
                 'APPE', 'MKD', 'RMD', 'LIST', 'NLST', 'STAT', 'MLSD'):
        ftp.sendcmd('EPSV')
        refused(550, ftp, verb + ' ' + path)
    store(ftp, 'own', b'1')
    ftp.sendcmd('RNFR own')
    refused(550, ftp, 'RNTO ' + path)
    assert own(world) == ['a/own']


@pytest.mark.parametrize('path', ['ab/f', '/ab/f', '/f', 'a', 'd/f', '/a0',
                                  '/a/f', 'b/../f', '%2e%2e/f', '/A/f'])
def test_the_others_are_not_there(ftp, world, path):
    for verb in 'SIZE', 'MDTM', 'DELE', 'MLST', 'RNFR', 'HASH', 'RMD':
        refused(550, ftp, verb + ' ' + path)
    ftp.sendcmd('EPSV')
    refused(550, ftp, 'RETR ' + path)


@pytest.mark.parametrize('glob', ['*', '*/*', '/*', 'a*', '?', '[a-z]*', '/a*',
                                  '*f', 'ab/*'])
def test_globs_see_only_the_own(ftp, world, glob):
    world.put('a/fine', b'1')
    got = []
    try:
        got = names(ftp, 'NLST ' + glob)
    except harness.ftplib.error_perm as e:
        assert str(e).startswith('550')
    assert set(got) <= {'fine', '/fine'}


def test_the_prefix_counts_as_length(ftp, world):
    store(ftp, 'k' * 848, b'1')
    assert own(world) == ['a/' + 'k' * 848]
    ftp.delete('k' * 848)
    ftp.mkd('k' * 847)
    for command in 'STOR', 'MKD', 'CWD', 'SIZE', 'RNFR', 'LIST':
        ftp.sendcmd('EPSV')
        refused(553, ftp, command + ' ' + 'k' * 849)
    refused(553, ftp, 'MKD ' + 'k' * 848)
    store(ftp, 'd/' + 'f' * 840, b'1')
    ftp.sendcmd('RNFR d')
    refused(553, ftp, 'RNTO ' + 'd' * 8)
    assert 'CopyObject' not in world.ops()
    ftp.rename('d', 'd' * 7)
    assert [len(k) for k in own(world)] == [850, 850]


# ---- what goes wrong ----

@pytest.mark.parametrize('action', [{'lost': 1}, {'status': 500}])
def test_an_answer_to_initiate_is_lost(ftp, world, action):
    """What it left is found below the prefix."""
    world.fault(op='InitiateMultipartUpload', done=1, **action)
    data = os.urandom(LARGE)
    assert store(ftp, 'f', data).startswith('226 ')
    assert world.get('a/f') == data and world.uploads() == []
    assert world.ops()['ListMultipartUploads'] >= 1


@pytest.mark.parametrize('size', [1000, LARGE])
def test_a_cut_upload(server, world, size):
    for there in False, True:
        raw = server.raw()
        raw.login('one')
        conn = raw.pasv()
        assert raw.cmd('STOR cut').startswith('150')
        conn.sendall(b'n' * size)
        wait_for('the bytes', lambda: raw.received() == size)
        raw.send(b'ABOR\r\n')
        assert raw.reply().startswith('426')
        conn.close()
        raw.close()
        wait_for('nothing pending', lambda: world.uploads() == [])
        assert own(world) == ['a/cut']
        world.put('a/cut', b'old')
    assert world.get('a/cut') == b'old'


def listing(*keys, prefix=False):
    form = ('<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>' if prefix
            else '<Contents><Key>%s</Key><Size>1</Size></Contents>')
    body = ('<ListBucketResult><IsTruncated>false</IsTruncated>%s'
            '</ListBucketResult>' % ''.join(form % k for k in keys))
    return 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (
        len(body), body)


@pytest.mark.parametrize('command,key,prefix', [
    ('LIST', 'f', False), ('LIST', 'ab/f', False), ('NLST', 'a', False),
    ('NLST', 'A/f', True), ('MLSD', '%61b/', True), ('MLSD', '/a/f', True),
    ('NLST *', 'ab/', True)])
def test_a_store_that_lists_others(ftp, world, key, prefix, command):
    world.fault(op='ListObjects', times=-1,
                raw=listing('a/mine', key, prefix=prefix))
    with pytest.raises(harness.ftplib.error_temp, match='^(451|426)'):
        lines(ftp, command)
    world.reset()
    world.fault(op='ListObjects', raw=listing('a/mine'))
    assert names(ftp, 'NLST') == ['mine']


def test_a_store_that_lists_uploads_of_others(server, ftp, world):
    body = ('<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>'
            '<Upload><Key>ab/f</Key><UploadId>1</UploadId></Upload>'
            '</ListMultipartUploadsResult>')
    world.fault(op='InitiateMultipartUpload', lost=1)
    world.fault(op='ListMultipartUploads', times=-1, raw='HTTP/1.1 200 OK\r\n'
                'Content-Length: %d\r\n\r\n%s' % (len(body), body))
    store(ftp, 'f', os.urandom(LARGE))
    assert 'AbortMultipartUpload' not in world.ops()
    assert re.search(r' an upload of \S+/a/f may be left', server.log_text())


def test_the_log_has_whole_keys(server, ftp, world):
    store(ftp, 'logged-1', b'1')
    lines(ftp, 'LIST')
    store(ftp, 'd/logged-2', b'1')
    ftp.rename('d', 'e')
    text = server.log_text()
    bucket = world.bucket
    assert ' PutObject %s/a/logged-1: 200' % bucket in text
    assert ' ListObjects %s/a/: 200' % bucket in text
    assert ' CopyObject %s/a/e/logged-2: 200' % bucket in text
    assert 'rename of %s/a/d/ to a/e/: ' % bucket in text
    assert 'bucket at http://%s.cos.localhost:%d/a/' % (
        bucket, world.port) in text
    assert 'a/a/e/' not in text and 'a/a/logged' not in text


# ---- several in one bucket ----

def test_each_sees_its_own(server, fake):
    sessions = {u: server.login(u) for u in ('one', 'two', 'all', 'inner')}
    for user, f in sessions.items():
        store(f, 'f', user.encode())
        f.mkd('d')
    assert fake.keys() == ['a/d/', 'a/f', 'a/in/d/', 'a/in/f', 'ab/d/', 'ab/f',
                           'd/', 'f']
    for user, f in sessions.items():
        assert fetch(f, 'f') == user.encode()
    want = {'one': ['d', 'f', 'in'], 'two': ['d', 'f'], 'inner': ['d', 'f'],
            'all': ['a', 'ab', 'd', 'f']}
    assert {u: sorted(names(f, 'NLST'))
            for u, f in sessions.items()} == want
    sessions['two'].delete('f')
    sessions['one'].rename('in', 'out')
    assert fake.keys() == ['a/d/', 'a/f', 'a/out/d/', 'a/out/f', 'ab/d/', 'd/',
                           'f']
    with server.login('inner') as again:
        assert names(again, 'NLST') == []
    for f in sessions.values():
        f.close()


def test_two_that_append_to_one_object(server, fake):
    """By two names: that they meet is seen by the whole key."""
    fake.put('a/in/f', b'x' * LARGE)
    one, inner = server.login('inner'), server.raw()
    conn = one.transfercmd('APPE f')
    conn.sendall(b'1')
    inner.login('one')
    sock = inner.pasv()
    assert inner.cmd('APPE in/f')[:3] == '450'
    conn.close()
    assert one.voidresp().startswith('226 ')
    assert len(fake.get('a/in/f')) == LARGE + 1
    sock.close()
    inner.close()
    one.close()


@pytest.fixture
def loose(tmp_path):
    """A store where the test begins uploads itself."""
    directory = tmp_path / 'loose'
    directory.mkdir()
    f = harness.Fakecos(str(directory), '--no-auth')
    yield f
    assert f.stop() == 0


def pending(fake):
    return sorted(u['key'] for u in fake.uploads())


@pytest.mark.parametrize('known', [True, False], ids=['id', 'no-id'])
def test_a_dead_worker(tmp_path, loose, known):
    """Its uploads of all accounts are aborted, and nobody else's."""
    s = Cosftpd(str(tmp_path), loose, users(loose),
                optional={'worker_num': 1})
    # aborting an upload whose id is not known takes none that is older
    begin(loose, 'a/f', 'a/in/f', 'f', 'ab/f', 'z', hours=1)
    others = {u['uploadId'] for u in loose.uploads()}
    sessions = [s.login(u) for u in ('one', 'two', 'all', 'inner')]
    if not known:
        loose.fault(op='InitiateMultipartUpload', body_stall=0, ms=20000,
                    times=4)
    socks = [f.transfercmd('STOR f') for f in sessions]
    for sock in socks:
        sock.sendall(os.urandom(3 * MIB))
    wait_for('the uploads', lambda: len(loose.uploads()) == 9)
    if known:
        wait_for('parts', lambda: loose.ops().get('UploadPart', 0) >= 4)
    os.kill(s.worker(), signal.SIGKILL)
    wait_for('the aborts', lambda: len(loose.uploads()) == 5)
    assert {u['uploadId'] for u in loose.uploads()} == others
    wait_for('the log', lambda: 'worker that died: 4 aborted' in s.log_text())
    assert 'left unfinished' not in s.log_text()
    for f in sessions + socks:
        f.close()
    assert s.stop() == 0


def test_a_worker_of_the_old_configuration_dies(tmp_path, loose):
    """Its successor ends its uploads where that configuration has them."""
    s = Cosftpd(str(tmp_path), loose, users(loose),
                optional={'worker_num': 1})
    begin(loose, 'abc/f', 'f', hours=1)
    f = s.login('two')
    sock = f.transfercmd('STOR f')
    sock.sendall(os.urandom(3 * MIB))
    wait_for('a part', lambda: loose.ops().get('UploadPart'))
    with open(s.config, encoding='utf-8') as conf:
        text = conf.read()
    assert text.count('cos_prefix = /ab\n') == 1
    with open(s.config, 'w', encoding='utf-8') as conf:
        conf.write(text.replace('cos_prefix = /ab\n', 'cos_prefix = abc\n'))
    pid = s.worker()
    s.child.send_signal(signal.SIGHUP)
    wait_for('the reload', lambda: len(s.workers()) == 2)
    os.kill(pid, signal.SIGKILL)
    wait_for('the abort', lambda: pending(loose) == ['abc/f', 'f'])
    f.close()
    sock.close()
    f = s.login('two')
    store(f, 'g', b'1')
    assert loose.keys() == ['abc/g']
    f.close()
    assert s.stop() == 0


def test_clean(tmp_path, loose):
    begin(loose, 'a', 'a/', 'a/f', 'a/d/f', 'a/in/f', 'ab/f', 'ac', 'f',
          hours=30)
    begin(loose, 'a/new', 'ab/new')
    text = users(loose)[0]
    r = clean(tmp_path, loose, '--older-than', '24h', text=text)
    assert r.returncode == 0, r.stdout + r.stderr
    assert pending(loose) == ['a', 'a/', 'a/new', 'ab/f', 'ab/new', 'ac', 'f']
    assert '%s/a/d/f upload ' % loose.bucket in r.stdout
    assert r.stdout.endswith('%s/a/: 3 aborted, 2 younger left\n' %
                             loose.bucket)
    r = clean(tmp_path, loose, '--older-than', '24h',
              text=text + users(loose)[1])
    assert r.returncode == 0
    assert pending(loose) == ['a', 'a/', 'a/new', 'ab/new', 'ac', 'f']
    assert '%s/ab/: 1 aborted, 1 younger left\n' % loose.bucket in r.stdout


def test_clean_of_many_pages(tmp_path, loose):
    """The marker of a page is a whole key."""
    keys = ['a/%04d' % n for n in range(1100)]
    begin(loose, *keys, 'a', 'ab/f', hours=30)
    r = clean(tmp_path, loose, '--older-than', '24h', text=users(loose)[0])
    assert r.returncode == 0 and pending(loose) == ['a', 'ab/f']


def test_listing_of_many_pages(server, world, ftp):
    world.fill('a/f', 2300)
    assert len(names(ftp, 'NLST')) == 2300
    assert world.ops()['ListObjects'] >= 3


def run(directory, text, *args):
    path = os.path.join(str(directory), 'vsftpd.conf')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text)
    os.chmod(path, 0o600)
    return subprocess.run([harness.COSFTPD, '-c', path, *args],
                          cwd=str(directory), stdin=subprocess.DEVNULL,
                          capture_output=True, encoding='utf-8', timeout=60)


def test_check_asks_below_the_prefix(tmp_path, fake):
    r = run(tmp_path, users(fake)[0] + users(fake)[2], '--check')
    assert r.returncode == 0, r.stdout + r.stderr
    assert '.localhost:%d/a/: ok\n' % fake.port in r.stdout
    assert '.localhost:%d: ok\n' % fake.port in r.stdout
    assert ['prefix=a%2F' in e['target'] for e in fake.log()] == [True, False]


def test_t_shows_it(tmp_path, fake):
    r = run(tmp_path, ''.join(users(fake)), '-t')
    assert r.returncode == 0
    assert [x for x in r.stdout.splitlines() if 'cos_prefix' in x] == [
        'cos_prefix = a/', 'cos_prefix = ab/',
        '#cos_prefix =\t# the directory it never leaves',
        'cos_prefix = a/in/']
    r = run(tmp_path, account(0, fake, cos_prefix='a//b'), '-t')
    assert r.returncode == 1
    assert re.search(r'vsftpd\.conf:\d+: \[COS_ACCOUNT_0\] cos_prefix = a//b: '
                     'not a prefix', r.stderr)
