"""What the server says of itself: SIGUSR1, status_socket, --status."""

import os
import re
import signal
import socket
import stat
import subprocess

import pytest

import harness
from harness import Cosftpd, wait_for
from test_ops import opened, starter

MIB = 1024 * 1024
KINDS = ('upload', 'download', 'listing')
SESSION = re.compile(
    r'#(?P<id>\d+) (?P<user>\S+) from 127\.0\.0\.1 port (?P<port>\d+) '
    r'(?P<tls>over TLS|in clear): (?:(?P<idle>idle)|(?P<verb>[A-Z]+) '
    r'(?P<path>.*?))(?:, (?P<bytes>\d+)(?: of (?P<total>\d+))? bytes, '
    r'(?P<rate>\d+\.\d\d) MB/s)?, (?P<seconds>\d+) s')


@pytest.fixture
def start(tmp_path, fake):
    yield from starter(tmp_path, fake, 2)


def parse(block):
    """The lines of a status: the sums in groups, and the sessions."""
    sums, sessions = {}, []
    for line in block:
        if line.startswith('#'):
            assert not sums
            m = SESSION.fullmatch(line)
            assert m, line
            sessions.append(m.groupdict())
        else:
            name, number = re.fullmatch(r'([^:]+): (?:up )?(\d+)(?: s)?',
                                        line).groups()
            assert name not in sums
            sums[name] = int(number)
    head = {kind + 's': [sums['%s, %s' % (n, kind)] for n in (
        'transfers', 'transfers_begun_total', 'transfers_failed_total',
        'bytes_total')] for kind in KINDS}
    for group, names in (
            ('sessions', ('sessions', 'connections_total',
                          'login_failures_total')),
            ('COS', ('cos_requests_total', 'cos_retries_total',
                     'cos_failures_total')),
            ('memory', ('memory_bytes', 'memory_limit_bytes')),
            ('workers', ('workers', 'worker_deaths_total'))):
        head[group] = [sums[n] for n in names]
    assert len(sums) == 24 and 'cosftpd ' + version() in sums
    return head, sessions


def version():
    return subprocess.run([harness.COSFTPD, '-V'], check=True,
                          stdout=subprocess.PIPE).stdout.decode().split()[1]


def usr1(s):
    """The block that SIGUSR1 adds to the log."""
    before = len(s.log_text())
    s.child.send_signal(signal.SIGUSR1)

    def look():
        lines = re.findall(r' status: (.*)\n', s.log_text()[before:])
        return lines if lines and lines[-1].startswith('start_time') else None
    return parse(wait_for('a status in the log', look))


def of(sessions, verb):
    found = [x for x in sessions if x['verb'] == verb]
    assert len(found) <= 1
    return found[0] if found else None


def slow_upload(s, name='dir/a name'):
    """A session in the middle of an upload of 1 MiB of 3."""
    f = s.login()
    f.sendcmd('ALLO %d' % (3 * MIB))
    sock = f.transfercmd('STOR ' + name)
    sock.sendall(b'x' * MIB)
    return f, sock


def test_usr1_shows_what_sessions_do(start, fake):
    fake.put('big', b'y' * (32 * MIB))
    s = start()
    idle = s.login()
    guest = s.raw()
    f, up = slow_upload(s)
    g = s.login()
    down = g.transfercmd('RETR big')
    assert down.recv(1)

    def look():
        head, sessions = usr1(s)
        stor, retr = of(sessions, 'STOR'), of(sessions, 'RETR')
        if stor and retr and int(stor['bytes']) == MIB and \
                int(retr['bytes']) > 0:
            return head, sessions, stor, retr
        return None
    head, sessions, stor, retr = wait_for('both transfers', look)
    assert stor['path'] == '/dir/a name' and int(stor['total']) == 3 * MIB
    assert retr['path'] == '/big' and int(retr['total']) == 32 * MIB
    assert int(retr['bytes']) < 32 * MIB
    assert stor['user'] == retr['user'] == harness.USER
    assert stor['tls'] == 'in clear'
    assert int(stor['port']) == f.sock.getsockname()[1]
    others = [x for x in sessions if x['idle']]
    assert sorted(x['user'] for x in others) == ['-', harness.USER]
    assert head['sessions'] == [4, 4, 0]
    assert head['uploads'] == [1, 1, 0, MIB]
    assert head['downloads'][:3] == [1, 1, 0]
    assert head['downloads'][3] >= int(retr['bytes'])
    assert head['COS'][0] > 0 and head['COS'][1:] == [0, 0]
    assert 0 < head['memory'][0] <= head['memory'][1] == 64 * MIB
    up.close()
    assert f.voidresp().startswith('226 ')
    down.close()
    with pytest.raises(harness.ftplib.error_temp):
        g.voidresp()
    head = wait_for('the end', lambda: [
        h for h in [usr1(s)[0]] if h['downloads'][0] == 0])[0]
    assert head['uploads'] == [0, 1, 0, MIB]
    assert head['downloads'][:3] == [0, 1, 1]
    for x in (idle, guest, f, g):
        x.close()


def test_the_speed_is_told(start):
    s = start(workers=1)
    f, up = slow_upload(s)
    stor = wait_for('a second', lambda: [
        x for x in [of(usr1(s)[1], 'STOR')] if int(x['seconds']) >= 1 and
        int(x['bytes']) == MIB])[0]
    assert 0.2 <= float(stor['rate']) <= 1.05
    up.close()
    f.voidresp()
    f.close()


def test_usr1_with_option_1(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake, args=['-1'])
    f = s.login()
    for _ in range(3):
        head, sessions = usr1(s)
        assert head['sessions'] == [1, 1, 0] and len(sessions) == 1
    f.close()
    assert s.stop() == 0


def test_usr1_is_said_at_any_level(start):
    s = start(optional={'log_level': 'ERROR'})
    usr1(s)


def test_a_worker_ignores_usr1(start):
    s = start(workers=1)
    f = s.login()
    pid = s.worker()
    os.kill(pid, signal.SIGUSR1)
    assert f.sendcmd('NOOP').startswith('200')
    assert s.worker() == pid
    f.close()


def test_failures_are_counted(start, fake):
    s = start(workers=1)
    with pytest.raises(harness.ftplib.error_perm):
        s.login(password='wrong')
    f = s.login()
    harness.store(f, 'f', b'1')
    fake.fault(op='HeadObject', status=503, code='SlowDown')
    assert f.size('f') == 1
    fake.fault(op='HeadObject', status=403, code='AccessDenied')
    with pytest.raises(harness.ftplib.error_perm):
        f.size('f')
    with pytest.raises(harness.ftplib.error_perm):
        f.size('none')                  # is no failure
    head, _ = usr1(s)
    assert head['sessions'][2] == 1
    assert head['COS'][1:] == [1, 1]
    assert head['COS'][0] == sum(fake.ops().values())
    f.close()


def test_names_forge_no_line(start):
    """Long names are cut in front."""
    s = start(workers=1)
    f = s.raw()
    f.login()
    for name, shown in (
            ('x: idle, 3 s #1 root from', '/x: idle, 3 s #1 root from'),
            ('a/' * 200 + 'the end', 'a/' * 59 + 'the end'),
            ('\u65e5' * 100, '\u65e5' * 42)):
        data = f.pasv()
        assert f.cmd('STOR ' + name).startswith('150 ')
        head, sessions = usr1(s)
        assert of(sessions, 'STOR')['path'].endswith(shown)
        assert len(of(sessions, 'STOR')['path'].encode()) < 128
        data.close()
        assert f.reply().startswith('226 ')
    for name in ('\x1b]0;x\x07', 'a\rb', 'a\x7fb'):
        assert f.cmd('STOR ' + name).startswith('5')
        assert len(usr1(s)[1]) == 1
    f.close()


def test_counters_survive_a_worker(start):
    s = start()
    f, up = slow_upload(s)
    wait_for('the bytes', lambda: usr1(s)[0]['uploads'][3] == MIB)
    before, _ = usr1(s)
    pids = s.workers()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    wait_for('others', lambda: len(s.workers()) == 2 and
             not set(s.workers()) & set(pids))
    wait_for('service', lambda: s.login().close() is None)
    after, sessions = usr1(s)
    assert after['uploads'] == [0, 1, 0, MIB]
    assert after['COS'][0] >= before['COS'][0] > 0
    assert after['sessions'][1] > before['sessions'][1]
    assert after['memory'][0] == 0
    assert after['workers'] == [2, 2]
    assert not of(sessions, 'STOR')
    up.close()
    f.close()


# ---- status_socket ----

@pytest.fixture
def served(start, tmp_path):
    return start(optional={'status_socket': tmp_path / 'status'})


def ask(s, request, name='status'):
    """Whatever the socket answers, to its end."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.settimeout(20)
        sock.connect(os.path.join(s.directory, name))
        sock.sendall(request)
        answer = b''
        while True:
            more = sock.recv(65536)
            if not more:
                return answer.decode()
            answer += more


def run(s, *args):
    return subprocess.run([harness.COSFTPD, '-c', s.config, *args],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding='utf-8', cwd=s.directory)


def metrics(text):
    """Strictly: HELP, TYPE, samples of each family; {(name, label): value}."""
    out, family, kind = {}, None, None
    assert text.endswith('\n')
    for line in text[:-1].split('\n'):
        m = re.fullmatch(r'# HELP (cosftpd_[a-z_]+) [A-Z].*\.', line)
        if m:
            assert m[1] not in [k[0] for k in out]
            family, kind = m[1], None
            continue
        m = re.fullmatch(r'# TYPE (cosftpd_[a-z_]+) (counter|gauge)', line)
        if m:
            assert m[1] == family and kind is None
            kind = m[2]
            assert (kind == 'counter') == family.endswith('_total')
            continue
        m = re.fullmatch(
            r'(cosftpd_[a-z_]+)(?:\{[a-z]+="([a-z0-9.]+)"\})? (\d+)', line)
        assert m and m[1] == family and kind, line
        assert (m[1], m[2]) not in out
        out[m[1], m[2]] = int(m[3])
    return out


def test_metrics(served, fake):
    f, up = slow_upload(served)
    now = wait_for('the bytes', lambda: [
        m for m in [metrics(ask(served, b'metrics\n'))]
        if m['cosftpd_bytes_total', 'upload'] == MIB])[0]
    assert {k for k, _ in now} == {'cosftpd_' + n for n in (
        'sessions', 'connections_total', 'login_failures_total', 'transfers',
        'transfers_begun_total', 'transfers_failed_total', 'bytes_total',
        'cos_requests_total', 'cos_retries_total', 'cos_failures_total',
        'memory_bytes', 'memory_limit_bytes', 'workers',
        'worker_deaths_total', 'start_time_seconds', 'build_info')}
    assert [now['cosftpd_transfers', k] for k in KINDS] == [1, 0, 0]
    assert now['cosftpd_sessions', None] == 1
    assert now['cosftpd_workers', None] == 2
    assert now['cosftpd_memory_bytes', None] > 0
    assert now['cosftpd_memory_limit_bytes', None] == 64 * MIB
    assert now['cosftpd_build_info', version()] == 1
    up.close()
    f.voidresp()
    assert harness.fetch(f, 'dir/a name') == b'x' * MIB
    assert harness.lines(f, 'LIST')
    f.close()
    now = wait_for('the end', lambda: [
        m for m in [metrics(run(served, '--status=metrics').stdout)]
        if m['cosftpd_sessions', None] == 0])[0]
    assert [now['cosftpd_transfers', k] for k in KINDS] == [0, 0, 0]
    assert [now['cosftpd_transfers_begun_total', k] for k in KINDS] == [1] * 3
    assert now['cosftpd_bytes_total', 'download'] == MIB
    assert now['cosftpd_cos_requests_total', None] == sum(fake.ops().values())


def test_metrics_as_prometheus_reads_them(served):
    parser = pytest.importorskip('prometheus_client.parser')
    text = ask(served, b'metrics\n')
    mine = metrics(text)
    theirs = {}
    for family in parser.text_string_to_metric_families(text):
        assert family.type in ('counter', 'gauge') and family.documentation
        for x in family.samples:
            theirs[x.name, next(iter(x.labels.values()), None)] = x.value
    assert set(theirs) == set(mine)


def test_names_say_nothing_to_a_terminal(served):
    f, up = slow_upload(served, 'a\u009b1m\u202e\tb \u65e5')
    shown = '/a\\xc2\\x9b1m\\xe2\\x80\\xae\\x09b \u65e5'
    stor = wait_for('it', lambda: of(
        parse(run(served, '--status').stdout.split('\n')[:-1])[1], 'STOR'))
    assert stor['path'] == shown
    assert of(usr1(served)[1], 'STOR')['path'] == shown
    up.close()
    f.voidresp()
    f.close()


def test_text_and_the_option(served):
    f, up = slow_upload(served)

    def look():
        r = run(served, '--status')
        assert r.returncode == 0 and r.stderr == ''
        head, sessions = parse(r.stdout.splitlines())
        return head if int(of(sessions, 'STOR')['bytes']) == MIB else None
    head = wait_for('the bytes', look)
    assert head['uploads'] == [1, 1, 0, MIB]
    assert parse(ask(served, b'text\n').splitlines())[0]['uploads'] == \
        head['uploads']
    up.close()
    f.voidresp()
    f.close()


@pytest.mark.parametrize('answer, words', [
    (b'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nall\n', None),
    (b'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nall', 'cut'),
    (b'HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\n', 'cut'),
    (b'HTTP/1.0 200 OK\r\nContent-Le', 'no answer'),
    (b'HTTP/1.0 404 Not Found\r\nContent-Length: 4\r\n\r\nall\n',
     'no answer'),
    (b'', 'no answer'),
])
def test_the_option_knows_an_answer_that_is_cut(tmp_path, fake, answer,
                                                words):
    def handle(sock):
        sock.recv(4096)
        sock.sendall(answer)
        sock.close()
    config = tmp_path / 'vsftpd.conf'
    config.write_text(harness.account(0, fake) +
                      '\n[OPTIONAL]\nstatus_socket = s\n')
    config.chmod(0o600)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / 's'))
        listener.listen()
        harness.serve(listener, handle)
        r = subprocess.run(
            [harness.COSFTPD, '-c', str(config), '--status'], cwd=tmp_path,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if words is None:
        assert (r.returncode, r.stdout, r.stderr) == (0, 'all\n', '')
    else:
        assert r.returncode == 1 and words in r.stderr


@pytest.mark.parametrize('what', ['metric', 'Metrics', '', '/metrics'])
def test_the_option_asks_for_nothing_else(served, what):
    r = run(served, '--status=' + what)
    assert r.returncode == 1 and r.stdout == ''
    assert 'allowed: text, metrics' in r.stderr


def test_http(served):
    for path, wants in (('/metrics', '# HELP'), ('/', 'cosftpd ')):
        head, body = ask(served, b'GET %s HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n'
                         % path.encode()).split('\r\n\r\n')
        lines = head.split('\r\n')
        assert lines[0] == 'HTTP/1.0 200 OK' and body.startswith(wants)
        assert 'Content-Type: text/plain; version=0.0.4; charset=utf-8' in \
            lines
        assert 'Content-Length: %d' % len(body) in lines
    assert ask(served, b'GET /x HTTP/1.0\r\n\r\n').startswith(
        'HTTP/1.0 404 ')
    r = subprocess.run(['curl', '-sf', '--unix-socket',
                        os.path.join(served.directory, 'status'),
                        'http://localhost/metrics'], stdout=subprocess.PIPE)
    assert r.returncode == 0 and metrics(r.stdout.decode())


def test_what_is_no_question(served):
    assert ask(served, b'secrets\n').startswith('Ask for: ')
    assert ask(served, b'text\0\n') and ask(served, b'\n')
    try:
        assert ask(served, b'GET ' + b'x' * 5000) == ''
    except ConnectionError:             # most of it was not read
        pass
    for bad in (b'', b'tex', b'GET / HTTP/1.0\r\n'):    # and no more
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(os.path.join(served.directory, 'status'))
            sock.sendall(bad)
            sock.shutdown(socket.SHUT_WR)
            assert sock.recv(100) == b''


def test_who_says_nothing_is_sent_away_and_others_wait(served):
    import time
    silent = []
    for _ in range(8):
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(20)
        sock.connect(os.path.join(served.directory, 'status'))
        silent.append(sock)
    begun = time.monotonic()
    assert ask(served, b'metrics\n')
    assert 3 < time.monotonic() - begun < 15
    for sock in silent:
        assert sock.recv(1) == b''
        sock.close()


def test_the_socket_is_for_its_user_and_goes_with_the_server(tmp_path, fake):
    path = tmp_path / 'status'
    s = Cosftpd(str(tmp_path), fake, optional={'status_socket': 'status'})
    st = path.lstat()
    assert stat.S_ISSOCK(st.st_mode) and stat.S_IMODE(st.st_mode) == 0o600
    assert s.stop() == 0
    assert not path.exists()
    r = run(s, '--status')
    assert r.returncode == 1 and r.stdout == '' and str(
        'connect to status: No such file') in r.stderr


def test_a_socket_left_behind_is_replaced_a_live_one_is_not(tmp_path, fake):
    path = tmp_path / 'status'
    keys = {'optional': {'status_socket': 'status', 'worker_num': 1}}
    s = Cosftpd(str(tmp_path), fake, **keys)
    pids = s.workers()
    s.child.kill()
    s.child.wait()
    wait_for('its workers end', lambda: not any(
        os.path.exists('/proc/%d' % p) for p in pids))
    assert path.exists()
    s = Cosftpd(str(tmp_path), fake, **keys)
    assert ask(s, b'text\n')
    port = harness.free_ports(1)
    with open(s.config, encoding='utf-8') as f:
        text = f.read().replace('listen_port = %d' % s.port,
                                'listen_port = %d' % port)
    other = tmp_path / 'other.conf'
    other.write_text(text)
    other.chmod(0o600)
    r = subprocess.run([harness.COSFTPD, '-c', str(other)],
                       cwd=str(tmp_path), stderr=subprocess.PIPE,
                       encoding='utf-8')
    assert r.returncode == 2
    assert re.search('status_socket: listen on status: Address .*in use',
                     r.stderr)
    assert ask(s, b'text\n')
    assert s.stop() == 0
    path.write_text('not ours')
    r = run(s)
    assert r.returncode == 2 and 'status' in r.stderr
    assert path.read_text() == 'not ours'


def test_the_socket_after_a_reload(start, tmp_path):
    s = start(workers=1, optional={'status_socket': 'status'})
    f = s.login()
    f.quit()
    wait_for('the end', lambda: '\nsessions: 0\n' in ask(s, b'text\n'))
    first = (tmp_path / 'status').stat().st_ino
    s.reload()
    assert (tmp_path / 'status').stat().st_ino == first
    assert '\nconnections_total: 1\n' in ask(s, b'text\n')
    s.reload(('status_socket = status', 'status_socket = second'))
    assert '\nconnections_total: 1\n' in ask(s, b'text\n', 'second')
    assert not (tmp_path / 'status').exists()
    (tmp_path / 'third').write_text('')
    s.change(('status_socket = second', 'status_socket = third'))
    s.hup('not reloaded')
    assert ask(s, b'text\n', 'second')
    s.reload(('status_socket = third', '#'))
    assert not (tmp_path / 'second').exists()
    r = run(s, '--status')
    assert r.returncode == 1 and 'status_socket is not set' in r.stderr


def test_the_socket_with_option_1(tmp_path, fake):
    s = Cosftpd(str(tmp_path), fake, args=['-1'],
                optional={'status_socket': 'status'})
    f = s.login()
    head, sessions = parse(ask(s, b'text\n').splitlines())
    assert head['workers'] == [1, 0] and len(sessions) == 1
    f.close()
    assert s.stop() == 0
    assert not (tmp_path / 'status').exists()


def test_workers_keep_nothing_of_the_socket(served):
    harness.needs_root()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(os.path.join(served.directory, 'status'))
        old = served.workers()
        os.kill(old[0], signal.SIGKILL)
        new = wait_for('another', lambda: [
            p for p in served.workers() if p not in old])[0]

        def unix():
            with open('/proc/net/unix') as f:
                known = {'socket:[%s]' % x.split()[6] for x in f}
            return opened([new]) & known
        # one end of a pair to the supervisor, and of one to its helper
        wait_for('the others are closed', lambda: len(unix()) == 2)


def test_idle_takes_no_time(served):
    ask(served, b'text\n')
    import time
    begun, cpu = time.monotonic(), served.cpu()
    wait_for('two seconds', lambda: time.monotonic() - begun > 2)
    assert served.cpu() - cpu <= 0.01
