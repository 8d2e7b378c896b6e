'use strict';
// Both sides of the gateway: what cosftpd wrote over FTP is read with the SDK,
// what the SDK wrote is served over FTP, byte for byte and name for name.

const assert = require('assert');
const fs = require('fs');
const path = require('path');
const { world, call, refused, ftp, bytes, crc64, keys, test } =
  require('./host');

const MIB = 1024 * 1024;
const CRC = 'x-cos-hash-crc64ecma';

async function stored() {
  return (await call('getBucket', {})).Contents.map((o) => o.Key);
}

test('what FTP stored is read by the SDK', async () => {
  for (const [name, data, type] of [
    ['small.txt', Buffer.from('hello\n'), 'text/plain'],
    ['empty.png', Buffer.alloc(0), 'image/png'],
    ['中文/报告.pdf', bytes(100000), 'application/pdf'],
    ['just below.bin', bytes(MIB - 1), 'application/octet-stream'],
    ['one part', bytes(MIB), 'application/octet-stream'],
    ['many parts.mp4', bytes(6 * MIB + 7), 'video/mp4'],
  ]) {
    const said = ftp.put(name, data, ['--ftp-method', 'nocwd']);
    const got = await call('getObject', { Key: name });
    assert.ok(got.Body.equals(data), name);
    assert.strictEqual(got.headers['content-type'].split(';')[0], type, name);
    assert.strictEqual(got.headers[CRC], crc64(data), name);
    assert.ok(said.includes('CRC-64 ' + BigInt(crc64(data)).toString(16)
      .padStart(16, '0')), said);
  }
  const big = await call('headObject', { Key: 'many parts.mp4' });
  assert.match(big.ETag, /-\d+"$/);
});

test('what the SDK stored is served by FTP', async () => {
  const file = path.join(world.directory, 'big');
  const data = bytes(8 * MIB + 3);
  fs.writeFileSync(file, data);
  await call('uploadFile', { Key: 'big', FilePath: file, SliceSize: MIB,
    ChunkSize: MIB });
  assert.ok(ftp.get('big').equals(data));
  assert.ok(ftp.get('big', ['-r', '3000000-']).equals(data.slice(3000000)));
  await call('putObject', { Key: 'empty', Body: '' });
  assert.strictEqual(ftp.get('empty').length, 0);
  await call('deleteObject', { Key: 'big' });
  ftp.fails(78, 'big');
});

test('names mean the same on both sides', async () => {
  for (const Key of keys) {
    await call('putObject', { Key, Body: 'sdk ' + Key });
    assert.strictEqual(ftp.get(Key).toString(), 'sdk ' + Key);
    ftp.put(Key, 'ftp ' + Key);
    assert.strictEqual((await call('getObject', { Key })).Body.toString(),
      'ftp ' + Key);
  }
  assert.deepStrictEqual((await stored()).sort(), [...keys].sort());
  const names = new Set(keys.map((k) => k.split('/')[0]));
  assert.deepStrictEqual(ftp.names(), [...names].sort());
  for (const Key of keys)
    ftp.commands('DELE ' + Key);
  assert.deepStrictEqual(await stored(), []);
});

test('directories without markers', async () => {
  await call('putObject', { Key: '目录/sub dir/a', Body: '1' });
  await call('putObject', { Key: '目录/sub dir/b', Body: '22' });
  await call('putObject', { Key: '目录/c', Body: '333' });
  assert.deepStrictEqual(ftp.names(), ['目录']);
  assert.match(ftp.list()[0], /^drwx.* 目录$/);
  assert.deepStrictEqual(ftp.names('目录/'), ['c', 'sub dir']);
  assert.deepStrictEqual(ftp.names('目录/sub dir/'), ['a', 'b']);
  const lines = ftp.list('目录/');
  assert.ok(lines.some((l) => /^drwx.* sub dir$/.test(l)));
  assert.ok(lines.some((l) => /^-rw.* 3 \w+ +\d+ \d\d:\d\d c$/.test(l)));
  ftp.fails(9, '目/');
  await call('deleteMultipleObject', { Objects: (await stored())
    .map((Key) => ({ Key })) });
  ftp.fails(9, '目录/');
});

test('directories with markers', async () => {
  ftp.commands('MKD made here', 'MKD made here/目');
  assert.deepStrictEqual(await stored(), ['made here/', 'made here/目/']);
  const marker = await call('headObject', { Key: 'made here/' });
  assert.strictEqual(marker.headers['content-length'], '0');
  await call('putObject', { Key: 'made there/', Body: '' });
  assert.deepStrictEqual(ftp.names(), ['made here', 'made there']);
  assert.deepStrictEqual(ftp.names('made there/'), []);
  await call('putObject', { Key: 'made here/目/f', Body: 'x' });
  assert.throws(() => ftp.commands('RMD made here/目'), /550/);
  ftp.commands('DELE made here/目/f', 'RMD made here/目', 'RMD made here',
    'RMD made there');
  assert.deepStrictEqual(await stored(), []);
});

test('a rename is seen from the other side', async () => {
  const data = bytes(200000);
  await call('putObject', { Key: 'old 名.dat', Body: data,
    ContentType: 'text/x-own', StorageClass: 'STANDARD_IA',
    'x-cos-meta-colour': 'blue' });
  ftp.commands('RNFR old 名.dat', 'RNTO new/#1+2 &.dat');
  await refused(404, 'NoSuchKey', 'getObject', { Key: 'old 名.dat' });
  const got = await call('getObject', { Key: 'new/#1+2 &.dat' });
  assert.ok(got.Body.equals(data));
  assert.strictEqual(got.headers['content-type'], 'text/x-own');
  assert.strictEqual(got.headers['x-cos-storage-class'], 'STANDARD_IA');
  assert.strictEqual(got.headers['x-cos-meta-colour'], 'blue');
});

test('a directory is renamed', async () => {
  const want = {};
  for (const key of keys)
    want['from/' + key] = 'of ' + key;
  want['from/'] = '';
  for (const Key of Object.keys(want))
    await call('putObject', { Key, Body: want[Key] });
  await call('putObject', { Key: 'from2', Body: 'stays' });
  ftp.commands('RNFR from', 'RNTO to 目');
  assert.deepStrictEqual((await stored()).sort(), ['from2',
    ...Object.keys(want).map((k) => 'to 目' + k.slice(4))].sort());
  for (const key of keys)
    assert.strictEqual((await call('getObject', { Key: 'to 目/' + key })).Body
      .toString(), 'of ' + key);
});

test('FTP adds to what the SDK stored', async () => {
  for (const size of [0, 10, MIB + 5, 3 * MIB]) {
    const old = bytes(size, 'old');
    const more = bytes(100000, 'more');
    await call('putObject', { Key: 'log', Body: old,
      ContentType: 'text/x-log', 'x-cos-meta-colour': 'blue' });
    ftp.put('log', more, ['--append']);
    const whole = Buffer.concat([old, more]);
    const got = await call('getObject', { Key: 'log' });
    assert.ok(got.Body.equals(whole), String(size));
    assert.strictEqual(got.headers['content-type'], 'text/x-log');
    assert.strictEqual(got.headers['x-cos-meta-colour'], 'blue');
    // resumed: the SDK left the first half
    await call('putObject', { Key: 'half', Body: whole.slice(0, size) });
    ftp.put('half', whole, ['-C', '-']);
    assert.ok((await call('getObject', { Key: 'half' })).Body.equals(whole));
  }
});

test('an upload over an object of the SDK replaces all of it', async () => {
  await call('putObject', { Key: 'f.txt', Body: bytes(50000),
    'x-cos-meta-colour': 'blue' });
  ftp.put('f.txt', 'short');
  const got = await call('getObject', { Key: 'f.txt' });
  assert.strictEqual(got.Body.toString(), 'short');
  assert.strictEqual(got.headers['x-cos-meta-colour'], undefined);
});
