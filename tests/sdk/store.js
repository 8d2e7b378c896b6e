'use strict';
// The stand-in, seen by the SDK as a client: what the SDK understands of it is
// what real COS clients would.

const assert = require('assert');
const crypto = require('crypto');
const fs = require('fs');
const path = require('path');
const { PassThrough } = require('stream');
const { world, client, call, refused, control, bytes, crc64, keys, test } =
  require('./host');

const MIB = 1024 * 1024;
const CRC = 'x-cos-hash-crc64ecma';

function put(Key, Body, more) {
  return call('putObject', Object.assign({ Key, Body }, more));
}

async function content(Key) {
  return (await call('getObject', { Key })).Body;
}

test('an object is put, looked at, read and deleted', async () => {
  const data = bytes(70000);
  const done = await put('a/b.txt', data, {
    ContentType: 'text/x-test', StorageClass: 'STANDARD_IA',
    CacheControl: 'max-age=7', 'x-cos-meta-colour': 'blue' });
  const etag = '"' + crypto.createHash('md5').update(data).digest('hex') + '"';
  assert.strictEqual(done.statusCode, 200);
  assert.strictEqual(done.ETag, etag);
  assert.strictEqual(done.headers[CRC], crc64(data));
  for (const name of ['headObject', 'getObject']) {
    const got = await call(name, { Key: 'a/b.txt' });
    assert.strictEqual(got.ETag, etag);
    assert.strictEqual(got.headers['content-length'], '70000');
    assert.strictEqual(got.headers['content-type'], 'text/x-test');
    assert.strictEqual(got.headers['cache-control'], 'max-age=7');
    assert.strictEqual(got.headers['x-cos-meta-colour'], 'blue');
    assert.strictEqual(got.headers['x-cos-storage-class'], 'STANDARD_IA');
    assert.strictEqual(got.headers[CRC], crc64(data));
    assert.ok(got.headers['x-cos-request-id']);
    assert.ok(Math.abs(Date.parse(got.headers['last-modified']) - Date.now()) <
      60000);
    if (name === 'getObject')
      assert.ok(got.Body.equals(data));
  }
  assert.strictEqual((await call('deleteObject', { Key: 'a/b.txt' }))
    .statusCode, 204);
  await refused(404, '', 'headObject', { Key: 'a/b.txt' });
  await refused(404, 'NoSuchKey', 'getObject', { Key: 'a/b.txt' });
  assert.strictEqual((await call('deleteObject', { Key: 'a/b.txt' }))
    .statusCode, 204);
});

test('ranges and conditions', async () => {
  const data = bytes(5000);
  const { ETag } = await put('r', data);
  const part = await call('getObject', { Key: 'r', Range: 'bytes=100-199' });
  assert.strictEqual(part.statusCode, 206);
  assert.strictEqual(part.headers['content-range'], 'bytes 100-199/5000');
  assert.ok(part.Body.equals(data.slice(100, 200)));
  const tail = await call('getObject', { Key: 'r', Range: 'bytes=4990-' });
  assert.ok(tail.Body.equals(data.slice(4990)));
  await refused(416, 'InvalidRange', 'getObject',
    { Key: 'r', Range: 'bytes=5000-' });
  await call('getObject', { Key: 'r', IfMatch: ETag });
  await refused(412, '', 'getObject', { Key: 'r', IfMatch: '"other"' });
  await refused(304, '', 'headObject', { Key: 'r', IfNoneMatch: ETag });
});

test('an empty object, a text, a stream in, a stream out', async () => {
  await put('empty', '');
  assert.strictEqual((await content('empty')).length, 0);
  assert.strictEqual((await call('headObject', { Key: 'empty' }))
    .headers[CRC], '0');
  await put('text', '中文 text');
  assert.strictEqual((await content('text')).toString(), '中文 text');
  const data = bytes(3 * MIB);
  const file = path.join(world.directory, 'stream');
  fs.writeFileSync(file, data);
  await put('stream', fs.createReadStream(file), { ContentLength: 3 * MIB });
  const out = new PassThrough();
  const parts = [];
  out.on('data', (d) => parts.push(d));
  await call('getObject', { Key: 'stream', Output: out });
  assert.ok(Buffer.concat(parts).equals(data));
});

test('keys with special characters', async () => {
  for (const Key of keys)
    await put(Key, 'of ' + Key);
  for (const Key of keys) {
    await call('headObject', { Key });
    assert.strictEqual((await content(Key)).toString(), 'of ' + Key);
  }
  const plain = await call('getBucket', {});
  assert.deepStrictEqual(plain.Contents.map((o) => o.Key).sort(),
    [...keys].sort());
  const url = await call('getBucket', { EncodingType: 'url' });
  assert.strictEqual(url.EncodingType, 'url');
  assert.deepStrictEqual(url.Contents.map((o) => decodeURIComponent(o.Key))
    .sort(), [...keys].sort());
  for (const Key of keys)
    await call('deleteObject', { Key });
  assert.deepStrictEqual((await call('getBucket', {})).Contents, []);
});

test('listing with delimiter, prefix and pages', async () => {
  const all = [];
  for (let i = 0; i < 10; i++)
    all.push(`d/${i}`, `d/e${i % 3}/f${i}`, `z${i}`);
  all.push('d', 'd/', 'd0');
  for (const Key of all)
    await put(Key, '12345');
  all.sort();

  // pages of 4; returns keys and common prefixes in the order they came
  const walk = async (params) => {
    const seen = [];
    let Marker;
    for (;;) {
      const page = await call('getBucket',
        Object.assign({ MaxKeys: 4, Marker }, params));
      const got = [...page.Contents.map((o) => o.Key),
        ...page.CommonPrefixes.map((p) => p.Prefix)].sort();
      assert.ok(got.length <= 4);
      seen.push(...got);
      if (page.IsTruncated !== 'true')
        return seen;
      assert.ok(page.NextMarker > (Marker || ''));
      Marker = page.NextMarker;
    }
  };
  assert.deepStrictEqual(await walk({}), all);
  assert.deepStrictEqual(await walk({ Prefix: 'd/' }),
    all.filter((k) => k.startsWith('d/')));
  assert.deepStrictEqual(await walk({ Delimiter: '/' }),
    ['d', 'd/', 'd0', ...all.filter((k) => k[0] === 'z')]);
  assert.deepStrictEqual(await walk({ Delimiter: '/', Prefix: 'd/' }),
    ['d/', ...Array.from({ length: 10 }, (_, i) => `d/${i}`),
      'd/e0/', 'd/e1/', 'd/e2/']);
  assert.deepStrictEqual(await walk({ Prefix: 'none' }), []);
  const one = (await call('getBucket', { Prefix: 'd0' })).Contents[0];
  assert.strictEqual(one.Size, '5');
  assert.strictEqual(one.StorageClass, 'STANDARD');
  assert.match(one.ETag, /^"[0-9a-f]{32}"$/);
  assert.ok(!isNaN(Date.parse(one.LastModified)));
});

test('a multipart upload by hand', async () => {
  const Key = '分块 #1+2';
  const parts = [bytes(MIB, 1), bytes(2 * MIB, 2), bytes(777, 3)];
  const { UploadId } = await call('multipartInit', { Key,
    ContentType: 'video/mp4', 'x-cos-meta-a': 'b' });
  const Parts = [];
  for (let i = 0; i < 3; i++) {
    const r = await call('multipartUpload', { Key, UploadId,
      PartNumber: i + 1, Body: parts[i] });
    assert.strictEqual(r.headers[CRC], crc64(parts[i]));
    Parts.push({ PartNumber: i + 1, ETag: r.ETag });
  }
  const listed = await call('multipartList', { Prefix: '分' });
  assert.deepStrictEqual(listed.Upload.map((u) => [u.Key, u.UploadId]),
    [[Key, UploadId]]);
  const first = await call('multipartListPart', { Key, UploadId, MaxParts: 2 });
  assert.strictEqual(first.IsTruncated, 'true');
  const rest = await call('multipartListPart', { Key, UploadId,
    PartNumberMarker: first.NextPartNumberMarker });
  assert.strictEqual(rest.IsTruncated, 'false');
  assert.deepStrictEqual([...first.Part, ...rest.Part].map((p) =>
    [Number(p.PartNumber), p.ETag, Number(p.Size)]),
  Parts.map((p, i) => [p.PartNumber, p.ETag, parts[i].length]));

  await refused(400, 'InvalidPart', 'multipartComplete', { Key, UploadId,
    Parts: [Parts[0], { PartNumber: 2, ETag: '"0123"' }, Parts[2]] });
  await refused(404, '', 'headObject', { Key });
  const done = await call('multipartComplete', { Key, UploadId, Parts });
  assert.match(done.ETag, /^"[0-9a-f]+-3"$/);
  const whole = Buffer.concat(parts);
  const got = await call('getObject', { Key });
  assert.ok(got.Body.equals(whole));
  assert.strictEqual(got.headers[CRC], crc64(whole));
  assert.strictEqual(got.headers['content-type'], 'video/mp4');
  assert.strictEqual(got.headers['x-cos-meta-a'], 'b');
  assert.deepStrictEqual((await call('multipartList', {})).Upload, []);
});

test('parts that are too small are refused at the end', async () => {
  const Key = 'small parts';
  const { UploadId } = await call('multipartInit', { Key });
  const Parts = [];
  for (const PartNumber of [1, 2]) {
    const r = await call('multipartUpload', { Key, UploadId, PartNumber,
      Body: 'tiny' });
    Parts.push({ PartNumber, ETag: r.ETag });
  }
  await refused(400, 'EntityTooSmall', 'multipartComplete',
    { Key, UploadId, Parts });
  await call('multipartAbort', { Key, UploadId });
});

test('the SDK\'s own sliced upload and download', async () => {
  const data = bytes(6 * MIB + 13);
  const file = path.join(world.directory, 'slices');
  fs.writeFileSync(file, data);
  const done = await call('uploadFile', { Key: 'dir/slices', FilePath: file,
    SliceSize: MIB, ChunkSize: MIB });
  assert.match(done.ETag, /-7"$/);
  assert.ok((await content('dir/slices')).equals(data));
  const down = path.join(world.directory, 'slices.down');
  await call('downloadFile', { Key: 'dir/slices', FilePath: down,
    ChunkSize: MIB });
  assert.ok(fs.readFileSync(down).equals(data));
});

test('uploads are listed in pages and aborted', async () => {
  const begun = [];
  for (const Key of ['a', 'b/1', 'b/2', 'c', 'c']) {
    const { UploadId } = await call('multipartInit', { Key });
    await call('multipartUpload', { Key, UploadId, PartNumber: 1, Body: 'x' });
    begun.push([Key, UploadId].join(' '));
  }
  const seen = [];
  let marker = {};
  for (;;) {
    const page = await call('multipartList',
      Object.assign({ MaxUploads: 2 }, marker));
    assert.ok(page.Upload.length <= 2);
    seen.push(...page.Upload.map((u) => [u.Key, u.UploadId].join(' ')));
    if (!/^true$/i.test(page.IsTruncated))
      break;
    marker = { KeyMarker: page.NextKeyMarker,
      UploadIdMarker: page.NextUploadIdMarker };
  }
  assert.deepStrictEqual(seen.sort(), begun.sort());
  const [Key, UploadId] = begun[0].split(' ');
  assert.strictEqual((await call('multipartAbort', { Key, UploadId }))
    .statusCode, 204);
  await refused(404, 'NoSuchUpload', 'multipartAbort', { Key, UploadId });
  await refused(404, 'NoSuchUpload', 'multipartListPart', { Key, UploadId });
  await refused(404, 'NoSuchUpload', 'multipartUpload',
    { Key, UploadId, PartNumber: 1, Body: 'x' });
  await refused(404, 'NoSuchUpload', 'multipartComplete',
    { Key, UploadId, Parts: [{ PartNumber: 1, ETag: '"x"' }] });
  await call('abortUploadTask', { Level: 'bucket' });
  assert.deepStrictEqual((await call('multipartList', {})).Upload, []);
});

// The SDK knows sources of the public domains only; the bucket is what counts.
function source(key) {
  return `${world.Bucket}.cos.${world.Region}.myqcloud.com/` +
    encodeURIComponent(key).replace(/%2F/g, '/').replace(/[!'()*]/g,
      (c) => '%' + c.charCodeAt(0).toString(16).toUpperCase());
}

test('copies keep the bytes, and what is asked for', async () => {
  const data = bytes(9000);
  for (const key of keys) {
    await put(key, data, { ContentType: 'text/x-a', 'x-cos-meta-n': '1',
      StorageClass: 'STANDARD_IA' });
    const done = await call('putObjectCopy', { Key: 'copy/' + key,
      CopySource: source(key) });
    assert.ok(done.ETag, key);
    const got = await call('getObject', { Key: 'copy/' + key });
    assert.ok(got.Body.equals(data));
    assert.strictEqual(got.headers['content-type'], 'text/x-a');
    assert.strictEqual(got.headers['x-cos-meta-n'], '1');
    assert.strictEqual(got.headers['x-cos-storage-class'], undefined);
    assert.strictEqual(got.headers[CRC], crc64(data));
  }
  const CopySource = source('plain.txt');
  const done = await call('putObjectCopy', { Key: 'replaced', CopySource,
    MetadataDirective: 'Replaced', ContentType: 'text/x-b',
    StorageClass: 'STANDARD_IA' });
  assert.strictEqual(done.CRC64, crc64(data));
  const got = await call('headObject', { Key: 'replaced' });
  assert.strictEqual(got.headers['content-type'], 'text/x-b');
  assert.strictEqual(got.headers['x-cos-meta-n'], undefined);
  assert.strictEqual(got.headers['x-cos-storage-class'], 'STANDARD_IA');
  await refused(412, '', 'putObjectCopy', { Key: 'x', CopySource,
    CopySourceIfMatch: '"other"' });
  await refused(404, 'NoSuchKey', 'putObjectCopy', { Key: 'x',
    CopySource: source('none') });
});

test('copies in parts', async () => {
  const data = bytes(7 * MIB + 5);
  await put('大 source', data);
  const CopySource = source('大 source');
  const Key = 'copied by hand';
  const { UploadId } = await call('multipartInit', { Key });
  const Parts = [];
  const half = 3 * MIB + 1;
  for (const [PartNumber, from, to] of [[1, 0, half], [2, half, data.length]]) {
    const r = await call('uploadPartCopy', { Key, UploadId, PartNumber,
      CopySource, CopySourceRange: `bytes=${from}-${to - 1}` });
    Parts.push({ PartNumber, ETag: r.ETag });
  }
  await refused(400, 'InvalidArgument', 'uploadPartCopy', { Key, UploadId,
    PartNumber: 3, CopySource, CopySourceRange: `bytes=0-${data.length}` });
  await call('multipartComplete', { Key, UploadId, Parts });
  assert.ok((await content(Key)).equals(data));

  // and the SDK by itself
  await call('sliceCopyFile', { Key: 'sliced', CopySource, CopySliceSize: MIB,
    CopyChunkSize: 2 * MIB });
  const got = await call('getObject', { Key: 'sliced' });
  assert.ok(got.Body.equals(data));
  assert.match(got.ETag, /-4"$/);
  assert.strictEqual(got.headers[CRC], crc64(data));
});

test('many keys deleted at once', async () => {
  for (const Key of keys)
    await put(Key, 'x');
  await put('stays', 'x');
  const wanted = [...keys, 'was never there'];
  const done = await call('deleteMultipleObject', { Objects: wanted
    .map((Key) => ({ Key })) });
  assert.deepStrictEqual(done.Deleted.map((d) => d.Key).sort(), wanted.sort());
  assert.deepStrictEqual(done.Error, []);
  assert.deepStrictEqual((await call('getBucket', {})).Contents
    .map((o) => o.Key), ['stays']);
  await control('POST', '/fill?prefix=many/&count=1001&size=1');
  const thousand = Array.from({ length: 1001 }, (_, i) =>
    ({ Key: 'many/' + String(i).padStart(6, '0') }));
  await refused(400, 'MalformedXML', 'deleteMultipleObject',
    { Objects: thousand });
  const quiet = await call('deleteMultipleObject',
    { Objects: thousand.slice(1), Quiet: 'true' });
  assert.deepStrictEqual(quiet.Deleted, []);
  assert.deepStrictEqual((await call('getBucket', { Prefix: 'many/' }))
    .Contents.map((o) => o.Key), ['many/000000']);
});

test('overwriting can be forbidden', async () => {
  await put('once', 'first');
  await refused(409, 'FileAlreadyExists', 'putObject', { Key: 'once',
    Body: 'second', Headers: { 'x-cos-forbid-overwrite': 'true' } });
  assert.strictEqual((await content('once')).toString(), 'first');
});

test('a wrong MD5 is refused, nothing is replaced', async () => {
  await put('md5', 'old');
  await refused(400, 'BadDigest', 'putObject', { Key: 'md5', Body: 'new',
    ContentMD5: crypto.createHash('md5').update('other').digest('base64') });
  assert.strictEqual((await content('md5')).toString(), 'old');
  const cos = client({ UploadCheckContentMd5: true });
  await call('putObject', { Key: 'md5', Body: 'new' }, cos);
  assert.strictEqual((await content('md5')).toString(), 'new');
});

test('buckets', async () => {
  await call('headBucket', {});
  await refused(404, 'NoSuchBucket', 'getBucket',
    { Bucket: 'other-1250000000' });
});
