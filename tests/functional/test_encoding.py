"""client_encoding = gbk: clients of Chinese Windows, names in COS in UTF-8."""

import ftplib
import io
import os
import re
import shutil
import socket
import subprocess

import pytest

import harness
from harness import account, Cosftpd, Raw

NAMES = [
    '中文.txt', '目录', 'a 中 b', '文件"引号"', '誠信',  # 誠: d5 5c, ends in \
    '乗亅丂',            # trail bytes 5c to 7e
    '、·—…『』①Ⅰ㈱ГДあア', '﨩郎', '價格€100', '€', '龥鼠',
]


def to_gbk(text):
    """As Windows does, where the euro is the byte 0x80."""
    return text.encode('gbk') if '€' not in text else b'\x80'.join(
        part.encode('gbk') for part in text.split('€'))


class Client(Raw):
    """By hand, and in bytes."""

    def line(self):
        return self.file.readline()

    def reply(self):
        text = line = self.line()
        while line and line[3:4] != b' ' or not line[:3].isdigit():
            line = self.line()
            text += line
        return text.rstrip(b'\r\n')

    def cmd(self, text):
        self.send((text if isinstance(text, bytes) else to_gbk(text)) +
                  b'\r\n')
        return self.reply()

    def pasv(self):
        n = re.search(rb'\|\|\|(\d+)\|', self.cmd('EPSV'))[1]
        return socket.create_connection(
            (self.sock.getpeername()[0], int(n)), timeout=20)

    def read(self, command):
        """What comes over the data connection, and the last reply."""
        d = self.pasv()
        first = self.cmd(command)
        if not first.startswith(b'150 '):
            d.close()
            return b'', first
        with d.makefile('rb') as f:
            data = f.read()
        d.close()
        return data, self.reply()

    def write(self, command, data):
        d = self.pasv()
        first = self.cmd(command)
        if first.startswith(b'150 '):
            d.sendall(data)
            d.close()
            return self.reply()
        d.close()
        return first


@pytest.fixture(scope='module')
def chinese(tmp_path_factory, fakecos):
    """The server in GBK, one account as it is, one in UTF-8."""
    s = Cosftpd(
        str(tmp_path_factory.mktemp('gbk')), fakecos,
        [account(0, fakecos),
         account(1, fakecos, user='modern', client_encoding='utf-8'),
         account(2, fakecos, user='张三', password='密码')],
        network={'banner': '欢迎'}, optional={'client_encoding': 'gbk'})
    yield s
    assert s.stop() == 0, s.text()


@pytest.fixture
def client(chinese, fake):
    c = Client('127.0.0.1', chinese.port)
    assert c.login().startswith(b'230 ')
    yield c
    c.close()


def names_of(data):
    """Of LIST and MLSD: what is behind the eighth column, or the facts."""
    out = []
    for line in data.split(b'\r\n')[:-1]:
        out.append(line.split(b'; ', 1)[1] if b'; ' in line else
                   line.split(None, 8)[8])
    return out


def test_every_command_takes_and_gives_gbk(client, fake):
    for name in NAMES:
        raw = to_gbk(name)
        assert client.write(b'STOR ' + raw, name.encode()).startswith(b'226')
        assert fake.get(name) == name.encode()
    assert sorted(fake.keys()) == sorted(NAMES)
    want = sorted(to_gbk(n) for n in NAMES)
    data, last = client.read('NLST')
    assert sorted(data.split(b'\r\n')[:-1]) == want
    assert last == b'226 %d entries.' % len(NAMES)
    for verb in ('LIST', 'MLSD'):
        data, last = client.read(verb)
        assert sorted(names_of(data)) == want
    stat = client.cmd('STAT .')
    for name in NAMES:
        raw = to_gbk(name)
        assert b' ' + raw + b'\r\n' in stat
        assert client.read(b'RETR ' + raw)[0] == name.encode()
        assert client.cmd(b'SIZE ' + raw) == \
            b'213 %d' % len(name.encode())
        assert client.cmd(b'MDTM ' + raw).startswith(b'213 20')
        assert b'; /' + raw + b'\r\n' in client.cmd(b'MLST ' + raw)
        assert names_of(client.read(b'LIST ' + raw)[0]) == [raw]
        assert client.read(b'NLST ' + raw)[0] == raw + b'\r\n'
        assert client.cmd(b'DELE ' + raw).startswith(b'250 ')
    assert fake.keys() == []


def test_directories_in_gbk(client, fake):
    raw = to_gbk('誠"目"録')
    assert client.cmd(b'MKD ' + raw) == b'257 "/' + raw.replace(
        b'"', b'""') + b'" created.'
    assert client.cmd(b'CWD ' + raw).startswith(b'250 ')
    assert client.cmd('PWD').startswith(
        b'257 "/' + raw.replace(b'"', b'""') + b'"')
    assert client.cmd('MKD 子').startswith(b'257 ')
    assert client.cmd('CWD 子').startswith(b'250 ')
    assert client.cmd('CDUP').startswith(b'250 ')
    assert client.cmd('RNFR 子').startswith(b'350 ')
    assert client.cmd('RNTO 孙').startswith(b'250 ')
    assert fake.keys() == ['誠"目"録/', '誠"目"録/孙/']
    assert client.cmd(b'RMD /' + raw + b'/' + to_gbk('孙')).startswith(b'250 ')
    assert client.cmd('CWD /').startswith(b'250 ')
    assert client.cmd(b'RMD ' + raw).startswith(b'250 ')
    assert fake.keys() == []


def test_append_and_rename_in_gbk(client, fake):
    assert client.write('APPE 表', b'1').startswith(b'226 ')
    assert client.write('APPE 表', b'2').startswith(b'226 ')
    assert client.cmd('RNFR 表').startswith(b'350 ')
    assert client.cmd('RNTO 新表').startswith(b'250 ')
    assert fake.get('新表') == b'12'


def test_the_second_byte_is_no_ascii(client, fake):
    """5c is \\ and 5b [ to whoever looks at single bytes."""
    for raw in (b'\x81\x5c', b'\x81\x5b\x81\x5d', b'a\x81\x7cb', b'\x81\x40x'):
        name = raw.decode('gbk')
        assert client.write(b'STOR ' + raw, b'x').startswith(b'226 ')
        assert fake.keys() == [name]
        assert client.read(b'NLST ' + raw)[0] == raw + b'\r\n'
        assert client.read(b'NLST ' + raw[:-1].decode(
            'gbk', 'ignore').encode('gbk') + b'*')[0] == raw + b'\r\n'
        assert client.cmd(b'DELE ' + raw).startswith(b'250 ')


def test_a_wildcard_stands_for_a_character(client, fake):
    for name in ('中.txt', '中中.txt', 'a.txt', '国.txt'):
        fake.put(name)
    for pattern, want in (('?.txt', ['a.txt', '中.txt', '国.txt']),
                          ('中*', ['中.txt', '中中.txt']),
                          ('[中a].txt', ['a.txt', '中.txt'])):
        data, _ = client.read('NLST ' + pattern)
        assert sorted(data.split(b'\r\n')[:-1]) == sorted(
            to_gbk(n) for n in want), pattern


@pytest.mark.parametrize('raw', [
    b'\xff', b'\xff\xff\xff\xff', b'a\xd6', b'\xd6', b'\xd6\x20', b'\xd6\x7f',
    b'\xd6\xd0\xce', b'\xa2\xe3', b'\xaa\xa1', '中'.encode(), '中文字'.encode(),
    b'\xfe\xfe'])
def test_what_is_not_gbk_is_refused(client, fake, raw):
    wire = raw.replace(b'\xff', b'\xff\xff')
    for verb in (b'SIZE', b'MDTM', b'DELE', b'MKD', b'RMD', b'CWD', b'RNFR',
                 b'MLST', b'STAT'):
        assert client.cmd(verb + b' ' + wire).startswith(b'553 '), verb
    for verb in (b'LIST', b'NLST', b'MLSD', b'RETR', b'STOR', b'APPE'):
        assert client.read(verb + b' ' + wire)[1].startswith(b'553 '), verb
    assert fake.keys() == []
    assert client.cmd('NOOP').startswith(b'200 ')


def test_a_name_with_the_bytes_of_iac(client, fake):
    """No byte of GBK is 0xff, so nothing is doubled, either way."""
    raw = b'\xfe\x41\xf4\xf2\xf6\xf0'
    name = raw.decode('gbk')
    assert client.write(b'STOR ' + raw, b'x').startswith(b'226 ')
    assert fake.keys() == [name]
    assert client.read('NLST')[0] == raw + b'\r\n'


def test_names_gbk_lacks_are_left_out_and_counted(client, chinese, fake):
    for name in ('中', '😀.txt', 'mañana', '한글', 'd/x', 'ö/x'):
        fake.put(name)
    for verb in ('LIST', 'NLST', 'MLSD'):
        data, last = client.read(verb)
        assert data.count(b'\r\n') == 2 and b'?' not in data
        assert last == b'226 2 entries. 4 names that GBK cannot express ' \
            b'were left out; OPTS UTF8 ON shows them.'
    assert b'4 names that GBK' in client.cmd('STAT .')
    assert client.read('NLST *.txt')[1].startswith(b'226 0 entries. 1 names')
    assert 'listing of / left out 4 keys that GBK cannot express' in \
        chinese.log_text()
    assert client.cmd('OPTS UTF8 ON').startswith(b'200 ')
    assert client.read('NLST')[0].decode().split('\r\n')[:-1] == sorted(
        ['中', '😀.txt', 'mañana', '한글', 'd', 'ö'])


def test_what_is_left_out_does_not_count_for_the_limit(
        tmp_path, fakecos, fake):
    s = Cosftpd(str(tmp_path), fakecos, optional={
        'client_encoding': 'gbk', 'max_list_file': 2})
    for name in ('a', 'b', 'ñ', 'ö'):
        fake.put(name)
    c = Client('127.0.0.1', s.port)
    c.login()
    assert c.read('NLST') == (b'a\r\nb\r\n', b'226 2 entries. 2 names that '
                              b'GBK cannot express were left out; OPTS UTF8 '
                              b'ON shows them.')
    fake.put('中')
    assert b' cut at ' in c.read('NLST')[1]
    c.close()
    assert s.stop() == 0


def test_opts_in_the_middle_of_a_session(client, fake):
    """Deterministic: the same bytes are another name in the other one."""
    both = b'\xc2\xb7'           # GBK: 路, UTF-8: the middle dot
    assert client.write(b'STOR ' + both, b'gbk').startswith(b'226 ')
    assert client.cmd('OPTS UTF8 ON').startswith(b'200 ')
    assert client.cmd(b'SIZE ' + both).startswith(b'550 ')
    assert client.cmd('SIZE 路'.encode()) == b'213 3'
    assert client.write(b'STOR ' + both, b'utf-8').startswith(b'226 ')
    assert fake.get('·') == b'utf-8' and fake.get('路') == b'gbk'
    assert client.cmd(b'STOR ' + '中'.encode('gbk')).startswith(b'553 ')
    assert client.cmd('opts utf8 off').startswith(b'200 ')
    assert client.cmd(b'SIZE ' + both) == b'213 3'
    assert b'\r\n UTF8\r\n' in client.cmd('FEAT')
    assert client.cmd('OPTS UTF8 NLST').startswith(b'501 ')
    assert client.cmd('OPTS UTF8X').startswith(b'501 ')


def test_a_directory_that_gbk_lacks(client, fake):
    """Entered in UTF-8, then switched back: said, not altered."""
    fake.put('😀/x', b'1')
    client.cmd('OPTS UTF8 ON')
    assert client.cmd('CWD 😀'.encode()).startswith(b'250 ')
    client.cmd('OPTS UTF8 OFF')
    for command in ('PWD', 'MLST', 'MLST x'):
        got = client.cmd(command)
        assert got.startswith(b'550 ') and b'OPTS UTF8 ON' in got, got
    assert client.read('NLST')[0] == b'x\r\n'
    assert client.cmd('MKD 中').startswith(b'257 ')
    assert '😀/中/' in fake.keys()
    assert client.cmd('SIZE x') == b'213 1'
    client.cmd('OPTS UTF8 ON')
    assert client.cmd('PWD').startswith('257 "/😀"'.encode())


def test_accounts_have_their_own(chinese, fake):
    """Before the login it is the server's, for the greeting and the user."""
    c = Client('127.0.0.1', chinese.port)
    assert c.greeting == b'220 ' + '欢迎'.encode('gbk')
    assert c.login('张三', '密码').startswith(b'230 ')
    c.close()
    c = Client('127.0.0.1', chinese.port)
    assert c.login('modern').startswith(b'230 ')
    assert c.write('STOR 中'.encode(), b'1').startswith(b'226 ')
    assert fake.keys() == ['中']
    assert c.cmd('SIZE 中').startswith(b'553 ')           # GBK
    assert c.cmd('OPTS UTF8 OFF').startswith(b'504 ')
    assert c.cmd('SIZE 中'.encode()) == b'213 1'
    assert c.cmd('USER user1').startswith(b'331 ')      # the server's again
    assert c.cmd('PASS pass 1').startswith(b'230 ')
    assert c.cmd('SIZE 中') == b'213 1'
    c.close()


def test_utf8_asked_for_before_the_login(chinese, fake):
    c = Client('127.0.0.1', chinese.port)
    assert c.cmd(b'USER \xff\xff').startswith(b'501 ')
    assert c.cmd('OPTS UTF8 ON').startswith(b'200 ')
    assert c.cmd('USER 张三'.encode()).startswith(b'331 ')
    assert c.cmd('PASS 密码'.encode()).startswith(b'230 ')
    assert c.write('STOR 中'.encode(), b'1').startswith(b'226 ')
    assert fake.keys() == ['中']
    assert c.cmd('REIN').startswith(b'220 ')
    assert c.cmd('USER 张三').startswith(b'331 ')
    assert c.cmd('PASS 密码').startswith(b'230 ')
    assert c.cmd('SIZE 中') == b'213 1'
    c.close()


def test_an_account_in_gbk_on_a_server_in_utf8(tmp_path, fakecos, fake):
    s = Cosftpd(str(tmp_path), fakecos, [
        account(0, fakecos), account(1, fakecos, user='old',
                                     client_encoding='gbk')],
                network={'banner': '欢迎'})
    c = Client('127.0.0.1', s.port)
    assert c.greeting == b'220 ' + '欢迎'.encode()
    assert c.login('old').startswith(b'230 ')
    assert c.write('STOR 中', b'1').startswith(b'226 ')
    c.close()
    with s.login() as f:
        assert f.nlst() == ['中'] == fake.keys()
    assert s.stop() == 0


def test_long_names(client, fake):
    """850 bytes of UTF-8 are what counts, 567 of GBK."""
    name = '中' * 283
    assert client.write('STOR ' + name, b'1').startswith(b'226 ')
    assert client.read('NLST')[0] == to_gbk(name) + b'\r\n'
    assert client.cmd('SIZE 中' + name).startswith(b'553 ')
    assert client.cmd(b'SIZE ' + b'\x80' * 2000).startswith(b'553 ')
    assert client.cmd(b'SIZE ' + b'\xd6\xd0' * 2000).startswith(b'500 ')
    assert client.cmd('SIZE ' + name) == b'213 1'


def test_python_client_in_gbk(chinese, fake):
    f = ftplib.FTP(encoding='gbk')
    f.connect('127.0.0.1', chinese.port, timeout=20)
    f.login(harness.USER, harness.PASSWORD)
    assert f.mkd('资料') == '/资料'
    f.cwd('资料')
    f.storbinary('STOR 报告.doc', io.BytesIO(b'abc'))
    assert [n for n, _ in f.mlsd()] == ['报告.doc'] == f.nlst()
    assert fake.keys() == ['资料/', '资料/报告.doc']
    f.close()


@pytest.mark.skipif(not shutil.which('lftp'), reason='no lftp')
def test_lftp_in_gbk(chinese, fake, tmp_path):
    (tmp_path / '报告.txt').write_bytes(b'12345')
    script = (
        'set ftp:use-utf8 no; set ftp:charset gbk; set file:charset utf-8;'
        'set cmd:fail-exit yes; set net:max-retries 1; set net:timeout 10;'
        'open -u %s,"%s" ftp://127.0.0.1:%d; mkdir 资料; cd 资料; '
        'put 报告.txt; mv 报告.txt 报表.txt; cls -1; get 报表.txt; bye' % (
            harness.USER, harness.PASSWORD, chinese.port))
    done = subprocess.run(
        ['lftp', '-c', script], cwd=tmp_path, capture_output=True, timeout=60,
        env=dict(os.environ, LC_ALL='C.UTF-8', HOME=str(tmp_path)))
    assert done.returncode == 0, done.stderr.decode()
    assert done.stdout.decode().split() == ['报表.txt']
    assert (tmp_path / '报表.txt').read_bytes() == b'12345'
    assert fake.keys() == ['资料/', '资料/报表.txt']
