"""What the functional tests share: the stand-in for COS, the server under
test, and a log-in.  Everything listens on loopback and on ports the system
chose; nothing sleeps: what has to be waited for is polled with a bound.

COSFTPD and FAKECOS name other binaries (the sanitizer build, say).
COS_PREFIX puts all accounts below that cos_prefix, which the tests do not
see: what they put into the store and find there is below it, too."""

import atexit
import ftplib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.parse
import urllib.request

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
COSFTPD = os.path.abspath(
    os.environ.get('COSFTPD', os.path.join(TOP, 'cosftpd')))
FAKECOS = os.path.abspath(
    os.environ.get('FAKECOS', os.path.join(TOP, 'build/host/fakecos')))
ID, KEY, BUCKET = 'AKIDTESTONLY0001', 'SecretForTestsOnly', 'test-1250000000'
USER, PASSWORD = 'user1', 'pass 1'
PREFIX = os.environ.get('COS_PREFIX', '')


def wait_for(what, check, seconds=10.0):
    """The first true value of check(); an error that names what after that."""
    end = time.monotonic() + seconds
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError('never happened: ' + what)
        time.sleep(0.01)


def free_ports(n):
    """The first of n ports in a row that nobody listens on just now, below
    those the system gives to outgoing connections."""
    with open('/proc/sys/net/ipv4/ip_local_port_range') as f:
        low = int(f.read().split()[0])
    top = low if low > 20000 else 65536
    for _ in range(200):
        first = random.randrange(10000, top - n)
        held = []
        try:
            for p in range(first, first + n):
                t = socket.socket()
                held.append(t)
                # as the server binds: what is in TIME_WAIT is free
                t.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                t.bind(('127.0.0.1', p))
                t.listen(1)
            return first
        except OSError:
            continue
        finally:
            for t in held:
                t.close()
    raise AssertionError('no free ports')


def needs_root():
    """Processes that hold keys let only root look into them."""
    if os.geteuid() != 0:
        pytest.skip('looks into the server: only root may')


def may_mount(*unshare):
    """In namespaces of its own that this command makes."""
    return os.geteuid() == 0 and shutil.which('unshare') is not None and \
        subprocess.run([*unshare, 'mount', '--bind', '/tmp', '/tmp'],
                       stderr=subprocess.DEVNULL).returncode == 0


def serve(listener, handle):
    """Each connection in a thread of its own, until listener is closed."""
    def run():
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(sock,), daemon=True).start()
    threading.Thread(target=run, daemon=True).start()


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as s:
            s.bind(('::1', 0))
        return True
    except OSError:
        return False


def children(pid):
    with open('/proc/%d/task/%d/children' % (pid, pid)) as f:
        return [int(x) for x in f.read().split()]


REPORT = re.compile(r'Sanitizer|runtime error: ')


class Process:
    """A child with its output in a file; ended by pid, never by name."""

    def __init__(self, args, directory, name):
        self.output = os.path.join(directory, name + '.out')
        with open(self.output, 'wb') as out:
            self.child = subprocess.Popen(
                args, cwd=directory, stdin=subprocess.DEVNULL,
                stdout=out, stderr=subprocess.STDOUT)
        atexit.register(self.end)       # of a test that failed

    def end(self):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()

    def text(self):
        with open(self.output, 'rb') as f:
            return f.read().decode('utf-8', 'replace')

    def ready(self, pattern):
        def look():
            if self.child.poll() is not None:
                raise AssertionError('ended early:\n' + self.text())
            return re.search(pattern, self.text())
        return wait_for('a line like ' + pattern, look)

    def stop(self, sig=signal.SIGTERM, seconds=15):
        """The exit status.  A sanitizer's report fails the test, whatever
        that is: a worker that died is replaced, and nobody may notice."""
        status = self.ended(sig, seconds)
        assert not REPORT.search(self.text()), self.text()
        return status

    def ended(self, sig=signal.SIGTERM, seconds=15):
        if self.child.poll() is None:
            self.child.send_signal(sig)
        try:
            return self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise AssertionError('did not stop:\n' + self.text()[-2000:])


class Fakecos(Process):
    def __init__(self, directory, *options, bucket=BUCKET, port=0):
        super().__init__(
            [FAKECOS, '--port', str(port), '--bucket', bucket, '--id', ID,
             '--key', KEY, *options], directory, 'fakecos')
        self.tls = '--tls' in options
        self.bucket = bucket
        self.port = int(self.ready(r'ready on 127\.0\.0\.1:(\d+)')[1])

    def control(self, method, path, body=None, headers=None, **params):
        query = urllib.parse.urlencode(params)
        r = urllib.request.Request(
            '%s://127.0.0.1:%d%s%s' % (
                'https' if self.tls else 'http', self.port, path,
                '?' + query if query else ''),
            data=body if body is not None else
            (b'' if method == 'POST' else None),
            method=method, headers={'Host': 'fakecos.control',
                                    **(headers or {})})
        context = None
        if self.tls:
            import ssl
            context = ssl._create_unverified_context()
        with urllib.request.urlopen(r, timeout=30, context=context) as f:
            return f.read()

    def stats(self):
        return json.loads(self.control('GET', '/stats'))

    def ops(self):
        """Only the operations that were asked for, with their numbers."""
        return {k: v for k, v in self.stats()['ops'].items() if v}

    def log(self):
        return json.loads(self.control('GET', '/log'))

    @staticmethod
    def below(key):
        assert key.startswith(PREFIX), key
        return key[len(PREFIX):]

    def uploads(self):
        return [dict(u, key=self.below(u['key'])) for u in
                json.loads(self.control('GET', '/uploads'))]

    def keys(self):
        return [o['key'] for o in self.objects()]

    def objects(self, prefix=''):
        """What is known of each, in order of their keys."""
        return [dict(o, key=self.below(o['key'])) for o in json.loads(
            self.control('GET', '/objects', prefix=PREFIX + prefix))]

    def fault(self, **params):
        if 'key' in params:
            params['key'] = PREFIX + params['key']
        self.control('POST', '/fault', **params)

    def key(self, **params):
        """One more pair that may sign: id, key, token; life: ms."""
        self.control('POST', '/key', **params)

    def reset(self):
        self.control('POST', '/reset')

    def wipe(self):
        self.control('POST', '/wipe')

    def put(self, key, body=b'', headers=None, **params):
        self.control('POST', '/object', body=body, headers=headers,
                     bucket=self.bucket, key=PREFIX + key, **params)

    def get(self, key):
        return self.control('GET', '/object', bucket=self.bucket,
                            key=PREFIX + key)

    def fill(self, prefix, count, size=0):
        self.control('POST', '/fill', bucket=self.bucket,
                     prefix=PREFIX + prefix, count=count, size=size)

    def config(self, **params):
        self.control('POST', '/config', **params)


def account(number, fake, user=USER, password=PASSWORD, **keys):
    lines = {
        'cos_secretid': ID, 'cos_secretkey': KEY, 'cos_bucket': fake.bucket,
        'cos_endpoint': 'cos.localhost:%d' % fake.port,
        'cos_protocol': 'https' if fake.tls else 'http',
        'cos_prefix': PREFIX or None,
        'home_dir': '/home/%s' % user, 'ftp_login_user_name': user,
        'ftp_login_user_password': '"%s"' % password, 'authority': 'RW',
    }
    lines.update(keys)
    return '[COS_ACCOUNT_%d]\n' % number + ''.join(
        '%s = %s\n' % kv for kv in lines.items() if kv[1] is not None)


class Cosftpd(Process):
    """accounts: a list of account() texts, or None for one RW account.
    network, optional, files, tls: keys of the sections.  under: a command
    that runs it in its place."""

    def __init__(self, directory, fake, accounts=None, network=None,
                 optional=None, files=None, tls=None, ports=64, args=(),
                 under=()):
        first = free_ports(ports)
        net = {'listen_port': free_ports(1),
               'passive_port': '%d,%d' % (first, first + ports - 1)}
        opt = {'log_level': 'DEBUG', 'log_dir': 'log', 'login_delay': 0,
               'login_ban_failures': 0,
               'config_check_enable': 'false'}
        net.update(network or {})
        opt.update(optional or {})
        self.directory = directory
        self.single = '-1' in args
        self.port, self.passive = net['listen_port'], (first,
                                                       first + ports - 1)
        self.config = os.path.join(directory, 'vsftpd.conf')
        text = '\n'.join(accounts or [account(0, fake)])
        for name, keys in (('NETWORK', net), ('TLS', tls),
                           ('FILE_OPTION', files), ('OPTIONAL', opt)):
            if keys:
                text += '\n[%s]\n' % name + ''.join(
                    '%s = %s\n' % kv for kv in keys.items())
        with open(self.config, 'w', encoding='utf-8') as f:
            f.write(text)
        os.chmod(self.config, 0o600)
        super().__init__([*under, COSFTPD, '-c', self.config, *args],
                         directory, 'cosftpd')
        self.ready('ready on port')

    def log_text(self):
        with open(os.path.join(self.directory, 'log/cos_v5.log'),
                  encoding='utf-8', errors='replace') as f:
            return f.read()

    def login(self, user=USER, password=PASSWORD, host='127.0.0.1',
              timeout=20):
        f = ftplib.FTP(encoding='utf-8')
        f.connect(host, self.port, timeout=timeout)
        f.login(user, password)
        return f

    def raw(self, host='127.0.0.1'):
        return Raw(host, self.port)

    def workers(self):
        """The pids of the processes that serve."""
        pid = self.child.pid
        return children(pid) if not self.single else [pid]

    def worker(self):
        """The only one: of a server with worker_num = 1."""
        pid, = self.workers()
        return pid

    def rss(self, what='VmRSS'):
        """Resident bytes of the processes that serve; VmHWM: at most."""
        total = 0
        for pid in self.workers():
            with open('/proc/%d/status' % pid) as f:
                total += sum(1024 * int(line.split()[1]) for line in f
                             if line.startswith(what))
        return total

    def cpu(self):
        """Seconds of the processor, of all processes so far."""
        total = 0
        for pid in {self.child.pid, *self.workers()}:
            with open('/proc/%d/stat' % pid) as f:
                times = f.read().rsplit(')', 1)[1].split()[11:15]
            total += sum(map(int, times))
        return total / os.sysconf('SC_CLK_TCK')


class Raw:
    """A control connection by hand."""

    def __init__(self, host, port, source=None):
        self.sock = socket.create_connection((host, port), timeout=20,
                                             source_address=source)
        self.file = self.sock.makefile('rb')
        self.greeting = self.reply()

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        return self.file.readline().decode('utf-8', 'replace')

    def reply(self):
        """One whole reply (all of its lines) without the last line end."""
        text = line = self.line()
        code = line[:3]
        while line and not (line[:3] == code and line[3:4] == ' '):
            line = self.line()
            text += line
        return text.rstrip('\r\n')

    def cmd(self, text):
        self.send(text.encode('utf-8') + b'\r\n')
        return self.reply()

    def login(self, user=USER, password=PASSWORD):
        self.cmd('USER ' + user)
        return self.cmd('PASS ' + password)

    def pasv(self):
        """A connected data socket."""
        n = re.search(r'\|\|\|(\d+)\|', self.cmd('EPSV'))[1]
        return socket.create_connection(
            (self.sock.getpeername()[0], int(n)), timeout=20)

    def received(self):
        """Bytes of the upload under way, as STAT says."""
        return int(re.search(r'progress: (\d+)', self.cmd('STAT'))[1])

    def close(self):
        self.file.close()
        self.sock.close()


def store(ftp, name, data):
    import io
    try:
        return ftp.storbinary('STOR ' + name, io.BytesIO(data), 65536)
    except (ConnectionResetError, BrokenPipeError):
        # refused before the last byte was sent: the reply says why
        return ftp.voidresp()


def fetch(ftp, name, rest=None):
    parts = []
    ftp.retrbinary('RETR ' + name, parts.append, 65536, rest)
    return b''.join(parts)


def lines(ftp, command):
    out = []
    ftp.retrlines(command, out.append)
    return out
