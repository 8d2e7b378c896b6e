"""The program for other machines: built, looked at, and run under qemu-user
against the stand-in, which runs here.

What is missing is a skip that names the package, with CROSS_REQUIRED=1 a
failure.  The first run fetches the sources of BearSSL and musl."""

import os
import re
import shutil
import stat
import subprocess
import sys

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
FUNCTIONAL = os.path.join(TOP, 'tests/functional')
# compiler's prefix: qemu's name, the compiler's package, machine and class in the ELF head
MACHINES = {
    'aarch64-linux-gnu': ('aarch64', 'gcc-aarch64-linux-gnu', 183, 2),
    'arm-linux-gnueabihf': ('arm', 'gcc-arm-linux-gnueabihf', 40, 1),
    'riscv64-linux-gnu': ('riscv64', 'gcc-riscv64-linux-gnu', 243, 2),
}
CORE = ['test_core.py', 'test_upload.py::test_sizes',
        'test_upload.py::test_stou', 'test_append.py',
        'test_download.py::test_sizes', 'test_download.py::test_rest',
        'test_https.py::test_works',
        'test_ftps.py::test_records_of_any_size',
        'test_ftps.py::test_transcript_is_the_same_in_clear',
        'test_rename.py::test_a_directory_of_1500_keys',
        'test_workers.py::test_one_worker_dies_and_the_other_goes_on',
        'test_workers.py::test_uploads_of_a_dead_worker_are_aborted']


def missing(why):
    if os.environ.get('CROSS_REQUIRED'):
        pytest.fail(why)
    pytest.skip(why)


def make(*args):
    p = subprocess.run(['make', '--no-print-directory', '-j2', *args],
                       cwd=TOP, text=True, stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.returncode, p.stdout


@pytest.fixture(scope='module')
def sources():
    for name in 'bearssl', 'musl':
        status, text = make(name + '-src')
        assert 'unknown SHA-256' not in text, text
        if status:
            missing('the source of %s cannot be had: %s'
                    % (name, text.strip().splitlines()[0]))


class Machine:
    def __init__(self, name, directory):
        self.name, self.directory = name, directory
        self.qemu, self.package, self.elf, self.bits = MACHINES[name]
        self.emulator = 'qemu-%s-static' % self.qemu

    def path(self, program):
        return os.path.join(TOP, 'build', self.name, 'release', program)

    def wrapped(self, program):
        """A program of this machine that runs there."""
        path = os.path.join(self.directory, os.path.basename(program))
        with open(path, 'w', encoding='utf-8') as f:
            f.write('#!/bin/sh\nexec %s \'%s\' "$@"\n'
                    % (self.emulator, self.path(program)))
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)
        return path

    def run(self, program, *args):
        p = subprocess.run([self.wrapped(program), *args], text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        return p.returncode, p.stdout


@pytest.fixture(scope='module', params=MACHINES)
def machine(request, tmp_path_factory):
    m = Machine(request.param, str(tmp_path_factory.mktemp(request.param)))
    if not shutil.which(m.name + '-gcc'):
        missing('no compiler: package ' + m.package)
    if not shutil.which(m.emulator):
        missing('no %s: package qemu-user-static' % m.emulator)
    request.getfixturevalue('sources')
    for goal in 'musl', 'all':
        status, text = make('CROSS=' + m.name, 'WERROR=1', goal)
        assert status == 0, text[-3000:]
    return m


def segments(elf):
    """The types of a little-endian ELF file's program headers."""
    wide = elf[4] == 2
    size, count = (54, 56) if wide else (42, 44)

    def number(at, n):
        return int.from_bytes(elf[at:at + n], 'little')
    start = number(32, 8) if wide else number(28, 4)
    return [number(start + k * number(size, 2), 4)
            for k in range(number(count, 2))]


def test_binary(machine):
    with open(machine.path('cosftpd'), 'rb') as f:
        elf = f.read()
    assert elf[:6] == b'\x7fELF' + bytes([machine.bits, 1])
    assert int.from_bytes(elf[18:20], 'little') == machine.elf
    kinds = segments(elf)
    assert 1 in kinds                           # PT_LOAD
    assert 2 not in kinds and 3 not in kinds    # PT_DYNAMIC, PT_INTERP
    assert len(elf) < 430 * 1000
    for word in TOP.encode(), b'.debug_info':
        assert word not in elf


def test_options(machine):
    with open(os.path.join(TOP, 'Makefile'), encoding='utf-8') as f:
        version = re.search(r'^VERSION\s*= (\S+)', f.read(), re.M)[1]
    assert machine.run('cosftpd', '-V') == (0, 'cosftpd %s\n' % version)
    config = os.path.join(machine.directory, 'vsftpd.conf')
    with open(config, 'w', encoding='utf-8') as f:
        f.write('[COS_ACCOUNT_0]\ncos_secretid = a\ncos_secretkey = b\n'
                'cos_bucket = x-1250000000\ncos_region = ap-guangzhou\n'
                'ftp_login_user_name = u\nftp_login_user_password = p\n'
                'home_dir = /home/u\n'
                '[FILE_OPTION]\nsingle_file_max_size = 200G\n')
    os.chmod(config, 0o600)
    status, text = machine.run('cosftpd', '-t', '-c', config)
    assert status == 0 and re.search(r'single_file_max_size\s*= 200G', text), \
        text


def test_units(machine):
    status, text = make('CROSS=' + machine.name, 'WERROR=1', 'units')
    assert status == 0, text[-3000:]
    units = [os.path.join('tests', f[:-2])
             for f in sorted(os.listdir(os.path.join(TOP, 'tests')))
             if re.fullmatch(r't_\w+\.c', f)]
    assert len(units) > 20
    p = subprocess.run([os.path.join(TOP, 'tests/run-units'),
                        *map(machine.wrapped, units)], text=True,
                       stdout=subprocess.PIPE)
    assert p.returncode == 0, p.stdout[-3000:]
    if machine.qemu == 'aarch64':   # else PMULL would not have been tried
        assert '# t_crc64: folding' in machine.run('tests/t_crc64')[1]


def test_core(machine):
    p = subprocess.run(
        [sys.executable, '-m', 'pytest', '-q', '--tb=short',
         '-p', 'no:cacheprovider',
         *(os.path.join(FUNCTIONAL, name) for name in CORE)],
        env=dict(os.environ, COSFTPD=machine.wrapped('cosftpd'),
                 PYTHONDONTWRITEBYTECODE='1'),
        cwd=TOP, stdin=subprocess.DEVNULL, text=True, stdout=subprocess.PIPE)
    assert p.returncode == 0, p.stdout[-5000:]
    assert 'skipped' not in p.stdout.splitlines()[-1], p.stdout
