"""Every client with every operation it has, plain, with explicit and with
implicit TLS; and every kind of data connection it can be told to use.  A row
is a client, a kind of TLS and an operation.  What arrived is compared with
what the store holds, byte by byte; that a client resumed, or used EPRT, is
read in the server's log."""

import hashlib
import os
import re
import time

import pytest

import box as boxes
import clients
import drivers
import harness
import programs
from client import MODES, OPERATIONS
from clients import NAMES, content

MIB = 1024 * 1024
CLIENTS = [
    programs.Curl, programs.Lftp, programs.Tnftp, programs.Inetutils,
    programs.FtpSsl, programs.Ncftp, programs.Wget, programs.Wput,
    programs.Rclone, programs.Aria2, drivers.Ftplib, drivers.NetFtp,
    drivers.BasicFtp, drivers.CommonsNet]
# 70 MB with everybody in the clear; over TLS these are enough
LARGE = ('curl', 'lftp', 'ftplib')
QUICK = {'plain': ('put', 'get', 'list', 'names', 'dirs', 'reget', 'reput'),
         'explicit': ('put', 'get', 'list'), 'implicit': ('get',)}
SIZES = {'empty': 0, 'one': 1, 'five': 5 * MIB + 1}
BIG = 5 * 1024 * MIB + 1        # more than 32 bits


def files(fake):
    """What the bucket holds but for the markers of directories."""
    return {k: fake.get(k) for k in fake.keys() if not k.endswith('/')}


class Trial:
    """A client in its box; what the server is told is noted from here on."""

    def __init__(self, kind, box, fake):
        self.box, self.fake, self.server = box, fake, box.server
        self.client = kind(box)
        self.mark = len(self.server.log_text())

    def can(self, operation):
        return operation in self.client.ops.split()

    def log(self):
        return self.server.log_text()[self.mark:]

    def commands(self):
        return re.findall(r' command ([A-Z]+)', self.log())

    def interrupt(self, until, transfer, *args):
        """The client is killed once until() is true."""
        self.box.until = until
        try:
            transfer(*args)
        finally:
            self.box.until = None
        self.mark = len(self.server.log_text())


# ---- the operations ----

def op_login(t):
    t.fake.put('file', b'content')
    assert t.client.login()
    assert re.search(r'PASS: 230', t.log())


def op_denied(t):
    t.fake.put('file', b'content')
    t.box.write('file2', b'1')
    t.box.password = 'wrong'
    try:
        assert not t.client.login()
    except boxes.Refused:
        pass
    assert 'PASS: 530' in t.log() and 'PASS: 230' not in t.log()


def op_missing(t):
    t.fake.put('file', b'content')
    if t.can('list'):
        with pytest.raises(boxes.Refused):
            t.client.list('/nosuch')
    if t.can('get'):
        with pytest.raises(boxes.Refused):
            t.client.get([('nosuch', 'got')])
    if t.can('delete'):
        with pytest.raises(boxes.Refused):
            t.client.delete(['/nosuch'])
    assert ': 550 ' in t.log()


def op_dirs(t):
    c = t.client
    dirs = ['/d', '/d/two words', '/d/two words/三级']
    if c.takes('say "hi"') and not any(
            test('say "hi"') for test in c.not_folders.values()):
        dirs.append(dirs[-1] + '/say "hi"')
    c.mkdir(dirs)
    assert t.fake.keys() == [d[1:] + '/' for d in dirs]
    if hasattr(c, 'walk'):
        assert c.walk([*dirs, '/']) == [*dirs, '/']
    t.box.write('f', b'inside')
    c.put([('f', dirs[-1] + '/f')])
    assert files(t.fake) == {dirs[-1][1:] + '/f': b'inside'}
    with pytest.raises(boxes.Refused):      # of a full one
        c.rmdir([dirs[-1]])
    c.delete([dirs[-1] + '/f'])
    assert files(t.fake) == {}
    c.rmdir(dirs[::-1])
    assert t.fake.keys() == []


def op_put(t):
    want = {n: content(n, size) for n, size in SIZES.items()
            if t.client.sends(size)}
    for name, data in want.items():
        t.box.write('up/' + name, data)
    t.client.put([('up/' + n, n) for n in want])
    assert files(t.fake) == want


def op_get(t):
    want = {n: content(n, size) for n, size in SIZES.items()}
    for name, data in want.items():
        t.fake.put(name, data)
    os.mkdir(t.box.path('down'))
    t.client.get([(n, 'down/' + n) for n in want])
    assert clients.read_tree(t.box.path('down')) == want


def op_70m(t):
    data = content('large', 70 * MIB + 7)
    digest = hashlib.sha256(data).digest()
    if t.can('put'):
        t.box.write('f', data)
        t.client.put([('f', 'large')])
        assert hashlib.sha256(t.fake.get('large')).digest() == digest
    else:
        t.fake.put('large', data)
    if t.can('get'):
        t.client.get([('large', 'got')])
        assert hashlib.sha256(t.box.read('got')).digest() == digest


def op_names(t):
    want = {n: b'%d: %s' % (i, n.encode()) for i, n in enumerate(NAMES)
            if t.client.takes(n)}
    if t.can('put'):
        for name, data in want.items():
            t.box.write('up/' + name, data)
        t.client.put([('up/' + n, n) for n in want])
        assert files(t.fake) == want
    else:
        for name, data in want.items():
            t.fake.put(name, data)
    if t.can('list'):
        assert set(t.client.list('/')) == set(want)
    if t.can('get'):
        os.mkdir(t.box.path('down'))
        t.client.get([(n, 'down/' + n) for n in want])
        assert clients.read_tree(t.box.path('down')) == want


LISTED = {'a.txt': 5, 'two words': 0, '图片.bin': 1234567, 'big.iso': BIG,
          '.hidden': 3, 'sub': None, 'sub dir': None}


def fill(t):
    for name, size in LISTED.items():
        if size is None:
            t.fake.put('d/%s/x' % name, b'x')
        else:
            t.fake.put('d/' + name, size=size)


def op_list(t):
    fill(t)
    assert t.client.list('/d') == LISTED
    assert 'LIST' in t.commands()


def op_mlsd(t):
    fill(t)
    assert t.client.mlsd('/d') == LISTED
    assert 'MLSD' in t.commands()


def op_nlst(t):
    fill(t)
    names = [n.rsplit('/', 1)[-1] for n in t.client.nlst('/d')]
    assert sorted(names) == sorted(LISTED)
    assert 'NLST' in t.commands()


def op_size(t):
    t.fake.put('d/f', size=BIG)
    assert t.client.size('/d/f') == BIG


def op_time(t):
    t.fake.put('d/f', b'x', mtime=1500000000)
    assert t.client.time('/d/f') == 1500000000


def op_move(t):
    t.fake.put('a', b'1')
    t.fake.put('d/b', b'2')
    t.fake.put('d/c/d', b'3')
    t.client.move([('/a', '/new name'), ('/d', '/e')])
    assert files(t.fake) == {'new name': b'1', 'e/b': b'2', 'e/c/d': b'3'}


def op_reget(t):
    data = content('reget', 16 * MIB + 3)
    t.fake.put('f', data)
    t.fake.config(rate=2 * MIB)
    got = t.box.path('f')
    t.interrupt(lambda: os.path.exists(got) and os.path.getsize(got) > MIB,
                t.client.get, [('f', 'f')])
    have = os.path.getsize(got)
    assert MIB < have < len(data)
    t.fake.config(rate=0)
    t.client.reget('/f', 'f')
    assert t.box.read('f') == data
    # not from the start: some step back a little to a boundary of their own
    rest = [int(n) for n in re.findall(r' command REST (\d+)', t.log())]
    assert max(rest) > have - MIB


def op_reput(t):
    data = content('reput', 24 * MIB + 3)
    t.box.write('f', data)
    t.fake.config(rate=2 * MIB)
    t.interrupt(lambda: t.fake.ops().get('UploadPart', 0) >= 4,
                t.client.put, [('f', 'f')])
    t.fake.config(rate=0)
    harness.wait_for('what had arrived', lambda: t.fake.keys() == ['f'])
    have = t.fake.get('f')
    assert MIB < len(have) < len(data) and data.startswith(have)
    t.fake.reset()
    t.client.reput('f', '/f')
    assert t.fake.get('f') == data
    assert 'APPE' in t.commands() or 'REST' in t.commands()
    assert t.fake.ops().get('UploadPartCopy', 0) > 0    # not sent again


def op_append(t):
    old, new = content('old', 2 * MIB), content('new', MIB + 1)
    t.fake.put('f', old)
    t.box.write('f', new)
    t.client.append('f', '/f')
    assert t.fake.get('f') == old + new


def op_delete(t):
    for name in ('a', 'd/two words', '#1', 'stays'):
        t.fake.put(name, b'1')
    t.client.delete(['/a', '/d/two words', '/#1'])
    assert list(files(t.fake)) == ['stays']


def op_mget(t):
    want = {n: n.encode() for n in ('a1.txt', 'a 2.txt', '图.txt', '#3.txt')}
    for name, data in want.items():
        t.fake.put('d/' + name, data)
    t.fake.put('d/x.bin', b'other')
    t.fake.put('d/e/in.txt', b'deeper')
    os.mkdir(t.box.path('got'))
    t.client.mget('/d/*.txt', 'got')
    assert clients.read_tree(t.box.path('got')) == want


def op_mirror(t):
    want = {n: d for n, d in clients.tree(120).items()
            if all(t.client.mirrors(part) for part in n.split('/'))
            and t.client.sends(d)}
    if hasattr(t.client, 'mirror_up'):
        clients.write_tree(t.box.path('up'), want)
        t.client.mirror_up('up', '/there')
        assert files(t.fake) == {'there/' + n: d for n, d in want.items()}
    else:
        for name, data in want.items():
            t.fake.put('there/' + name, data)
    os.mkdir(t.box.path('down'))
    t.client.mirror_down('/there', 'down')
    assert clients.read_tree(t.box.path('down')) == want


def op_pieces(t):
    data = content('pieces', 12 * MIB + 5)
    t.fake.put('big', data)
    t.fake.config(rate=8 * MIB)     # else the first is all of it
    t.client.pieces('/big', 'got')
    assert t.box.read('got') == data
    assert len(set(re.findall(r' command REST (\d+)', t.log()))) >= 3


def op_stou(t):
    t.box.write('f', b'unique')
    name = t.client.unique('f')
    assert files(t.fake) == {name: b'unique'}


def op_reuse(t):
    """Where data connections must resume the control connection's session."""
    data = content('reuse', MIB)
    t.fake.put('f', data)
    for name in ('one', 'two'):
        t.client.get([('f', name)])
        assert t.box.read(name) == data
    assert re.search('data connection: TLS 1.2, .*resumed', t.log())


# ---- the rows ----

def has(kind, tls, column):
    if column == 'reuse':
        return tls != 'plain' and 'get' in kind.ops.split()
    if column == '70M' and tls != 'plain' and kind.name not in LARGE:
        return False
    return column in kind.ops.split()


def rows():
    for kind in CLIENTS:
        for tls in kind.tls.split():
            for column in OPERATIONS:
                if has(kind, tls, column):
                    yield kind, tls, column


def mode_rows():
    for kind in CLIENTS:
        for tls in kind.tls.split():
            for mode in MODES:
                if mode in kind.modes.split():
                    yield kind, tls, mode


def params(some):
    for kind, tls, column in some:
        yield pytest.param(
            kind, tls, column, id='%s-%s-%s' % (kind.name, tls, column),
            marks=[pytest.mark.quick] if column in QUICK[tls] else [])


@pytest.fixture
def trial(request, record_property, make_box, fake, installed):
    """trial(test, mode, variant): runs test(t).  What is known to fail must do
    so, for that very reason."""
    kind, tls, column = (request.node.callspec.params[k]
                         for k in ('kind', 'tls', 'column'))
    record_property('cell', [kind.name, tls, column])
    why, trace = kind.known.get(column) or kind.known.get(
        tls + '/' + column) or (None, None)

    def run(test, mode='', variant=''):
        with installed(kind.package or kind.program):
            t = Trial(kind, make_box(tls, mode, variant), fake)
            if why is None:
                test(t)
                return
            with pytest.raises(AssertionError):
                test(t)
            assert re.search(trace, t.log())
            record_property('known', why)
    return run


@pytest.mark.parametrize('kind,tls,column', params(rows()))
def test_operation(kind, tls, column, trial):
    def test(t):
        globals()['op_' + column.lower()](t)
        if tls == 'explicit':
            assert 'AUTH' in t.commands()
    trial(test, variant='narrow' if column in ('reget', 'reput', 'denied')
          else 'reuse' if column == 'reuse' else '')


def test_time_of_a_listing(make_box, fake, installed):
    """LIST shows a new file with hour and minute, in UTC: a client that takes
    the year from them must not find it in the future."""
    fake.put('d/old', b'x', mtime=1500000000)
    fake.put('d/new', b'x')
    with installed(drivers.CommonsNet.package):
        new, old = drivers.CommonsNet(make_box('plain')).values(
            ('stamp', '/d'))
    assert time.time() - 120 < int(new) <= time.time()
    assert int(old) == 1499990400       # a day, without its time


COMMAND = {'pasv': 'PASV', 'epsv': 'EPSV', 'port': 'PORT', 'eprt': 'EPRT',
           'epsv6': 'EPSV', 'eprt6': 'EPRT'}


@pytest.mark.parametrize('kind,tls,column', params(mode_rows()))
def test_mode(kind, tls, column, trial):
    """column: the kind of data connection"""
    def test(t):
        data = content(column, 2 * MIB + 3)
        if t.can('put'):
            t.fake.put('d/', b'')
            t.box.write('up', data)
            t.client.put([('up', 'd/f')])
            assert t.fake.get('d/f') == data
        else:
            t.fake.put('d/f', data)
        if t.can('list'):
            assert t.client.list('/d') == {'f': len(data)}
        if t.can('get'):
            t.client.get([('d/f', 'down')])
            assert t.box.read('down') == data
        used = {c for c in t.commands() if c in COMMAND.values()}
        assert used == {COMMAND[column]}
    trial(test, column)
