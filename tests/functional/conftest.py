"""Fixtures: one stand-in and one server for a module's tests; the bucket is
empty and the counters are zero before each test."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import harness  # noqa: E402


@pytest.fixture(scope='module')
def fakecos(tmp_path_factory):
    f = harness.Fakecos(str(tmp_path_factory.mktemp('fakecos')))
    yield f
    assert f.stop() == 0


@pytest.fixture(scope='module')
def server(tmp_path_factory, fakecos):
    s = harness.Cosftpd(str(tmp_path_factory.mktemp('cosftpd')), fakecos)
    yield s
    assert s.stop() == 0, s.text()


@pytest.fixture
def fake(fakecos):
    fakecos.reset()
    fakecos.wipe()
    fakecos.reset()
    return fakecos


@pytest.fixture
def ftp(server, fake):
    f = server.login()
    yield f
    f.close()


@pytest.fixture
def raw(server, fake):
    r = server.raw()
    assert r.login().startswith('230 ')
    yield r
    r.close()
