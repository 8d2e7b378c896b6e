"""What the processes have given up before they serve."""

import os
import re
import signal

import pytest

import harness
from harness import Cosftpd, wait_for


@pytest.fixture
def server(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake, optional={'worker_num': 2})
    yield s
    assert s.stop() == 0, s.text()


def proc(pid, name):
    with open('/proc/%d/%s' % (pid, name)) as f:
        return f.read()


def test_no_new_privileges_and_no_cores(server):
    pids = [server.child.pid] + server.workers()
    assert len(pids) == 3
    for pid in pids:
        assert re.search(r'^NoNewPrivs:\s*1$', proc(pid, 'status'), re.M)
        assert re.search(r'^Max core file size\s+0\s+0\s', proc(pid, 'limits'),
                         re.M)


@pytest.mark.skipif(os.geteuid() == 0, reason='root may look everywhere')
@pytest.mark.skipif('asan' in harness.COSFTPD, reason='sanitizers look, too')
def test_memory_is_not_for_the_same_user(server):
    for pid in [server.child.pid] + server.workers():
        with pytest.raises(PermissionError):
            proc(pid, 'environ')


def test_a_crash_leaves_no_core(server, tmp_path):
    old = server.workers()[0]
    os.kill(old, signal.SIGSEGV)
    wait_for('another worker', lambda: len(server.workers()) == 2 and
             old not in server.workers())
    assert not [n for n in os.listdir(str(tmp_path)) if n.startswith('core')]
    with server.login() as ftp:
        ftp.voidcmd('NOOP')
