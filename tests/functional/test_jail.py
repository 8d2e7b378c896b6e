"""What the processes have given up before they serve."""

import ftplib
import os
import re
import resource
import shutil
import signal
import subprocess

import pytest

import harness
from harness import Cosftpd, Process, account, children, wait_for

ASAN = 'asan' in harness.COSFTPD
MIB = 1024 * 1024
NOBODY = 65534

root_only = pytest.mark.skipif(os.geteuid() != 0, reason='needs root')


@pytest.fixture
def start(tmp_path, fake):
    servers = []

    def begin(**keys):
        optional = dict({'worker_num': 2}, **keys.pop('optional', {}))
        servers.append(Cosftpd(str(tmp_path), fake, optional=optional, **keys))
        return servers[-1]
    yield begin
    for s in servers:
        assert s.stop() == 0, s.text()


@pytest.fixture
def server(start):
    return start()


@pytest.fixture
def empty(tmp_path):
    path = tmp_path / 'empty'
    path.mkdir(mode=0o555)
    return str(path)


@pytest.fixture
def jailed(start, empty):
    def begin(network=None, **optional):
        return start(network=network, optional=dict(
            {'run_as': 'nobody', 'chroot_dir': empty}, **optional))
    return begin


def proc(pid, name):
    with open('/proc/%d/%s' % (pid, name)) as f:
        return f.read()


def status(pid, name):
    return re.search(r'^%s:[ \t]*(.*)$' % name, proc(pid, 'status'),
                     re.M)[1].split()


def helpers(server):
    return [p for w in server.workers() for p in children(w)]


def test_no_new_privileges_and_no_cores(server):
    pids = [server.child.pid] + server.workers() + helpers(server)
    assert len(pids) == 5
    for pid in pids:
        assert status(pid, 'NoNewPrivs') == ['1']
        assert re.search(r'^Max core file size\s+0\s+0\s', proc(pid, 'limits'),
                         re.M)


@pytest.mark.skipif(ASAN, reason='its reports need files')
@pytest.mark.skipif(os.uname().machine not in ('x86_64', 'aarch64'),
                    reason='no list of calls for this machine')
def test_workers_may_make_few_system_calls(server):
    for pid in server.workers():
        assert status(pid, 'Seccomp') == ['2']      # a filter
    assert 'system calls are not limited' not in server.log_text()


@pytest.mark.skipif(os.geteuid() == 0, reason='root may look everywhere')
@pytest.mark.skipif(ASAN, reason='sanitizers look, too')
def test_memory_is_not_for_the_same_user(server):
    for pid in [server.child.pid] + server.workers():
        with pytest.raises(PermissionError):
            proc(pid, 'environ')


def test_a_crash_leaves_no_core(tmp_path, fake):
    server = Cosftpd(str(tmp_path), fake, optional={'worker_num': 2})
    old = server.workers()[0]
    os.kill(old, signal.SIGSEGV)
    wait_for('another worker', lambda: len(server.workers()) == 2 and
             old not in server.workers())
    assert not [n for n in os.listdir(str(tmp_path)) if n.startswith('core')]
    with server.login() as ftp:
        ftp.voidcmd('NOOP')
    assert server.ended() == 0         # a sanitizer tells of the crash


@root_only
def test_descriptors_are_not_passed_on(server):
    with server.login() as f:
        sock = f.transfercmd('STOR f')
        sock.sendall(b'x' * 100000)
        wait_for('the data', lambda: server.raw().login()[:3] == '230')
        for pid in [server.child.pid] + server.workers():
            fds = [n for n in os.listdir('/proc/%d/fd' % pid) if int(n) > 2]
            assert len(fds) > 3
            for n in fds:
                try:
                    flags = proc(pid, 'fdinfo/' + n)
                except FileNotFoundError:
                    continue            # closed meanwhile
                assert int(re.search(r'flags:\s*(\d+)', flags)[1], 8) & \
                    0o2000000, (n, os.readlink('/proc/%d/fd/%s' % (pid, n)))
        sock.close()
        f.voidresp()


# ---- the helper process ----

@root_only
def test_a_helper_holds_one_socket_and_ends_with_its_worker(server):
    def beyond_2():
        return [n for n in os.listdir('/proc/%d/fd' % pid) if int(n) > 2]
    assert ' rw-s ' in proc(server.workers()[0], 'maps')
    for worker in server.workers():
        pid, = children(worker)
        wait_for('one descriptor', lambda: beyond_2() == ['3'])
        assert ' rw-s ' not in proc(pid, 'maps')    # none of the tables
        assert os.readlink('/proc/%d/fd/3' % pid).startswith('socket:')
    os.kill(worker, signal.SIGKILL)
    wait_for('its end', lambda: not alive(pid))


def alive(pid):
    try:
        return status(pid, 'State')[0] != 'Z'
    except FileNotFoundError:
        return False


def test_a_worker_without_a_helper_is_replaced(start):
    s = start(optional={'worker_num': 1})
    held = s.login()
    worker = s.worker()
    os.kill(children(worker)[0], signal.SIGKILL)
    wait_for('another one', lambda: len(s.workers()) == 2)
    other, = [p for p in s.workers() if p != worker]
    wait_for('it serves', lambda: children(other))
    for _ in range(5):
        f = s.login()
        harness.store(f, 'f', b'1')
        f.close()
    assert held.sendcmd('NOOP').startswith('200')
    harness.store(held, 'g', b'2')      # localhost needs no helper
    held.quit()
    wait_for('the old one has ended', lambda: s.workers() == [other])
    assert 'the helper process of worker 0 is gone' in s.log_text()
    assert 'another is started' not in s.log_text()


def take_descriptors(pid):
    """Leaves a process none that are free; returns the limits of before."""
    free = next(n for n in range(1000) if not os.path.lexists(
        '/proc/%d/fd/%d' % (pid, n)))
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    return resource.prlimit(pid, resource.RLIMIT_NOFILE, (free, hard))


@root_only
def test_a_worker_that_cannot_be_replaced_goes_on(start):
    s = start(optional={'worker_num': 1})
    supervisor, worker = s.child.pid, s.worker()
    limits = take_descriptors(supervisor)
    os.kill(children(worker)[0], signal.SIGKILL)
    wait_for('the complaint', lambda: 'ERROR socketpair' in s.log_text())
    for _ in range(3):
        f = s.login()
        harness.store(f, 'f', b'1')
        f.close()
    assert s.workers() == [worker]
    resource.prlimit(supervisor, resource.RLIMIT_NOFILE, limits)
    wait_for('another one', lambda: s.workers() not in ([], [worker]) and
             len(helpers(s)) == 1, 20)
    s.login().close()


@root_only
def test_a_worker_that_cannot_be_started_again_is_told_of(start):
    s = start(optional={'worker_num': 1})
    limits = resource.prlimit(s.child.pid, resource.RLIMIT_NOFILE)
    os.kill(s.worker(), signal.SIGKILL)
    wait_for('another one', lambda: len(helpers(s)) == 1)
    take_descriptors(s.child.pid)
    os.kill(s.worker(), signal.SIGKILL)
    wait_for('the complaint', lambda: re.search(
        'ERROR worker 0 cannot be started, .*: socketpair: ', s.log_text()))
    resource.prlimit(s.child.pid, resource.RLIMIT_NOFILE, limits)
    wait_for('another one', lambda: len(helpers(s)) == 1, 20)
    s.login().close()


# ---- run_as and chroot_dir ----

def is_jailed(pid, directory):
    assert status(pid, 'Uid') == [str(NOBODY)] * 4
    assert status(pid, 'Gid') == [str(NOBODY)] * 4
    assert status(pid, 'Groups') == []
    assert status(pid, 'NoNewPrivs') == ['1']
    for caps in ('CapPrm', 'CapEff', 'CapInh'):
        assert int(status(pid, caps)[0], 16) == 0
    if directory is not None:
        assert os.readlink('/proc/%d/root' % pid) == directory
        assert os.readlink('/proc/%d/cwd' % pid) == directory


@root_only
def test_workers_are_in_the_jail(jailed, empty):
    s = jailed()
    assert status(s.child.pid, 'Uid') == ['0'] * 4
    for pid in s.workers():
        is_jailed(pid, None if ASAN else empty)
        for fd in os.listdir('/proc/%d/fd' % pid):     # no way out
            path = os.readlink('/proc/%d/fd/%s' % (pid, fd))
            assert not (path.startswith('/') and os.path.isdir(path)), path
    for pid in helpers(s):
        wait_for('its rights', lambda p=pid: status(p, 'Uid')[0] != '0')
        is_jailed(pid, None)
        assert os.readlink('/proc/%d/root' % pid) == '/'


@root_only
def test_everything_works_in_the_jail(jailed, fake):
    s = jailed()
    body = os.urandom(5 * MIB)
    with s.login() as f:
        harness.store(f, 'd/x', body)
        assert harness.fetch(f, 'd/x') == body == fake.get('d/x')
        assert f.nlst('d') == ['d/x']
        assert f.rename('d/x', 'd/y') and f.size('d/y') == len(body)
        f.delete('d/y')
    assert 'WARNING' not in s.log_text(), s.log_text()


def name_in_hosts():
    """A name of this machine that only /etc/hosts knows."""
    with open('/etc/hosts') as f:
        for line in f:
            words = line.split('#')[0].split()
            if words and re.match(r'127\.[\d.]+$', words[0]):
                for name in words[1:]:
                    if 'localhost' not in name:
                        return name, words[0]
    return None


@root_only
@pytest.mark.skipif(name_in_hosts() is None, reason='no name in /etc/hosts')
def test_names_are_resolved_in_the_jail(jailed):
    name, address = name_in_hosts()
    s = jailed({'masquerade_address': name})

    def shown():
        with s.login() as f:
            m = re.search(r'\((\d+,\d+,\d+,\d+),', f.sendcmd('PASV'))
            return m and m[1].replace(',', '.') == address
    wait_for('the address of ' + name, shown)
    assert 'has no IPv4 address' not in s.log_text()


@root_only
def test_a_name_that_is_none_in_the_jail(jailed):
    s = jailed({'masquerade_address': 'a.invalid'})
    text = wait_for('a reason', lambda: re.search(
        r'masquerade_address = a.invalid has no IPv4 address: (.+)',
        s.log_text()), 25)
    assert 'helper' not in text[1]


@root_only
def test_a_killed_worker_is_replaced_in_the_jail(jailed, empty, fake):
    s = jailed()
    with s.login() as f:
        sock = f.transfercmd('STOR f')
        sock.sendall(os.urandom(3 * MIB))
        wait_for('an upload', fake.uploads)
        for pid in s.workers():
            os.kill(pid, signal.SIGKILL)
        wait_for('it is aborted', lambda: fake.uploads() == [])
        sock.close()
    wait_for('two workers', lambda: len(helpers(s)) == 2)
    wait_for('service', lambda: s.login().close() is None)
    for pid in s.workers():
        wait_for('its jail', lambda p=pid: status(p, 'Uid')[0] != '0')
        is_jailed(pid, None if ASAN else empty)


def logs(server):
    return sorted(os.listdir(os.path.join(server.directory, 'log')))


@root_only
def test_logs_rotate_and_reloads_work_in_the_jail(jailed, tmp_path):
    s = jailed(log_rotate_enabled='true', log_rotate_when='S')
    marks = []

    def turn():
        """In a file of its own, written by a worker."""
        mark = 'banner%d' % len(marks)
        r = s.raw()
        r.login(mark, 'x')
        r.close()
        marks.append(mark)
        return len(logs(s)) > 3
    wait_for('three rotations', turn)
    text = ''
    for name in logs(s):
        path = os.path.join(s.directory, 'log', name)
        assert os.stat(path).st_uid == 0
        with open(path) as f:
            text += f.read()
    assert [m for m in marks if '"%s"' % m not in text] == []
    old = s.workers()
    with open(s.config) as f:
        conf = f.read()
    with open(s.config, 'w') as f:
        f.write(conf.replace('[NETWORK]', '[NETWORK]\nbanner = another'))
    s.child.send_signal(signal.SIGHUP)
    wait_for('new workers', lambda: len(s.workers()) == 2 and
             not set(old) & set(s.workers()))
    with s.login() as f:
        assert f.getwelcome() == '220 another'


@root_only
def test_the_log_is_reopened_in_the_jail(jailed):
    s = jailed()
    log = os.path.join(s.directory, 'log/cos_v5.log')
    os.rename(log, log + '.old')
    s.child.send_signal(signal.SIGHUP)
    wait_for('a new log', lambda: os.path.exists(log) and
             'reloaded' in s.log_text())
    s.login().close()
    assert re.search(r'#\d+ user1 logged in', s.log_text())


@root_only
def test_a_reload_into_another_jail(jailed, empty):
    s = jailed()
    old = s.workers()

    def change(a, b):
        with open(s.config) as f:
            text = f.read()
        assert a in text
        with open(s.config, 'w') as f:
            f.write(text.replace(a, b))
        s.child.send_signal(signal.SIGHUP)
    change('chroot_dir = ' + empty, 'chroot_dir = /etc')
    wait_for('no reload', lambda: re.search(
        'ERROR not reloaded, .*: chroot_dir = /etc: not empty', s.log_text()))
    assert s.workers() == old
    change('run_as = nobody\nchroot_dir = /etc', 'run_as = 77777:88888')
    wait_for('a reload', lambda: len(s.workers()) == 2 and
             not set(old) & set(s.workers()))
    for pid in s.workers():
        assert status(pid, 'Uid') == ['77777'] * 4
        assert status(pid, 'Gid') == ['88888'] * 4
        assert os.readlink('/proc/%d/root' % pid) == '/'
    s.login().close()


@root_only
def test_root_follows_no_link_to_a_log(tmp_path, fake):
    (tmp_path / 'log').mkdir()
    (tmp_path / 'log/cos_v5.log').symlink_to(tmp_path / 'victim')
    with pytest.raises(AssertionError, match='open log/cos_v5.log'):
        Cosftpd(str(tmp_path), fake)
    assert not (tmp_path / 'victim').exists()


# ---- what cannot be ----

def refused(tmp_path, fake, words, code=1, wrap=(), **optional):
    conf = tmp_path / 'bad.conf'
    conf.write_text(account(0, fake) + '[OPTIONAL]\nlog_dir = -\n' + ''.join(
        '%s = %s\n' % kv for kv in optional.items()))
    conf.chmod(0o644)
    r = subprocess.run([*wrap, harness.COSFTPD, '-c', str(conf)],
                       capture_output=True, text=True, timeout=20)
    assert r.returncode == code, r.stderr
    assert re.search(words, r.stderr), r.stderr


@root_only
@pytest.mark.parametrize('keys, words', [
    ({'run_as': 'no-such-user'}, r'bad.conf:\d+: .*run_as = no-such-user: no'),
    ({'run_as': 'nobody:no-such'}, r'bad.conf:\d+: .*nobody:no-such: no such'),
    ({'run_as': 'root'}, r'bad.conf:\d+: .*is root'),
    ({'run_as': '0'}, r'bad.conf:\d+: .*is root'),
    ({'run_as': '65534:0'}, r'bad.conf:\d+: .*is root'),
    ({'run_as': '-1'}, r'bad.conf:\d+: .*no such user'),
    ({'chroot_dir': '/none/such'}, r'bad.conf:\d+: .*not an existing dir'),
    ({'chroot_dir': 'relative'}, r'bad.conf:\d+: .*not an existing dir'),
    ({'chroot_dir': '/etc/passwd'}, r'bad.conf:\d+: .*not an existing dir'),
    ({'chroot_dir': '/proc'}, 'chroot_dir = /proc: needs run_as'),
    ({'run_as': 'nobody', 'chroot_dir': '/etc'}, 'chroot_dir = /etc: not em'),
])
def test_what_cannot_be_a_jail(tmp_path, fake, keys, words):
    refused(tmp_path, fake, words, **keys)


@root_only
@pytest.mark.parametrize('mode, owner', [
    (0o777, 0), (0o755, NOBODY), (0o500, NOBODY)])
def test_a_jail_that_its_inmate_may_write(tmp_path, fake, mode, owner):
    path = tmp_path / 'mine'
    path.mkdir()
    path.chmod(mode)
    os.chown(path, owner, 0)
    refused(tmp_path, fake, 'run_as = nobody may write', run_as='nobody',
            chroot_dir=str(path))


# ---- an ordinary user ----

@pytest.fixture
def common(tmp_path):
    """A directory that nobody reaches and may write, and how to become it."""
    for path in (tmp_path, *tmp_path.parents):
        if path.stat().st_mode & 0o5 != 0o5 and str(path).count('/') > 1:
            path.chmod(path.stat().st_mode | 0o55)
    os.chown(tmp_path, NOBODY, NOBODY)
    return tmp_path


WRAP = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
can_wrap = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which('setpriv') is None,
    reason='needs root and setpriv')


@can_wrap
@pytest.mark.parametrize('keys', [{}, {'run_as': 'nobody'}])
def test_an_ordinary_user_needs_none_of_it(common, fake, keys):
    port = harness.free_ports(1)
    conf = common / 'my.conf'
    conf.write_text(account(0, fake) + '[NETWORK]\nlisten_port = %d\n'
                    '[OPTIONAL]\nworker_num = 2\n' % port + ''.join(
                        '%s = %s\n' % kv for kv in keys.items()))
    conf.chmod(0o640)
    os.chown(conf, NOBODY, NOBODY)
    program = common / 'cosftpd'
    shutil.copy(harness.COSFTPD, program)
    p = Process([*WRAP, str(program), '-c', str(conf)], str(common), 'mine')
    p.ready('ready on port')
    for pid in [p.child.pid] + children(p.child.pid):
        is_jailed(pid, None)
    f = ftplib.FTP()
    f.connect('127.0.0.1', port, timeout=20)
    f.login(harness.USER, harness.PASSWORD)
    body = os.urandom(3 * MIB)
    harness.store(f, 'x', body)
    assert harness.fetch(f, 'x') == body and f.nlst() == ['x']
    f.close()
    old = children(p.child.pid)
    p.child.send_signal(signal.SIGHUP)
    wait_for('a reload', lambda: len(children(p.child.pid)) == 2 and
             not set(old) & set(children(p.child.pid)))
    assert p.stop() == 0, p.text()


@can_wrap
@pytest.mark.parametrize('keys, words', [
    ({'run_as': 'daemon'}, 'run_as = daemon: only root may'),
    ({'run_as': 'nobody', 'chroot_dir': '/proc'}, 'only root may change'),
])
def test_what_only_root_may(common, fake, keys, words):
    refused(common, fake, words, wrap=WRAP, **keys)


def test_helpers_of_all_workers_die_again_and_again(start):
    s = start(optional={'worker_num': 2})
    for _ in range(3):
        old = s.workers()
        for pid in helpers(s):
            os.kill(pid, signal.SIGKILL)
        wait_for('other workers', lambda: len(s.workers()) == 2 and
                 not set(old) & set(s.workers()) and len(helpers(s)) == 2)
    with s.login() as f:
        harness.store(f, 'f', b'1')


def test_a_helper_dies_while_another_configuration_starts(start):
    s = start(optional={'worker_num': 2})
    old = s.workers()
    s.child.send_signal(signal.SIGHUP)
    wait_for('new workers', lambda: [
        os.kill(c, signal.SIGKILL) for w in s.workers() if w not in old
        for c in children(w)])
    wait_for('all is well', lambda: len(s.workers()) == 2 == len(helpers(s))
             and not set(old) & set(s.workers()))
    wait_for('the reload', lambda: 'reloaded on port' in s.log_text())
    s.login().close()
