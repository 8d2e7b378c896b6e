"""cosftpd --clean --older-than T: what was begun long ago and never ended."""

import http.client
import os
import subprocess

import pytest

import harness
from harness import account


@pytest.fixture(scope='module')
def fakecos(tmp_path_factory):
    """Signatures are not checked: the test begins uploads itself."""
    f = harness.Fakecos(str(tmp_path_factory.mktemp('fakecos')), '--no-auth')
    yield f
    assert f.stop() == 0


def clean(directory, fake, *args, text=None):
    path = os.path.join(str(directory), 'vsftpd.conf')
    with open(path, 'w', encoding='utf-8') as f:
        f.write(text or account(0, fake))
    os.chmod(path, 0o600)
    return subprocess.run(
        [harness.COSFTPD, '-c', path, '--clean', *args], cwd=str(directory),
        stdin=subprocess.DEVNULL, capture_output=True, encoding='utf-8',
        timeout=60)


def begin(fake, *names, hours=0):
    """Uploads begun so long ago, by the store's clock."""
    fake.config(skew=-3600 * hours)
    c = http.client.HTTPConnection('127.0.0.1', fake.port, timeout=30)
    for name in names:
        c.request('POST', '/%s?uploads' % name, headers={
            'Host': '%s.cos.localhost:%d' % (fake.bucket, fake.port),
            'Content-Length': '0'})
        r = c.getresponse()
        assert b'<UploadId>' in r.read() and r.status == 200
    c.close()
    fake.config(skew=0)


def left(fake):
    return sorted(u['key'] for u in fake.uploads())


def test_old_ones_are_aborted_and_young_ones_left(tmp_path, fake):
    begin(fake, 'old', 'd/old%20%E4%B8%AD', hours=25)
    begin(fake, 'young', hours=23)
    begin(fake, 'now')
    r = clean(tmp_path, fake, '--older-than', '24h')
    assert r.returncode == 0, r.stdout + r.stderr
    assert left(fake) == ['now', 'young']
    assert '/d/old 中 upload ' in r.stdout and ': aborted\n' in r.stdout
    assert r.stdout.endswith(': 2 aborted, 2 younger left\n')
    r = clean(tmp_path, fake, '--older-than', '24h')
    assert r.stdout.endswith(': 0 aborted, 2 younger left\n')


@pytest.mark.parametrize('age,aborted', [
    ('7300s', 0), ('7100s', 1), ('121m', 0), ('119m', 1), ('3h', 0),
    ('1h', 1), ('1d', 0)])
def test_units(tmp_path, fake, age, aborted):
    begin(fake, 'f', hours=2)
    r = clean(tmp_path, fake, '--older-than', age)
    assert r.returncode == 0 and len(left(fake)) == 1 - aborted


@pytest.mark.parametrize('args', [
    (), ('--older-than', '24'), ('--older-than', 'h'), ('--older-than', '0h'),
    ('--older-than', '-1h'), ('--older-than', '1w'), ('--older-than', '1hh'),
    ('--older-than', '')])
def test_bad_ages_abort_nothing(tmp_path, fake, args):
    begin(fake, 'f', hours=99)
    r = clean(tmp_path, fake, *args)
    assert r.returncode == 1 and 'older-than' in r.stderr
    assert left(fake) == ['f']


def test_more_than_one_page(tmp_path, fake):
    begin(fake, *('k%04d' % i for i in range(1205)), hours=30)
    begin(fake, 'k0500', 'k1204')       # young ones of the same keys
    r = clean(tmp_path, fake, '--older-than', '1h')
    assert r.returncode == 0, r.stderr
    assert left(fake) == ['k0500', 'k1204']
    assert ': 1205 aborted, 2 younger left' in r.stdout


def test_two_accounts_of_one_bucket_are_one(tmp_path, fake):
    begin(fake, 'f', hours=30)
    r = clean(tmp_path, fake, '--older-than', '1h', text=account(0, fake) +
              account(1, fake, user='other'))
    assert r.returncode == 0 and r.stdout.count('younger left') == 1


@pytest.mark.parametrize('fault', [
    dict(op='ListMultipartUploads', status=403, code='AccessDenied'),
    dict(op='AbortMultipartUpload', status=403, code='AccessDenied')])
def test_what_is_refused_is_said(tmp_path, fake, fault):
    begin(fake, 'f', hours=30)
    fake.fault(times=-1, **fault)
    r = clean(tmp_path, fake, '--older-than', '1h')
    assert r.returncode == 1
    assert 'AccessDenied' in r.stdout + r.stderr
    fake.reset()
    assert left(fake) == ['f']


def test_malformed_list(tmp_path, fake):
    begin(fake, 'f', hours=30)
    fake.fault(op='ListMultipartUploads', times=-1, body_cut=20)
    r = clean(tmp_path, fake, '--older-than', '1h')
    assert r.returncode == 1 and left(fake) == ['f']
