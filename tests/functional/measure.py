"""What a running server takes: memory, and the time until it answers."""

import os
import subprocess
import sys

import harness


def pids(server):
    """The process and all that descend from it."""
    found, parents = [server.child.pid], {}
    for pid in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open('/proc/%s/stat' % pid) as f:
                parent = int(f.read().rsplit(') ', 1)[1].split()[1])
        except OSError:
            continue
        parents.setdefault(parent, []).append(int(pid))
    for pid in found:
        found += parents.get(pid, [])
    return found


def of_all(server, path, fields):
    """The sum of some lines in kB of a file each process has, in bytes."""
    total = 0
    for pid in pids(server):
        try:
            with open('/proc/%d/%s' % (pid, path)) as f:
                values = dict(x.split(':', 1) for x in f if ' kB' in x)
        except OSError:         # it has just ended
            continue
        total += sum(sign * int(values[k].split()[0]) * 1024
                     for k, sign in fields.items() if k in values)
    return total


def private(server):
    return of_all(server, 'smaps_rollup',
                  {'Private_Clean': 1, 'Private_Dirty': 1})


def peak(server):
    """The highest there has been so far, file pages not counted."""
    return of_all(server, 'status', {'VmHWM': 1, 'RssFile': -1,
                                     'RssShmem': -1})


NOOPS = r'''
import socket, sys, threading, time
port, user, password, *pids = sys.argv[1:]
def waited():       # for a processor, s: this process and the server
    total = 0
    for pid in ['self'] + pids:
        try:
            with open('/proc/%s/schedstat' % pid) as f:
                total += int(f.read().split()[1])
        except OSError:     # it has ended, or a kernel that does not tell
            pass
    return total / 1e9
s = socket.create_connection(('127.0.0.1', int(port)), timeout=30)
f = s.makefile('rb')
def cmd(text):
    s.sendall(text.encode() + b'\r\n')
    return f.readline()
f.readline()
cmd('USER ' + user)
assert cmd('PASS ' + password)[:3] == b'230'
end = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), end.set()),
                 daemon=True).start()
print('begun', flush=True)
times, own = [], 0
while not end.wait(0.002) or len(times) < 20:
    w, t = waited(), time.monotonic()
    assert cmd('NOOP')[:3] == b'200'
    t = time.monotonic() - t
    times.append(t)
    own = max(own, t - (waited() - w))
times.sort()
print(len(times), *('%.1f' % (x * 1000) for x in (
    times[len(times) // 2], times[len(times) * 99 // 100], times[-1], own)))
'''


class Noops:
    """A session that asks with NOOP all the time, in a process of its own.
    At the end: their count, and in ms the median, what 99 of 100 took at the
    most, the longest, and the longest without the time in which other
    processes had the processors.  One for a server of one worker is enough:
    it is that worker's."""

    def __init__(self, server):
        self.child = subprocess.Popen(
            [sys.executable, '-c', NOOPS, str(server.port), harness.USER,
             harness.PASSWORD, *map(str, pids(server))], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def __enter__(self):
        assert self.child.stdout.readline() == 'begun\n'
        return self

    def __exit__(self, kind, *_):
        out, _ = self.child.communicate()
        if kind is not None:
            return
        (self.count, self.median, self.p99, self.longest,
         self.own) = map(float, out.split())
        print('%d NOOPs: median %.1f ms, 99 of 100 within %.1f, longest %.1f, '
              'by the server %.1f' % (self.count, self.median, self.p99,
                                      self.longest, self.own))
