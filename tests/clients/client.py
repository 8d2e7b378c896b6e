"""What a client is for the matrix: which operations it has and how it is told
to do them.  Each method is one run of the program; paths at the server are
absolute, local ones relative to the box."""

import re
import urllib.parse

import harness

NO_CLOSE_NOTIFY = (
    'closes without the close_notify that ends a file in TLS: nothing tells '
    'it from a cut connection, and a cut upload is none',
    'closed without TLS close_notify')
NO_REUSE = (
    'data connections do not resume the TLS session: not with '
    'require_session_reuse',
    '522 .*must resume the TLS session')

OPERATIONS = (
    'login', 'denied', 'missing', 'dirs', 'put', '70M', 'names', 'get',
    'list', 'nlst', 'mlsd', 'size', 'time', 'move', 'reget', 'reput',
    'append', 'delete', 'mget', 'mirror', 'pieces', 'stou', 'reuse')
MODES = ('pasv', 'epsv', 'port', 'eprt', 'epsv6', 'eprt6')


class Client:
    """ops, modes, tls: what it can do, of OPERATIONS, MODES, and plain,
    explicit, implicit.  What is not there is '-' in the table.

    not_names: {why: test of a name} for names it cannot be told;
    not_mirrored: the same for names in a whole tree; not_folders: for names of
    directories; empty_in_tls: whether it can be relied on to send empty files.
    known: {operation or mode, or 'TLS/operation': (why, trace)} for what fails
    through a fault of the client.  It is run, must fail, and leave this trace
    in the server's log."""

    name = program = package = None
    ops = modes = ''
    tls = 'plain'
    not_names = {}
    not_mirrored = not_folders = {}
    empty_in_tls = True
    known = {}

    def __init__(self, box):
        self.box = box

    def takes(self, name):
        return not any(test(name) for test in self.not_names.values())

    def sends(self, data):
        return data or self.box.tls == 'plain' or self.empty_in_tls

    def mirrors(self, name):
        return self.takes(name) and not any(
            test(name) for test in self.not_mirrored.values())

    def run(self, *args, **options):
        return self.box.run(self.program, *args, **options)

    def version(self):
        """Of the program itself, for the table."""
        return first_number(self.run('--version', code=None).output)


def first_number(text):
    found = re.search(r'\d+(\.\d+)+', text)
    return found[0] if found else '?'


UNIX = re.compile(
    r'([-d])[-rwx]{9} +\d+ \S+ +\S+ +(\d+) [A-Z][a-z]{2} [ \d]\d '
    r'(?:\d\d:\d\d| \d{4}) (.+)')


def unix_lines(lines):
    """{name: size, or None for a directory} of the lines of LIST, which must
    have the very form of ls -l."""
    found = {}
    for line in lines:
        if re.match(r'[-d][-rwx]{9}', line):
            kind, size, name = UNIX.fullmatch(line).groups()
            found[name] = None if kind == 'd' else int(size)
    return found


def mlsd_lines(lines):
    found = {}
    for line in lines:
        facts, space, name = line.partition('; ')
        if space and '=' in facts and 'type=' in facts.lower():
            values = dict(f.lower().split('=', 1) for f in facts.split(';'))
            if values['type'] in ('file', 'dir'):
                found[name] = None if values['type'] == 'dir' \
                    else int(values['size'])
    return found


def paths_of_257(text):
    """What PWD answered: the path in its quotes, doubled quotes undone."""
    return [m.replace('""', '"') for m in re.findall(
        r'257 "((?:[^"]|"")*)"', text)]


def quoted(name):
    """A word for lftp and the classic clients."""
    return '"%s"' % name.replace('\\', '\\\\').replace('"', '\\"')


def unquoted(url):
    return urllib.parse.unquote(urllib.parse.urlsplit(url.strip()).path)


USER = harness.USER
