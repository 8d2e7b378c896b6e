"""The stand-in itself: its signature check against what three official SDKs
signed (sign_vectors.json; the keys are invented), so that one mistake cannot
hide in both it and the server."""

import json
import os
import socket
import time

import pytest

import harness

SIGNED_AT = 1700000000
with open(os.path.join(os.path.dirname(__file__), 'sign_vectors.json'),
          encoding='utf-8') as f:
    VECTORS = json.load(f)


@pytest.fixture(scope='module')
def past(tmp_path_factory):
    """A stand-in that lives when the vectors were signed."""
    f = harness.Process(
        [harness.FAKECOS, '--port', '0',
         '--bucket', 'examplebucket-1250000000',
         '--id', 'AKIDEXAMPLEEXAMPLEEXAMPLEEXAMPLE0001',
         '--key', 'ExampleSecretKeyForTestsOnly0001',
         '--skew', str(SIGNED_AT + 60 - int(time.time()))],
        str(tmp_path_factory.mktemp('past')), 'fakecos')
    yield int(f.ready(r'127\.0\.0\.1:(\d+)')[1])
    assert f.stop() == 0


def answer(port, vector, authorization):
    """Status and body; a body is sent as long as the headers promise."""
    headers = vector['signed_headers']
    length = int(headers.get('Content-Length', 0))
    text = '%s %s HTTP/1.1\r\n' % (vector['method'],
                                   vector['request_target'])
    text += ''.join('%s: %s\r\n' % h for h in headers.items())
    text += 'Authorization: %s\r\nConnection: close\r\n\r\n' % authorization
    with socket.create_connection(('127.0.0.1', port), timeout=10) as s:
        s.sendall(text.encode('utf-8') + b'x' * min(length, 1 << 20))
        s.shutdown(socket.SHUT_WR)
        reply = b''
        while True:
            part = s.recv(65536)
            if not part:
                break
            reply += part
    return int(reply.split()[1]), reply


@pytest.mark.parametrize('vector', VECTORS, ids=[v['id'] for v in VECTORS])
def test_official_signatures(past, vector):
    """Accepted as they are (whatever the store then says of the object),
    refused with one hexadecimal digit changed."""
    status, reply = answer(past, vector, vector['authorization'])
    assert b'SignatureDoesNotMatch' not in reply and b'AccessDenied' not in \
        reply and status not in (401, 403), reply
    good = vector['authorization']
    bad = good[:-1] + ('0' if good[-1] != '0' else '1')
    status, reply = answer(past, vector, bad)
    assert status == 403
    assert vector['method'] == 'HEAD' or b'SignatureDoesNotMatch' in reply
