"""First inputs for the fuzz targets, made of the rows of the unit tests: what
stands there as a string is an input here.  Certificates and keys are made."""

import base64
import glob
import os
import re
import subprocess

# the target: the tests whose strings it takes, and what goes before each
TESTS = {
    'line': (['line', 'addr'], b'\1'),
    'ini': (['ini', 'conf', 'conf_values'], b''),
    'head': (['http'], b'\1'),
    'chunk': (['http'], b'\1'),
    'xml': (['xml'], b'\1'),
    'path': (['path'], b'd\0'),
    'pem': (['pem'], b''),
    'glob': (['glob'], b''),
    'gbk': (['gbk'], b''),
    'text': (['date', 'fault', 'xml'], b'\x4d'),
}
ESCAPES = {'n': 10, 'r': 13, 't': 9, 'b': 8, 'f': 12, 'v': 11, 'a': 7}
STRING = r'"((?:[^"\\\n]|\\.)*)"'
# several in a row are one, also across lines
ROW = re.compile(r'(?:%s\s*)+' % STRING.replace('(', '(?:', 1))


def byte(match):
    code = match[1]
    if code[0] == b'x'[0]:
        return bytes([int(code[1:], 16) & 255])
    if code[:1].isdigit():
        return bytes([int(code, 8) & 255])
    return bytes([ESCAPES.get(code.decode('latin-1'), code[0])])


def strings(test):
    with open('tests/t_%s.c' % test, encoding='latin-1') as f:
        source = re.sub(r'/\*.*?\*/', '', f.read(), flags=re.S)
    for row in ROW.finditer(source):
        yield b''.join(
            re.sub(rb'\\(x[0-9a-fA-F]+|[0-7]{1,3}|.)', byte,
                   part.encode('latin-1'))
            for part in re.findall(STRING, row[0]))


def certificates(out):
    """As files, and what is in them: f_pem.c says what D and K are."""
    where = os.path.join(out, 'certs')
    if not os.path.isdir(where):
        subprocess.run(['tests/mkcert.sh', where], check=True)
    for name in glob.glob(os.path.join(where, '*.pem')) + glob.glob(
            os.path.join(where, '*.key')):
        with open(name, 'rb') as f:
            text = f.read()
        yield text
        for block in re.findall(rb'-----BEGIN[^\n]*\n(.*?)-----END', text,
                                re.S):
            der = base64.b64decode(block)
            yield (b'K' if name.endswith('.key') else b'D') + der


def write(name, out):
    """The directory with the seeds of a target; may be empty."""
    where = os.path.join(out, 'seeds', name)
    os.makedirs(where, exist_ok=True)
    tests, before = TESTS.get(name, ([], b''))
    found = {before + text for test in tests for text in strings(test)}
    if name == 'pem':
        found.update(certificates(out))
    for i, text in enumerate(sorted(found)):
        with open(os.path.join(where, '%04d' % i), 'wb') as f:
            f.write(text)
    return where
