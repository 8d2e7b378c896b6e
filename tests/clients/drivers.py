"""Client libraries: Python, Perl, Node, Java.  A small program in drivers/
reads steps from its standard input, a line of words with tabs between:

    put L R  get R L  reput L R  reget R L  append L R  list D  nlst D  mlsd D
    size P  time P  mkdir P  cwd P  move A B  delete P  rmdir P

and answers "value X", "name X", "line X" (of LIST), "entry TYPE SIZE NAME",
again with tabs.  The first step that fails ends it with a status."""

import calendar
import os
import re
import subprocess
import sys
import time
import zipfile

import box as boxes
import client
import harness

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'drivers')
BUILD = os.path.join(harness.TOP, 'build/clients')


class Library(client.Client):
    tls = 'plain explicit implicit'

    def command(self):
        """The program and its first arguments."""
        raise NotImplementedError

    def steps(self, *steps):
        program, *args = self.command()
        out = self.box.run(
            program, *args, self.box.host, str(self.box.port), client.USER,
            self.box.password, self.box.tls, self.box.mode, self.box.ca or '',
            script=''.join('\t'.join(s) + '\n' for s in steps)).output
        return [line.split('\t') for line in out.splitlines()]

    def values(self, *steps):
        return [a[1] for a in self.steps(*steps) if a[0] == 'value']

    def login(self):
        return self.values(('cwd', '/'))[0] == '/'

    def put(self, pairs):
        self.steps(*(('put', a, b) for a, b in pairs))

    def get(self, pairs):
        self.steps(*(('get', a, b) for a, b in pairs))

    def reput(self, local, remote):
        self.steps(('reput', local, remote))

    def reget(self, remote, local):
        self.steps(('reget', remote, local))

    def append(self, local, remote):
        self.steps(('append', local, remote))

    def listed(self, verb, path):
        found = self.steps((verb, path))
        entries = {a[3]: None if a[1] == 'dir' else int(a[2])
                   for a in found if a[0] == 'entry'}
        lines = [a[1] for a in found if a[0] == 'line']
        return dict(entries, **client.unix_lines(lines))

    def list(self, path):
        return self.listed('list', path)

    def mlsd(self, path):
        return self.listed('mlsd', path)

    def nlst(self, path):
        return [a[1] for a in self.steps(('nlst', path)) if a[0] == 'name']

    def size(self, path):
        return int(self.values(('size', path))[0])

    def time(self, path):
        value = self.values(('time', path))[0]
        if re.fullmatch(r'\d{14}', value):
            return calendar.timegm(time.strptime(value, '%Y%m%d%H%M%S'))
        return int(value)

    def mkdir(self, paths):
        self.steps(*(('mkdir', p) for p in paths))

    def rmdir(self, paths):
        self.steps(*(('rmdir', p) for p in paths))

    def walk(self, paths):
        return self.values(*(('cwd', p) for p in paths))

    def move(self, pairs):
        self.steps(*(('move', a, b) for a, b in pairs))

    def delete(self, paths):
        self.steps(*(('delete', p) for p in paths))

    def unique(self, local):
        """STOU; the name the library found in the reply."""
        return self.values(('unique', local))[0]


class Ftplib(Library):
    name, program = 'ftplib', 'python3'
    known = {'reuse': client.NO_REUSE}
    ops = ('login denied missing dirs put 70M names get list nlst mlsd size '
           'time move reget reput append delete')
    modes = 'pasv port epsv6 eprt6'

    def command(self):
        return [sys.executable, os.path.join(HERE, 'ftplib_driver.py')]

    def version(self):
        return sys.version.split()[0]

    def walk(self, paths):      # the last value is the answer to QUIT
        return super().walk(paths)[:len(paths)]


class NetFtp(Library):
    name, program = 'Net::FTP', 'perl'
    known = {'reuse': client.NO_REUSE}
    package = 'perl libio-socket-ssl-perl'
    ops = ('login denied missing dirs put 70M names get list nlst size time '
           'move reget reput append delete stou')
    modes = 'pasv port epsv6 eprt6'

    def command(self):
        if self.box.tls != 'plain':
            perl = self.box.program('perl')
            if subprocess.run([perl, '-MIO::Socket::SSL', '-e1'],
                              stderr=subprocess.DEVNULL).returncode:
                raise boxes.Missing('IO::Socket::SSL')
        return ['perl', os.path.join(HERE, 'netftp.pl')]

    def version(self):
        return self.run('-MNet::FTP', '-e', 'print Net::FTP->VERSION').output


class BasicFtp(Library):
    name, program, package = 'basic-ftp', 'node', 'nodejs npm'
    # Where the TLS session is resumed, getCipher() knows the cipher before the
    # handshake is over, so that upload() starts at once, and at the end of an
    # empty file closes: seen as ClientHello and FIN, once in some thousands.
    empty_in_tls = False
    # pwd() is what stands between the quotes of the reply
    not_folders = {'leaves quotes in a directory doubled': lambda n: '"' in n}
    ops = ('login denied missing dirs put 70M names get list mlsd size time '
           'move reget reput append delete mirror')
    modes = 'pasv epsv epsv6'

    def command(self):
        modules = os.path.join(BUILD, 'node_modules')
        if not os.path.isdir(os.path.join(modules, 'basic-ftp')):
            self.box.program('node')
            raise boxes.Missing('basic-ftp', 'make test-clients, with npm')
        self.box.env['NODE_PATH'] = modules
        return ['node', os.path.join(HERE, 'basic_ftp.js')]

    def version(self):
        self.command()
        return self.run('-p', 'require("basic-ftp/package.json").version'
                        ).output.strip()

    def mirror_up(self, local, remote):
        self.steps(('upload', local, remote))

    def mirror_down(self, remote, local):
        self.steps(('download', remote, local))


class CommonsNet(Library):
    name, program = 'Commons Net', 'java'
    known = {'reuse': client.NO_REUSE}
    package = 'default-jdk-headless libcommons-net-java'
    ops = ('login denied missing dirs put 70M names get list nlst mlsd size '
           'time move reget reput append delete stou')
    modes = 'pasv epsv port epsv6 eprt6'
    JAR = '/usr/share/java/commons-net.jar'

    def command(self):
        if not os.path.exists(self.JAR):
            raise boxes.Missing('commons-net')
        if not os.path.exists(os.path.join(BUILD, 'CommonsNet.class')):
            raise boxes.Missing('javac')
        return ['java', '-Xshare:auto', '-XX:TieredStopAtLevel=1', '-cp',
                BUILD + ':' + self.JAR, 'CommonsNet']

    def version(self):
        self.command()
        with zipfile.ZipFile(self.JAR) as jar:
            return re.search(r'Bundle-Version: (\S+)', jar.read(
                'META-INF/MANIFEST.MF').decode())[1]
