"""Python's ftplib, driven by steps.  Arguments: host port user password tls
mode CA; a step is a line of words with tabs between, on standard input; an
answer is a line that begins with what it is (see drivers.py)."""

import ftplib
import os
import ssl
import sys


class Implicit(ftplib.FTP_TLS):
    """TLS from the first byte: the usual way to have it from ftplib."""

    _sock = None

    @property
    def sock(self):
        return self._sock

    @sock.setter
    def sock(self, value):
        if value is not None and not isinstance(value, ssl.SSLSocket):
            value = self.context.wrap_socket(value, server_hostname=self.host)
        self._sock = value


def connect(host, port, user, password, tls, mode, ca):
    if tls == 'plain':
        ftp = ftplib.FTP(encoding='utf-8')
    else:
        kind = Implicit if tls == 'implicit' else ftplib.FTP_TLS
        ftp = kind(context=ssl.create_default_context(cafile=ca),
                   encoding='utf-8')
    ftp.connect(host, int(port), timeout=30)
    ftp.login(user, password)
    if tls != 'plain':
        ftp.prot_p()
    ftp.set_pasv(mode not in ('port', 'eprt6'))
    return ftp


def say(*words):
    print(*words, sep='\t', flush=True)


def send(ftp, local, remote, start=0, append=False):
    with open(local, 'rb') as f:
        f.seek(start)
        ftp.storbinary(('APPE ' if append else 'STOR ') + remote, f, 65536,
                       rest=start or None)


def fetch(ftp, remote, local, start=0):
    with open(local, 'ab' if start else 'wb') as f:
        ftp.retrbinary('RETR ' + remote, f.write, 65536, rest=start or None)


def step(ftp, verb, a='', b=''):
    if verb == 'put':
        send(ftp, a, b)
    elif verb == 'get':
        fetch(ftp, a, b)
    elif verb == 'reput':
        ftp.voidcmd('TYPE I')
        send(ftp, a, b, ftp.size(b))
    elif verb == 'reget':
        fetch(ftp, a, b, os.path.getsize(b))
    elif verb == 'append':
        send(ftp, a, b, append=True)
    elif verb == 'list':
        ftp.dir(a, lambda line: say('line', line))
    elif verb == 'nlst':
        for name in ftp.nlst(a):
            say('name', name)
    elif verb == 'mlsd':
        for name, facts in ftp.mlsd(a):
            if facts['type'] in ('file', 'dir'):
                say('entry', facts['type'], facts.get('size', ''), name)
    elif verb == 'size':
        ftp.voidcmd('TYPE I')
        say('value', ftp.size(a))
    elif verb == 'time':
        say('value', ftp.voidcmd('MDTM ' + a).split()[1])
    elif verb == 'mkdir':
        say('value', ftp.mkd(a))
    elif verb == 'cwd':
        ftp.cwd(a)
        say('value', ftp.pwd())
    elif verb == 'move':
        ftp.rename(a, b)
    elif verb == 'delete':
        ftp.delete(a)
    elif verb == 'rmdir':
        ftp.rmd(a)
    else:
        raise ValueError(verb)


def main():
    ftp = connect(*sys.argv[1:])
    for line in sys.stdin:
        step(ftp, *line.rstrip('\n').split('\t'))
    say('value', ftp.quit()[:3])


main()
