"""A killed client: both connections end, the data connection first.  What
arrived must not pass for the whole file and replace the old one."""

import time

import harness
import pytest

OLD = b'the old object'


def send_slowly(conn, size, seconds):
    """The pace of a client, not a wait for anything."""
    for _ in range(20):
        conn.sendall(b'n' * (size // 20))
        time.sleep(seconds / 20)


@pytest.mark.parametrize('size', [40000, 3 << 20], ids=['put', 'parts'])
@pytest.mark.parametrize('late', [0, 0.005])
def test_old_object_stays(server, fake, size, late):
    def cuts():
        return server.log_text().count('Upload cut: the client is gone')

    before = cuts()
    fake.put('f', OLD)
    raw = server.raw()
    raw.login()
    conn = raw.pasv()
    assert raw.cmd('STOR f').startswith('150')
    send_slowly(conn, size, 0.4)
    conn.close()
    time.sleep(late)            # what is tried, not a wait for anything
    raw.close()
    harness.wait_for('the cut in the log', lambda: cuts() > before)
    assert fake.get('f') == OLD and fake.uploads() == []


@pytest.mark.parametrize('size', [40000, 3 << 20], ids=['put', 'parts'])
def test_who_stays_is_served(server, fake, size):
    fake.put('f', OLD)
    raw = server.raw()
    raw.login()
    conn = raw.pasv()
    assert raw.cmd('STOR f').startswith('150')
    send_slowly(conn, size, 0.4)
    conn.close()
    start = time.monotonic()
    assert raw.reply().startswith('226')
    assert time.monotonic() - start < 2
    assert fake.get('f') == b'n' * (size // 20 * 20)
    raw.close()
