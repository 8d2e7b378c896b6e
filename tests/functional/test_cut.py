"""Uploads whose client goes away: by reset, killed, with only the control
connection lost, silent, or by ABOR; the policy interrupted_upload; and the
end of the server itself.

All cuts run side by side, each in its own session and on its own key; the
tests then look at what came of them."""

import concurrent.futures
import os
import signal
import socket
import struct
import subprocess
import sys
import time

import harness
import pytest

KIB, MIB = 1024, 1024 * 1024
SMALL, LARGE = 200 * KIB, 3 * MIB + 5
CUTS = ('reset', 'killed', 'control', 'stall', 'abor')
OLD_SMALL, OLD_LARGE = os.urandom(500), os.urandom(2 * MIB + 3)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                    struct.pack('ii', 1, 0))
    sock.close()


def begin(server, command, data, user=harness.USER):
    """A session whose transfer has brought data to the server, and no more."""
    raw = server.raw()
    assert raw.login(user).startswith('230')
    verb, _, rest = command.partition('@')
    if rest:
        assert raw.cmd('REST ' + rest).startswith('350')
    out = raw.pasv()
    assert raw.cmd(verb).startswith('150')
    out.sendall(data)
    harness.wait_for('%d bytes arrived' % len(data), lambda:
                     'progress: %d bytes' % len(data) in raw.cmd('STAT'))
    return raw, out


class Case:
    """want: the object afterwards, None for no object."""

    def __init__(self, name, cut, policy, sent, want, verb='STOR', at='',
                 old=None, user=harness.USER):
        self.name = '-'.join((name, cut, policy))
        self.cut, self.policy, self.user = cut, policy, user
        self.sent, self.want, self.old = sent, want, old
        self.key = 'c/' + self.name
        self.command = '%s %s@%s' % (verb, self.key, at) if at else (
            '%s %s' % (verb, self.key))
        self.error = None
        self.reply = self.noop = ''

    def run(self, servers, fake):
        try:
            self.attempt(servers[self.policy], fake)
        except Exception as e:      # told by the test of this case
            self.error = e
        return self

    def attempt(self, server, fake):
        if self.old is not None:
            fake.put(self.key, self.old)
        raw, out = begin(server, self.command, self.sent, self.user)
        start = time.monotonic()
        if self.cut == 'reset':
            reset(out)
        elif self.cut == 'killed':      # in the order a kernel closes them
            raw.close()
            out.close()
        elif self.cut == 'control':
            raw.close()
        elif self.cut == 'abor':
            raw.send(b'ABOR\r\n')
        if self.cut in ('reset', 'stall', 'abor'):
            self.reply = raw.reply()
            if self.cut == 'abor':
                self.second = raw.reply()
            self.noop = raw.cmd('NOOP')
            raw.close()
        self.log = harness.wait_for('a log line', lambda: [
            x for x in server.log_text().splitlines()
            if ' /%s: 4' % self.key in x])
        self.seconds = time.monotonic() - start
        out.close()
        there = fake.objects(self.key)
        self.stored = fake.get(self.key) if there else None
        self.pending = [u for u in fake.uploads() if u['key'] == self.key]


def all_cases():
    some, much = os.urandom(SMALL), os.urandom(LARGE)
    for cut in CUTS:
        for size, data in (('small', some), ('large', much)):
            yield Case('new-' + size, cut, 'complete', data, data)
            yield Case('new-' + size, cut, 'discard', data, None)
            yield Case('old-' + size, cut, 'complete', data, OLD_SMALL,
                       old=OLD_SMALL)
            yield Case('old-' + size, cut, 'discard', data, OLD_SMALL,
                       old=OLD_SMALL)
            yield Case('append-' + size, cut, 'complete', data,
                       OLD_LARGE + data, verb='APPE', old=OLD_LARGE)
            yield Case('append-' + size, cut, 'discard', data, OLD_LARGE,
                       verb='APPE', old=OLD_LARGE)
            yield Case('append-little-' + size, cut, 'complete', data,
                       OLD_SMALL + data, verb='APPE', old=OLD_SMALL)
            yield Case('keeper-new-' + size, cut, 'complete', data, data,
                       user='keeper')
        yield Case('nothing-new', cut, 'complete', b'', None)
        yield Case('nothing-old', cut, 'complete', b'', OLD_SMALL,
                   old=OLD_SMALL)
        yield Case('nothing-appended', cut, 'complete', b'', OLD_LARGE,
                   verb='APPE', old=OLD_LARGE)
        yield Case('keeper-old', cut, 'complete', much, OLD_SMALL,
                   old=OLD_SMALL, user='keeper')
        yield Case('keeper-append', cut, 'complete', some, OLD_LARGE,
                   verb='APPE', old=OLD_LARGE, user='keeper')
        # a resumed file is never shorter than it was
        yield Case('resume-short', cut, 'complete', b'x' * 100, OLD_LARGE,
                   at='%d' % MIB, old=OLD_LARGE)
        yield Case('resume-short-little', cut, 'complete', b'x' * 100,
                   OLD_SMALL, at='300', old=OLD_SMALL)
        yield Case('resume-long', cut, 'complete', some,
                   OLD_LARGE[:2 * MIB] + some, at='%d' % (2 * MIB),
                   old=OLD_LARGE)
        yield Case('resume-long', cut, 'discard', some, OLD_LARGE,
                   at='%d' % (2 * MIB), old=OLD_LARGE)
        yield Case('resume-at-end', cut, 'complete', some, OLD_SMALL + some,
                   at='500', old=OLD_SMALL)


CASES = list(all_cases())


def start_server(directory, fake, policy, **optional):
    optional.setdefault('data_timeout', 3)
    return harness.Cosftpd(
        directory, fake,
        accounts=[harness.account(0, fake),
                  harness.account(1, fake, 'keeper', delete_enable='false')],
        optional=dict(interrupted_upload=policy, memory_limit='256M',
                      **optional), ports=128)


@pytest.fixture(scope='module')
def servers(tmp_path_factory, fakecos):
    all = {p: start_server(str(tmp_path_factory.mktemp(p)), fakecos, p)
           for p in ('complete', 'discard')}
    yield all
    for s in all.values():
        assert s.stop() == 0, s.text()


@pytest.fixture(scope='module')
def outcome(servers, fakecos):
    with concurrent.futures.ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda c: c.run(servers, fakecos), CASES))


@pytest.mark.parametrize('case', CASES, ids=lambda c: c.name)
def test_cut(outcome, case):
    assert case.error is None, (case.reply, case.error)
    assert case.stored == case.want
    assert case.pending == []
    assert case.seconds < 20
    if case.cut in ('reset', 'stall', 'abor'):
        assert case.reply.startswith('426 '), case.reply
        assert case.noop.startswith('200')
        kept = case.want is not None and case.want != case.old
        assert ('%d bytes' % len(case.want) in case.reply if kept else
                'Nothing was stored' in case.reply), case.reply
    if case.cut == 'abor':
        assert case.second.startswith('226 ')
    if case.cut == 'stall':
        assert case.seconds > 1.5


def test_stopped_just_before_the_end(servers, fake):
    """The cut comes while COS still takes parts: they are waited for."""
    fake.fault(op='UploadPart', delay=300, times=-1)
    data = os.urandom(LARGE)
    raw, out = begin(servers['complete'], 'STOR slow', data)
    reset(out)
    assert raw.reply().startswith('426 ')
    assert fake.get('slow') == data and fake.uploads() == []
    raw.close()


@pytest.mark.parametrize('op', ['HeadObject', 'UploadPart', 'PutObject',
                                'CompleteMultipartUpload'])
def test_cut_and_store_fails(servers, fake, op):
    """No keeping without the store: nothing there, nothing pending."""
    size = SMALL if op == 'PutObject' else LARGE
    raw, out = begin(servers['complete'], 'STOR denied', os.urandom(size))
    fake.fault(op=op, status=403, code='AccessDenied', times=-1)
    reset(out)
    assert raw.reply()[:1] in '45'
    assert raw.cmd('NOOP').startswith('200')
    assert fake.keys() == [] and fake.uploads() == []
    raw.close()


def test_somebody_else_was_first(servers, fake):
    """The key came into being while we received: theirs stays."""
    raw, out = begin(servers['complete'], 'STOR race', os.urandom(LARGE))
    fake.fault(op='HeadObject', status=404, code='NoSuchKey')
    fake.put('race', b'theirs')
    reset(out)
    reply = raw.reply()
    assert reply[:3] in ('426', '451', '553'), reply
    assert fake.get('race') == b'theirs' and fake.uploads() == []
    raw.close()


def test_control_is_lost_after_the_last_byte(servers, fake):
    """All bytes and their end arrived: it is stored although nobody is there
    to read the reply."""
    fake.fault(op='CompleteMultipartUpload', delay=300)
    data = os.urandom(LARGE)
    fake.put('late', b'old')
    raw, out = begin(servers['discard'], 'STOR late', data)
    out.close()
    harness.wait_for('Complete is asked for', lambda: fake.ops().get(
        'CompleteMultipartUpload'))
    raw.close()
    harness.wait_for('stored', lambda: fake.get('late') == data)
    harness.wait_for('a log line', lambda: '/late: 226' in
                     servers['discard'].log_text())
    assert fake.uploads() == []


def test_before_the_data_connection(servers, fake):
    """The control connection goes before any data connection came."""
    raw = servers['complete'].raw()
    raw.login()
    raw.cmd('EPSV')
    assert raw.cmd('STOR never').startswith('150')
    raw.close()
    harness.wait_for('a log line', lambda: '/never: 426' in
                     servers['complete'].log_text())
    assert fake.keys() == [] and fake.uploads() == []


CLIENT = '''
import ftplib, sys, time
f = ftplib.FTP()
f.connect('127.0.0.1', %d)
f.login(%r, %r)
f.voidcmd('TYPE I')
s = f.transfercmd('STOR killed')
s.sendall(b'k' * %d)
print('sent', flush=True)
time.sleep(600)
'''


def test_client_process_is_killed(servers, fake):
    """A real SIGKILL, not our idea of one."""
    server = servers['complete']
    fake.put('killed', b'old')
    child = subprocess.Popen(
        [sys.executable, '-c', CLIENT % (server.port, harness.USER,
                                         harness.PASSWORD, LARGE)],
        stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b'sent\n'
    finally:
        child.kill()
        child.wait()
        child.stdout.close()
    harness.wait_for('a log line', lambda: ' /killed: 4' in server.log_text())
    assert fake.get('killed') == b'old'
    harness.wait_for('nothing pending', lambda: fake.uploads() == [])


def test_the_end_is_behind_commands(servers, fake):
    """More of them than are read while an upload runs."""
    server = servers['complete']
    fake.put('behind', b'old')
    raw, out = begin(server, 'STOR behind', os.urandom(LARGE))
    raw.send(b'SYST\r\n' * 1000)
    raw.close()
    out.close()
    harness.wait_for('a log line', lambda: ' /behind: ' in
                     server.log_text().split('150 Ready')[-1])
    assert fake.get('behind') == b'old'
    harness.wait_for('nothing pending', lambda: fake.uploads() == [])


# ---- the server stops ----

def stop(server):
    start = time.monotonic()
    assert server.stop(signal.SIGTERM, 10) == 0, server.text()
    return time.monotonic() - start


@pytest.mark.parametrize('policy', ['complete', 'discard'])
@pytest.mark.parametrize('size', [SMALL, LARGE], ids=['small', 'large'])
def test_sigterm(tmp_path, fake, policy, size):
    server = start_server(str(tmp_path), fake, policy)
    data = os.urandom(size)
    fake.put('old', OLD_SMALL)
    new, new_out = begin(server, 'STOR new', data)
    old, old_out = begin(server, 'STOR old', data)
    idle = server.raw()
    idle.login()
    server.child.send_signal(signal.SIGTERM)
    assert new.reply().startswith('426 ')
    assert old.reply().startswith('426 ')
    assert idle.reply().startswith('421 ')
    assert stop(server) < 5
    assert fake.get('old') == OLD_SMALL
    if policy == 'complete':
        assert fake.get('new') == data
    else:
        assert fake.keys() == ['old']
    assert fake.uploads() == []
    for x in (new, old, idle, new_out, old_out):
        x.close()


def test_sigterm_while_the_store_is_slow(tmp_path, fake):
    """Parts that do not get through until 4 s have passed are given up."""
    server = start_server(str(tmp_path), fake, 'complete')
    fake.fault(op='UploadPart', delay=60000, times=-1)
    raw, out = begin(server, 'STOR new', os.urandom(LARGE))
    harness.wait_for('parts under way',
                     lambda: fake.ops().get('UploadPart', 0) >= 2)
    assert stop(server) < 5.2
    assert fake.keys() == [] and fake.uploads() == []
    raw.close()
    out.close()


def test_sigterm_while_cos_completes(tmp_path, fake):
    """What is in Complete cannot be taken back: its id is logged."""
    server = start_server(str(tmp_path), fake, 'complete')
    fake.fault(op='CompleteMultipartUpload', spaces=60000)
    raw, out = begin(server, 'STOR new', os.urandom(LARGE))
    (upload,) = fake.uploads()
    out.close()
    harness.wait_for('Complete is asked for', lambda: fake.ops().get(
        'CompleteMultipartUpload'))
    assert stop(server) < 5.2
    assert upload['uploadId'] in server.log_text()
    assert fake.ops().get('AbortMultipartUpload', 0) == 0
    raw.close()
