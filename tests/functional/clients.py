"""Runs other people's FTP clients: how they are found, started and bounded,
the names they are tried with, and trees of files to compare.

A client that is not here is skipped and named.  All are Debian packages:
curl lftp tnftp inetutils-ftp ncftp wget."""

import os
import random
import shutil
import subprocess
import urllib.parse

import pytest

import harness

# What people really call their files.
NAMES = [
    'plain.txt', 'two words.txt', '  two blanks before', 'blank behind ',
    "it's.txt", 'say "hi".txt', '#%+&*[].txt', '%41.txt', '50% of [a-z]?.txt',
    '-dash.txt', '--', '.hidden', '..two dots', 'semi;colon, comma.txt',
    '$HOME `id` (x) {a,b}.txt', 'a~b!@^=|<>.txt', 'back\\slash.txt',
    '报告 最终版.txt', '中文目录名', 'e\u0301 \u00e9.txt',
    '\U0001F600\U0001F468\u200d\U0001F469 smile.txt', '日本語 한국어 عربى.txt',
]


class Result:
    def __init__(self, code, output):
        self.code, self.output = code, output


class Clients:
    """One directory for a test, which is also the clients' home, and the
    address of a server."""

    def __init__(self, directory, server):
        self.directory, self.server = str(directory), server
        self.env = {
            'PATH': os.environ.get('PATH', '/usr/bin:/bin'),
            'HOME': self.path('home'), 'LC_ALL': 'C.UTF-8', 'TERM': 'dumb',
        }
        os.mkdir(self.env['HOME'])

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def write(self, name, data):
        path = self.path(name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(data)
        return path

    def read(self, name):
        with open(self.path(name), 'rb') as f:
            return f.read()

    def program(self, name):
        path = shutil.which(name)
        if path is None:
            pytest.skip(name + ' is not installed')
        return path

    def start(self, program, *args, **options):
        return subprocess.Popen(
            [self.program(program), *args], cwd=self.directory, env=self.env,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)

    def run(self, program, *args, script='', code=0, timeout=40, cwd='.'):
        """Runs it to its end.  code: what it must exit with, None for any."""
        try:
            done = subprocess.run(
                [self.program(program), *args], cwd=self.path(cwd),
                env=self.env, input=script.encode('utf-8'), timeout=timeout,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        except subprocess.TimeoutExpired as e:
            raise AssertionError('%s %s hangs:\n%s' % (
                program, args, (e.output or b'').decode('utf-8', 'replace')))
        output = done.stdout.decode('utf-8', 'replace')
        if code is not None and done.returncode != code:
            raise AssertionError('%s %s ended with %d:\n%s' % (
                program, args, done.returncode, output))
        return Result(done.returncode, output)

    def url(self, path='', host='127.0.0.1', login=True):
        who = '%s:%s@' % (harness.USER, urllib.parse.quote(
            harness.PASSWORD)) if login else ''
        return 'ftp://%s%s:%d/%s' % (who, host, self.server.port,
                                     urllib.parse.quote(path))

    def curl(self, *args, **options):
        return self.run('curl', '-sS', '-g', '--max-time', '30', *args,
                        **options)

    def lftp(self, script, **options):
        """Each line a command; the first that fails ends it."""
        return self.run(
            'lftp', '--norc', '-c', '\n'.join([
                'set cmd:fail-exit true', 'set net:max-retries 1',
                'set net:timeout 20', 'set net:reconnect-interval-base 1',
                'set xfer:clobber true',
                'open -u \'%s,%s\' -p %d 127.0.0.1' % (
                    harness.USER, harness.PASSWORD, self.server.port),
                script]), **options)

    def classic(self, program, *commands, options=(), host='127.0.0.1'):
        """ftp -n -i, a line of commands each from its standard input."""
        return self.run(
            program, '-n', '-i', '-v', *options, host,
            str(self.server.port),
            script='\n'.join(['user %s "%s"' % (
                harness.USER, harness.PASSWORD), 'binary', *commands]) + '\n',
            code=None).output

    def ncftp(self, program, *args, **options):
        return self.run(program, '-u', harness.USER, '-p', harness.PASSWORD,
                        '-P', str(self.server.port), '-t', '20', '-r', '1',
                        '-d', self.path('debug'), *args, **options)


def content(seed, size):
    return random.Random(seed).randbytes(size)


def tree(count, seed=1):
    """{path: bytes} of small files, nested, some empty, some odd names."""
    r = random.Random(seed)
    tops = ['src', 'src/net', 'src/net/deep/er', 'doc', 'doc/图片', 'a b/c d',
            '.config', '-opt', '#1+2']
    files = {}
    for i in range(count):
        name = NAMES[i % len(NAMES)] if i < 3 * len(NAMES) else 'f%d.bin' % i
        files['%s/%s' % (tops[(i * 7 // 3) % len(tops)], name)] = \
            r.randbytes(r.choice([0, 1, 100, 1000, 5000]))
    i = 0
    while len(files) < count:       # names that fell together
        files['more/%d' % i] = b'%d' % i
        i += 1
    return files


def write_tree(directory, files):
    for name, data in files.items():
        path = os.path.join(directory, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, 'wb') as f:
            f.write(data)


def read_tree(directory):
    files = {}
    for base, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(base, name)
            with open(path, 'rb') as f:
                files[os.path.relpath(path, directory)] = f.read()
    return files


def listed(output):
    """The names of a listing in ls -l form."""
    return sorted(line.split(None, 8)[8] for line in output.splitlines()
                  if line[:1] in '-d' and len(line.split(None, 8)) == 9)
