"""Programs that are told what to do by arguments or by a script."""

import email.utils
import json
import os
import re
import signal
import time

import client
import box as boxes
from client import USER, quoted


class Curl(client.Client):
    name = program = package = 'curl'
    tls = 'plain explicit implicit'
    ops = ('login denied missing dirs put 70M names get list nlst mlsd size '
           'time move reget reput append delete')
    modes = 'pasv epsv port eprt epsv6 eprt6'
    # 7.87 and 7.88 send the data of active mode in the clear after PROT P
    # (curl issue 10666, mended in 8.0.0); the server takes it for a broken
    # handshake, as it must
    known = {tls + '/' + mode: (
        'no TLS on data connections of active mode: '
        'github.com/curl/curl/issues/10666', 'the peer does not speak TLS')
             for tls in ('explicit', 'implicit')
             for mode in ('port', 'eprt', 'eprt6')}
    MODES = {'pasv': ['--disable-epsv'], 'eprt': ['-P', '-'],
             'port': ['-P', '-', '--disable-eprt'], 'eprt6': ['-P', '-']}

    def url(self, path):
        return self.box.url(path, 'ftps' if self.box.tls == 'implicit'
                            else 'ftp')

    def curl(self, *args):
        tls = [] if self.box.tls == 'plain' else ['--cacert', self.box.ca]
        if self.box.tls == 'explicit':
            tls.append('--ssl-reqd')
        return self.run('-sS', '-g', '--max-time', '40', *tls,
                        *self.MODES.get(self.box.mode, []), *args).output

    def quote(self, *commands, options=()):
        return self.curl(*options, '-I', '--ftp-method', 'nocwd',
                         *(x for c in commands for x in ('-Q', c)),
                         self.url(''))

    def login(self):
        return '257 "/"' in self.quote('PWD', options=['-v'])

    # 7.88 waits a second when the answer to EPSV comes faster than it looks
    # for it; transfers side by side (-Z) wake each other
    def put(self, pairs):
        self.curl('-Z', *(x for a, b in pairs for x in (
            '-T', a, self.url(b))))

    def get(self, pairs):
        self.curl('-Z', *(x for a, b in pairs for x in (
            '-o', b, self.url(a))))

    def reput(self, local, remote):
        self.curl('-C', '-', '-T', local, self.url(remote))

    def reget(self, remote, local):
        self.curl('-C', '-', '-o', local, self.url(remote))

    def append(self, local, remote):
        self.curl('--append', '-T', local, self.url(remote))

    def list(self, path):
        return client.unix_lines(
            self.curl(self.url(path + '/')).splitlines())

    def nlst(self, path):
        return self.curl('-l', self.url(path + '/')).splitlines()

    def mlsd(self, path):
        return client.mlsd_lines(
            self.curl('-X', 'MLSD', self.url(path + '/')).splitlines())

    def size(self, path):
        return int(re.search(r'Content-Length: (\d+)', self.curl(
            '-I', self.url(path)))[1])

    def time(self, path):
        return email.utils.parsedate_to_datetime(re.search(
            r'Last-Modified: (.*)', self.curl('-I', self.url(path)))[1]
        ).timestamp()

    def mkdir(self, paths):
        self.quote(*('MKD ' + p for p in paths))

    def rmdir(self, paths):
        self.quote(*('RMD ' + p for p in paths))

    def walk(self, paths):      # the first one answers curl's own PWD
        return client.paths_of_257(self.quote(
            *(c for p in paths for c in ('CWD ' + p, 'PWD')),
            options=['-v']))[1:]

    def move(self, pairs):
        self.quote(*(c for a, b in pairs for c in ('RNFR ' + a, 'RNTO ' + b)))

    def delete(self, paths):
        self.quote(*('DELE ' + p for p in paths))


class Lftp(client.Client):
    name = program = package = 'lftp'
    tls = 'plain explicit implicit'
    ops = ('login denied missing dirs put 70M names get list nlst mlsd size '
           'time move reget reput delete mget mirror pieces')
    modes = 'pasv epsv port epsv6 eprt6'
    known = {
        'eprt6': ('offers the address "::" in EPRT, is refused, and goes on '
                  'with EPSV by itself', r'EPRT \|2\|::\|')}
    MODES = {'pasv': 'set ftp:prefer-epsv no', 'epsv':
             'set ftp:prefer-epsv yes', 'port': 'set ftp:passive-mode no',
             'eprt6': 'set ftp:passive-mode no'}

    def lftp(self, *script):
        box = self.box
        tls = {'plain': 'set ftp:ssl-allow no',
               'explicit': 'set ftp:ssl-force yes;set ftp:ssl-protect-data '
               'yes;set ssl:ca-file %s' % box.ca,
               'implicit': 'set ssl:ca-file %s' % box.ca}[box.tls]
        return self.run('--norc', '-c', '\n'.join([
            'set cmd:fail-exit true', 'set net:max-retries 2',
            'set net:timeout 20', 'set net:reconnect-interval-base 1',
            'set xfer:clobber true', tls, self.MODES.get(box.mode, ''),
            "open -u '%s,%s' %s" % (USER, box.password, box.url(
                '', 'ftps' if box.tls == 'implicit' else 'ftp', False)),
            *script])).output

    def login(self):
        return 'file' in self.lftp('cd /', 'ls')

    def put(self, pairs):
        self.lftp(*('put -- %s -o %s' % (quoted(a), quoted(b))
                    for a, b in pairs))

    def get(self, pairs):
        self.lftp(*('get -- %s -o %s' % (quoted(a), quoted(b))
                    for a, b in pairs))

    def reput(self, local, remote):
        self.lftp('put -c %s -o %s' % (local, quoted(remote)))

    def reget(self, remote, local):
        self.lftp('get -c %s -o %s' % (quoted(remote), local))

    def list(self, path):
        return client.unix_lines(self.lftp('ls ' + quoted(path)).splitlines())

    def nlst(self, path):
        return self.lftp('nlist ' + quoted(path)).splitlines()

    def mlsd(self, path):
        out = self.lftp('set ftp:use-mlsd yes', 'cd ' + quoted(path),
                        'cls -1s --block-size=1 --filesize')
        found = {}
        for line in out.splitlines():
            size, name = re.fullmatch(r' *(\d+|-)? (.*)', line).groups()
            found[name.rstrip('/')] = None if name.endswith('/') \
                else int(size)
        return found

    def size(self, path):
        return int(self.lftp('cls -1s --block-size=1 --filesize ' + quoted(
            path)).split()[0])

    def time(self, path):
        return int(self.lftp('cls -l --time-style=%s ' + quoted(path)
                             ).split()[-2])

    def mkdir(self, paths):
        self.lftp(*('mkdir ' + quoted(p) for p in paths))

    def rmdir(self, paths):
        self.lftp(*('rmdir ' + quoted(p) for p in paths))

    def walk(self, paths):
        out = self.lftp(*(c for p in paths for c in (
            'cd ' + quoted(p), 'pwd')))
        return [client.unquoted(line) or '/' for line in out.splitlines()]

    def move(self, pairs):
        self.lftp(*('mv %s %s' % (quoted(a), quoted(b)) for a, b in pairs))

    def delete(self, paths):
        self.lftp(*('rm ' + quoted(p) for p in paths))

    def mget(self, pattern, local):
        self.lftp('mget -O %s %s' % (local, pattern))

    def mirror_up(self, local, remote):
        self.lftp('mirror -R --parallel=3 %s %s' % (local, remote))

    def mirror_down(self, remote, local):
        self.lftp('mirror --parallel=3 %s %s' % (remote, local))

    def pieces(self, remote, local):
        self.lftp('pget -n 4 %s -o %s' % (remote, local))


class Classic(client.Client):
    """The ftp of BSD and its descendants: commands on standard input."""

    ops = ('login denied missing dirs put 70M names get list nlst size time '
           'move reget append delete mget')
    not_names = {'quotes and backslashes in words differ':
                 lambda n: set(n) & set('"\\')}
    options = {}

    def ftp(self, *commands):
        out = self.run(
            '-n', '-i', '-v', *self.flags(),
            *self.options.get(self.box.mode, []),
            self.box.host, str(self.box.port), code=None, script='\n'.join([
                'user %s %s' % (USER, quoted(self.box.password)), 'binary',
                *self.setup(), 'glob', *commands, 'bye']) + '\n').output
        assert self.box.until or re.search(r'^221 ', out, re.M), out
        if re.search(r'^[45]\d\d ', out, re.M):
            raise boxes.Refused(out)
        return out

    def setup(self):
        return []

    def flags(self):
        return []

    def login(self):
        return self.walk(['/']) == ['/']

    def put(self, pairs):
        self.ftp(*('put %s %s' % (quoted('./' + a), quoted(b))
                   for a, b in pairs))

    def get(self, pairs):
        self.ftp(*('get %s %s' % (quoted(a), quoted('./' + b))
                   for a, b in pairs))

    def reget(self, remote, local):
        self.ftp('reget %s %s' % (quoted(remote), local))

    def append(self, local, remote):
        self.ftp('append %s %s' % (local, quoted(remote)))

    def list(self, path):
        return client.unix_lines(self.ftp('ls ' + quoted(path)).splitlines())

    def nlst(self, path):
        out = self.ftp('cd ' + quoted(path), 'nlist').splitlines()
        first = next(i for i, line in enumerate(out) if line[:4] == '150 ')
        last = next(i for i, line in enumerate(out) if line[:4] == '226 ')
        return out[first + 1:last]

    def size(self, path):
        return int(re.search(r'^(?:213 |/\S+\t)(\d+)$', self.ftp(
            'size ' + quoted(path)), re.M)[1])

    def time(self, path):
        text = re.search(r'^/\S+\t(.*)', self.ftp(
            'modtime ' + quoted(path)), re.M)[1]
        return time.mktime(time.strptime(text, self.TIME)) - time.timezone

    def mkdir(self, paths):
        self.ftp(*('mkdir ' + quoted(p) for p in paths))

    def rmdir(self, paths):
        self.ftp(*('rmdir ' + quoted(p) for p in paths))

    def walk(self, paths):
        out = self.ftp(*(c for p in paths for c in ('cd ' + quoted(p),
                                                    'pwd')))
        return re.findall(r'^Remote directory: (.*)', out, re.M) or \
            client.paths_of_257(out)

    def move(self, pairs):
        self.ftp(*('rename %s %s' % (quoted(a), quoted(b))
                   for a, b in pairs))

    def delete(self, paths):
        self.ftp(*('delete ' + quoted(p) for p in paths))

    def mget(self, pattern, local):
        folder, pattern = os.path.split(pattern)
        self.ftp('glob', 'cd ' + folder, 'lcd ' + local, 'mget ' + pattern)


class Tnftp(Classic):
    name = program = package = 'tnftp'
    ops = Classic.ops + ' mlsd reput'
    TIME = '%a, %d %b %Y %H:%M:%S +0000'
    modes = 'pasv epsv port eprt epsv6 eprt6'
    options = {'pasv': ['-p'], 'epsv': ['-p'], 'port': ['-A'],
               'eprt': ['-A'], 'epsv6': ['-p'], 'eprt6': ['-A']}

    def setup(self):        # EPSV and EPRT are its default
        return ['epsv4 off'] if self.box.mode in ('pasv', 'port') else []

    def version(self):
        return re.search(r'tnftp (\d+)', self.run(
            '-n', code=None, script='status\nbye\n').output)[1]

    def mlsd(self, path):
        return client.mlsd_lines(
            self.ftp('mlsd ' + quoted(path)).splitlines())

    def reput(self, local, remote):
        have = self.size(remote)
        self.ftp('restart %d' % have, 'put %s %s' % (local, quoted(remote)))


class Inetutils(Classic):
    name = program = package = 'inetutils-ftp'
    TIME = '%m/%d/%Y %H:%M:%S GMT'
    modes = 'pasv epsv port eprt epsv6 eprt6'
    options = {'pasv': ['-p'], 'epsv': ['-p'], 'port': ['-A'],
               'eprt': ['-A'], 'epsv6': ['-p'], 'eprt6': ['-A']}

    def setup(self):
        return ['epsv4'] if self.box.mode in ('epsv', 'eprt') else []


class FtpSsl(Classic):
    """The ftp of netkit with TLS; PBSZ and PROT come before USER."""

    name = program = package = 'ftp-ssl'
    tls = 'plain explicit'
    ops = Classic.ops
    TIME = '%m/%d/%Y %H:%M:%S GMT'
    modes = 'pasv port epsv6 eprt6'
    options = {'': ['-p'], 'pasv': ['-p'], 'epsv6': ['-p']}
    known = {'explicit/' + what: client.NO_CLOSE_NOTIFY for what in (
        'dirs', 'put', 'names', 'append', *modes.split())}

    def version(self):
        return client.first_number(self.box.run(
            'dpkg-query', '-W', '-f', '${Version}', 'ftp-ssl').output)

    def flags(self):
        if self.box.tls == 'plain':
            return ['-z', 'nossl']
        return ['-z', 'secure', '-z', 'verify=1', '-z',
                'cacert=' + self.box.ca]



def word(name):
    """For ncftp, which knows no way to write a quote in its own quotes."""
    return '"%s"' % name if "'" in name else "'%s'" % name


class Ncftp(client.Client):
    name = program = package = 'ncftp'
    ops = ('login denied missing dirs put 70M names get list nlst mlsd time '
           'move reget reput append delete mget mirror')
    modes = 'pasv port'         # "::1: unknown host."



    def shell(self, *script):
        out = self.run('-u', USER, '-p', self.box.password, '-P',
                       str(self.box.port), self.box.host, script='\n'.join([
                           'set passive %s' % (
                               'off' if self.box.mode == 'port' else 'on'),
                           *script, 'quit', ''])).output
        if 'server said:' in out:
            raise boxes.Refused(out)
        return out

    def tool(self, name, *args):
        return self.box.run(
            name, '-u', USER, '-p', self.box.password, '-P',
            str(self.box.port), '-t', '20', '-r', '1',
            '-E' if self.box.mode == 'port' else '-F', *args).output

    def version(self):
        return client.first_number(self.box.run(
            'ncftpls', '--help', code=None).output)

    def login(self):
        return 'Logged in to ' in self.shell('pwd')

    def put(self, pairs):
        self.shell(*('put -z %s %s' % (word('./' + a), word(
            './' + b if b[0] == '-' else b)) for a, b in pairs))

    def get(self, pairs):
        self.shell(*('get -z %s %s' % (word('./' + a if a[0] == '-' else a),
                                       word('./' + b)) for a, b in pairs))

    def reput(self, local, remote):
        # -s: with sendfile() 3.2.6 sends the whole file behind the old part
        self.tool('ncftpput', '-s', '-z', self.box.host,
                  os.path.dirname(remote), local)

    def reget(self, remote, local):
        self.tool('ncftpget', '-z', self.box.host, '.', remote)

    def append(self, local, remote):
        self.tool('ncftpput', '-A', self.box.host, os.path.dirname(remote),
                  local)

    def ls(self, *options):
        return self.tool('ncftpls', *options).splitlines()

    def list(self, path):
        return client.unix_lines(self.ls('-l', self.url(path)))

    def nlst(self, path):
        return self.ls(self.url(path))        # NLST -CF

    def mlsd(self, path):
        return client.mlsd_lines(self.ls('-m', self.url(path)))

    def url(self, path):
        return self.box.url(path + '/', login=False)

    def time(self, path):
        self.get([(path, 'got')])
        return os.stat(self.box.path('got')).st_mtime

    def mkdir(self, paths):
        self.shell(*('mkdir ' + word(p) for p in paths))

    def rmdir(self, paths):
        self.shell(*('rmdir ' + word(p) for p in paths))

    def walk(self, paths):
        out = self.shell(*(c for p in paths for c in (
            'cd ' + word(p), 'pwd')))
        out = re.sub(r'This URL is also valid on this server:\n.*', '', out)
        return [client.unquoted(u).rstrip('/') or '/'
                for u in re.findall(r'^  (ftp://.*)', out, re.M)]

    def move(self, pairs):
        self.shell(*('rename %s %s' % (word(a), word(b))
                     for a, b in pairs))

    def delete(self, paths):
        self.shell(*('rm ' + word(p) for p in paths))

    def mget(self, pattern, local):
        self.tool('ncftpget', self.box.host, local, pattern)

    def mirror_up(self, local, remote):
        self.tool('ncftpput', '-R', '-m', self.box.host, remote,
                  *(os.path.join(local, n) for n in sorted(os.listdir(
                      self.box.path(local)))))

    def mirror_down(self, remote, local):
        self.tool('ncftpget', '-R', '-T', self.box.host, local, remote + '/*')


class Wget(client.Client):
    name = program = package = 'wget'
    tls = 'plain explicit implicit'
    ops = 'login denied missing 70M names get list size reget mget mirror'
    modes = 'pasv port epsv6 eprt6'
    not_mirrored = {
        'takes blanks before a name for part of the listing':
        lambda n: n.startswith(' '),
        'decodes a name of a listing as if it stood in a URL':
        lambda n: '%41' in n}


    def wget(self, *args):
        box = self.box
        tls = {'plain': [], 'explicit': ['--ca-certificate', box.ca],
               'implicit': ['--ca-certificate', box.ca, '--ftps-implicit']}
        port = ['--no-passive-ftp'] if box.mode in ('port', 'eprt6') else []
        return self.run('-nv', '-T', '20', '-t', '2', *tls[box.tls], *port,
                        *args).output

    def url(self, path):
        return self.box.url(path, 'ftp' if self.box.tls == 'plain'
                            else 'ftps')

    def login(self):
        self.wget('-O', 'got', self.url('file'))
        return True

    def get(self, pairs):
        for a, b in pairs:
            self.wget('-O', b, self.url(a))

    def reget(self, remote, local):
        self.wget('-c', '-O', local, self.url(remote))

    def list(self, path):
        self.wget('--no-remove-listing', self.url(path + '/'))
        return client.unix_lines(self.box.read('.listing').decode()
                                 .splitlines())

    def size(self, path):
        out = self.wget('--spider', '-v', '-S', self.url(path))
        return int(re.search(r'213 (\d+)', out)[1])

    def mget(self, pattern, local):
        self.wget('-P', local, self.url('') + pattern.lstrip('/'))

    def mirror_down(self, remote, local):
        self.wget('-r', '-l', '9', '-nH', '--cut-dirs=1', '-P', local,
                  '--restrict-file-names=nocontrol', self.url(remote + '/'))


class Wput(client.Client):
    name = program = package = 'wput'
    tls = 'plain explicit'
    ops = 'denied put 70M names reput'
    modes = 'pasv port'         # it resolves "["
    # the program does not even import SSL_shutdown
    known = {'explicit/' + what: client.NO_CLOSE_NOTIFY for what in (
        'put', 'names', 'reput', 'pasv', 'port')}

    def wput(self, *args):
        return self.run(
            '-B', '-nv', '-t', '1', '-T', '200', '--waitretry=1',
            '--disable-tls' if self.box.tls == 'plain' else '--force-tls',
            *(['-p'] if self.box.mode == 'port' else []), *args).output

    def login(self):        # there is nothing it can do without an upload
        return self.wput('file2', self.box.url('file2'))

    def put(self, pairs):
        for a, b in pairs:
            self.wput(a, self.box.url(b))

    def reput(self, local, remote):
        self.wput(local, self.box.url(remote))


class Rclone(client.Client):
    name = program = package = 'rclone'
    known = {'reuse': client.NO_REUSE}
    tls = 'plain explicit implicit'
    ops = ('login denied missing dirs put 70M names get list mlsd size time '
           'move delete mirror')
    modes = 'pasv epsv epsv6'
    not_names = {'writes blanks at the end as U+2420':
                 lambda n: n.endswith(' ')}

    def rclone(self, *args):
        box = self.box
        secret = box.run('rclone', 'obscure', '-',
                         script=box.password + '\n')
        tls = {'plain': [], 'explicit': ['--ftp-explicit-tls'],
               'implicit': ['--ftp-tls']}[box.tls]
        mode = ['--ftp-disable-epsv'] if box.mode == 'pasv' else []
        return box.run(
            'rclone', '--config', '', '--ftp-host',
            '[::1]' if box.six else box.host, '--ftp-port',
            str(box.port), '--ftp-user', USER, '--ftp-pass',
            secret.output.strip(), '--retries', '1', *tls, *mode,
            *args).output

    def version(self):
        return client.first_number(self.run('version').output)

    def at(self, path):
        return ':ftp:' + path

    def login(self):
        return 'file' in self.rclone('lsf', self.at('/'))

    def put(self, pairs):
        if len(pairs) > 3:
            self.rclone('copy', os.path.dirname(pairs[0][0]), self.at('/'))
            return
        for a, b in pairs:
            self.rclone('copyto', a, self.at(b))

    def get(self, pairs):
        if len(pairs) > 3:
            self.rclone('copy', self.at('/'), os.path.dirname(pairs[0][1]))
            return
        for a, b in pairs:
            self.rclone('copyto', self.at(a), b)

    def json(self, *args):
        return json.loads(self.rclone('lsjson', *args).split('NOTICE')[-1])

    def entries(self, path, *args):
        return {e['Name']: None if e['IsDir'] else e['Size']
                for e in self.json(*args, self.at(path))}

    def list(self, path):
        return self.entries(path, '--ftp-disable-mlsd')

    def mlsd(self, path):
        return self.entries(path)

    def size(self, path):
        return json.loads(self.rclone('size', '--json', self.at(path)))[
            'bytes']

    def time(self, path):
        import datetime
        return datetime.datetime.fromisoformat(
            self.json(self.at(path))[0]['ModTime'].replace('Z', '+00:00')
        ).timestamp()

    def mkdir(self, paths):
        for p in paths:
            self.rclone('mkdir', self.at(p))

    def rmdir(self, paths):
        for p in paths:
            self.rclone('rmdir', self.at(p))

    def move(self, pairs):
        for a, b in pairs:
            self.rclone('moveto', self.at(a), self.at(b))

    def delete(self, paths):
        for p in paths:
            self.rclone('deletefile', self.at(p))

    def mirror_up(self, local, remote):
        self.rclone('sync', local, self.at(remote))
        self.rclone('check', local, self.at(remote), '--size-only')

    def mirror_down(self, remote, local):
        self.rclone('sync', self.at(remote), local)


class Aria2(client.Client):
    name, program, package = 'aria2', 'aria2c', 'aria2'
    ops = 'login denied missing 70M names get time reget pieces'
    modes = 'pasv port epsv6 eprt6'
    not_names = {'trims the local name': lambda n: n != n.strip()}

    # -t: FtpFinishDownloadCommand waits for the socket to become readable
    # even when 226 came in one piece with 150 and has been read: it ends well,
    # but only after this time
    def aria(self, pairs, *args):
        self.box.write('list', ''.join('%s\n out=%s\n' % (
            self.box.url(a), b) for a, b in pairs).encode())
        return self.run(
            '--no-conf', '-q', '--file-allocation=none', '-t', '3', '-m', '2',
            '--allow-overwrite=true', '--auto-file-renaming=false', '-j32',
            '--ftp-pasv=%s' % str(self.box.mode not in (
                'port', 'eprt6')).lower(),
            *(args or ['-s1', '-x1']), '-i', 'list',
            signal=signal.SIGTERM).output   # it notes how far it came

    def login(self):
        self.aria([('file', 'got')])
        return True

    def get(self, pairs):
        self.aria(pairs)

    def reget(self, remote, local):
        self.aria([(remote, local)], '-c', '-s1', '-x1')

    def time(self, path):
        self.aria([(path, 'got')], '-R')
        return os.stat(self.box.path('got')).st_mtime

    def pieces(self, remote, local):
        self.aria([(remote, local)], '-s4', '-x4', '-k1M')
