"""FileZilla under Xvfb: it connects to a site of its site manager, lists, and
by double-clicks uploads one file and downloads one.  build/clients keeps a
picture of its window."""

import base64
import os
import re
import subprocess

import pytest

import box as boxes
import harness
from drivers import BUILD

NAME, PACKAGES = 'FileZilla', 'filezilla imagemagick xdotool xvfb'
SCREEN = '1200x800x24'
# in a window that fills the screen: the first file behind ".."
LOCAL_FILE, REMOTE_FILE = ('75', '454'), ('675', '454')
PROTOCOL = {'plain': 6, 'explicit': 4, 'implicit': 3}
# .txt is sent as ASCII by default.  3.63.0 sends CR LF as CR CR LF then and LF
# as LF (seen with strace at the server's socket), so there is none here.
TEXT = b'one\ntwo\n'
CONFIG = {
    'filezilla.xml': '''<FileZilla3><Settings>
<Setting name="Greeting version">99.0.0</Setting>
<Setting name="Update Check">0</Setting>
</Settings></FileZilla3>''',
    'sitemanager.xml': '''<FileZilla3><Servers><Server>
<Host>%(host)s</Host><Port>%(port)d</Port><Protocol>%(protocol)d</Protocol>
<Type>0</Type><User>%(user)s</User><Pass encoding="base64">%(password)s</Pass>
<Logontype>1</Logontype><PasvMode>%(mode)s</PasvMode><Name>test</Name>
<LocalDir>%(local)s</LocalDir></Server></Servers></FileZilla3>''',
}
TRUSTED = {
    'plain': '''<FileZilla3><InsecureHosts>
<Host Port="%(port)d">%(host)s</Host></InsecureHosts></FileZilla3>''',
    'tls': '''<FileZilla3><TrustedCerts><Certificate><Data>%(cert)s</Data>
<ActivationTime>1577836800</ActivationTime>
<ExpirationTime>2524607999</ExpirationTime>
<Host>%(host)s</Host><Port>%(port)d</Port><TrustSANs>1</TrustSANs>
</Certificate></TrustedCerts></FileZilla3>''',
}


class Desktop:
    """A screen with FileZilla on it."""

    def __init__(self, box):
        self.box, self.children = box, []
        box.env['GDK_BACKEND'] = 'x11'
        for program in ('filezilla', 'xdotool', 'import'):
            box.program(program)
        read, write = os.pipe()
        self.start('Xvfb', '-displayfd', str(write), '-screen', '0', SCREEN,
                   '-nolisten', 'tcp', pass_fds=[write])
        os.close(write)
        with os.fdopen(read) as f:
            box.env['DISPLAY'] = ':' + f.readline().strip()
        assert box.env['DISPLAY'] != ':'

    def start(self, program, *args, **options):
        path = self.box.program(program)
        with open(self.box.path(program + '.out'), 'wb') as out:
            self.children.append(subprocess.Popen(
                [path, *args], cwd=self.box.directory, env=self.box.env,
                stdin=subprocess.DEVNULL, stdout=out,
                stderr=subprocess.STDOUT, **options))

    def double_click(self, where, done):
        """Until it has an effect: a window takes its time to be drawn."""
        for _ in range(8):
            self.box.run('xdotool', 'mousemove', *where, 'click', '--repeat',
                         '2', '--delay', '60', '1')
            try:
                return harness.wait_for('what a double click does', done, 1.5)
            except AssertionError:
                pass
        raise AssertionError('a double click does nothing')

    def picture(self, path):
        self.box.run('import', '-window', 'root', path)

    def end(self):
        for child in reversed(self.children):
            child.kill()
            child.wait()


def configure(box, certs):
    facts = {
        'host': box.host, 'port': box.port, 'protocol': PROTOCOL[box.tls],
        'user': harness.USER, 'local': box.path('local'),
        'password': base64.b64encode(box.password.encode()).decode(),
        'mode': 'MODE_ACTIVE' if box.mode in ('port', 'eprt6')
        else 'MODE_PASSIVE',
    }
    trusted = TRUSTED['plain']
    if box.tls != 'plain':
        trusted = TRUSTED['tls']
        facts['cert'] = subprocess.run(
            ['openssl', 'x509', '-in', os.path.join(certs, 'ec.pem'),
             '-outform', 'DER'], stdout=subprocess.PIPE,
            check=True).stdout.hex()
    for name, text in dict(CONFIG, **{'trustedcerts.xml': trusted}).items():
        box.write('home/.config/filezilla/' + name, (
            '<?xml version="1.0"?>\n' + (
                text if name == 'filezilla.xml' else text % facts)).encode())


@pytest.fixture
def desktop(request):
    made = []

    def make(box):
        made.append(Desktop(box))
        return made[0]
    yield make
    for d in made:
        try:
            os.makedirs(BUILD, exist_ok=True)
            d.picture(os.path.join(BUILD, 'filezilla-%s.png' % (
                request.node.callspec.id)))
        finally:
            d.end()


def rows():
    for tls in PROTOCOL:
        yield tls, 'login,list,put,get,pasv' + (
            '' if tls == 'plain' else ',reuse'), ''
    for column in ('port', 'epsv6', 'eprt6'):
        yield 'plain', column, column


def id_of(value):
    return value.split(',')[0] or 'default'


@pytest.mark.parametrize('tls,columns,mode', rows(), ids=id_of)
def test_filezilla(tls, columns, mode, make_box, fake, installed, desktop,
                   record_property):
    record_property('cell', [NAME, tls, columns])
    box = make_box(tls, mode)
    configure(box, box.certs)
    box.write('local/to there.txt', TEXT)
    data = os.urandom(300000)
    fake.put('!from here.bin', data)
    mark = len(box.server.log_text())

    def log():
        return box.server.log_text()[mark:]
    with installed(PACKAGES):
        screen = desktop(box)
    screen.start('filezilla', '-c', '0/test')
    harness.wait_for('a listing', lambda: re.search(
        r'MLSD /: 226 1 entry', log()), 20)
    screen.double_click(REMOTE_FILE, lambda: 'command RETR' in log())
    harness.wait_for('the download', lambda: os.path.exists(
        box.path('local/!from here.bin')) and box.read(
            'local/!from here.bin') == data)
    harness.wait_for('its end', lambda: 'here.bin: 226' in log())
    # the new file stands before the other one
    below = LOCAL_FILE[0], str(int(LOCAL_FILE[1]) + 23)
    screen.double_click(below, lambda: 'command STOR' in log())
    harness.wait_for('the upload', lambda: fake.keys() == [
        '!from here.bin', 'to there.txt'])
    assert fake.get('to there.txt') == TEXT
    commands = re.findall(r' command (\S+ ?\S*)', log())
    if 'reuse' in columns:
        assert 'resumed' in log()
        assert not re.search('data connection: .*new session', log())
    assert {'TYPE A', 'TYPE I', 'OPTS UTF8'} <= set(commands)
    used = {c.split()[0] for c in commands} & {'PASV', 'EPSV', 'PORT', 'EPRT'}
    assert used == {{'': 'PASV', 'port': 'PORT', 'epsv6': 'EPSV',
                     'eprt6': 'EPRT'}[mode]}


def version():
    done = subprocess.run(['dpkg-query', '-W', '-f', '${Version}',
                           'filezilla'], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    if done.returncode:
        raise boxes.Missing('filezilla')
    return done.stdout.split('-')[0]
