"""The log of transfers, line by line as xferlog(5) has it."""

import ftplib
import io
import os
import re
import resource
import shutil
import signal
import subprocess
import threading
import time

import pytest

import harness
from harness import Cosftpd, wait_for
from test_ops import opened, starter

MIB = 1024 * 1024
LINE = re.compile(
    r'(?P<when>(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) '
    r'(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) '
    r'(?: [1-9]|[12]\d|3[01]) \d\d:\d\d:\d\d \d{4}) (?P<seconds>[1-9]\d*) '
    r'(?P<host>[0-9a-f.:]+) (?P<size>\d+) (?P<name>/\S+) b _ '
    r'(?P<way>[iod]) r (?P<user>\S+) ftp 0 \* (?P<status>[ci])')


@pytest.fixture
def start(tmp_path, fake):
    yield from starter(tmp_path, fake, 2, xferlog_enable='true')


def path(s):
    return os.path.join(s.directory, 'log/xferlog')


def lines(s, name=None):
    """Every line, as a dictionary; each must be whole and in the form."""
    with open(name or path(s), encoding='utf-8', newline='\n') as f:
        text = f.read()
    assert text == '' or text.endswith('\n')
    out = []
    for line in text.split('\n')[:-1]:
        m = LINE.fullmatch(line)
        assert m, line
        # a second opinion: the fields as log analysers split them
        assert len(line.split()) == 18, line
        then = time.strptime(m['when'], '%a %b %d %H:%M:%S %Y')
        assert abs(time.mktime(then) - time.time()) < 60
        out.append(m.groupdict())
    return out


def brief(s, name=None):
    return [(x['way'], x['name'], int(x['size']), x['status'])
            for x in lines(s, name)]


def expect(s, rows, name=None):
    """A line is written just after the reply was."""
    wait_for('the lines', lambda: os.path.exists(name or path(s)) and
             len(lines(s, name)) >= len(rows))
    assert brief(s, name) == rows


def test_each_transfer_is_a_line(start, fake):
    s = start()
    f = s.login()
    harness.store(f, 'a', b'12345')
    harness.fetch(f, 'a')
    harness.fetch(f, 'a', rest=2)
    f.storbinary('APPE a', io.BytesIO(b'678'))
    f.storbinary('STOR a', io.BytesIO(b'xy'), rest=6)
    f.mkd('d')
    harness.store(f, 'd/e \u65e5\t\u009b\u202e', b'')
    f.rename('a', 'b')
    harness.lines(f, 'LIST')
    f.delete('b')
    for command in ('DELE none', 'RMD d/none'):
        with pytest.raises(ftplib.error_perm):
            f.voidcmd(command)
    with pytest.raises(ftplib.error_perm):
        harness.fetch(f, 'none')        # did not begin
    f.close()
    expect(s, [
        ('i', '/a', 5, 'c'), ('o', '/a', 5, 'c'), ('o', '/a', 3, 'c'),
        ('i', '/a', 3, 'c'), ('i', '/a', 2, 'c'),
        ('i', '/d/e_\u65e5______', 0, 'c'), ('d', '/b', 8, 'c')])
    assert {(x['host'], x['user'], x['seconds']) for x in lines(s)} == {
        ('127.0.0.1', harness.USER, '1')}


def test_what_was_cut_is_incomplete(start, fake):
    fake.put('big', b'y' * (32 * MIB))
    s = start()
    f = s.login()
    sock = f.transfercmd('RETR big')
    assert sock.recv(1)
    sock.close()
    with pytest.raises(ftplib.error_temp):
        f.voidresp()
    g = s.raw()
    g.login()
    data = g.pasv()
    assert g.cmd('STOR up').startswith('150')
    data.sendall(b'x' * MIB)
    wait_for('the bytes', lambda: g.received() == MIB)
    assert g.cmd('ABOR').startswith('426')
    assert g.reply().startswith('226')
    data.close()
    data = g.pasv()
    assert g.cmd('STOR gone').startswith('150')
    data.sendall(b'x' * 1000)
    wait_for('the bytes', lambda: g.received() == 1000)
    g.close()                           # the session ends in the transfer
    data.close()
    wait_for('three lines', lambda: len(lines(s)) == 3)
    down, up, gone = brief(s)
    assert down[:2] == ('o', '/big') and 0 < down[2] < 32 * MIB
    assert down[3] == 'i'
    assert up == ('i', '/up', MIB, 'i')
    assert gone == ('i', '/gone', 1000, 'i')
    f.close()


def test_a_failing_store_is_incomplete(start, fake):
    s = start()
    f = s.login()
    fake.fault(op='PutObject', status=403, code='AccessDenied')
    with pytest.raises(ftplib.error_perm):
        harness.store(f, 'a', b'123')
    expect(s, [('i', '/a', 3, 'i')])
    f.close()


def test_workers_never_mix_their_lines(start):
    s = start(workers=3)

    def work(i):
        f = s.login()
        for k in range(20):
            harness.store(f, 'd%d/%s%d' % (i, 'x' * 300, k), b'1' * k)
        f.close()
    threads = [threading.Thread(target=work, args=(i,)) for i in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    wait_for('all lines', lambda: len(lines(s)) >= 120)
    assert sorted(brief(s)) == sorted(
        ('i', '/d%d/%s%d' % (i, 'x' * 300, k), k, 'c')
        for i in range(6) for k in range(20))


def test_no_log_unless_it_is_asked_for(start):
    s = start(optional={'xferlog_enable': 'false'})
    f = s.login()
    harness.store(f, 'a', b'1')
    f.close()
    assert not os.path.exists(path(s))


def test_rotation(start):
    """Old workers and new ones write to the new file, also a worker that was
    started since; and with a configuration that is not taken."""
    s = start()
    old = s.login()
    s.reload()
    new = s.login()
    os.rename(path(s), path(s) + '.1')
    s.change(('listen_port', 'listen_prt x'))
    s.child.send_signal(signal.SIGHUP)
    wait_for('the outcome', lambda: 'not reloaded' in s.log_text())
    wait_for('the old file is closed', lambda: path(s) + '.1' not in opened(
        [s.child.pid] + s.workers()))
    for f, name in ((old, 'old'), (new, 'new')):
        harness.store(f, name, b'1')
        wait_for('its line', lambda: '/' + name in [
            x['name'] for x in lines(s)])
        f.close()
    wait_for('the old ones end', lambda: len(s.workers()) == 2)
    before = s.workers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_for('others', lambda: len(s.workers()) == 2 and
             not set(s.workers()) & set(before))
    f = s.login()
    harness.store(f, 'third', b'1')
    f.close()
    expect(s, [('i', '/' + n, 1, 'c')
                        for n in ('old', 'new', 'third')])
    assert lines(s, path(s) + '.1') == []


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_rotation_when_there_are_no_descriptors(start):
    """Whoever takes them all must not keep his lines out of the new files."""
    s = start(workers=1)
    f = s.login()
    worker = s.worker()
    free = next(n for n in range(1000) if not os.path.lexists(
        '/proc/%d/fd/%d' % (worker, n)))
    hard = resource.prlimit(worker, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (free, hard))
    s.change(('listen_port', 'listen_prt x'))
    for n in range(3):
        names = [path(s), os.path.join(s.directory, 'log/cos_v5.log')]
        for name in names:
            os.rename(name, '%s.%d' % (name, n))
        s.child.send_signal(signal.SIGHUP)
        wait_for('the outcome', lambda: os.path.exists(names[1]) and
                 'not reloaded' in s.log_text())
        wait_for('the new files', lambda: sorted(
            x for x in opened([worker]) if 'log/' in x) == sorted(
                [names[1], names[0]]))
    assert f.sendcmd('NOOP').startswith('200')
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (hard, hard))
    harness.store(f, 'a', b'1')
    f.close()
    expect(s, [('i', '/a', 1, 'c')])


def test_a_reload_turns_it_on_and_off(start):
    s = start(optional={'xferlog_enable': 'false'})
    s.reload(('xferlog_enable = false',
              'xferlog_enable = true\nxferlog_file = other'))
    f = s.login()
    harness.store(f, 'a', b'1')
    other = os.path.join(s.directory, 'other')
    expect(s, [('i', '/a', 1, 'c')], other)
    s.reload(('xferlog_enable = true', 'xferlog_enable = false'))
    g = s.login()
    harness.store(g, 'b', b'1')
    harness.store(f, 'c', b'1')         # still under its configuration
    expect(s, [('i', '/a', 1, 'c'), ('i', '/c', 1, 'c')], other)
    s.change(('xferlog_enable = false', 'xferlog_enable = true'),
             ('xferlog_file = other', 'xferlog_file = none/other'))
    s.hup('not reloaded')
    assert 'xferlog_file = none/other' in s.log_text()
    f.close()
    g.close()


def test_a_full_disk_is_said_once(start):
    s = start(workers=1, optional={'xferlog_file': '/dev/full'})
    f = s.login()
    for k in range(5):
        assert harness.store(f, 'a', b'1').startswith('226')
        f.delete('a')
    assert s.log_text().count('/dev/full: not written, lines are lost: '
                              'No space left on device') == 1
    f.close()


def test_a_file_that_cannot_be_opened(tmp_path, fake):
    with pytest.raises(AssertionError, match='xferlog_file = none/xferlog: No such'):
        Cosftpd(str(tmp_path), fake, optional={
            'xferlog_enable': 'true', 'xferlog_file': 'none/xferlog'})


@pytest.mark.skipif(os.geteuid() != 0, reason='needs root')
def test_root_follows_nobodys_link_but_its_own(start, tmp_path, fake):
    """Who has the directory must not choose what root writes to."""
    victim = tmp_path / 'victim'
    (tmp_path / 'log').mkdir()
    link = tmp_path / 'log/xferlog'
    link.symlink_to(victim)
    os.chown(link, 65534, 65534, follow_symlinks=False)
    with pytest.raises(AssertionError, match='xferlog_file = .*xferlog: '):
        Cosftpd(str(tmp_path), fake, optional={'xferlog_enable': 'true'})
    assert not victim.exists()
    link.unlink()
    link.symlink_to(victim)             # such as /dev/stdout
    s = start()
    f = s.login()
    harness.store(f, 'a', b'1')
    f.close()
    expect(s, [('i', '/a', 1, 'c')], victim)


def test_without_a_log_directory_a_name_is_needed(tmp_path, fake):
    with pytest.raises(AssertionError, match='needs xferlog_file'):
        Cosftpd(str(tmp_path), fake, optional={
            'xferlog_enable': 'true', 'log_dir': '-'})


def test_logrotate_itself(start, tmp_path):
    """With our example, but for its paths, user and command."""
    if not shutil.which('logrotate'):
        pytest.skip('no logrotate here')
    s = start()
    with open(os.path.join(harness.TOP, 'conf/cosftpd.logrotate')) as f:
        text = f.read()
    for old, new in (('/var/log/cosftpd/log', str(tmp_path / 'log')),
                     ('\tsu cosftpd cosftpd\n', ''),
                     ('systemctl reload cosftpd',
                      'kill -HUP %d' % s.child.pid)):
        assert old in text
        text = text.replace(old, new)
    conf = tmp_path / 'rotate.conf'
    conf.write_text(text)
    conf.chmod(0o644)
    (tmp_path / 'log').chmod(0o755)
    f = s.login()
    harness.store(f, 'a', b'1')
    expect(s, [('i', '/a', 1, 'c')])
    subprocess.run([shutil.which('logrotate'), '-f', '-s',
                    str(tmp_path / 'state'), str(conf)], check=True)
    wait_for('a new file', lambda: os.path.exists(path(s)) and
             'reloaded on port' in s.log_text())
    wait_for('the old file is closed', lambda: path(s) + '.1' not in opened(
        [s.child.pid] + s.workers()))
    harness.store(f, 'b', b'1')
    f.close()
    expect(s, [('i', '/a', 1, 'c')], path(s) + '.1')
    expect(s, [('i', '/b', 1, 'c')])
    assert 'STOR /b' in s.log_text()
