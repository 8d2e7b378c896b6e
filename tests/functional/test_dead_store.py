"""A store that is dead, or asks for patience."""

import ftplib
import time

import pytest

import harness
from harness import Cosftpd, Fakecos, wait_for


def refused(ftp, name):
    """Seconds until the 451."""
    begin = time.monotonic()
    with pytest.raises(ftplib.error_temp, match='^4[25]'):
        harness.fetch(ftp, name)
    return time.monotonic() - begin


def test_a_dead_store_is_answered_for_at_once(tmp_path):
    """And it is found when it comes back, on the same session."""
    fake = Fakecos(str(tmp_path))
    server = Cosftpd(str(tmp_path), fake, optional={'worker_num': 1})
    ftp = server.login(timeout=60)
    fake.put('f', b'1')
    assert harness.fetch(ftp, 'f') == b'1'
    assert fake.stop() == 0
    for _ in range(3):
        refused(ftp, 'f')
    assert 'does not answer: requests to it fail at once' in server.log_text()
    assert refused(ftp, 'f') < 0.5
    other = server.login()
    assert refused(other, 'f') < 0.5
    with pytest.raises(ftplib.error_temp, match='^451'):
        harness.store(other, 'g', b'1')
    again = Fakecos(str(tmp_path), port=fake.port)
    again.put('f', b'22')

    def back():
        try:
            return harness.fetch(ftp, 'f')
        except ftplib.error_temp:
            return None
    assert wait_for('the store is found', back, 15) == b'22'
    assert harness.fetch(other, 'f') == b'22'
    harness.store(other, 'g', b'1')
    assert again.get('g') == b'1'
    ftp.close()
    other.close()
    assert server.stop() == 0
    assert again.stop() == 0


def test_errors_of_one_object_do_not_make_the_store_dead(ftp, fake):
    fake.put('f', b'1')
    fake.put('g', b'2')
    for _ in range(4):
        fake.fault(op='GetObject', times=5, status=500, code='InternalError')
        refused(ftp, 'f')
        assert harness.fetch(ftp, 'g') == b'2'


@pytest.mark.parametrize('status', [503, 429])
def test_retry_after_is_honoured(ftp, fake, status):
    fake.put('f', b'1')
    fake.fault(op='GetObject', status=status, code='SlowDown', retry_after=2)
    assert harness.fetch(ftp, 'f') == b'1'
    first, second = [e['start'] for e in fake.log() if e['op'] == 'GetObject']
    assert second - first >= 2000
