#!/usr/bin/env python3
"""make bench: how fast, against what else could be picked, in one run.

The stand-in keeps no bodies and generates what is read (--discard), so that
it does not limit what is measured; load generator, server and stand-in share
the machine, so a relay cannot reach the direct figure.  Subjects take turns
in every round; what is printed are medians and ratios of medians.

  tests/bench/bench.py [--rounds N] [--size MIB] [--only WORD] [--table FILE]

Subjects: curl straight to the stand-in (the raw limit), cosftpd, and, where
installed, vsftpd on tmpfs (the ceiling) and an rclone that has `serve ftp`
(RCLONE=path)."""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'functional'))
import harness  # noqa: E402

SMALL = 1000                    # files of 1 KiB
FAR = {'latency': 20, 'rate': 50000000}


def listens(port):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        return True
    except OSError:
        return False


# ---- subjects ----

class Direct:
    """curl to the stand-in, signatures not checked."""
    name = 'curl direct'

    def __init__(self, fake, certs):
        self.fake = fake
        self.base = '%s://%s.cos.localhost:%d/' % (
            'https' if fake.tls else 'http', fake.bucket, fake.port)
        self.options = ['--resolve', '%s.cos.localhost:%d:127.0.0.1' % (
            fake.bucket, fake.port)]
        if fake.tls:
            self.options += ['--cacert', certs + '/ca.pem']

    def cpu(self):
        return None

    def stop(self):
        pass


class Ftp:
    """What has an FTP server's address."""
    options = ['--disable-epsv']

    def over_tls(self):
        """Control and data; the certificate is the bench's own."""
        self.options = self.options + ['--ssl-reqd', '--insecure']

    def cpu(self):
        """CPU seconds of the server and its children so far."""
        total = 0
        for pid in self.pids():
            try:
                with open('/proc/%d/stat' % pid) as f:
                    p = f.read().rsplit(') ', 1)[1].split()
                total += sum(int(x) for x in p[11:15])
            except OSError:
                pass
        return total / os.sysconf('SC_CLK_TCK')


class Cosftpd(Ftp):
    name = 'cosftpd'

    def __init__(self, fake, certs, ftps=False):
        self.dir = tempfile.mkdtemp(prefix='bench-cosftpd-')
        tls = {'ca_file': certs + '/ca.pem'} if fake.tls else {}
        if ftps:
            tls.update(cert_file=certs + '/ec.pem', key_file=certs + '/ec.key')
            self.over_tls()
        self.server = harness.Cosftpd(
            self.dir, fake, ports=1024, tls=tls,
            optional={'log_level': 'WARNING', 'max_connection_num': 0})
        self.port, self.user = self.server.port, harness.USER
        self.password = harness.PASSWORD
        self.base = 'ftp://127.0.0.1:%d/' % self.port

    def pids(self):
        return [self.server.child.pid] + self.server.workers()

    def rss(self, what='VmHWM'):
        return self.server.rss(what) / 2**20

    def stop(self):
        self.server.stop()
        shutil.rmtree(self.dir)


class Vsftpd(Ftp):
    name = 'vsftpd, tmpfs'

    @staticmethod
    def there():
        return shutil.which('vsftpd') and os.geteuid() == 0

    def __init__(self, certs, ftps=False):
        self.dir = tempfile.mkdtemp(prefix='bench-vsftpd-', dir='/dev/shm')
        os.chmod(self.dir, 0o755)
        os.mkdir(self.dir + '/pub')
        os.chmod(self.dir + '/pub', 0o777)
        self.port = harness.free_ports(1)
        first = harness.free_ports(1024)
        conf = self.dir + '/vsftpd.conf'
        with open(conf, 'w') as f:
            f.write('listen=YES\nlisten_address=127.0.0.1\nlisten_port=%d\n'
                    'background=NO\nanonymous_enable=YES\nwrite_enable=YES\n'
                    'anon_upload_enable=YES\nanon_mkdir_write_enable=YES\n'
                    'anon_other_write_enable=YES\nanon_umask=022\n'
                    'anon_world_readable_only=NO\nno_anon_password=YES\n'
                    'anon_root=%s\npasv_min_port=%d\npasv_max_port=%d\n'
                    'seccomp_sandbox=NO\nmax_per_ip=0\nmax_clients=0\n'
                    'secure_chroot_dir=%s\nxferlog_enable=NO\n' % (
                        self.port, self.dir, first, first + 1023, self.dir))
            if ftps:
                f.write('ssl_enable=YES\nallow_anon_ssl=YES\n'
                        'require_ssl_reuse=NO\nssl_ciphers=HIGH\n'
                        'rsa_cert_file=%s/ec.pem\n'
                        'rsa_private_key_file=%s/ec.key\n' % (certs, certs))
                self.over_tls()
        self.child = subprocess.Popen(['vsftpd', conf],
                                      stdin=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
        self.user, self.password = 'anonymous', 'x'
        self.base = 'ftp://127.0.0.1:%d/pub/' % self.port
        harness.wait_for('vsftpd listens', lambda: listens(self.port))

    def pids(self):
        out = subprocess.run(['ps', '-o', 'pid=', '--ppid',
                              str(self.child.pid)], capture_output=True)
        return [self.child.pid] + [int(x) for x in out.stdout.split()]

    def stop(self):
        self.child.terminate()
        self.child.wait()
        shutil.rmtree(self.dir)


class Rclone(Ftp):
    """rclone serve ftp on the same bucket, by S3's API."""
    name = 'rclone'

    @staticmethod
    def there():
        """RCLONE names one that can serve FTP (Debian's cannot)."""
        path = os.environ.get('RCLONE')
        return path and subprocess.run(
            [path, 'serve', 'ftp', '--help'], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL).returncode == 0

    def __init__(self, fake):
        self.port, first = harness.free_ports(1), harness.free_ports(1024)
        self.user, self.password = 'rclone', 'x'
        self.base = 'ftp://127.0.0.1:%d/' % self.port
        self.child = subprocess.Popen(
            [os.environ['RCLONE'], 'serve', 'ftp', '--config', '/dev/null',
             '--addr', '127.0.0.1:%d' % self.port, '--passive-port',
             '%d-%d' % (first, first + 1023), '--user', self.user, '--pass',
             self.password, *self.store(fake)],
            env=self.environment(fake), stdin=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        harness.wait_for('rclone listens', lambda: listens(self.port))

    @staticmethod
    def environment(fake):
        """Go does not know that *.localhost is here: the stand-in is named as
        a proxy instead."""
        env = {k: v for k, v in os.environ.items()
               if not k.startswith('AWS_') and k.lower() != 'no_proxy'}
        env['http_proxy'] = 'http://127.0.0.1:%d' % fake.port
        return env

    @staticmethod
    def store(fake):
        """The options and the name of the bucket for any rclone command."""
        return ['--ignore-checksum',    # ETags of --discard are no MD5
                '--s3-provider', 'TencentCOS', '--s3-endpoint',
                'http://cos.localhost:%d' % fake.port,
                '--s3-force-path-style=false', '--s3-access-key-id',
                harness.ID, '--s3-secret-access-key', harness.KEY,
                ':s3:' + fake.bucket]

    def pids(self):
        return [self.child.pid]

    def stop(self):
        self.child.terminate()
        self.child.wait()


# ---- load ----

def auth(subject):
    if isinstance(subject, Direct):
        return []
    return ['-u', '%s:%s' % (subject.user, subject.password)]


def curl(subject, *args):
    return subprocess.Popen(['curl', '-s', '-S', '--fail', *subject.options,
                             *auth(subject), *args],
                            stdout=subprocess.DEVNULL)


def timed(children):
    start = time.monotonic()
    for c in [c() for c in children]:
        if c.wait() != 0:
            raise AssertionError('a client failed: %r' % (c.args,))
    return time.monotonic() - start


class Big:
    def __init__(self, streams, size, up):
        self.name = '%s %d stream%s' % ('STOR' if up else 'RETR', streams,
                                        's' if streams > 1 else '')
        self.streams, self.size, self.up = streams, size, up
        self.unit = 'MB/s'

    def run(self, subject, tmp):
        source = tmp + '/big'

        def one(i):
            url = subject.base + 'big%d' % i
            if self.up:
                return lambda: curl(subject, '-T', source, url)
            return lambda: curl(subject, '-o', '/dev/null', url)
        t = timed([one(i) for i in range(self.streams)])
        return self.size * self.streams / 1e6 / t


LOOP = r'''
import re, socket, sys
host, port, user, password, up, n, tag, prefix = sys.argv[1:]
s = socket.create_connection((host, int(port))); f = s.makefile('rb')
s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def cmd(x):
    if x: s.sendall(x.encode() + b'\r\n')
    line = f.readline()
    while line[3:4] == b'-': line = f.readline()
    return line
cmd(''); cmd('USER ' + user); assert cmd('PASS ' + password)[:3] == b'230'
cmd('TYPE I')
body = b'x' * 1024
for i in range(int(n)):
    a = re.search(rb'(\d+),(\d+)\)', cmd('PASV'))
    s.sendall(('%s %ss%s-%d\r\n' % ('STOR' if up == '1' else 'RETR', prefix,
                                    tag, i)).encode())
    d = socket.create_connection((host, int(a[1]) * 256 + int(a[2])))
    assert cmd('')[:3] == b'150'
    if up == '1':
        d.sendall(body)
    else:
        while d.recv(65536): pass
    d.close()
    r = cmd('')
    assert r[:3] == b'226', r
'''


class Small:
    def __init__(self, sessions, up, files):
        self.name = '%s of %d x 1 KiB, %d session%s' % (
            'STOR' if up else 'RETR', files, sessions,
            's' if sessions > 1 else '')
        self.sessions, self.up, self.unit = sessions, up, 'files/s'
        self.files = files

    def run(self, subject, tmp):
        n = self.files // self.sessions

        def direct(i):
            config = tmp + '/small%d' % i
            with open(config, 'w') as f:
                for k in range(n):
                    f.write('url = "%ss%d-%d"\n%s\n' % (
                        subject.base, i, k, 'upload-file = "%s/kib"' % tmp
                        if self.up else 'output = "/dev/null"'))
            return lambda: curl(subject, '-K', config)

        def ftp(i):
            return lambda: subprocess.Popen(
                [sys.executable, '-c', LOOP, '127.0.0.1', str(subject.port),
                 subject.user, subject.password, '1' if self.up else '0',
                 str(n), str(i), 'pub/' if isinstance(subject, Vsftpd)
                 else ''])
        make = direct if isinstance(subject, Direct) else ftp
        return n * self.sessions / timed(
            [make(i) for i in range(self.sessions)])


class List:
    name, unit = 'LIST of 10,000', 's'

    def run(self, subject, tmp):
        if not isinstance(subject, Direct):
            return timed([lambda: curl(subject, subject.base + 'many/')])
        start, marker = time.monotonic(), ''
        for _ in range(10):
            text = subprocess.run(
                ['curl', '-s', *subject.options, subject.base +
                 '?prefix=many/&delimiter=/&max-keys=1000&encoding-type=url'
                 '&marker=' + marker], capture_output=True).stdout.decode()
            marker = text.rsplit('<NextMarker>', 1)[-1].split('<')[0]
        return time.monotonic() - start


class Logins:
    name, unit = 'logins', '1/s'

    def run(self, subject, tmp):
        if isinstance(subject, Direct):
            return None
        start = time.monotonic()
        for _ in range(200):
            with socket.create_connection(('127.0.0.1', subject.port)) as s:
                f = s.makefile('rb')
                f.readline()
                s.sendall(b'USER %s\r\n' % subject.user.encode())
                f.readline()
                s.sendall(b'PASS %s\r\n' % subject.password.encode())
                assert f.readline()[:3] == b'230'
        return 200 / (time.monotonic() - start)


# ---- the run ----

def measure(title, subjects, works, rounds, tmp, rows):
    for w in works:
        got = {s.name: [] for s in subjects}
        cpu = {s.name: [] for s in subjects}
        for _ in range(rounds):
            for s in subjects:
                before = s.cpu()
                value = w.run(s, tmp)
                if value is None:
                    continue
                got[s.name].append(value)
                if before is not None and isinstance(w, Big):
                    cpu[s.name].append((s.cpu() - before) * 2**30 /
                                       (w.size * w.streams))
        mid = {k: statistics.median(v) for k, v in got.items() if v}
        ours = mid['cosftpd']
        text = []
        for k, v in mid.items():
            ratio = ours / v if w.unit != 's' else v / ours
            text.append('%s %.*f%s' % (k, 3 if w.unit == 's' else 0, v,
                                       '' if k == 'cosftpd' else
                                       ' (%.2f)' % ratio))
        c = cpu['cosftpd']
        print('%-34s %-8s %s%s' % (
            title + w.name, w.unit, ' | '.join(text),
            ' | %.2f CPU s/GiB' % statistics.median(c) if c else ''),
            flush=True)
        rows.append((title + w.name, w.unit, mid,
                     statistics.median(c) if c else None))


def idle(subject, n=500):
    """Growth of resident memory by idle sessions after login and LIST."""
    before = subject.rss('VmRSS')
    held = [subject.server.login() for _ in range(n)]
    for f in held:
        harness.lines(f, 'LIST nothing*')
    grown = (subject.rss('VmRSS') - before) * 1024 / n
    for f in held:
        f.close()
    print('%-34s KiB      cosftpd %.1f each' % ('500 idle sessions', grown),
          flush=True)


def table(path, rows):
    with open(path, 'w') as f:
        f.write('| workload | unit | cosftpd | others (ratio) | CPU s/GiB |\n'
                '|---|---|---|---|---|\n')
        for name, unit, mid, cpu in rows:
            ours = mid['cosftpd']
            others = ', '.join('%s %.4g (%.2f)' % (
                k, v, v / ours if unit == 's' else ours / v)
                for k, v in mid.items() if k != 'cosftpd')
            f.write('| %s | %s | %.4g | %s | %s |\n' % (
                name, unit, ours, others, '%.2f' % cpu if cpu else ''))


def run_all(title, subjects, works, args, tmp, rows):
    """Ends the subjects, whatever happens."""
    works = [w for w in works if args.only in title + w.name]
    try:
        for w in works:
            use = subjects
            if isinstance(w, List):
                use = [s for s in subjects if s.name != Vsftpd.name]
            measure(title, use, [w], args.rounds, tmp, rows)
        ours = next(s for s in subjects if s.name == Cosftpd.name)
        if works:
            print('%-34s MiB      cosftpd %.1f: peaks of its processes' % (
                title + 'memory', ours.rss()), flush=True)
        if not title and args.only in '500 idle sessions':
            idle(ours)
    finally:
        for s in subjects:
            s.stop()


def scene(title, fake, certs, args, tmp, rows, far=False):
    """One stand-in's set of measurements."""
    size, near = args.size * 2**20, title == ''
    fake.fill('many/k', 10000, 10)
    subjects = [Direct(fake, certs), Cosftpd(fake, certs)]
    if near and Vsftpd.there():
        subjects.append(Vsftpd(certs))
    if not fake.tls and Rclone.there():
        subjects.append(Rclone(fake))
    if far:
        fake.config(**FAR)
    small = SMALL // 5 if far else SMALL
    run_all(title, subjects,
            [Big(1, size, True), Big(1, size, False), Big(8, size, True),
             Big(8, size, False), Small(1, True, small),
             Small(1, False, small), Small(8, True, small),
             Small(8, False, small), List(), Logins()], args, tmp, rows)


def ftps(fake, certs, args, tmp, rows):
    """TLS between client and server."""
    size = args.size * 2**20
    subjects = [Cosftpd(fake, certs, ftps=True)]
    if Vsftpd.there():
        subjects.append(Vsftpd(certs, ftps=True))
    run_all('FTPS: ', subjects,
            [Big(1, size, True), Big(1, size, False), Big(8, size, True),
             Big(8, size, False)], args, tmp, rows)


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--rounds', type=int, default=3)
    p.add_argument('--size', type=int, default=1024, help='MiB')
    p.add_argument('--only', default='')
    p.add_argument('--table')
    args = p.parse_args()
    tmp = tempfile.mkdtemp(prefix='bench-', dir='/dev/shm')
    rows = []
    try:
        with open(tmp + '/big', 'wb') as f:
            for _ in range(args.size):
                f.write(os.urandom(2**20))
        with open(tmp + '/kib', 'wb') as f:
            f.write(os.urandom(1024))
        certs = tmp + '/certs'
        subprocess.run([harness.TOP + '/tests/mkcert.sh', certs], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tls = ('--tls', certs + '/ec.pem', certs + '/ec.key')
        for title, options in (('', ()), ('far: ', ()), ('https: ', tls),
                               ('FTPS: ', ())):
            fake = harness.Fakecos(tmp, '--discard', '--no-auth', *options)
            try:
                if title == 'FTPS: ':
                    ftps(fake, certs, args, tmp, rows)
                else:
                    scene(title, fake, certs, args, tmp, rows,
                          far=title == 'far: ')
            finally:
                fake.stop()
        if args.table:
            table(args.table, rows)
    finally:
        shutil.rmtree(tmp)


main()
