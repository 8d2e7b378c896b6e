'use strict';
// The SDK's signer as a second opinion: requests made by hand and signed by
// it are taken, and what was changed behind its back is not.

const assert = require('assert');
const { world, client, call, refused, request, control, keys, test } =
  require('./host');

// signed: what the signer is told; sent: what differs on the wire.
function ask(method, key, query, headers, body, sent) {
  const all = Object.assign({ Host: world.host }, headers);
  if (body !== undefined)
    all['Content-Length'] = Buffer.byteLength(body);
  all.Authorization = world.COS.getAuthorization(Object.assign({
    SecretId: world.ID, SecretKey: world.KEY, Method: method, Key: key,
    Query: query, Headers: all, Expires: 60 }, sent && sent.sign));
  const target = '/' + key.split('/').map(encodeURIComponent).join('/');
  const params = Object.entries(Object.assign({}, query, sent && sent.query))
    .map(([n, v]) => encodeURIComponent(n) + '=' + encodeURIComponent(v));
  return request(method, target + (params.length ? '?' + params.join('&') : ''),
    Object.assign(all, sent && sent.headers), body);
}

async function status(want, ...what) {
  const r = await ask(...what);
  assert.strictEqual(r.status, want, `${what.slice(0, 2)}: ${r.status} ` +
    r.body);
  return r;
}

test('signatures of the SDK are taken', async () => {
  for (const key of keys) {
    await status(200, 'PUT', key, {}, { 'Content-Type': 'text/x; a=b',
      'x-cos-meta-note': 'a b+c/d' }, 'of ' + key);
    const got = await status(206, 'GET', key, {}, { Range: 'bytes=0-1' });
    assert.strictEqual(got.body.toString(), 'of');
    await status(200, 'HEAD', key, {}, {});
  }
  await status(200, 'GET', '', { prefix: 'a?b=c&d', delimiter: '/',
    'max-keys': '5', 'encoding-type': 'url' }, {});
  await status(200, 'GET', '', { uploads: '', prefix: '报告 +/*\'()!~' }, {});
  const begun = await status(200, 'POST', 'a b', { uploads: '' }, {}, '');
  const uploadId = /<UploadId>(.*)<\/UploadId>/.exec(begun.body)[1];
  await status(200, 'PUT', 'a b', { partNumber: '1', uploadId }, {}, 'part');
  await status(204, 'DELETE', 'a b', { uploadId }, {});
});

test('what was not signed so is refused', async () => {
  await status(200, 'PUT', 'k', {}, { 'x-cos-meta-a': '1' }, 'x');
  for (const [what, sent] of [
    ['another key pair', { sign: { SecretKey: 'Another' } }],
    ['another method', { sign: { Method: 'PUT' } }],
    ['another key', { sign: { Key: 'K' } }],
    ['another parameter', { query: { prefix: 'other' } }],
    ['another header', { headers: { 'x-cos-meta-a': '2' } }],
    ['another host', { headers: { Host: world.host.replace('cos.', 'x.') } }],
  ]) {
    const r = await ask('GET', 'k', { 'response-content-type': 'a/b' },
      { 'x-cos-meta-a': '1' }, undefined,
      what === 'another parameter' ? { query: { 'response-content-type':
        'c/d' } } : sent);
    assert.strictEqual(r.status, 403, what);
    assert.match(r.body.toString(), /<Code>SignatureDoesNotMatch<\/Code>/,
      what);
  }
  const id = await ask('GET', 'k', {}, {}, undefined,
    { sign: { SecretId: 'AKIDOTHER' } });
  assert.match(id.body.toString(), /<Code>InvalidAccessKeyId<\/Code>/);
  const now = Math.floor(Date.now() / 1000);
  const late = await ask('GET', 'k', {}, {}, undefined,
    { sign: { KeyTime: `${now - 120};${now - 60}` } });
  assert.strictEqual(late.status, 403);
  assert.match(late.body.toString(), /expired/);
  const none = await request('GET', '/k', { Host: world.host });
  assert.strictEqual(none.status, 403);
});

test('what is sent unsigned is refused while the stand-in is strict',
  async () => {
    await control('POST', '/config?sign_subset=0');
    try {
      await status(200, 'PUT', 'k', {}, { 'x-cos-meta-a': '1' }, 'x');
      const r = await ask('PUT', 'k', {}, {}, 'y',
        { headers: { 'x-cos-meta-a': '2' } });
      assert.strictEqual(r.status, 403);
      assert.match(r.body.toString(), /x-cos-meta-a is not in the list/);
    } finally {
      await control('POST', '/config?sign_subset=1');
    }
  });

test('the SDK with a wrong secret', async () => {
  await call('putObject', { Key: 'k', Body: 'x' });
  const wrong = client({ SecretKey: 'Another' });
  await refused(403, 'SignatureDoesNotMatch', 'getObject', { Key: 'k' }, wrong);
  await refused(403, 'SignatureDoesNotMatch', 'putObject', { Key: 'k',
    Body: 'y' }, wrong);
  await refused(403, 'InvalidAccessKeyId', 'getBucket', {},
    client({ SecretId: 'AKIDOTHER' }));
  assert.strictEqual((await call('getObject', { Key: 'k' })).Body.toString(),
    'x');
});

test('the SDK sets its clock by the stand-in', async () => {
  const say = console.error;
  console.error = () => {};       // the SDK says so
  await control('POST', '/config?skew=7200');
  try {
    const cos = client();
    await call('putObject', { Key: 'k', Body: 'x' }, cos);
    assert.ok(Math.abs(cos.options.SystemClockOffset - 7200000) < 60000);
    await refused(403, 'RequestTimeTooSkewed', 'getObject', { Key: 'k' },
      client({ CorrectClockSkew: false }));
  } finally {
    console.error = say;
    await control('POST', '/config?skew=0');
  }
});
