"""Where one client runs: an empty directory that is also its home, the server
it talks to, and how it is to talk (TLS, kind of data connection)."""

import os
import shutil
import subprocess
import urllib.parse

import clients
import harness

SECONDS = 45        # longer than any client needs for one run


class Refused(AssertionError):
    """The client said that it failed."""


class Missing(Exception):
    """A client that is not installed; how: what installs it, where that is
    not its package."""

    def __init__(self, name, how=None):
        super().__init__(name)
        self.how = how


class Box(clients.Clients):
    """tls: plain, explicit or implicit.  mode: '' is what the client does by
    itself; else pasv, epsv, port, eprt, and epsv6 or eprt6 over IPv6."""

    def __init__(self, directory, server, tls, mode, certs):
        super().__init__(directory, server)
        self.tls, self.mode, self.certs = tls, mode, certs
        self.six = mode.endswith('6')
        self.host = '::1' if self.six else '127.0.0.1'
        self.port = server.implicit if tls == 'implicit' else server.port
        self.ca = os.path.join(certs, 'ca.pem') if certs else None
        self.until = None
        self.password = harness.PASSWORD
        if self.ca:     # for clients without an option for it
            self.env['SSL_CERT_FILE'] = self.ca

    def program(self, name):
        path = shutil.which(name, path=self.env['PATH'])
        if path is None:
            raise Missing(name)
        return path

    def url(self, path='', scheme='ftp', login=True):
        return '%s://%s%s:%d/%s' % (
            scheme, '%s:%s@' % (harness.USER, urllib.parse.quote(
                self.password)) if login else '',
            '[::1]' if self.six else self.host, self.port,
            urllib.parse.quote(path.lstrip('/')))

    def run(self, program, *args, script='', code=0, timeout=SECONDS,
            signal=9):
        """To its end; or, with until, only until that is true: then it is
        killed, as by a user or a power cut."""
        with open(self.path('script'), 'w', encoding='utf-8') as f:
            f.write(script)
        with open(self.path('script'), 'rb') as stdin, \
                open(self.path('output'), 'wb') as out:
            child = subprocess.Popen(
                [self.program(program), *args], cwd=self.directory,
                env=self.env, stdin=stdin, stdout=out,
                stderr=subprocess.STDOUT, start_new_session=True)
            try:
                if self.until:
                    harness.wait_for('the time to interrupt', lambda:
                                     child.poll() is not None or self.until(),
                                     timeout)
                    status = child.poll()
                else:
                    status = child.wait(timeout)
            except (subprocess.TimeoutExpired, AssertionError):
                raise AssertionError('%s %s hangs:\n%s' % (
                    program, args, self.output())) from None
            finally:
                if child.poll() is None:
                    os.killpg(child.pid, signal)
                    child.wait(timeout)
        if self.until:
            assert status is None, 'was not interrupted:\n' + self.output()
            return clients.Result(None, self.output())
        if code is not None and status != code:
            raise Refused('%s %s ended with %d:\n%s' % (
                program, args, status, self.output()))
        return clients.Result(status, self.output())

    def output(self):
        with open(self.path('output'), 'rb') as f:
            return f.read().decode('utf-8', 'replace')
