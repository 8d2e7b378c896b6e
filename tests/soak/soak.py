"""Mixed sessions for T seconds while the store fails and workers are killed.

Each client has names of its own, plain or with TLS, and knows what each must
hold.  A name whose last change was not answered with success is put aside:
it must hold one of what it may hold, never something between.  At the end
every object is compared, nothing may be pending, no process dead and not
waited for, descriptors and memory as at the start, and no sanitizer may have
complained.  SEED repeats a choice of operations (not their timing)."""

import ftplib
import hashlib
import io
import json
import os
import random
import shutil
import socket
import ssl
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                '..', 'functional'))
import ftps                                                     # noqa: E402
import harness                                                  # noqa: E402

KIB, MIB = 1024, 1024 * 1024
NAMES = 8               # of one client at a time
CLIENTS, WORKERS = 6, 3
FAULT_S, KILL_S = 0.05, 3.0
SPARE_FDS = 24          # connections to COS that a worker keeps
SPARE_RSS = 8 * MIB     # of the supervisor, which moves no data
CUT = (EOFError, OSError, ssl.SSLError)
FAULTS = (
    {'status': 500}, {'status': 503, 'code': 'SlowDown'}, {'lost': 1},
    {'read_cut': 1000}, {'reset_read': 70000}, {'body_cut': 100},
    {'wrong_crc': 1}, {'wrong_etag': 1}, {'no_crc': 1}, {'delay': 300},
    {'close_idle': 1}, {'raw': 'SSH-2.0-x\r\n'},
    # of a DELETE or PUT these would be a store that lies
    {'op': 'CompleteMultipartUpload', 'error200': 'InternalError'},
    {'op': 'CompleteMultipartUpload', 'empty200': 1},
    {'op': 'ListObjects', 'bad_xml': 1},
    {'status': 500, 'done': 1}, {'body_stall': 10, 'ms': 300},
)


class TlsFtp(ftplib.FTP_TLS):
    """ftplib resumes no session and takes any end of a download."""

    def ntransfercmd(self, cmd, rest=None):
        conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
        return self.context.wrap_socket(
            conn, server_hostname='localhost', session=self.sock.session,
            suppress_ragged_eofs=False), size


def digest(data):
    return None if data is None else hashlib.sha256(data).hexdigest()


class Client(threading.Thread):
    def __init__(self, number, seed, server, end):
        super().__init__(daemon=True)
        self.number, self.server, self.until = number, server, end
        self.random = random.Random('%s/%d' % (seed, number))
        self.tls = number % 2 == 1
        self.ftp, self.made = None, 0
        self.holds = {}         # name: bytes; what is not here is absent
        self.aside = []         # ([names], [digests of each, allowed rows])
        self.done, self.cut, self.wrong = {}, 0, []
        self.dir = 'c%d' % number

    # ---- plumbing ----

    def connect(self):
        if self.tls:
            f = TlsFtp(context=self.server.context, encoding='utf-8')
        else:
            f = ftplib.FTP(encoding='utf-8')
        f.connect('localhost' if self.tls else '127.0.0.1',
                  self.server.port, timeout=100)
        f.login(harness.USER, harness.PASSWORD)
        if self.tls:
            f.prot_p()
        self.ftp = f

    def drop(self):
        if self.ftp:
            self.ftp.close()
        self.ftp = None

    def new_name(self):
        self.made += 1
        return '%s/%04d %s' % (self.dir, self.made,
                               self.random.choice('ab\u4e2d'))

    def name(self):
        if len(self.holds) < NAMES or self.random.random() < 0.2:
            if len(self.holds) < 2 * NAMES:
                return self.new_name()
        return self.random.choice(list(self.holds))

    def known(self):
        return self.random.choice(list(self.holds)) if self.holds else None

    def data(self):
        top = self.random.choice((1, 2 * KIB, 2 * KIB, 200 * KIB, 200 * KIB,
                                  2 * MIB, 5 * MIB))
        return self.random.randbytes(self.random.randrange(top))

    def bad(self, text):
        self.wrong.append('client %d: %s' % (self.number, text))

    def put_aside(self, names, rows):
        """rows: what the names may hold, all of them together."""
        self.aside.append((names, [[digest(d) for d in r] for r in rows]))
        for n in names:
            self.holds.pop(n, None)

    def change(self, names, before, after, run):
        """Only a success says which of the two it is."""
        try:
            run()
        except CUT + (ftplib.Error,) as e:
            rows = [before, after]
            if len(names) == 2:         # copied and not deleted yet
                rows.append([before[0], after[1]])
            self.put_aside(names, rows)
            if not isinstance(e, (ftplib.error_temp, ftplib.error_perm)):
                raise
            return
        for n, d in zip(names, after):
            self.holds.pop(n, None)
            if d is not None:
                self.holds[n] = d

    # ---- operations ----

    def store(self):
        n, d = self.name(), self.data()
        self.change([n], [self.holds.get(n)], [d], lambda:
                    self.ftp.storbinary('STOR ' + n, io.BytesIO(d), 65536))

    def append(self):
        n, d = self.name(), self.data()
        old = self.holds.get(n)
        self.change([n], [old], [(old or b'') + d], lambda:
                    self.ftp.storbinary('APPE ' + n, io.BytesIO(d), 65536))

    def resume(self):
        n, d = self.known(), self.data()
        if n:
            old = self.holds[n]
            at = self.random.randrange(len(old) + 1)
            self.change([n], [old], [old[:at] + d], lambda:
                        self.ftp.storbinary('STOR ' + n, io.BytesIO(d),
                                            65536, rest=at))

    def fetch(self):
        n = self.known()
        if not n:
            return
        d = self.holds[n]
        at = self.random.choice((None, self.random.randrange(len(d) + 1)))
        got = harness.fetch(self.ftp, n, at)
        if got != d[at or 0:]:
            self.bad('RETR %s from %s: 226, but other bytes (%d of %d)' % (
                n, at, len(got), len(d) - (at or 0)))

    def cancel(self):
        """The control connection goes in the middle of an upload."""
        n, d = self.name(), self.data()
        try:
            sock = self.ftp.transfercmd('STOR ' + n)
            sock.sendall(d)
            self.ftp.sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        finally:
            self.put_aside([n], [[self.holds.get(n)], [d]])
            self.drop()

    def rename(self):
        a, b = self.known(), self.name()
        if not a or a == b:
            return
        old, new = self.holds[a], self.holds.get(b)
        self.change([a, b], [old, new], [None, old],
                    lambda: self.ftp.rename(a, b))

    def delete(self):
        n = self.known()
        if n:
            self.change([n], [self.holds[n]], [None],
                        lambda: self.ftp.delete(n))

    def directory(self):
        d = '%s/d%d' % (self.dir, self.made)
        self.made += 1
        self.ftp.mkd(d)
        self.ftp.rmd(d)

    def listing(self):
        """All that is certain is there, with its size; nothing else is."""
        seen = {self.dir + '/' + n: f for n, f in
                self.ftp.mlsd(self.dir, ['type', 'size'])
                if f['type'] == 'file'}
        for n, d in self.holds.items():
            if int(seen.get(n, {}).get('size', -1)) != len(d):
                self.bad('MLSD shows %s as %s, it has %d bytes' % (
                    n, seen.get(n), len(d)))
        doubtful = {n for names, _ in self.aside for n in names}
        for n in set(seen) - set(self.holds) - doubtful:
            self.bad('MLSD shows %s, which was deleted' % n)

    # ---- life ----

    def step(self):
        op = self.random.choice((
            self.store, self.store, self.store, self.fetch, self.fetch,
            self.append, self.resume, self.rename, self.delete,
            self.directory, self.listing, self.cancel))
        name = op.__name__
        try:
            if self.ftp is None:
                self.connect()
            op()
            self.done[name] = self.done.get(name, 0) + 1
        except (ftplib.error_temp, ftplib.error_perm):
            self.cut += 1
        except CUT + (ftplib.Error,):
            self.cut += 1
            self.drop()

    def run(self):
        try:
            while time.monotonic() < self.until:
                self.step()
        except Exception as e:          # of this script, not of the server
            self.bad('ended by %r' % e)
        self.drop()


class Trouble(threading.Thread):
    def __init__(self, seed, fake, server, end):
        super().__init__(daemon=True)
        self.random = random.Random('%s/trouble' % seed)
        self.fake, self.server, self.until = fake, server, end
        self.faults = self.kills = 0
        self.stop = threading.Event()

    def kill(self):
        pids = self.server.workers()
        if len(pids) == WORKERS:
            try:
                os.kill(self.random.choice(pids), 9)
                self.kills += 1
            except ProcessLookupError:
                pass

    def run(self):
        next_kill = time.monotonic() + KILL_S
        while time.monotonic() < self.until:
            self.fake.fault(**{'op': 'Any', 'times': 1,
                               **self.random.choice(FAULTS)})
            self.faults += 1
            if time.monotonic() > next_kill:
                self.kill()
                next_kill += KILL_S
            self.stop.wait(FAULT_S)     # the pace of the faults


def state(pid):
    with open('/proc/%d/stat' % pid) as f:
        return f.read().rsplit(')', 1)[1].split()[0]


def rss(pid):
    with open('/proc/%d/statm' % pid) as f:
        return int(f.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def fds(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


class Report:
    def __init__(self):
        self.passed = self.failed = 0

    def row(self, what, good, detail=''):
        self.passed += bool(good)
        self.failed += not good
        if not good:
            print('FAILED: %s%s' % (what, ': ' + str(detail) if detail else
                                    ''))

    def wait(self, what, check, detail, seconds=60):
        try:
            harness.wait_for(what, check, seconds)
            self.row(what, True)
        except AssertionError:
            self.row(what, False, detail())


def compare(report, fake, clients):
    present = {o['key'] for o in
               json.loads(fake.control('GET', '/objects'))}

    def held(name):
        return digest(fake.get(name)) if name in present else None
    for c in clients:
        for name, data in c.holds.items():
            report.row('%s holds what was answered with 226' % name,
                       held(name) == digest(data),
                       'missing' if name not in present else 'other bytes')
        for names, rows in c.aside:
            got = [held(n) for n in names]
            report.row('%s: one of what it may be' % names, got in rows,
                       '%s not in %s' % (got, rows))
        report.row('client %d saw nothing wrong' % c.number, not c.wrong,
                   '; '.join(c.wrong[:5]))
        known = set(c.holds) | {n for names, _ in c.aside for n in names}
        stray = [k for k in present if k.startswith(c.dir + '/') and
                 not k.endswith('/') and k not in known]
        report.row('client %d: nothing deleted came back' % c.number,
                   not stray, stray[:5])


def processes(report, server, before):
    pid = server.child.pid
    report.wait('all workers are there', lambda: len(server.workers()) ==
                WORKERS, lambda: server.workers())
    report.row('no zombie', 'Z' not in [state(p) for p in server.workers()])
    report.wait('descriptors of the supervisor as before', lambda:
                fds(pid) <= before['fds'],
                lambda: '%d, were %d' % (fds(pid), before['fds']))
    report.wait('descriptors of the workers as before', lambda: all(
        fds(p) <= before['worker_fds'] + SPARE_FDS for p in
        server.workers()), lambda: '%s, were %d' % (
            [fds(p) for p in server.workers()], before['worker_fds']))
    report.row('memory of the supervisor as before', rss(pid) <
               before['rss'] + SPARE_RSS, '%d, was %d' % (
                   rss(pid), before['rss']))


def settle(report, fake, server, before, clients):
    fake.reset()                # no fault from here on
    report.wait('nothing pending', lambda: fake.uploads() == [],
                lambda: fake.uploads())
    processes(report, server, before)
    compare(report, fake, clients)
    f = server.login()
    harness.store(f, 'last', b'1')
    report.row('a new session works', harness.fetch(f, 'last') == b'1')
    f.close()
    report.row('ends with 0', server.ended() == 0, server.child.returncode)
    text = server.text()
    report.row('no sanitizer report', not harness.REPORT.search(text),
               text[-3000:])


def soak(seconds, seed, directory):
    fake = harness.Fakecos(directory)
    server = ftps.Server(
        directory, fake, ftps.certificates(directory), implicit=False,
        optional={'worker_num': WORKERS, 'interrupted_upload': 'discard',
                  'log_level': 'INFO'})
    report = Report()
    harness.wait_for('the workers', lambda: len(server.workers()) == WORKERS)
    server.login().close()
    before = {'fds': fds(server.child.pid), 'rss': rss(server.child.pid),
              'worker_fds': max(map(fds, server.workers()))}
    end = time.monotonic() + seconds
    clients = [Client(i, seed, server, end) for i in range(CLIENTS)]
    trouble = Trouble(seed, fake, server, end)
    for t in clients + [trouble]:
        t.start()
    for c in clients:
        c.join(seconds + 150)
        report.row('client %d ends' % c.number, not c.is_alive())
    trouble.join(30)
    if not any(c.is_alive() for c in clients):
        settle(report, fake, server, before, clients)
    ops = {}
    for c in clients:
        for k, v in c.done.items():
            ops[k] = ops.get(k, 0) + v
    print('%d faults, %d kills, %d operations cut, done: %s' % (
        trouble.faults, trouble.kills, sum(c.cut for c in clients),
        ' '.join('%s %d' % kv for kv in sorted(ops.items()))))
    report.row('work was done', len(ops) == 9, ops)
    if report.failed:
        print('logs: %s' % directory)
    return report


def main():
    seconds = float(os.environ.get('T') or 60)
    seed = os.environ.get('SEED') or str(random.randrange(10 ** 6))
    print('soak: %g s, SEED=%s, %s' % (seconds, seed, harness.COSFTPD))
    directory = tempfile.mkdtemp(prefix='cosftpd-soak-')
    report = soak(seconds, seed, directory)
    if not report.failed:
        shutil.rmtree(directory)
    print('%d passed, %d failed' % (report.passed, report.failed))
    return 1 if report.failed else 0


if __name__ == '__main__':
    sys.exit(main())
