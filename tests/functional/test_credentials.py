"""Credentials: secrets in files and variables, tokens, and the temporary keys
of a role, from a stand-in of the metadata service."""

import email.utils
import ftplib
import http.server
import itertools
import json
import os
import re
import signal
import subprocess
import threading
import time

import pytest

import harness
from harness import (COSFTPD, ID, KEY, PASSWORD, Cosftpd, account, fetch,
                     store, wait_for)

TOKEN = 'TokenForTestsOnly0123456789/+=' * 30
TEMP_ID, TEMP_KEY = 'AKIDTEMPORARY0001', 'TemporarySecretForTests'
HIDDEN = (KEY, TOKEN, TEMP_KEY, 'x-cos-security-token', 'q-signature')


@pytest.fixture
def start(tmp_path, fake):
    servers = []

    def begin(keys=None, workers=1, env=None, optional=None):
        old = {k: os.environ.get(k) for k in env or {}}
        os.environ.update(env or {})
        try:
            servers.append(Cosftpd(
                str(tmp_path), fake, [account(0, fake, **(keys or {}))],
                optional={'worker_num': workers, **(optional or {})}))
        finally:
            for k, v in old.items():
                os.environ.pop(k)
                if v is not None:
                    os.environ[k] = v
        return servers[-1]
    yield begin
    for s in servers:
        assert s.stop() == 0, s.text()
        for secret in HIDDEN:
            assert secret not in s.log_text() + s.text(), secret


def reload(s, what='reloaded on port'):
    before = s.log_text().count(what)
    s.child.send_signal(signal.SIGHUP)
    wait_for(what, lambda: s.log_text().count(what) > before)


def run_t(tmp_path, fake, **keys):
    path = tmp_path / 't.conf'
    path.write_text(account(0, fake, **keys))
    path.chmod(0o600)
    return subprocess.run([COSFTPD, '-t', '-c', str(path)],
                          capture_output=True, encoding='utf-8',
                          cwd=str(tmp_path))


def denied(s, code, why):
    ftp = s.login()
    with pytest.raises(ftplib.Error, match='^%s' % code):
        fetch(ftp, 'f')
    ftp.close()
    wait_for(why, lambda: why in s.log_text())


def works(s, password=PASSWORD):
    ftp = s.login(password=password)
    store(ftp, 'f', b'1')
    assert fetch(ftp, 'f') == b'1'
    ftp.close()


# ---- kept elsewhere ----

def test_secrets_of_files_and_variables(tmp_path, start):
    (tmp_path / 'id').write_text(ID + '\n')
    (tmp_path / 'password').write_text('pass 1\r\n')
    s = start({'cos_secretid': 'file:%s' % (tmp_path / 'id'),
               'cos_secretkey': 'env:TEST_SECRET_KEY',
               'ftp_login_user_password': 'file:%s' % (tmp_path /
                                                       'password')},
              env={'TEST_SECRET_KEY': KEY})
    works(s)


def test_a_reload_takes_the_new_content(tmp_path, fake, start):
    secret, password = tmp_path / 'secret', tmp_path / 'password'
    secret.write_text(KEY)
    password.write_text(PASSWORD)
    s = start({'cos_secretkey': 'file:%s' % secret,
               'ftp_login_user_password': 'file:%s' % password})
    works(s)
    fake.key(id=ID, key='AnotherSecret')
    try:
        denied(s, 550, 'SignatureDoesNotMatch')
        secret.write_text('AnotherSecret\n')
        password.write_text('pass 2\n')
        reload(s)
        works(s, 'pass 2')
        with pytest.raises(ftplib.error_perm, match='^530'):
            s.login()
        secret.write_text('')
        reload(s, 'cos_secretkey = file:%s: empty' % secret)
        works(s, 'pass 2')
    finally:
        fake.key(id=ID, key=KEY)
    assert 'AnotherSecret' not in s.log_text()


@pytest.mark.parametrize('content, why', [
    (None, 'cannot be read: No such file or directory'),
    (b'', 'empty'), (b'\n', 'empty'),
    (b'hushhush\nhushhush\n', 'more than one line, or control characters'),
    (b'hush' * 65, 'longer than 256 bytes')])
def test_a_bad_file_is_an_error_that_does_not_show_it(tmp_path, fake, content,
                                                      why):
    path = tmp_path / 'secret'
    if content is not None:
        path.write_bytes(content)
    r = run_t(tmp_path, fake, cos_secretkey='file:%s' % path)
    assert r.returncode == 1 and r.stdout == ''
    assert '%s:3: [COS_ACCOUNT_0] cos_secretkey = file:%s: %s\n' % (
        tmp_path / 't.conf', path, why) in r.stderr
    assert 'hush' not in r.stderr


def test_a_variable_that_is_not_set_is_an_error(tmp_path, fake):
    r = run_t(tmp_path, fake, ftp_login_user_password='env:TEST_NOBODY')
    assert r.returncode == 1
    assert '[COS_ACCOUNT_0] ftp_login_user_password = env:TEST_NOBODY: ' \
        'not set\n' in r.stderr


def test_a_file_others_may_change_is_a_warning(tmp_path, fake):
    path = tmp_path / 'secret'
    path.write_text(KEY)
    path.chmod(0o444)
    r = run_t(tmp_path, fake, cos_secretkey='file:%s' % path)
    assert r.returncode == 0 and r.stderr == ''
    assert 'cos_secretkey = ***\n' in r.stdout and KEY not in r.stdout
    path.chmod(0o646)
    r = run_t(tmp_path, fake, cos_secretkey='file:%s' % path)
    assert r.returncode == 0
    assert 'cos_secretkey = file:%s: others than its owner may change it ' \
        '(mode 0646)' % path in r.stderr


# ---- tokens ----

def test_a_token_goes_with_every_request(tmp_path, fake, start):
    fake.key(id=TEMP_ID, key=TEMP_KEY, token=TOKEN)
    (tmp_path / 'token').write_text(TOKEN)
    s = start({'cos_secretid': TEMP_ID, 'cos_secretkey': TEMP_KEY,
               'cos_token': 'file:%s' % (tmp_path / 'token')})
    works(s)
    ftp = s.login()
    data = os.urandom(5 << 20)
    store(ftp, 'large', data)
    assert fetch(ftp, 'large') == data
    ftp.sendcmd('RNFR large')
    ftp.sendcmd('RNTO moved')
    assert sorted(harness.lines(ftp, 'NLST')) == ['f', 'moved']
    ftp.mkd('d')
    ftp.rmd('d')
    ftp.delete('moved')
    ftp.close()
    assert fake.stats()['auth_failures'] == 0
    assert {'GetObject', 'HeadObject', 'PutObject', 'UploadPart',
            'InitiateMultipartUpload', 'CompleteMultipartUpload',
            'DeleteObject', 'ListObjects'} <= set(fake.ops())


@pytest.mark.parametrize('token', [None, TOKEN[1:]])
def test_a_token_that_is_wrong_or_missing(fake, start, token):
    fake.key(id=TEMP_ID, key=TEMP_KEY, token=TOKEN)
    s = start({'cos_secretid': TEMP_ID, 'cos_secretkey': TEMP_KEY,
               'cos_token': token})
    denied(s, 550, 'InvalidAccessKeyId')


def test_a_token_that_is_over(fake, start):
    fake.key(id=TEMP_ID, key=TEMP_KEY, token=TOKEN)
    s = start({'cos_secretid': TEMP_ID, 'cos_secretkey': TEMP_KEY,
               'cos_token': TOKEN})
    works(s)
    fake.key(id=TEMP_ID, life=0)
    denied(s, 550, 'ExpiredToken')
    assert fake.ops().get('GetObject', 0) == 2    # not asked again and again


# ---- roles ----

ROLE = 'ftp-role'
SERIAL = itertools.count(1)


class Metadata:
    """A stand-in of the metadata service: each answer has a new key, which
    the store knows."""

    def __init__(self, fake, port=0):
        self.fake, self.mode, self.life, self.clock = fake, 'ok', 3600, 0
        self.asked, self.times, self.issued = [], [], []
        self.go_on = threading.Event()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_GET(self):
                outer.answer(self)

            def log_message(self, *args):
                pass

            def date_time_string(self, timestamp=None):
                return email.utils.formatdate(time.time() + outer.clock,
                                              usegmt=True)
        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', port),
                                                      Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.thread = threading.Thread(target=self.server.serve_forever,
                                       args=(0.02,))
        self.thread.start()

    def keys(self):
        return {'cos_secretid': None, 'cos_secretkey': None,
                'cos_role': ROLE,
                'cos_role_endpoint': 'localhost:%d' % self.port}

    def issue(self):
        n = next(SERIAL)
        key = ('AKIDROLE%06d' % n, 'RoleSecret%06d' % n,
               'RoleToken%06d/+=' % n * 40)
        self.fake.key(id=key[0], key=key[1], token=key[2],
                      life=self.life * 1000)
        self.issued.append(key)
        return key

    def document(self):
        key = self.issued[-1] if self.mode == 'same' else self.issue()
        life = -5 if self.mode == 'over' else self.life
        return json.dumps({
            'TmpSecretId': key[0], 'TmpSecretKey': key[1],
            'ExpiredTime': int(time.time()) + self.clock + life,
            'Expiration': '2021-03-12T23:00:47Z', 'Token': key[2],
            'Code': 'Success'}, indent=2).encode()

    def answer(self, h):
        self.times.append(time.monotonic())
        self.asked.append((h.path, h.headers['Host']))
        status, body = 200, b''
        if self.mode == 'hang':
            self.go_on.wait(30)
        if self.mode in ('404', '500'):
            status, body = int(self.mode), b'<html>no</html>'
        elif self.mode == 'garbage':
            body = b'<html>hello</html>'
        elif self.mode == 'denied':
            body = b'{"Code": "InternalError"}'
        elif self.mode == 'huge':
            body = b'{' + b' ' * 1000000
        else:
            body = self.document()
        try:
            h.send_response(status)
            h.send_header('Content-Length', str(len(body)))
            h.end_headers()
            h.wfile.write(body)
        except OSError:
            pass

    def stop(self):
        self.go_on.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def expire(self):
        """All that were issued: the store takes none of them any more."""
        for key in self.issued:
            self.fake.key(id=key[0], life=0)


@pytest.fixture
def metadata(fake):
    m = Metadata(fake)
    yield m
    m.stop()


@pytest.fixture
def role(start, metadata):
    """Begins a server whose one account has the role."""
    def begin(**more):
        servers.append(start(metadata.keys(), **more))
        return servers[-1]
    servers = []
    yield begin
    for s in servers:
        for key in metadata.issued:
            assert not any(x in s.log_text() + s.text() for x in key[1:])


def test_a_role_needs_no_keys(fake, metadata, role):
    s = role()
    works(s)
    assert metadata.asked == [('/latest/meta-data/cam/security-credentials/'
                               + ROLE, 'localhost:%d' % metadata.port)]
    assert fake.stats()['auth_failures'] == 0
    assert re.search(r'INFO.* role %s: temporary keys for 3(600|599) s'
                     % ROLE, s.log_text())


def test_accounts_of_one_role_share_its_keys(tmp_path, fake, metadata):
    two = dict(metadata.keys(), cos_role='other-role')
    s = Cosftpd(str(tmp_path), fake, [
        account(0, fake, **metadata.keys()),
        account(1, fake, user='u2', **metadata.keys()),
        account(2, fake, user='u3', **two), account(3, fake, user='u4')],
        optional={'worker_num': 1})
    for user in (harness.USER, 'u2', 'u3', 'u4'):
        f = s.login(user)
        store(f, 'f', b'1')
        f.close()
    assert sorted(path.rsplit('/')[-1] for path, _ in metadata.asked) == [
        ROLE, 'other-role']
    assert fake.stats()['auth_failures'] == 0
    assert s.stop() == 0


def test_keys_are_fetched_before_the_old_are_over(fake, metadata, role):
    metadata.life = 4
    s = role()

    def four_times():
        works(s)
        return len(metadata.asked) >= 4
    wait_for('four keys', four_times, 20)
    for a, b in zip(metadata.times, metadata.times[1:]):
        assert b - a < 3
    assert fake.stats()['auth_failures'] == 0
    assert 'no new keys' not in s.log_text()


def test_every_worker_has_keys_also_one_that_is_started_again(
        fake, metadata, role):
    s = role(workers=3)
    wait_for('three', lambda: len(metadata.issued) == 3)
    before = s.workers()
    os.kill(before[0], signal.SIGKILL)
    wait_for('another', lambda: len(metadata.issued) == 4)
    for _ in range(12):
        works(s)
    assert fake.stats()['auth_failures'] == 0


def test_a_metadata_service_that_is_down_at_the_start(tmp_path, fake, start):
    m = Metadata(fake)
    keys, port = m.keys(), m.port
    m.stop()
    s = start(keys)
    ftp = s.login(timeout=30)
    begin = time.monotonic()
    with pytest.raises(ftplib.error_temp, match='^451 There are no keys'):
        fetch(ftp, 'f')
    assert 5 < time.monotonic() - begin < 15
    begin = time.monotonic()
    with pytest.raises(ftplib.error_temp, match='^451 There are no keys'):
        store(ftp, 'f', b'1')
    with pytest.raises(ftplib.error_temp, match='^451 There are no keys'):
        ftp.size('f')
    assert time.monotonic() - begin < 2
    log = s.log_text()
    assert re.search(r'GetObject %s/f: no temporary keys for role %s: '
                     r'connect to .* port %d: Connection refused' % (
                         fake.bucket, ROLE, port), log)
    assert log.count('no new keys from localhost:%d: ' % port) >= 2
    assert len(re.findall('ERROR.*no new keys', log)) == 1
    m = Metadata(fake, port)
    try:
        def back():
            try:
                store(ftp, 'f', b'1')
                return True
            except ftplib.error_temp:
                return False
        wait_for('keys again', back, 30)
        assert fetch(ftp, 'f') == b'1'
    finally:
        m.stop()
        ftp.close()


@pytest.mark.parametrize('mode, why', [
    ('404', 'it answers 404, there is no such role'),
    ('500', 'it answers 500'),
    ('garbage', 'its answer makes no sense at byte 0'),
    ('huge', 'its answer is too large'),
    ('over', 'its keys are over'),
    ('denied', 'it says Code InternalError'),
    ('hang', 'no answer')])
def test_a_metadata_service_that_is_out_of_order(fake, metadata, role, mode,
                                                 why):
    """What is asked for meanwhile waits, and is done when keys are there."""
    metadata.mode = mode
    s = role()
    raw = s.raw()
    if mode == 'hang':
        wait_for(why, lambda: 'no new keys from localhost:%d: %s\n' % (
            metadata.port, why) in s.log_text(), 20)
    fake.put('f', b'123')
    raw.login()
    raw.send(b'SIZE f\r\n')
    wait_for(why, lambda: 'no new keys from localhost:%d: %s\n' % (
        metadata.port, why) in s.log_text())
    metadata.mode = 'ok'
    metadata.go_on.set()
    assert raw.reply() == '213 3'
    raw.close()


def test_old_keys_are_good_while_there_are_no_new_ones(metadata, role):
    metadata.life = 8
    s = role()
    works(s)
    metadata.mode = '500'
    wait_for('a failure', lambda: 'no new keys' in s.log_text())
    works(s)
    assert re.search('WARNING.*no new keys', s.log_text())
    assert not re.search('ERROR', s.log_text())
    metadata.mode = 'ok'
    wait_for('new keys', lambda: len(metadata.issued) == 2)
    works(s)


def test_keys_that_are_over_before_their_time(fake, metadata, role):
    s = role()
    works(s)
    ftp = s.login()
    for n, again in enumerate([lambda: works(s), lambda: ftp.size('f'),
                               lambda: ftp.rename('f', 'g')], 1):
        metadata.expire()
        assert len(metadata.issued) == n
        again()
        assert len(metadata.issued) == n + 1
        assert fake.stats()['auth_failures'] == n
    ftp.close()
    assert 'ERROR' not in s.log_text()


def test_new_keys_that_are_the_old_ones(fake, metadata, role):
    """Asked once for each request; then it is said, and may be tried again."""
    s = role()
    works(s)
    ftp = s.login()
    metadata.expire()
    metadata.mode = 'same'
    with pytest.raises(ftplib.error_temp, match='^451 .*ExpiredToken'):
        fetch(ftp, 'f')
    assert len(metadata.asked) == 2
    assert fake.stats()['auth_failures'] == 2
    metadata.mode = 'ok'
    assert fetch(ftp, 'f') == b'1'
    ftp.close()


def test_a_400_to_a_head_may_have_another_cause(fake, metadata, role):
    """And takes nothing from others while there are no new keys."""
    s = role()
    works(s)
    ftp = s.login()
    for n in range(3):
        fake.fault(op='HeadObject', times=2, status=400, code='BadRequest')
        with pytest.raises(ftplib.error_temp, match='^451 COS refused'):
            ftp.size('f')
        fake.reset()
        assert fetch(ftp, 'f') == b'1'
        assert len(metadata.asked) == min(n + 2, 3)
        metadata.mode = '500'
    ftp.close()


def test_keys_the_store_does_not_know(fake, metadata, role):
    s = role()
    works(s)
    fake.key(id=metadata.issued[0][0], key='Another', token='Another')
    works(s)
    assert fake.stats()['auth_failures'] == 1
    assert len(metadata.asked) == 2


def test_denied_has_nothing_to_do_with_keys(fake, metadata, role):
    s = role()
    works(s)
    fake.fault(op='GetObject', times=-1, status=403, code='AccessDenied')
    denied(s, 550, 'AccessDenied')
    assert len(metadata.asked) == 1


def test_keys_that_end_in_an_upload(fake, metadata, role):
    s = role()
    raw = s.raw()
    raw.login()
    raw.cmd('TYPE I')
    data = os.urandom(24 << 20)
    sock = raw.pasv()
    assert raw.cmd('STOR large').startswith('150')
    for third in range(3):
        sock.sendall(data[third * (8 << 20):(third + 1) * (8 << 20)])
        wait_for('some parts', lambda: fake.ops().get('UploadPart', 0) >=
                 2 * third + 1)
        metadata.expire()
    sock.close()
    assert raw.reply().startswith('226')
    raw.close()
    assert fake.get('large') == data
    assert fake.stats()['auth_failures'] >= 2
    assert fake.uploads() == []
    assert 3 <= len(metadata.issued) <= 4
    assert 'ERROR' not in s.log_text()


def test_an_upload_without_new_keys_leaves_nothing(fake, metadata, role):
    """It fails, and what it began is aborted when there are keys again."""
    s = role()
    raw = s.raw()
    raw.login()
    raw.cmd('TYPE I')
    fake.put('large', b'old')
    sock = raw.pasv()
    assert raw.cmd('STOR large').startswith('150')
    sock.sendall(bytes(4 << 20))
    wait_for('a part', lambda: fake.ops().get('UploadPart', 0) >= 1)
    metadata.mode = '500'
    metadata.expire()
    try:
        sock.sendall(bytes(4 << 20))
        sock.close()
    except ConnectionError:
        pass
    wait_for('the end', lambda: re.search(
        'ERROR.*UploadPart.*no temporary keys', s.log_text()), 20)
    assert len(fake.uploads()) == 1
    metadata.mode = 'ok'
    assert raw.reply().startswith('451 There are no keys for COS')
    wait_for('an abort', lambda: fake.uploads() == [], 30)
    assert fake.get('large') == b'old'
    assert 'left unfinished' not in s.log_text()
    raw.close()


def test_keys_that_end_in_a_download(fake, metadata, role):
    s = role(optional={'memory_limit': '8M'})
    data = os.urandom(48 << 20)
    fake.put('large', data)
    ftp = s.login()
    ftp.voidcmd('TYPE I')
    sock = ftp.transfercmd('RETR large')
    got = bytearray()
    while True:
        block = sock.recv(1 << 18)
        if not block:
            break
        if len(got) >> 24 != (len(got) + len(block)) >> 24:
            metadata.expire()
        got += block
    sock.close()
    assert ftp.voidresp().startswith('226')
    ftp.close()
    assert got == data
    assert len(metadata.issued) >= 3
    assert fake.stats()['auth_failures'] >= 2
    assert 'ERROR' not in s.log_text()


def test_the_clock_that_counts_is_that_of_the_service(fake, metadata, role):
    metadata.clock = -86400
    s = role()
    works(s)
    assert re.search('temporary keys for 3(600|599) s', s.log_text())


def test_a_reload_takes_another_role(fake, metadata, role):
    s = role()
    works(s)
    with open(s.config, encoding='utf-8') as f:
        text = f.read()
    with open(s.config, 'w', encoding='utf-8') as f:
        f.write(text.replace('cos_role = ' + ROLE, 'cos_role = another'))
    reload(s)
    works(s)
    assert metadata.asked[-1][0].endswith('/another')


def check(tmp_path, text, *args):
    path = tmp_path / 'check.conf'
    path.write_text(text)
    path.chmod(0o600)
    return subprocess.run([COSFTPD, *args, '-c', str(path)],
                          capture_output=True, encoding='utf-8',
                          cwd=str(tmp_path), timeout=60)


def test_check_and_clean_with_a_role(tmp_path, fake, metadata):
    text = account(0, fake, **metadata.keys())
    r = check(tmp_path, text, '-t')
    assert r.returncode == 0
    assert 'cos_role = %s\n' % ROLE in r.stdout
    assert metadata.asked == []
    r = check(tmp_path, text, '--check')
    assert r.returncode == 0 and ': ok\n' in r.stdout
    r = check(tmp_path, text, '--clean', '--older-than', '1h')
    assert r.returncode == 0, r.stdout + r.stderr
    metadata.mode = '404'
    r = check(tmp_path, text, '--check')
    assert r.returncode == 1
    assert 'no temporary keys for role %s: it answers 404' % ROLE in r.stdout


def test_a_role_and_keys_are_an_error(tmp_path, fake, metadata):
    r = check(tmp_path, account(0, fake, **dict(
        metadata.keys(), cos_secretid=ID, cos_token='hushhush')), '-t')
    assert r.returncode == 1
    assert '[COS_ACCOUNT_0] cos_secretid: cos_role in line' in r.stderr
    assert '[COS_ACCOUNT_0] cos_token: cos_role in line' in r.stderr
    assert 'hush' not in r.stderr
