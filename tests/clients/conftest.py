"""Fixtures of the matrix: one stand-in for COS for a worker, and a server for
each kind of TLS, started when the first test needs it."""

import os
import subprocess
import sys

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), 'functional')]
import harness  # noqa: E402
from box import Box, Missing  # noqa: E402


def pytest_addoption(parser):
    parser.addoption('--quick', action='store_true',
                     help='only the rows marked quick')


def pytest_configure(config):
    config.addinivalue_line('markers', 'quick: also with --quick')


def pytest_collection_modifyitems(config, items):
    if not config.getoption('--quick'):
        return
    quick = [i for i in items if i.get_closest_marker('quick')]
    config.hook.pytest_deselected(items=[i for i in items if i not in quick])
    items[:] = quick


def knows_tls(directory):
    """Whether this server can serve FTPS at all."""
    path = os.path.join(directory, 'probe.conf')
    with open(path, 'w', encoding='utf-8') as f:
        f.write('[TLS]\ncert_file = /nonexistent\n')
    out = subprocess.run([harness.COSFTPD, '-t', '-c', path], text=True,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return 'cert_file: unknown key' not in out.stdout


class Servers:
    """The servers of one worker, all on one bucket."""

    def __init__(self, factory, fake):
        self.factory, self.fake, self.running = factory, fake, {}
        self.certs = None
        self.tls = knows_tls(str(factory.mktemp('probe')))

    def get(self, tls, variant):
        """narrow: with so little memory that a slow store slows the client
        down at once, and a pause before a login is refused.  reuse: data
        connections have to resume the TLS session."""
        key = tls != 'plain', variant
        if key not in self.running:
            self.running[key] = self.start(*key)
        return self.running[key]

    def start(self, secure, variant):
        keys, implicit = None, None
        if secure:
            self.certs = self.certs or str(self.factory.mktemp('certs'))
            if not os.listdir(self.certs):
                subprocess.run([os.path.join(harness.TOP, 'tests/mkcert.sh'),
                                self.certs], check=True)
            implicit = harness.free_ports(1)
            # a client that forgets to protect something is refused
            keys = {'cert_file': os.path.join(self.certs, 'ec.pem'),
                    'key_file': os.path.join(self.certs, 'ec.key'),
                    'mode': 'require-all', 'implicit_port': implicit}
            if variant == 'reuse':
                keys['require_session_reuse'] = 'true'
        server = harness.Cosftpd(
            str(self.factory.mktemp('cosftpd')), self.fake, tls=keys,
            optional={'memory_limit': '8M', 'login_delay': 1}
            if variant == 'narrow' else None)
        server.implicit = implicit
        return server

    def stop(self):
        for server in self.running.values():
            assert server.stop() == 0, server.text()


@pytest.fixture(scope='session')
def fakecos(tmp_path_factory):
    f = harness.Fakecos(str(tmp_path_factory.mktemp('fakecos')))
    yield f
    assert f.stop() == 0


@pytest.fixture(scope='session')
def servers(tmp_path_factory, fakecos):
    s = Servers(tmp_path_factory, fakecos)
    yield s
    s.stop()


@pytest.fixture
def fake(fakecos):
    fakecos.config(rate=0)
    fakecos.reset()
    fakecos.wipe()
    fakecos.reset()
    yield fakecos
    fakecos.config(rate=0)
    assert fakecos.uploads() == []


@pytest.fixture(scope='session')
def six():
    """Whether this machine has IPv6 on loopback."""
    return harness.has_ipv6()


@pytest.fixture
def make_box(servers, tmp_path, six):
    """make_box(tls, mode, variant of the server)"""
    def make(tls, mode='', variant=''):
        if tls != 'plain' and not servers.tls:
            pytest.skip('this server does not know cert_file: no FTPS')
        if mode.endswith('6') and not six:
            pytest.skip('no IPv6 here')
        server = servers.get(tls, variant)
        return Box(tmp_path, server, tls, mode, servers.certs)
    return make


@pytest.fixture
def installed():
    """A context in which a client that is not there skips the test, or
    fails it when CLIENTS_REQUIRED is set."""
    return Installed


class Installed:
    def __init__(self, package):
        self.package = package

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        if kind is Missing:
            what = '%s is not here: %s' % (
                value, value.how or 'apt-get install ' + self.package)
            if os.environ.get('CLIENTS_REQUIRED'):
                pytest.fail(what, pytrace=False)
            pytest.skip(what)
