"""Credentials: secrets in files and variables, tokens, and the temporary keys
of a role, from a stand-in of the metadata service."""

import ftplib
import os
import signal
import subprocess

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

    def begin(keys=None, workers=1, env=None, **more):
        old = {k: os.environ.get(k) for k in env or {}}
        os.environ.update(env or {})
        try:
            servers.append(Cosftpd(
                str(tmp_path), fake, [account(0, fake, **keys or {})],
                optional={'worker_num': workers}, **more))
        finally:
            for k, v in old.items():
                os.environ.pop(k)
                if v is not None:
                    os.environ[k] = v
        return servers[-1]
    yield begin
    for s in servers:
        assert s.stop() == 0, s.text()
        assert 'ERROR: ' not in s.text(), s.text()
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
