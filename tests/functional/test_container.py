"""As conf/Dockerfile runs it: process 1 of its own, in a file system that is
read-only and has nothing but the program and its configuration."""

import ftplib
import os
import re
import shutil
import signal
import subprocess

import pytest

import harness
from harness import Process, account, free_ports

INSIDE = '''mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" &&
exec setpriv --no-new-privs --bounding-set="$2" \
    chroot --userspec="$3" "$1" /cosftpd -c /etc/cosftpd/vsftpd.conf
'''
ORDINARY = ['-all,+setuid,+setgid,+sys_chroot', '65534:65534']
ROOT = ['-all,+setuid,+setgid,+sys_chroot,+net_bind_service', '0:0']
UNSHARE = ['unshare', '--mount', '--pid', '--fork', '--kill-child']


def allowed():
    return all(map(shutil.which, ('nsenter', 'setpriv', 'chroot'))) and \
        harness.may_mount(*UNSHARE)


def only_child(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
        child, = f.read().split()
    return int(child)


def states(pid):
    """Of its children; '' when one goes away meanwhile."""
    text = ''
    with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
        children = f.read().split()
    for child in children:
        try:
            with open('/proc/%s/stat' % child) as g:
                text += g.read().rsplit(') ', 1)[1][0]
        except (FileNotFoundError, ProcessLookupError):
            return ''
    return text


pytestmark = [
    pytest.mark.skipif(not allowed(), reason='needs root and namespaces'),
    pytest.mark.skipif(harness.COSFTPD != os.path.join(harness.TOP, 'cosftpd'),
                       reason='needs the static program')]


@pytest.fixture
def run(tmp_path, fake):
    """Process, its port, and the number outside of process 1 within."""
    def begin(how, optional=''):
        root = tmp_path / 'root'
        (root / 'etc/cosftpd').mkdir(parents=True)
        (root / 'var/empty').mkdir(parents=True)
        shutil.copy(harness.COSFTPD, root / 'cosftpd')
        port, data = free_ports(1), free_ports(16)
        (root / 'etc/cosftpd/vsftpd.conf').write_text(
            account(0, fake) + '[NETWORK]\nlisten_port = %d\n'
            'passive_port = %d,%d\n[OPTIONAL]\nlog_dir = -\n'
            'worker_num = 2\n%s' % (port, data, data + 15, optional))
        os.chmod(root / 'etc/cosftpd/vsftpd.conf', 0o644)
        for path in (tmp_path, root):
            os.chmod(path, 0o755)
        p = Process([*UNSHARE, 'sh', '-c', INSIDE, 'sh', str(root), *how],
                    str(tmp_path), 'container')
        p.ready(r'ready on port')
        return p, port, only_child(p.child.pid)
    return begin


def test_alone_and_read_only(run, fake):
    p, port, first = run(ORDINARY)
    with open('/proc/%d/status' % first) as f:
        status = f.read()
    assert re.search(r'^NSpid:\t\d+\t1$', status, re.M)
    assert re.search(r'^Uid:\t65534\t65534\t', status, re.M)
    with open('/proc/%d/mounts' % first) as f:
        assert re.search(r' / \S+ ro[, ]', f.read())
    f = ftplib.FTP()
    f.connect('127.0.0.1', port, timeout=20)
    f.login(harness.USER, harness.PASSWORD)
    body = os.urandom(3 * 1024 * 1024)
    assert harness.store(f, 'x', body).startswith('226 ')
    assert harness.fetch(f, 'x') == body and fake.get('x') == body
    f.close()
    # What has lost its parent is the child of process 1 then.
    subprocess.run(['nsenter', '--target', str(first), '--pid', 'sh', '-c',
                    'true &'], check=True)
    harness.wait_for('no zombies', lambda: states(first) and
                     'Z' not in states(first))
    os.kill(first, signal.SIGTERM)      # docker stop
    assert p.child.wait(15) == 0, p.text()
    assert re.search(r'INFO  stopped$', p.text(), re.M)


def test_root_with_few_capabilities_and_a_worker_that_hangs(run):
    p, _, first = run(ROOT, 'run_as = 65534\nchroot_dir = /var/empty\n'
                      'drain_timeout = 1\n')
    hangs = harness.children(first)[0]
    os.kill(hangs, signal.SIGSTOP)
    os.kill(first, signal.SIGTERM)
    assert p.child.wait(10) == 0, p.text()  # else docker stop would kill
    assert re.search(r'ERROR worker \d+ \(pid \d+\) hangs and cannot be '
                     r'killed: Operation not permitted$', p.text(), re.M)
