"""LIST, NLST, MLSD, MLST, STAT: the exact lines, and no short listing."""

import concurrent.futures
import ftplib
import re
import time

import pytest

import harness
from harness import account, Cosftpd

# As strict parsers of clients have it: single blanks or aligned columns, an
# English month, exactly one blank before the name.
LINE = re.compile(
    r'^([d-])([r-][w-][x-]){3} +(\d+) (\S+) +(\S+) +(\d+) '
    r'((Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) '
    r'[ \d]\d (?:\d\d:\d\d| \d\d\d\d)) (.+)$')


@pytest.fixture(scope='module')
def limited(tmp_path_factory, fakecos):
    """max_list_file = 10, and one account for each kind of rights."""
    accounts = [
        account(i, fakecos, user=user, **keys) for i, (user, keys) in
        enumerate([('rw', {}), ('r', {'authority': 'R'}),
                   ('keep', {'delete_enable': 'false'})])]
    s = Cosftpd(str(tmp_path_factory.mktemp('limited')), fakecos, accounts,
                optional={'max_list_file': 10})
    yield s
    assert s.stop() == 0


def listing(ftp, command):
    """The lines and the final reply."""
    out = []
    return out, ftp.retrlines(command, out.append)


def refused(code, call, *args):
    with pytest.raises(ftplib.Error, match='^%d ' % code):
        call(*args)


# ---- LIST ----

def test_list_columns(ftp, fake):
    now = int(time.time())
    fake.put('new', b'12345', mtime=now - 3600)
    fake.put('old', size=123456789012, mtime=951827696)
    fake.put('first', b'', mtime=1000000000)
    fake.put('dir/x', b'')
    lines = harness.lines(ftp, 'LIST')
    parsed = {}
    for line in lines:
        m = LINE.match(line)
        assert m, line
        parsed[m[9]] = m
    assert set(parsed) == {'new', 'old', 'first', 'dir'}
    assert parsed['dir'][1] == 'd' and parsed['dir'][7] == 'Jan  1  2000'
    t = time.gmtime(now - 3600)
    assert parsed['new'][7] == time.strftime('%b ', t) + \
        '%2d' % t.tm_mday + time.strftime(' %H:%M', t)
    assert parsed['new'][6] == '5'
    assert parsed['old'][6] == '123456789012'
    assert parsed['old'][7] == 'Feb 29  2000'
    assert parsed['first'][7] == 'Sep  9  2001'
    assert '\t' not in ''.join(lines)
    assert lines[[LINE.match(x)[9] for x in lines].index('new')].startswith(
        '-rw-r--r--   1 user1    ftp             5 ')


def test_lines_end_in_cr_lf(raw, fake):
    fake.put('a', b'')
    for command in ('LIST', 'NLST', 'MLSD'):
        d = raw.pasv()
        raw.cmd(command)
        data = b''
        while True:
            piece = d.recv(1000)
            if not piece:
                break
            data += piece
        raw.reply()
        assert data.endswith(b'a\r\n') and data.count(b'\n') == 1
        d.close()


@pytest.mark.parametrize('options', [
    '-a', '-l', '-la', '-al', '-aL', '-1', '-CF', '-l -a', '-la .', '.', './',
    '-a /', '/'])
def test_options_are_no_names(ftp, fake, options):
    fake.put('a', b'1')
    fake.put('d/b', b'1')
    for verb in ('LIST', 'NLST'):
        out = harness.lines(ftp, verb + ' ' + options)
        assert [re.split('[ /]', x)[-1] for x in out] == ['a', 'd'], out


def test_options_before_a_directory(ftp, fake):
    fake.put('d d/b', b'1')
    assert harness.lines(ftp, 'LIST -la d d')[0].endswith(' b')
    assert harness.lines(ftp, 'NLST -1 d d') == ['d d/b']


def test_list_of_a_directory_has_bare_names(ftp, fake):
    fake.put('d/', b'')
    fake.put('d/b', b'1')
    fake.put('d/sub/x', b'1')
    for argument in ('d', 'd/', '/d', './d', 'd/sub/..'):
        out = [LINE.match(x)[9] for x in
               harness.lines(ftp, 'LIST ' + argument)]
        assert out == ['b', 'sub'], argument


def test_list_of_one_file(ftp, fake):
    fake.put('d/file name', b'123')
    out = harness.lines(ftp, 'LIST d/file name')
    assert len(out) == 1
    assert LINE.match(out[0])[9] == 'file name'
    assert LINE.match(out[0])[6] == '3'


def test_list_of_the_parent_and_of_here(ftp, fake):
    fake.put('d/e/f', b'')
    fake.put('x', b'')
    ftp.cwd('d')
    assert [LINE.match(x)[9] for x in harness.lines(ftp, 'LIST ..')] == \
        ['d', 'x']
    assert [LINE.match(x)[9] for x in harness.lines(ftp, 'LIST .')] == ['e']
    assert harness.lines(ftp, 'NLST ..') == ['../d', '../x']
    ftp.cwd('/')
    refused(550, harness.lines, ftp, 'LIST ..')


@pytest.mark.parametrize('pattern, matches', [
    ('*', ['a.txt', 'b.txt', 'c.bin', 'd']), ('*.txt', ['a.txt', 'b.txt']),
    ('?.bin', ['c.bin']), ('[ab].txt', ['a.txt', 'b.txt']),
    ('[!a].txt', ['b.txt']), ('d/*', ['d/x.txt', 'd/y']),
    ('d/*.txt', ['d/x.txt']), ('/d/y*', ['/d/y']), ('none*', [])])
def test_patterns(ftp, fake, pattern, matches):
    for key in ('a.txt', 'b.txt', 'c.bin', 'd/x.txt', 'd/y'):
        fake.put(key, b'1')
    assert harness.lines(ftp, 'NLST ' + pattern) == matches
    assert harness.lines(ftp, 'NLST -1 ' + pattern) == matches
    assert [LINE.match(x)[9] for x in
            harness.lines(ftp, 'LIST -la ' + pattern)] == \
        [x.rsplit('/', 1)[-1] for x in matches]


def test_a_pattern_may_be_a_name(ftp, fake):
    fake.put('x[1].txt', b'12')
    fake.put('d[2]/f', b'12')
    assert harness.lines(ftp, 'NLST x[1].txt') == ['x[1].txt']
    assert harness.lines(ftp, 'NLST d[2]') == ['d[2]/f']


def test_listing_of_an_empty_root_or_current_directory(ftp, fake):
    for command in ('LIST', 'NLST', 'MLSD', 'LIST -la', 'LIST /', 'NLST *'):
        assert listing(ftp, command)[0] == []
    ftp.mkd('d')
    ftp.cwd('d')
    assert harness.lines(ftp, 'LIST') == []
    assert harness.lines(ftp, 'LIST /d') == []
    ftp.rmd('/d')
    assert harness.lines(ftp, 'LIST') == []


def test_listing_of_a_missing_directory_is_550(ftp, fake):
    for command in ('LIST x', 'NLST x', 'MLSD x', 'LIST x/', 'MLSD /x/y',
                    'LIST -la x', 'STAT x'):
        refused(550, harness.lines, ftp, command)


def test_empty_directory_hides_its_marker(ftp, fake):
    fake.put('d/', b'')
    for verb in ('LIST', 'NLST', 'MLSD'):
        assert harness.lines(ftp, verb + ' d') == []


# ---- NLST ----

def test_nlst_names_carry_the_path_of_the_argument(ftp, fake):
    fake.put('d/x', b'')
    fake.put('d/s/y', b'')
    assert harness.lines(ftp, 'NLST d') == ['d/s', 'd/x']
    assert harness.lines(ftp, 'NLST d/') == ['d/s', 'd/x']
    assert harness.lines(ftp, 'NLST /d') == ['/d/s', '/d/x']
    assert harness.lines(ftp, 'NLST d/s') == ['d/s/y']
    assert harness.lines(ftp, 'NLST d/x') == ['d/x']
    assert harness.lines(ftp, 'NLST') == ['d']
    for name in harness.lines(ftp, 'NLST d/*'):
        if name != 'd/s':
            assert ftp.size(name) == 0


# ---- MLSD, MLST ----

def test_mlsd_facts(ftp, fake):
    fake.put('f', b'1234', mtime=951827696)
    fake.put('d/x', b'')
    assert harness.lines(ftp, 'MLSD') == [
        'type=dir;perm=cdeflmp; d',
        'type=file;size=4;modify=20000229123456;perm=adfrw; f']
    assert dict(ftp.mlsd('d', ['size']))['x'] == {'size': '0'}
    assert ftp.sendcmd('OPTS MLST unique;type;').startswith('200 ')
    d, f = harness.lines(ftp, 'MLSD')
    assert d == 'type=dir; d'
    assert re.fullmatch(r'type=file;unique=[0-9a-f]+; f', f)
    assert ftp.sendcmd('OPTS MLST ') == '200 MLST OPTS'
    assert harness.lines(ftp, 'MLSD') == [' d', ' f']


def test_mlst_of_file_directory_here_and_root(raw, fake):
    fake.put('d/f', b'123', mtime=951827696)

    def mlst(argument):
        lines = raw.cmd('MLST' + argument).split('\r\n')
        assert lines[0].startswith('250-') and lines[2].startswith('250 ')
        assert len(lines) == 3
        return lines[1]
    assert mlst(' d/f') == \
        ' type=file;size=3;modify=20000229123456;perm=adfrw; /d/f'
    assert mlst(' d') == ' type=dir;perm=cdeflmp; /d'
    assert mlst(' d/') == ' type=dir;perm=cdeflmp; /d'
    assert mlst('') == ' type=cdir;perm=celmp; /'
    raw.cmd('CWD d')
    assert mlst('') == ' type=cdir;perm=celmp; /d'
    assert mlst(' /') == ' type=dir;perm=celmp; /'


def test_mlsd_of_a_file_is_501(ftp, fake):
    fake.put('f', b'')
    refused(501, harness.lines, ftp, 'MLSD f')


def test_mlsd_takes_its_argument_as_it_is(ftp, fake):
    fake.put('-la/x', b'')
    fake.put('*/y', b'')
    assert harness.lines(ftp, 'MLSD -la')[0].endswith(' x')
    assert harness.lines(ftp, 'MLSD *')[0].endswith(' y')


@pytest.mark.parametrize('user, directory, file', [
    ('rw', 'cdeflmp', 'adfrw'), ('r', 'el', 'r'), ('keep', 'celm', 'arw')])
def test_facts_are_true_to_the_rights(limited, fake, user, directory, file):
    fake.put('d/x', b'')
    fake.put('f', b'')
    f = limited.login(user)
    facts = dict(f.mlsd(facts=['perm']))
    assert facts['d']['perm'] == directory
    assert facts['f']['perm'] == file
    f.close()


@pytest.mark.parametrize('user, directory, file', [
    ('rw', 'drwxr-xr-x', '-rw-r--r--'), ('r', 'dr-xr-xr-x', '-r--r--r--')])
def test_modes_are_true_to_the_rights(limited, fake, user, directory, file):
    fake.put('d/x', b'')
    fake.put('f', b'')
    f = limited.login(user)
    assert [x[:10] for x in harness.lines(f, 'LIST')] == [directory, file]
    f.close()


# ---- STAT with a path ----

def test_stat_of_a_path_lists_on_the_control_connection(raw, fake):
    fake.put('d/x', b'1')
    fake.put('d/y', b'1')
    lines = raw.cmd('STAT d').split('\r\n')
    assert lines[0].startswith('213-') and lines[-1].startswith('213 ')
    assert [LINE.match(x)[9] for x in lines[1:-1]] == ['x', 'y']
    lines = raw.cmd('STAT -la d/x').split('\r\n')
    assert LINE.match(lines[1])[9] == 'x'
    assert raw.cmd('NOOP').startswith('200 ')


def test_stat_of_a_large_directory(raw, fake):
    fake.fill('d/', 5000)
    assert len(raw.cmd('STAT d').split('\r\n')) == 5002
    assert raw.cmd('NOOP').startswith('200 ')


def test_stat_that_fails_half_way_never_passes_for_whole(raw, fake):
    fake.fill('d/', 2500)
    fake.fault(op='ListObjects', status=403, code='AccessDenied', skip=1,
               times=-1)
    raw.send(b'STAT d\r\n')
    text = b''
    while True:
        piece = raw.sock.recv(65536)
        if not piece:
            break
        text += piece
    assert text.startswith(b'213-') and b'\r\n213 ' not in text


# ---- what FTP cannot name ----

@pytest.mark.parametrize('key', [
    'd/cr\rx', 'd/lf\nx', 'd/cr\rlf\n/x', 'd//x', 'd/./x', 'd/../x', 'd/..',
    'd/.', 'd/ctl\x01'])
def test_unreachable_keys_are_left_out_and_counted(server, ftp, fake, key):
    fake.put('d/a', b'1')
    fake.put(key, b'1')
    fake.put('d/z', b'1')
    for verb in ('LIST', 'NLST', 'MLSD'):
        out, reply = listing(ftp, verb + ' d')
        assert [x[-1] for x in out] == ['a', 'z']
        assert reply.startswith('226 2 entries.') and ' 1 names' in reply
    assert 'left out 1 keys' in server.log_text()


def test_a_key_with_a_nul_is_left_out_and_counted(ftp, fake):
    fake.put('a', b'1')
    fake.control('POST', '/object?key=n%00ul', body=b'1')
    fake.put('z', b'1')
    out, reply = listing(ftp, 'NLST')
    assert out == ['a', 'z'] and ' 1 names' in reply


def test_a_key_that_begins_with_a_slash_is_left_out_and_counted(ftp, fake):
    fake.put('/x', b'1')
    fake.put('z', b'1')
    out, reply = listing(ftp, 'NLST')
    assert out == ['z'] and ' 1 names' in reply


def test_directory_of_unreachable_keys_only_is_empty_not_missing(ftp, fake):
    fake.put('d/cr\rx', b'1')
    out, reply = listing(ftp, 'LIST d')
    assert out == [] and ' 1 names' in reply


# ---- long listings ----

def test_cut_at_max_list_file_is_said(limited, fake):
    f = limited.login('rw')
    fake.fill('n', 10)
    for verb in ('LIST', 'NLST', 'MLSD'):
        out, reply = listing(f, verb)
        assert len(out) == 10 and 'max_list_file' not in reply
    fake.put('zz', b'')
    for verb in ('LIST', 'NLST', 'MLSD'):
        out, reply = listing(f, verb)
        assert len(out) == 10
        assert 'max_list_file = 10' in reply
    assert 'max_list_file = 10' in f.sendcmd('STAT /')
    assert harness.lines(f, 'NLST z*') == ['zz']
    f.close()


def test_ten_thousand_entries(ftp, fake):
    fake.fill('f', 10000)
    begin = time.monotonic()
    out, reply = listing(ftp, 'LIST')
    assert time.monotonic() - begin < 5
    assert len(out) == 10000 and reply.startswith('226 10000 entries.')
    assert [LINE.match(x)[9] for x in out] == \
        ['f%06d' % i for i in range(10000)]
    assert fake.ops()['ListObjects'] == 10


def test_many_directories_over_several_pages(ftp, fake):
    fake.control('POST', '/wipe')
    for i in range(0, 1200, 400):
        fake.fill('a%d-' % i, 400)
    fake.put('b/x', b'')
    fake.fill('c', 1200)
    names = harness.lines(ftp, 'NLST')
    assert len(names) == 2401 and len(set(names)) == 2401
    assert 'b' in names


# ---- a listing that fails is an error ----

FAULTS = {
    'status 403': {'status': 403, 'code': 'AccessDenied'},
    'status 500 for ever': {'status': 500, 'code': 'InternalError'},
    'error in a 200': {'error200': 'AccessDenied'},
    'empty 200': {'empty200': 1},
    'bad xml': {'bad_xml': 1},
    'redirect': {'redirect': 'http://127.0.0.1:1/'},
    'body cut': {'body_cut': 3000},
    'body cut near its end': {'body_cut': 100000},
    'raw nonsense': {'raw': 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'
                            'hello'},
    'another document': {'raw': 'HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n'
                                '<LocationConstraint>x</Loc'},
}


def try_one(directory, name, page):
    """What a listing of 1,500 keys gives when a page of it keeps failing:
    the lines, the reply, and how many lines come when the store is well."""
    fake = harness.Fakecos(directory)
    server = harness.Cosftpd(directory, fake)
    fake.fill('d/f', 1500)
    fake.fault(op='ListObjects', skip=page, times=-1, **FAULTS[name])
    f = server.login()
    out = []
    try:
        reply = f.retrlines('NLST d', out.append)
    except ftplib.Error as e:
        reply = str(e)
    fake.reset()
    after = len(harness.lines(f, 'NLST d'))
    f.close()
    assert server.stop() == 0
    assert fake.stop() == 0
    return len(out), reply, after


@pytest.fixture(scope='module')
def outcomes(tmp_path_factory):
    """All of them at once: they wait most of the time, between retries."""
    with concurrent.futures.ThreadPoolExecutor(10) as pool:
        jobs = {(name, page): pool.submit(
            try_one, str(tmp_path_factory.mktemp('fault')), name, page)
            for name in FAULTS for page in (0, 1)}
        return {k: v.result() for k, v in jobs.items()}


@pytest.mark.parametrize('page', [0, 1])
@pytest.mark.parametrize('name', FAULTS)
def test_a_page_that_keeps_failing_is_an_error(outcomes, name, page):
    count, reply, after = outcomes[name, page]
    assert re.match('(451|550|426) ', reply)
    assert count == (1000 if page else 0)
    assert after == 1500


@pytest.mark.parametrize('name', ['status 500 for ever', 'body cut',
                                  'bad xml'])
def test_a_page_that_fails_once_is_asked_for_again(ftp, fake, name):
    fake.fill('f', 1500)
    fake.fault(op='ListObjects', skip=1, times=1, **FAULTS[name])
    out, reply = listing(ftp, 'NLST')
    assert out == ['f%06d' % i for i in range(1500)]


def test_a_listing_of_more_failures_than_answers_has_an_end(tmp_path, fake):
    fake.fill('many/', 60000)
    fake.fill('few/', 10500)
    fake.fault(op='ListObjects', spare=3, times=-1, status=503,
               code='SlowDown')
    server = harness.Cosftpd(str(tmp_path), fake,
                             optional={'max_list_file': 100000})
    f = server.login(timeout=90)
    assert len(harness.lines(f, 'NLST few')) == 10500
    few = fake.ops()['ListObjects']
    assert few == 31                    # 11 answers, 20 retries
    with pytest.raises(ftplib.error_temp, match='^451 '):
        harness.lines(f, 'NLST many')
    assert fake.ops()['ListObjects'] - few < 160
    f.close()
    assert server.stop() == 0


def page(marker, keys, truncated='true'):
    body = ('<ListBucketResult><IsTruncated>%s</IsTruncated>%s%s'
            '</ListBucketResult>' % (
                truncated, '<NextMarker>%s</NextMarker>' % marker
                if marker else '', ''.join(
                    '<Contents><Key>%s</Key><Size>1</Size></Contents>' % k
                    for k in keys)))
    return 'HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s' % (
        len(body), body)


def test_an_endless_page_is_an_error(server, fake):
    """Blanks have no end, and hold no name that could be too much."""
    f = server.login(timeout=10)
    fake.fault(op='ListObjects', loop=47, times=-1, raw='HTTP/1.1 200 OK\r\n'
               'Transfer-Encoding: chunked\r\n\r\n' + '1000\r\n%s\r\n' % (
                   ' ' * 4096))
    with pytest.raises(ftplib.error_temp, match='^451 '):
        harness.lines(f, 'NLST')
    f.close()


@pytest.mark.parametrize('answer', [page('b', ['a', 'b']), page(None, [])],
                         ids=['same again', 'no marker'])
def test_a_marker_that_does_not_advance_is_an_error(server, fake, answer):
    f = server.login(timeout=10)
    fake.fault(op='ListObjects', raw=answer, times=-1)
    with pytest.raises(ftplib.error_temp, match='^451 '):
        harness.lines(f, 'NLST')
    assert f.pwd() == '/'
    f.close()


@pytest.mark.parametrize('size', ['-1', '99999999999999999999', 'x', ''])
def test_an_absurd_size_is_an_error(ftp, fake, size):
    fake.fault(op='ListObjects', times=-1, raw=page(
        None, ['a'], 'false').replace('<Size>1<', '<Size>%s<' % size).replace(
            'Content-Length: ', 'X: '))
    with pytest.raises(ftplib.error_temp, match='^451 '):
        harness.lines(ftp, 'LIST')


def test_a_client_that_closes_the_data_connection_early(raw, fake):
    fake.fill('f' * 700, 10000)
    d = raw.pasv()
    assert raw.cmd('LIST').startswith('150 ')
    d.recv(1000)
    d.close()
    assert raw.reply()[:3] == '426'
    assert raw.cmd('NOOP').startswith('200 ')
