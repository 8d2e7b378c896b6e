"""Answers of the store that are no good HTTP or XML: 451, a line in the log
that says why, and the session goes on."""

import concurrent.futures
import ftplib
import os

import harness
import pytest

OK = b'HTTP/1.1 200 OK\r\n'
XML = b'<?xml version="1.0"?><ListBucketResult></ListBucketResult>'


def chunked(body):
    return OK + b'Transfer-Encoding: chunked\r\n\r\n' + body


def sized(length, body=b'', more=b''):
    return OK + more + b'Content-Length: ' + length + b'\r\n\r\n' + body


# what the store says; part of the log line
MALFORMED = {
    'garbage': (b'\x00\xff garbage \r\n\r\n', 'malformed answer'),
    'html': (b'<html>hello</html>\r\n\r\n', 'malformed answer'),
    'http2': (b'HTTP/2 200\r\n\r\n', 'malformed answer'),
    'status': (b'HTTP/1.1 9999 What\r\n\r\n', 'malformed answer'),
    'two-lengths': (sized(b'3', b'abc', b'Content-Length: 4\r\n'),
                    'two Content-Length'),
    'two-equal-lengths': (sized(b'3', b'abc', b'Content-Length: 3\r\n'),
                          'two Content-Length'),
    'negative': (sized(b'-1'), 'Content-Length is not a number'),
    'plus': (sized(b'+3', b'abc'), 'Content-Length is not a number'),
    'huge': (sized(b'99999999999999999999'), 'too large'),
    'length-and-chunked': (sized(b'3', b'abc',
                                 b'Transfer-Encoding: chunked\r\n'),
                           'both Content-Length and chunked'),
    'gzip': (OK + b'Transfer-Encoding: gzip\r\n\r\n', 'other than chunked'),
    'no-length': (OK + b'\r\nabc', 'without a length'),
    'bad-chunk': (chunked(b'xyz\r\nabc\r\n0\r\n\r\n'), 'malformed'),
    'negative-chunk': (chunked(b'-3\r\nabc\r\n0\r\n\r\n'), 'malformed'),
    'huge-chunk': (chunked(b'fffffffffffffffff\r\nabc'), 'malformed'),
    'wrapping-chunk': (chunked(b'10000000000000003\r\nabc\r\n0\r\n\r\n'),
                       'malformed'),
    'chunk-without-end': (chunked(b'3\r\nabcd\r\n0\r\n\r\n'), 'malformed'),
    'long-trailer': (chunked(b'0\r\nX: ' + b'y' * 20000 + b'\r\n\r\n'),
                     'too long'),
    'long-head': (OK + b'X: ' + b'y' * 20000 + b'\r\n\r\n', 'head'),
    'endless-head': (OK + b'X: ' + b'y' * 20000, 'head'),
    'many-fields': (OK + b'X: y\r\n' * 100 + b'\r\n', 'malformed answer'),
    'folded': (OK + b'X: y\r\n z\r\nContent-Length: 0\r\n\r\n', 'folded'),
    'bare-lf': (OK.replace(b'\r', b'') + b'Content-Length: 0\n\n',
                'malformed answer'),
    'nul': (OK + b'X: a\x00b\r\nContent-Length: 0\r\n\r\n', 'control byte'),
    'space-before-colon': (OK + b'Content-Length : 0\r\n\r\n', 'field name'),
    '1xx-flood': (b'HTTP/1.1 100 Continue\r\n\r\n' * 50, '1xx'),
    'switching': (b'HTTP/1.1 101 Switching Protocols\r\n\r\n', '1xx'),
    'cut-head': (b'HTTP/1.1 200 OK\r\nContent-Le', 'cut in its head'),
    'nothing': (b'', 'waiting for the answer'),
}
# Only of a listing, which is read as XML.
DOCUMENTS = {
    'empty': b'',
    'text': b'hello',
    'other-root': b'<html></html>',
    'cut': b'<ListBucketResult><Contents><Key>a</Key>',
    'mismatch': b'<ListBucketResult></Contents></ListBucketResult>',
    'doctype': b'<!DOCTYPE x [<!ENTITY a "b">]>' + XML,
    'two-roots': XML + b'<x/>',
    'deep': b'<ListBucketResult>' + b'<a>' * 100,
    'bad-size': b'<ListBucketResult><Contents><Key>a</Key><Size>-5</Size>'
                b'</Contents></ListBucketResult>',
    'truncated-nowhere': b'<ListBucketResult><IsTruncated>true</IsTruncated>'
                         b'</ListBucketResult>',
}


def expect_451(ftp, action):
    with pytest.raises(ftplib.error_temp) as e:
        action()
    assert str(e.value).startswith('451 '), str(e.value)
    assert ftp.sendcmd('NOOP').startswith('200')


CHUNKED = [n for n in MALFORMED if 'chunk' in n or n == 'long-trailer']
SOME = ['garbage', 'two-lengths', 'no-length', '1xx-flood', 'bad-chunk']
GETS = sorted(set(MALFORMED) - set(CHUNKED))
LISTS = sorted(set(SOME + CHUNKED)) + sorted(DOCUMENTS)


def told(action, ftp):
    """What the client is told, and NOOP's reply after it."""
    try:
        reply = action()
    except ftplib.Error as e:
        reply = str(e)
    return str(reply), ftp.sendcmd('NOOP')


@pytest.fixture(scope='module')
def outcome(server, fakecos, tmp_path_factory):
    """All malformed answers side by side: to GET and PUT by key, to LIST
    each with a pair of its own, as a listing has no key."""
    def get(name):
        key = 'get-' + name
        fakecos.put(key, b'good')
        fakecos.fault(op='GetObject', key=key, raw=MALFORMED[name][0],
                      times=-1)
        ftp = server.login(timeout=60)
        out = told(lambda: harness.fetch(ftp, key), ftp)
        ftp.close()
        return out

    def put(name):
        key = 'put-' + name
        fakecos.put(key, b'old')
        fakecos.fault(op='PutObject', key=key, raw=MALFORMED[name][0],
                      times=-1)
        ftp = server.login(timeout=60)
        out = told(lambda: harness.store(ftp, key, b'x' * 1000), ftp)
        ftp.close()
        return out + (fakecos.get(key),)

    def listing(name):
        d = str(tmp_path_factory.mktemp('list'))
        fake = harness.Fakecos(d)
        own = harness.Cosftpd(d, fake)
        try:
            if name in MALFORMED:
                raw = MALFORMED[name][0]
            else:
                body = DOCUMENTS[name]
                raw = sized(b'%d' % len(body), body)
            fake.fault(op='ListObjects', raw=raw, times=-1)
            ftp = own.login(timeout=60)
            out = told(lambda: harness.lines(ftp, 'NLST'), ftp)
            ftp.close()
        finally:
            status = own.stop()
            fake.stop()
        return out + (own.log_text(), status)

    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        jobs = {(how.__name__, name): pool.submit(how, name)
                for how, names in ((listing, LISTS), (get, GETS),
                                   (put, SOME)) for name in names}
        yield {k: v.result() for k, v in jobs.items()}


def warned(text, key, why):
    lines = [x for x in text.splitlines()
             if ('WARNING' in x or 'ERROR' in x) and key in x]
    assert [x for x in lines if why in x], lines


@pytest.mark.parametrize('name', GETS)
def test_malformed_to_get(outcome, server, name):
    reply, noop = outcome['get', name]
    assert reply.startswith('451 ') and noop.startswith('200')
    warned(server.log_text(), 'get-' + name, MALFORMED[name][1])


@pytest.mark.parametrize('name', SOME)
def test_malformed_to_put(outcome, server, name):
    reply, noop, stored = outcome['put', name]
    assert reply.startswith('451 ') and noop.startswith('200')
    assert stored == b'old'
    warned(server.log_text(), 'put-' + name, MALFORMED[name][1])


@pytest.mark.parametrize('name', LISTS)
def test_malformed_to_list(outcome, name):
    """A listing that makes no sense is an error, never an empty one."""
    reply, noop, log, status = outcome['listing', name]
    assert reply.startswith('451 ') and noop.startswith('200')
    assert status == 0
    warned(log, 'ListObjects', MALFORMED[name][1] if name in MALFORMED
           else 'malformed listing')


@pytest.mark.parametrize('fault', [dict(body_cut=100), dict(bad_xml=1),
                                   dict(status=500, code='InternalError')],
                         ids=lambda d: next(iter(d)))
def test_listing_is_asked_for_again(ftp, fake, fault):
    fake.fill('f', 5)
    fake.fault(op='ListObjects', **fault)
    assert len(harness.lines(ftp, 'NLST')) == 5


def test_listing_breaks_off_on_a_later_page(ftp, fake):
    fake.fill('f', 1500)
    fake.fault(op='ListObjects', skip=1, times=-1, body_cut=5000)
    with pytest.raises(ftplib.error_temp, match='^4(26|51)'):
        harness.lines(ftp, 'NLST')
    fake.reset()
    fake.fault(op='ListObjects', skip=1, body_cut=5000)
    names = harness.lines(ftp, 'NLST')
    assert names == sorted(names) and len(set(names)) == 1500


def test_good_but_unusual(ftp, fake):
    """Interim answers, chunks with extensions and trailers are fine."""
    fake.fault(op='GetObject', raw=(
        b'HTTP/1.1 100 Continue\r\n\r\n'
        b'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n'
        b'HTTP/1.1 200 \r\nETag: "e"\r\nContent-Length:3  \r\n\r\nabc'))
    assert harness.fetch(ftp, 'f') == b'abc'
    body = XML.replace(b'></', b'><Contents><Key>k</Key><Size>1</Size>'
                       b'</Contents></')
    cut = len(body) // 2
    fake.fault(op='ListObjects', raw=chunked(
        b'%x;ext="1"\r\n%s\r\n%X\r\n%s\r\n000;x\r\nTrailer: t\r\n\r\n'
        % (cut, body[:cut], len(body) - cut, body[cut:])))
    assert harness.lines(ftp, 'NLST') == ['k']


def test_signature_goes_nowhere_else(ftp, fake):
    """A redirect is an error: never followed."""
    fake.put('f', b'x')
    fake.fault(op='GetObject', redirect='http://127.0.0.1:%d/f' % fake.port)
    expect_451(ftp, lambda: harness.fetch(ftp, 'f'))
    assert fake.ops() == {'GetObject': 1}


def test_stale_connections(ftp, fake):
    """The store closes every connection behind its answer: nobody notices."""
    fake.fault(op='Any', close_idle=1, times=-1)
    for i in range(20):
        data = os.urandom(1000 + i)
        assert harness.store(ftp, 'f', data).startswith('226')
        assert harness.fetch(ftp, 'f') == data


def test_connections_are_kept(ftp, fake):
    before = fake.stats()['connections_total']
    for i in range(20):
        harness.store(ftp, 'f%d' % i, b'x')
        harness.fetch(ftp, 'f%d' % i)
    asked = 2                           # by us, for the numbers
    assert fake.stats()['connections_total'] - before <= 3 + asked


# ---- the clock ----

@pytest.mark.parametrize('skew', [3600, -3600, 86400 * 400])
def test_clock_skew_is_learned(tmp_path, skew):
    fake = harness.Fakecos(str(tmp_path), '--skew', str(skew))
    server = harness.Cosftpd(str(tmp_path), fake)
    try:
        ftp = server.login()
        data = os.urandom(3 * 1024 * 1024)
        assert harness.store(ftp, 'f', data).startswith('226')
        assert harness.fetch(ftp, 'f') == data
        assert ftp.size('f') == len(data)
        assert harness.lines(ftp, 'NLST') == ['f']
        # learned once
        assert fake.stats()['auth_failures'] == 1
        assert 'clock' in server.log_text()
        ftp.close()
        assert server.stop() == 0
    finally:
        server.stop()
        assert fake.stop() == 0


def test_clock_skew_seen_by_head(tmp_path):
    """A refused HEAD has no code: the Date alone tells."""
    fake = harness.Fakecos(str(tmp_path), '--skew', '7200')
    server = harness.Cosftpd(str(tmp_path), fake)
    try:
        fake.put('f', b'abc')
        ftp = server.login()
        assert ftp.size('f') == 3
        ftp.close()
    finally:
        assert server.stop() == 0
        assert fake.stop() == 0


def test_listing_lags_behind(ftp, fake):
    """COS lists are eventually consistent: what is stored can be read and
    asked for at once, the listing shows it later."""
    fake.config(list_delay=300)
    try:
        harness.store(ftp, 'new', b'abc')
        assert ftp.size('new') == 3
        assert harness.fetch(ftp, 'new') == b'abc'
        harness.wait_for('listed', lambda: harness.lines(ftp, 'NLST') ==
                         ['new'])
    finally:
        fake.config(list_delay=0)


def test_store_is_away(tmp_path, fake):
    """Nobody listens: 451, soon."""
    class Nobody:
        bucket, tls, port = fake.bucket, False, harness.free_ports(1)
    server = harness.Cosftpd(str(tmp_path), Nobody)
    ftp = server.login()
    expect_451(ftp, lambda: harness.store(ftp, 'f', b'abc'))
    expect_451(ftp, lambda: harness.fetch(ftp, 'f'))
    assert 'refused' in server.log_text()
    ftp.close()
    assert server.stop() == 0


def test_name_does_not_resolve(tmp_path, fake):
    server = harness.Cosftpd(str(tmp_path), fake, accounts=[
        harness.account(0, fake, cos_endpoint='cos.invalid')])
    ftp = server.login(timeout=60)
    with pytest.raises(ftplib.error_temp, match='^451 .*resolve'):
        harness.fetch(ftp, 'f')
    assert 'name lookup' in server.log_text()
    ftp.close()
    assert server.stop() == 0


@pytest.mark.parametrize('keys,word', [
    (dict(cos_secretkey='AnotherSecret'), 'SignatureDoesNotMatch'),
    (dict(cos_secretid='AKIDOTHER'), 'InvalidAccessKeyId'),
    (dict(cos_bucket='other-1250000000'), 'NoSuchBucket')])
def test_wrong_account(tmp_path, fake, keys, word):
    """The words of the store reach the user; the secret reaches nobody."""
    server = harness.Cosftpd(str(tmp_path), fake,
                             accounts=[harness.account(0, fake, **keys)])
    ftp = server.login()
    with pytest.raises(ftplib.error_perm, match='^550 .*' + word):
        harness.store(ftp, 'f', b'abc')
    assert word in server.log_text()
    assert harness.KEY not in server.log_text()
    assert 'AnotherSecret' not in server.log_text()
    assert 'q-signature' not in server.log_text()
    ftp.close()
    assert server.stop() == 0
