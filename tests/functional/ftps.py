"""FTPS for the tests: certificates, a server with TLS, connections by hand.

Nothing here forgives a missing close_notify: it is an error where the end of
a stream is read."""

import os
import re
import socket
import ssl
import subprocess

import harness


def certificates(directory):
    subprocess.run([os.path.join(harness.TOP, 'tests/mkcert.sh'), directory],
                   check=True)
    return directory


def context(certs):
    c = ssl.create_default_context(cafile=os.path.join(certs, 'ca.pem'))
    c.maximum_version = ssl.TLSVersion.TLSv1_2      # session is set at once
    c.options &= ~getattr(ssl, 'OP_IGNORE_UNEXPECTED_EOF', 0)
    return c


def wrap(context, sock, session=None):
    return context.wrap_socket(sock, server_hostname='localhost',
                               suppress_ragged_eofs=False, session=session)


class Server(harness.Cosftpd):
    """cert names the files of mkcert.sh; None: no certificate."""

    def __init__(self, directory, fake, certs, cert='ec', implicit=True,
                 tls=None, **keys):
        section = dict(tls or {})
        self.certs, self.implicit = certs, None
        if cert:
            section['cert_file'] = os.path.join(certs, cert + '.pem')
            section['key_file'] = os.path.join(certs, cert + '.key')
        if cert and implicit and section.get('mode') != 'off':
            self.implicit = section['implicit_port'] = harness.free_ports(1)
        self.context = context(certs)
        super().__init__(directory, fake, tls=section, **keys)

    def control(self, auth='TLS'):
        return Control(self, auth)

    def login_tls(self, **keys):
        c = self.control(**keys)
        assert c.login().startswith('230 ')
        return c

    def data_connections(self):
        """How many are new and how many are resumed, by the log."""
        text = self.log_text()
        return (len(re.findall(r'data connection: .*, new session', text)),
                len(re.findall(r'data connection: .*, resumed', text)))


class Control(harness.Raw):
    """A control connection with TLS.  auth None: on the implicit port."""

    def __init__(self, server, auth='TLS'):
        self.context = server.context
        self.port = server.port if auth else server.implicit
        if auth:
            super().__init__('127.0.0.1', self.port)
            reply = self.cmd('AUTH ' + auth)
            assert reply.startswith('234 '), reply
            self.secure()
        else:
            self.sock = socket.create_connection(('127.0.0.1', self.port),
                                                 timeout=20)
            self.secure()
            self.greeting = self.reply()

    def secure(self):
        self.sock = wrap(self.context, self.sock)
        self.file = self.sock.makefile('rb')

    def protect(self):
        assert self.cmd('PBSZ 0') == '200 PBSZ=0'
        assert self.cmd('PROT P').startswith('200 ')

    def tls(self, sock, resume=True):
        return wrap(self.context, sock,
                    self.sock.session if resume else None)

    def fetch(self, command, sock=None):
        """What a transfer gives: (bytes, last reply).  Handshakes at once."""
        sock = sock or self.tls(self.pasv())
        first = self.cmd(command)
        data = b'' if first[0] != '1' else read_all(sock)
        sock.close()
        return data, self.reply() if first[0] == '1' else first

    def store(self, name, data, sock=None):
        sock = sock or self.tls(self.pasv())
        first = self.cmd('STOR ' + name)
        if first[0] != '1':
            return first
        sock.sendall(data)
        sock.unwrap().close()
        return self.reply()


def read_all(sock):
    """To close_notify: without it this is an error."""
    parts = []
    while True:
        part = sock.recv(65536)
        if not part:
            return b''.join(parts)
        parts.append(part)
