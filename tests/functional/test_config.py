"""The program itself: options, settings, exit statuses, log, start and
stop."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

import pytest

import harness
from harness import account, BUCKET, Cosftpd, COSFTPD, Fakecos, ID, KEY, \
    PASSWORD, wait_for

RELEASE = os.path.join(harness.TOP, 'cosftpd')


def run(directory, *args, text=None, timeout=60):
    """The finished program; text is its vsftpd.conf."""
    if text is not None:
        path = os.path.join(str(directory), 'vsftpd.conf')
        with open(path, 'w', encoding='utf-8') as f:
            f.write(text)
        os.chmod(path, 0o600)
        args = ('-c', path) + args
    return subprocess.run([COSFTPD, *args], cwd=str(directory),
                          stdin=subprocess.DEVNULL, capture_output=True,
                          encoding='utf-8', timeout=timeout)


def with_optional(fake, **keys):
    return account(0, fake) + '[OPTIONAL]\n' + ''.join(
        '%s = %s\n' % kv for kv in keys.items())


# ---- options ----

def test_version_help_and_unknown_options(tmp_path):
    r = run(tmp_path, '-V')
    assert r.returncode == 0
    assert re.fullmatch(r'cosftpd \d+\.\d+\.\d+\n', r.stdout)
    assert run(tmp_path, '--version').stdout == r.stdout
    r = run(tmp_path, '-h')
    assert r.returncode == 0 and r.stderr == ''
    for option in ('-c', '-t', '--check', '-1', '-V', '-h'):
        assert option in r.stdout
    assert run(tmp_path, '--help').stdout == r.stdout
    for bad in (['--nope'], ['-x'], ['-c'], ['surplus'],
                ['--hash-password', '1000']):
        r = run(tmp_path, *bad)
        assert r.returncode == 1 and 'usage:' in r.stderr
    assert os.listdir(str(tmp_path)) == []


@pytest.mark.parametrize('args', [
    ['--health', '--status'], ['--clean', '--older-than', '1h', '--check'],
    ['-t', '--health'], ['--check', '--status=metrics'],
    ['--clean', '--older-than=1h', '-t']])
def test_one_thing_at_a_time(tmp_path, fake, args):
    r = run(tmp_path, *args, text=account(0, fake))
    assert r.returncode == 1 and 'usage:' in r.stderr and r.stdout == ''
    assert fake.ops() == {}


@pytest.mark.parametrize('args', [
    ['-t'], ['--check'], ['--clean', '--older-than', '1h'],
    ['--hash-password=1000']])
def test_what_cannot_be_written_is_an_error(tmp_path, fakecos, args):
    config = tmp_path / 'vsftpd.conf'
    config.write_text(account(0, fakecos))
    config.chmod(0o600)
    with open('/dev/full', 'w') as full:
        r = subprocess.run([COSFTPD, '-c', str(config), *args], stdout=full,
                           stderr=subprocess.PIPE, text=True, input='x\n')
    assert r.returncode == 2
    assert r.stderr == 'cosftpd: the standard output cannot be written\n'


def test_a_missing_file_is_named(tmp_path):
    r = run(tmp_path, '-c', '/nonexistent/file', '-t')
    assert r.returncode == 1 and '/nonexistent/file' in r.stderr
    r = run(tmp_path)
    assert r.returncode == 1 and 'conf/vsftpd.conf' in r.stderr


def test_the_default_file_is_conf_vsftpd_conf(tmp_path, fakecos):
    (tmp_path / 'conf').mkdir()
    (tmp_path / 'conf/vsftpd.conf').write_text(account(0, fakecos))
    os.chmod(str(tmp_path / 'conf/vsftpd.conf'), 0o600)
    r = run(tmp_path, '-t')
    assert r.returncode == 0 and BUCKET in r.stdout


# ---- -t ----

def test_t_prints_the_settings_in_effect_with_secrets_masked(tmp_path,
                                                             fakecos):
    r = run(tmp_path, '-t', text=account(0, fakecos) +
            '[NETWORK]\nlisten_port = 2345   # ours\n')
    assert r.returncode == 0 and r.stderr == ''
    for line in ('listen_port = 2345', 'passive_port = 60000,65535',
                 'max_connection_num = 512', 'single_file_max_size = 200G',
                 'cos_secretkey = ***', 'ftp_login_user_password = ***',
                 '# COS: http://%s.cos.localhost:%d' % (BUCKET,
                                                       fakecos.port)):
        assert line in r.stdout.split('\n'), line
    assert '# largest file: ' in r.stdout
    for secret in (KEY, PASSWORD, ID):
        assert secret not in r.stdout
    assert os.listdir(str(tmp_path)) == ['vsftpd.conf']


@pytest.mark.parametrize('keys, words', [
    ('[TLS]\nca_file = junk.pem\n', 'junk.pem: nothing in PEM form'),
    ('[TLS]\ncert_file = junk.pem\n', 'junk.pem: nothing in PEM form'),
    ('[OPTIONAL]\nrun_as = 65534\nchroot_dir = /etc\n',
     'chroot_dir = /etc: not empty'),
    ('[OPTIONAL]\nchroot_dir = /proc\n', 'chroot_dir = /proc: needs run_as'),
])
def test_t_looks_at_what_the_settings_name(tmp_path, fakecos, keys, words):
    if 'chroot' in keys:
        harness.needs_root()
    (tmp_path / 'junk.pem').write_text('no certificate')
    r = run(tmp_path, '-t', text=account(0, fakecos) + keys)
    assert r.returncode == 1 and words in r.stderr


def test_t_output_loads_again_but_for_the_secrets(tmp_path, fakecos):
    first = run(tmp_path, '-t', text=account(0, fakecos)).stdout
    again = run(tmp_path, '-t', text=first)
    assert again.returncode == 0 and again.stdout == first


def test_the_host_made_of_a_region_is_shown(tmp_path, fakecos):
    text = account(0, fakecos, cos_endpoint=None, cos_region='ap-guangzhou',
                   cos_protocol=None)
    r = run(tmp_path, '-t', text=text)
    assert r.returncode == 0
    assert '# COS: https://%s.cos-internal.ap-guangzhou.tencentcos.cn' % \
        BUCKET in r.stdout


BAD = '''[COS_ACCOUNT_0]
cos_secretid = AKIDnobody
cos_secretkey = hushhush
cos_bucket = bad
cos_regoin = ap-guangzhou
home_dir = /home/a
ftp_login_user_name = u
ftp_login_user_password = hushhush
authority = X

[NETWORK]
passive_port = 9x
listen_port = 99999

[OPTIONAL]
max_connection_num = -5
log_level = LOUD
'''


def test_all_errors_in_one_run_each_with_its_place(tmp_path):
    r = run(tmp_path, '-t', text=BAD)
    assert r.returncode == 1 and r.stdout == ''
    path = str(tmp_path / 'vsftpd.conf')
    for line, section, key, value in (
            (4, 'COS_ACCOUNT_0', 'cos_bucket', 'bad'),
            (9, 'COS_ACCOUNT_0', 'authority', 'X'),
            (12, 'NETWORK', 'passive_port', '9x'),
            (13, 'NETWORK', 'listen_port', '99999'),
            (16, 'OPTIONAL', 'max_connection_num', '-5'),
            (17, 'OPTIONAL', 'log_level', 'LOUD')):
        start = '%s:%d: [%s] %s = %s: ' % (path, line, section, key, value)
        found = [x for x in r.stderr.split('\n') if x.startswith(start)]
        assert len(found) == 1, start
        assert 'allowed: ' in found[0]
    assert 'cos_region: missing' in r.stderr
    assert re.search(r'cosftpd: 7 errors in ', r.stderr)
    assert 'hushhush' not in r.stderr


def test_an_unknown_key_is_a_warning_with_a_near_match(tmp_path, fakecos):
    text = account(0, fakecos) + '[NETWORK]\nlisten_prot = 1\n' + \
        'pasv_min_port = 5\n'
    r = run(tmp_path, '-t', text=text)
    assert r.returncode == 0
    prot, pasv = [x for x in r.stderr.split('\n') if x]
    assert prot.startswith('warning: ') and 'listen_port' in prot
    assert re.search(r'vsftpd\.conf:\d+: \[NETWORK\] listen_prot', prot)
    assert 'passive_port' in pasv


def test_a_region_and_an_endpoint_are_both_missing(tmp_path, fakecos):
    r = run(tmp_path, '-t', text=account(0, fakecos, cos_endpoint=None))
    assert r.returncode == 1 and 'cos_region' in r.stderr


def test_equal_names_or_homes_are_refused_naming_both(tmp_path, fakecos):
    text = account(0, fakecos) + account(1, fakecos, home_dir='/home/else')
    r = run(tmp_path, '-t', text=text)
    assert r.returncode == 1
    assert 'COS_ACCOUNT_0' in r.stderr and 'COS_ACCOUNT_1' in r.stderr
    text = account(0, fakecos) + account(1, fakecos, user='else',
                                         home_dir='/home/user1')
    r = run(tmp_path, '-t', text=text)
    assert r.returncode == 1
    assert 'COS_ACCOUNT_0' in r.stderr and 'COS_ACCOUNT_1' in r.stderr


@pytest.mark.parametrize('key, value, shown', [
    ('min_part_size', '1', '1M'), ('upload_thread_num', '9999', '128')])
def test_two_keys_are_clamped_with_a_warning(tmp_path, fakecos, key, value,
                                             shown):
    r = run(tmp_path, '-t', text=with_optional(fakecos, **{key: value}))
    assert r.returncode == 0
    assert r.stderr.startswith('warning: ') and key in r.stderr
    assert '%s = %s\n' % (key, shown) in r.stdout


# ---- --check ----

def check(tmp_path, text):
    return run(tmp_path, '--check', text=text)


def test_check_says_ok_for_each_account(tmp_path, fakecos):
    r = check(tmp_path, account(0, fakecos) +
              account(1, fakecos, user='u2'))
    assert r.returncode == 0, r.stdout + r.stderr
    assert r.stdout.count(': ok\n') == 2
    assert '[COS_ACCOUNT_0] ' in r.stdout and '[COS_ACCOUNT_1] ' in r.stdout
    assert os.listdir(str(tmp_path)) == ['vsftpd.conf']


@pytest.mark.parametrize('keys, words', [
    ({'cos_secretkey': 'wrong'}, 'SignatureDoesNotMatch'),
    ({'cos_secretid': 'AKIDwrong'}, 'InvalidAccessKeyId'),
    ({'cos_bucket': 'nobody-1250000000'}, 'NoSuchBucket')])
def test_check_says_what_is_wrong(tmp_path, fakecos, keys, words):
    fakecos.reset()
    r = check(tmp_path, account(0, fakecos, **keys) +
              account(1, fakecos, user='u2'))
    assert r.returncode == 1
    first, second = r.stdout.strip().split('\n')
    assert words in first and first.startswith('[COS_ACCOUNT_0]')
    assert second.endswith(': ok')
    assert KEY not in r.stdout + r.stderr


def test_check_says_access_denied(tmp_path, fakecos):
    fakecos.reset()
    fakecos.fault(op='ListObjects', status=403, code='AccessDenied')
    r = check(tmp_path, account(0, fakecos))
    assert r.returncode == 1 and 'AccessDenied' in r.stdout
    fakecos.reset()


def test_check_of_a_clock_that_is_off(tmp_path, fakecos):
    """The time is learned from the store, so the check succeeds."""
    fakecos.config(skew=3600)
    try:
        r = check(tmp_path, account(0, fakecos))
    finally:
        fakecos.config(skew=0)
    text = r.stdout + r.stderr
    assert re.search(r'clock', text), text
    assert re.search(r'3(600|599|601) s', text), text


def test_check_of_a_name_that_does_not_resolve(tmp_path, fakecos):
    r = check(tmp_path, account(0, fakecos, cos_endpoint=None,
                                cos_region='ap-guangzhou'))
    assert r.returncode == 1
    assert 'name lookup' in r.stdout
    assert 'cos_endpoint = cos.ap-guangzhou.tencentcos.cn' in r.stdout


def test_check_of_a_port_nobody_listens_on(tmp_path, fakecos):
    port = harness.free_ports(1)
    r = check(tmp_path, account(0, fakecos,
                                cos_endpoint='cos.localhost:%d' % port))
    assert r.returncode == 1 and 'refused' in r.stdout


def test_t_and_check_together_do_both(tmp_path, fakecos):
    r = run(tmp_path, '-t', '--check', text=account(0, fakecos))
    assert r.returncode == 0
    assert 'listen_port = 2121' in r.stdout and ': ok\n' in r.stdout


# ---- starting ----

def test_the_check_of_resources_refuses_with_both_numbers(tmp_path, fakecos):
    text = with_optional(fakecos, memory_limit='900G', log_dir='-') + \
        '[NETWORK]\nlisten_port = %d\n' % harness.free_ports(1)
    r = run(tmp_path, text=text)
    assert r.returncode == 1
    m = re.search(r'memory_limit.*needed (\d+) bytes.*available (\d+)',
                  r.stderr)
    assert m and int(m[1]) > 900 * 1024 ** 3 > int(m[2]) > 0
    assert 'config_check_enable = false' in r.stderr
    text = with_optional(fakecos, max_connection_num=1000000, log_dir='-') + \
        '[NETWORK]\nlisten_port = %d\n' % harness.free_ports(1)
    r = run(tmp_path, text=text)
    assert r.returncode == 1
    assert re.search(r'max_connection_num.*needed \d+ descriptors, '
                     r'available \d+', r.stderr)


def test_without_the_check_it_starts(tmp_path, fakecos):
    s = Cosftpd(str(tmp_path), fakecos, optional={
        'memory_limit': '900G', 'config_check_enable': 'false'})
    assert s.login().pwd() == '/'
    assert s.stop() == 0


def test_the_default_settings_pass_the_check(tmp_path, fakecos):
    s = Cosftpd(str(tmp_path), fakecos,
                optional={'config_check_enable': 'true'})
    assert s.stop() == 0


def test_a_port_in_use_is_2(tmp_path, fakecos):
    with socket.create_server(('', 0)) as taken:
        port = taken.getsockname()[1]
        r = run(tmp_path, text=with_optional(fakecos, log_dir='-') +
                '[NETWORK]\nlisten_port = %d\n' % port)
    assert r.returncode == 2
    assert 'port %d' % port in r.stderr


def test_a_log_directory_that_cannot_be_made_is_2(tmp_path, fakecos):
    (tmp_path / 'file').write_text('')
    r = run(tmp_path, text=with_optional(fakecos, log_dir='file/log'))
    assert r.returncode == 2 and 'file/log' in r.stderr


@pytest.mark.skipif(COSFTPD != RELEASE, reason='another build is tested')
def test_the_binary_needs_no_interpreter_and_is_small():
    out = subprocess.run(['readelf', '-lW', RELEASE], capture_output=True,
                         encoding='utf-8', check=True).stdout
    assert 'LOAD' in out
    assert 'INTERP' not in out and 'DYNAMIC' not in out
    if shutil.which('musl-gcc'):
        assert os.path.getsize(RELEASE) < 440 * 1000


@pytest.mark.skipif(COSFTPD != RELEASE, reason='another build is tested')
def test_starts_in_an_empty_directory_with_the_binary_only(tmp_path,
                                                          fakecos):
    shutil.copy(RELEASE, str(tmp_path / 'cosftpd'))
    port = harness.free_ports(1)
    (tmp_path / 'vsftpd.conf').write_text(
        account(0, fakecos) + '[NETWORK]\nlisten_port = %d\n' % port)
    p = subprocess.Popen(['./cosftpd', '-c', 'vsftpd.conf'],
                         cwd=str(tmp_path), env={}, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE)
    assert b'ready on port %d' % port in p.stdout.readline()
    p.terminate()
    assert p.wait(10) == 0
    p.stdout.close()
    p.stderr.close()
    assert sorted(os.listdir(str(tmp_path))) == ['cosftpd', 'log',
                                                 'vsftpd.conf']
    assert os.listdir(str(tmp_path / 'log')) == ['cos_v5.log']


# ---- the log ----

def test_the_log_is_appended_to_and_readable(tmp_path, fakecos):
    (tmp_path / 'log').mkdir()
    log = tmp_path / 'log/cos_v5.log'
    log.write_text('an older line\n')
    s = Cosftpd(str(tmp_path), fakecos)
    f = s.login()
    harness.store(f, 'file', b'1')
    f.close()
    assert s.stop() == 0
    lines = log.read_text().split('\n')
    assert lines[0] == 'an older line' and lines[-1] == ''
    shape = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} [+-]\d{4} '
                       r'(DEBUG|INFO |WARNING|ERROR) \S')
    for line in lines[1:-1]:
        assert shape.match(line), line
    text = log.read_text()
    assert re.search(r' INFO +#\d+ user1 STOR /file: 226 ', text)
    assert re.search(r' INFO +stop: signal 15', text)


def test_a_second_run_keeps_the_log_of_the_first(tmp_path, fakecos):
    for _ in range(2):
        assert Cosftpd(str(tmp_path), fakecos).stop() == 0
    text = (tmp_path / 'log/cos_v5.log').read_text()
    assert text.count('ready on port') == 2


def test_the_debug_log_holds_no_secret(tmp_path, fakecos):
    fakecos.reset()
    s = Cosftpd(str(tmp_path), fakecos)
    f = s.login()
    harness.store(f, 'file', b'1' * 3000000)
    harness.lines(f, 'LIST')
    fakecos.fault(op='ListObjects', status=403, code='AccessDenied')
    with contextlib.suppress(harness.ftplib.Error):
        harness.lines(f, 'LIST')
    f.close()
    r = s.raw()
    r.login(password='hush-hush-hush')
    r.close()
    assert s.stop() == 0
    text = s.log_text() + s.text()
    assert ' DEBUG ' in text and 'AccessDenied' in text
    for secret in (KEY, PASSWORD, 'hush-hush-hush', 'q-signature',
                   'q-sign-algorithm', 'Authorization'):
        assert secret not in text, secret
    assert ID not in text


def test_a_failed_call_is_logged_with_key_status_and_request_id(server, fake):
    fake.put('a b', b'1')
    fake.fault(op='HeadObject', status=403)
    fake.fault(op='DeleteObject', status=403, code='AccessDenied')
    r = server.raw()
    r.login()
    r.cmd('SIZE a b')
    r.cmd('DELE a b')
    r.close()
    assert re.search(r' (ERROR|WARNING) #\d+ user1 .*HeadObject .*a b: 403.*'
                     r'request-id \S', server.log_text())
    assert re.search(r' (ERROR|WARNING) #\d+ user1 .*DeleteObject .*a b: 403 '
                     r'AccessDenied.*request-id \S', server.log_text())


def test_names_cannot_forge_log_lines(server, fake):
    r = server.raw()
    r.cmd('USER \x1b[2Jx\x08\x7fforged')
    r.cmd('PASS y')
    wait_for('the line', lambda: 'forged' in server.log_text())
    for line in server.log_text().split('\n'):
        assert not re.search(r'[\x00-\x08\x0b-\x1f\x7f]', line), repr(line)
    r.close()


def test_log_level_is_obeyed(tmp_path, fakecos):
    s = Cosftpd(str(tmp_path), fakecos, optional={'log_level': 'WARNING'})
    s.login().close()
    r = s.raw()
    r.login(password='wrong')
    r.close()
    assert s.stop() == 0
    lines = s.log_text().strip().split('\n')
    assert lines and all(' WARNING ' in x for x in lines)


def test_log_dir_minus_is_standard_error(tmp_path, fakecos):
    s = Cosftpd(str(tmp_path), fakecos, optional={'log_dir': '-'})
    s.login().close()
    assert s.stop() == 0
    assert re.search(r' INFO +#1 user1 logged in, in clear', s.text())
    assert not os.path.exists(str(tmp_path / 'log'))


def test_log_directories_are_made(tmp_path, fakecos):
    s = Cosftpd(str(tmp_path), fakecos, optional={'log_dir': 'a/b/c'})
    assert s.stop() == 0
    assert os.listdir(str(tmp_path / 'a/b/c')) == ['cos_v5.log']


# ---- stopping ----

def stop_in_time(s, sig):
    begin = time.monotonic()
    status = s.stop(sig)
    assert status == 0, s.text()
    assert time.monotonic() - begin < 5
    with pytest.raises(OSError):
        socket.create_connection(('127.0.0.1', s.port), timeout=5)


@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGINT])
def test_idle_it_stops_at_once(tmp_path, fakecos, sig):
    s = Cosftpd(str(tmp_path), fakecos)
    r = s.raw()
    r.login()
    begin = time.monotonic()
    stop_in_time(s, sig)
    assert time.monotonic() - begin < 2
    assert r.reply().startswith('421 ')
    assert r.line() == ''
    r.close()


@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize('size', [1000, 5 * 1024 * 1024])
@pytest.mark.parametrize('policy', ['complete', 'discard'])
def test_an_upload_under_way_is_settled_by_policy(tmp_path, fakecos, sig,
                                                  size, policy):
    fakecos.reset()
    fakecos.wipe()
    s = Cosftpd(str(tmp_path), fakecos,
                optional={'interrupted_upload': policy})
    r = s.raw()
    r.login()
    d = r.pasv()
    assert r.cmd('STOR f').startswith('150 ')
    d.sendall(b'x' * size)
    wait_for('the bytes', lambda: '%d bytes' % size in r.cmd('STAT'))
    stop_in_time(s, sig)
    assert r.reply()[:3] in ('426', '451')
    assert fakecos.uploads() == []
    if policy == 'complete':
        assert fakecos.get('f') == b'x' * size
    else:
        assert fakecos.keys() == []
    d.close()
    r.close()


@pytest.mark.parametrize('sig', [signal.SIGTERM, signal.SIGINT])
def test_a_download_under_way_is_ended(tmp_path, fakecos, sig):
    fakecos.put('f', size=256 * 1024 * 1024)
    s = Cosftpd(str(tmp_path), fakecos)
    r = s.raw()
    r.login()
    d = r.pasv()
    assert r.cmd('RETR f').startswith('150 ')
    stop_in_time(s, sig)
    assert r.reply().startswith('426 ')
    d.close()
    r.close()


def test_a_store_that_hangs_does_not_hold_up_the_stop(tmp_path, fakecos):
    fakecos.reset()
    fakecos.wipe()
    fakecos.fault(op='CompleteMultipartUpload', delay=8000, times=-1)
    fakecos.fault(op='GetObject', head_stall=20000, times=-1)
    fakecos.put('g', b'1')
    s = Cosftpd(str(tmp_path), fakecos)
    r, t = s.raw(), s.raw()
    r.login()
    t.login()
    d, e = r.pasv(), t.pasv()
    assert r.cmd('STOR f').startswith('150 ')
    d.sendall(b'x' * (3 * 1024 * 1024))
    d.close()
    t.send(b'RETR g\r\n')
    wait_for('the parts', lambda: fakecos.ops().get('UploadPart', 0) >= 2)
    before = s.cpu()
    s.child.send_signal(signal.SIGTERM)
    begin = time.monotonic()
    wait_for('some draining', lambda: time.monotonic() - begin > 1)
    assert s.cpu() - before < 0.5
    assert s.child.wait(6) == 0
    assert time.monotonic() - begin < 5.5
    e.close()
    r.close()
    t.close()
    fakecos.reset()


def test_an_upload_in_its_last_step_is_finished_before_the_stop(tmp_path,
                                                               fakecos):
    fakecos.reset()
    fakecos.wipe()
    fakecos.fault(op='PutObject', delay=1000)
    s = Cosftpd(str(tmp_path), fakecos)
    r = s.raw()
    r.login()
    d = r.pasv()
    assert r.cmd('STOR f').startswith('150 ')
    d.sendall(b'12345')
    d.close()
    wait_for('the request', lambda: fakecos.control('GET', '/faults') ==
             b'[]\n')
    stop_in_time(s, signal.SIGTERM)
    assert r.reply().startswith('226 ')
    assert fakecos.get('f') == b'12345'
    r.close()


def test_signals_that_must_not_kill(tmp_path, fakecos):
    s = Cosftpd(str(tmp_path), fakecos)
    for sig in (signal.SIGHUP, signal.SIGPIPE):
        s.child.send_signal(sig)
    f = s.login()
    assert f.pwd() == '/'
    f.close()
    assert s.stop() == 0


def test_secrets_are_not_in_the_command_line_or_environment(server):
    for name in ('cmdline', 'environ'):
        with open('/proc/%d/%s' % (server.child.pid, name), 'rb') as f:
            text = f.read()
        assert KEY.encode() not in text and PASSWORD.encode() not in text


def test_https_to_a_store_with_an_unknown_certificate_is_refused(tmp_path):
    cert, key = str(tmp_path / 'c.pem'), str(tmp_path / 'k.pem')
    subprocess.run(
        ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout',
         key, '-out', cert, '-days', '2', '-subj', '/CN=cos.localhost',
         '-addext', 'subjectAltName=DNS:*.cos.localhost'], check=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    f = Fakecos(str(tmp_path), '--tls', cert, key)
    try:
        text = account(0, f)
        r = run(tmp_path, '--check', text=text)
        assert r.returncode != 0
        assert 'ok' not in r.stdout.split()
        r = run(tmp_path, '--check', text=text + '[TLS]\nca_file = %s\n' %
                cert)
        assert r.returncode == 0 and ': ok' in r.stdout, r.stdout + r.stderr
    finally:
        assert f.stop() == 0
