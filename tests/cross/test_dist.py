"""make dist: the same input makes the same bytes, wherever it is built."""

import hashlib
import os
import shutil
import subprocess
import tarfile

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
FILES = {'cosftpd', 'LICENSE', 'README.md', 'CHANGES', 'cosftpd.8',
         'cosftpd.conf.5', 'vsftpd.conf.example', 'cosftpd.service',
         'cosftpd.logrotate', 'licenses', 'licenses/BearSSL', 'licenses/musl'}


def build(directory, umask):
    """dist/ of a copy of this tree: the archive's path."""
    shutil.copytree(TOP, directory, ignore=shutil.ignore_patterns(
        'build', 'dist', 'cosftpd', '.git', 'node_modules', '__pycache__'))
    env = {k: v for k, v in os.environ.items()
           if k not in ('SOURCE_DATE_EPOCH', 'MAKEFLAGS', 'MFLAGS')}
    p = subprocess.run(['make', '-j2', 'dist'], cwd=directory, env=env,
                       umask=umask, stdin=subprocess.DEVNULL, text=True,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert p.returncode == 0, p.stdout[-3000:]
    assert ' LINK build/release/cosftpd' in p.stdout    # nothing came along
    found = [f for f in os.listdir(os.path.join(directory, 'dist'))
             if f.endswith('.tar.gz')]
    assert len(found) == 1
    return os.path.join(directory, 'dist', found[0])


def content(path):
    with open(path, 'rb') as f:
        return f.read()


@pytest.fixture(scope='module')
def archives(tmp_path_factory):
    if not shutil.which('musl-gcc'):
        why = 'no musl-gcc: package musl-tools'
        if os.environ.get('CROSS_REQUIRED'):
            pytest.fail(why)
        pytest.skip(why)
    top = tmp_path_factory.mktemp('dist')
    # another path, longer, with a blank; another umask; later
    return [build(str(top / 'a'), 0o022),
            build(str(top / 'elsewhere/with a blank'), 0o077)]


def test_same_bytes(archives):
    first, second = archives
    assert os.path.basename(first) == os.path.basename(second)
    assert content(first) == content(second)


def test_checksums(archives):
    for path in archives:
        with open(os.path.join(os.path.dirname(path), 'SHA256SUMS'),
                  encoding='ascii') as f:
            assert f.read() == '%s  %s\n' % (
                hashlib.sha256(content(path)).hexdigest(),
                os.path.basename(path))


def test_what_is_in_it(archives):
    top = os.path.basename(archives[0])[:-len('.tar.gz')]
    with tarfile.open(archives[0]) as tar:
        members = tar.getmembers()
        assert {m.name for m in members} == {top} | {
            top + '/' + name for name in FILES}
        for m in members:
            run = m.isdir() or m.name.endswith('/cosftpd')
            assert (m.uid, m.gid, m.uname, m.mode) == (
                0, 0, '', 0o755 if run else 0o644), m.name
        program = tar.extractfile(top + '/cosftpd').read()
    assert archives[0].rsplit('/dist/')[0].encode() not in program
    copy = os.path.join(os.path.dirname(archives[0]), 'cosftpd')
    with open(copy, 'wb') as f:
        f.write(program)
    os.chmod(copy, 0o755)
    said = subprocess.run([copy, '-V'], stdout=subprocess.PIPE, text=True)
    assert said.stdout == 'cosftpd %s\n' % top.split('-')[1]
