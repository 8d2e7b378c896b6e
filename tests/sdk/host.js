'use strict';
// What the tests stand on: fakecos and cosftpd on loopback, the SDK as a
// client, curl as the FTP side, and a list of named tests.

const childProcess = require('child_process');
const crypto = require('crypto');
const fs = require('fs');
const http = require('http');
const net = require('net');
const os = require('os');
const path = require('path');
const COS = require('cos-nodejs-sdk-v5');

const top = path.resolve(__dirname, '../..');
const FAKECOS = process.env.FAKECOS || path.join(top, 'build/host/fakecos');
const COSFTPD = process.env.COSFTPD || path.join(top, 'cosftpd');
const ID = 'AKIDTESTONLY0001';
const KEY = 'SecretForTestsOnly';
const Bucket = 'test-1250000000';
const Region = 'ap-guangzhou';
const USER = 'user1';
const PASSWORD = 'pass 1';

const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'cosftpd-sdk-'));
const children = [];

// ---- processes ----

// Rejects when it takes longer; the timer does not outlive the promise.
function bounded(what, seconds, promise) {
  let timer;
  const late = new Promise((resolve, reject) => {
    timer = setTimeout(() => reject(new Error(what + ': took longer than ' +
      seconds + ' s')), seconds * 1000);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// Starts it and waits for a line that matches; answers the match.
function start(name, program, args, pattern) {
  const child = childProcess.spawn(program, args, {
    cwd: directory, stdio: ['ignore', 'pipe', 'pipe'],
  });
  const it = { name, child, text: '' };
  it.ended = new Promise((resolve) => {
    child.on('exit', (code, signal) => resolve(signal || code));
    child.on('error', (e) => resolve(e.message));
  });
  children.push(it);
  return bounded(name + ' to be ready', 10, new Promise((resolve, reject) => {
    const look = (data) => {
      it.text += data;
      const m = pattern.exec(it.text);
      if (m)
        resolve(m);
    };
    child.stdout.on('data', look);
    child.stderr.on('data', look);
    it.ended.then((why) => reject(new Error(name + ' ended (' + why + '): ' +
      it.text)));
  }));
}

async function stop() {
  const bad = [];
  while (children.length > 0) {
    const it = children.pop();
    it.child.kill('SIGTERM');
    try {
      const code = await bounded(it.name + ' to stop', 15, it.ended);
      if (code !== 0 || /ERROR: /.test(it.text))    // a sanitizer's report
        bad.push(it.name + ' ended with ' + code + ': ' + it.text.slice(-2000));
    } catch (e) {
      it.child.kill('SIGKILL');
      bad.push(e.message);
    }
  }
  fs.rmSync(directory, { recursive: true, force: true });
  return bad;
}

process.on('exit', () => {
  for (const it of children)
    it.child.kill('SIGKILL');
});

function listens(port) {
  return new Promise((resolve) => {
    const s = net.createServer();
    s.on('error', () => resolve(false));
    s.listen(port, '127.0.0.1', () => s.close(() => resolve(true)));
  });
}

// The first of n ports in a row that nobody listens on, below those the
// system gives to outgoing connections.
async function freePorts(n) {
  for (let tries = 0; tries < 100; tries++) {
    const first = crypto.randomInt(10000, 32000);
    let good = 0;
    while (good < n && await listens(first + good))
      good++;
    if (good === n)
      return first;
  }
  throw new Error('no free ports');
}

// ---- the world of a test ----

const world = { Bucket, Region, ID, KEY, COS, directory };

async function startAll() {
  world.port = Number((await start('fakecos', FAKECOS, ['--bucket', Bucket,
    '--id', ID, '--key', KEY], /ready on 127\.0\.0\.1:(\d+)/))[1]);
  // The SDK leaves some headers unsigned, which COS takes; the stand-in does
  // not, as cosftpd signs them all.
  await control('POST', '/config?sign_subset=1');
  const first = await freePorts(33);
  const config = path.join(directory, 'vsftpd.conf');
  world.ftpPort = first;
  fs.writeFileSync(config, `[COS_ACCOUNT_0]
cos_secretid = ${ID}
cos_secretkey = ${KEY}
cos_bucket = ${Bucket}
cos_endpoint = cos.localhost:${world.port}
cos_protocol = http
home_dir = /home/${USER}
ftp_login_user_name = ${USER}
ftp_login_user_password = "${PASSWORD}"
authority = RW
[NETWORK]
listen_port = ${first}
passive_port = ${first + 1},${first + 32}
[OPTIONAL]
log_level = DEBUG
log_dir = log
login_delay = 0
config_check_enable = false
`, { mode: 0o600 });
  await start('cosftpd', COSFTPD, ['-c', config], /ready on port/);
  world.host = Bucket + '.cos.localhost:' + world.port;
  world.cos = client();
}

// A client of the stand-in.  Not every resolver knows *.localhost, so the SDK
// is told the address; the Host header keeps the name.
function client(options) {
  return new COS(Object.assign({
    SecretId: ID, SecretKey: KEY, Protocol: 'http:',
    Domain: '{Bucket}.cos.localhost:' + world.port,
    Ip: '127.0.0.1:' + world.port,
    ConfCwd: directory, Timeout: 20000,
  }, options));
}

// One SDK call, as world.cos.putObject; the bucket is filled in.
function call(name, params, cos) {
  return (cos || world.cos)[name](Object.assign({ Bucket, Region }, params));
}

// An SDK call that must fail with this status and code ('' for any).
async function refused(status, code, name, params, cos) {
  let result;
  try {
    result = await call(name, params, cos);
  } catch (e) {
    const got = e.code || '';
    if (e.statusCode !== status || (code && got !== code))
      throw new Error(`${name}: ${e.statusCode} ${got} instead of ${status} ` +
        `${code}: ${e.message}`);
    return e;
  }
  throw new Error(`${name} went well: ${JSON.stringify(result)}`);
}

// Plain HTTP to the stand-in.
function request(method, target, headers, body) {
  return bounded(method + ' ' + target, 20, new Promise((resolve, reject) => {
    const r = http.request({ host: '127.0.0.1', port: world.port, method,
      path: target, headers }, (answer) => {
      const parts = [];
      answer.on('data', (d) => parts.push(d));
      answer.on('error', reject);
      answer.on('end', () => resolve({ status: answer.statusCode,
        headers: answer.headers, body: Buffer.concat(parts) }));
    });
    r.on('error', reject);
    r.end(body);
  }));
}

async function control(method, target) {
  const r = await request(method, target, { Host: 'fakecos.control',
    'Content-Length': 0 });
  if (r.status !== 200)
    throw new Error(`${target}: ${r.status} ${r.body}`);
  return r.body;
}

// curl against cosftpd; code: what it must end with.
function curl(args, code) {
  const done = childProcess.spawnSync('curl', ['-sS', '-g', '--max-time', '30',
    ...args], { cwd: directory, timeout: 40000, maxBuffer: 64 << 20 });
  if (done.status !== (code || 0))
    throw new Error(`curl ${args.join(' ')} ended with ${done.status}: ` +
      `${done.stderr}`);
  return done;
}

function url(name) {
  return `ftp://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:` +
    `${world.ftpPort}/` + encodeURIComponent(name || '').replace(/%2F/g, '/');
}

const ftp = {
  put(name, data, options) {
    const file = path.join(directory, 'up');
    fs.writeFileSync(file, data);
    return curl(['-v', ...(options || []), '-T', file, url(name)])
      .stderr.toString();
  },
  get(name, options) {
    const file = path.join(directory, 'down');
    fs.rmSync(file, { force: true });
    curl([...(options || []), '-o', file, url(name)]);
    return fs.existsSync(file) ? fs.readFileSync(file) : Buffer.alloc(0);
  },
  names(name) {       // what NLST says
    return curl(['-l', url(name)]).stdout.toString().split('\n')
      .filter((n) => n !== '').sort();
  },
  list(name) {
    return curl([url(name)]).stdout.toString().split('\n')
      .filter((n) => n !== '');
  },
  commands(...list) {
    const args = [];
    for (const c of list)
      args.push('-Q', c);
    curl([...args, '-I', url()]);
  },
  fails(code, name) {
    curl(['-o', path.join(directory, 'down'), url(name)], code);
  },
};

// ---- data ----

function bytes(size, seed) {
  const out = Buffer.alloc(size);
  const key = crypto.createHash('sha256').update(String(seed || size))
    .digest();
  return crypto.createCipheriv('aes-256-ctr', key, Buffer.alloc(16)).update(out);
}

// CRC-64/ECMA-182 reflected, byte by byte: slow, and nobody else's code.
const crcTable = Array.from({ length: 256 }, (_, i) => {
  let c = BigInt(i);
  for (let k = 0; k < 8; k++)
    c = c & 1n ? (c >> 1n) ^ 0xC96C5795D7870F42n : c >> 1n;
  return [Number(c >> 32n), Number(c & 0xffffffffn)];
});

function crc64(data) {
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (const b of data) {
    const t = crcTable[(low ^ b) & 0xff];
    low = (((low >>> 8) | (high << 24)) ^ t[1]) >>> 0;
    high = ((high >>> 8) ^ t[0]) >>> 0;
  }
  return String(((BigInt(high) << 32n) | BigInt(low)) ^ 0xffffffffffffffffn);
}

// Keys that have broken clients.  They are FTP names as well.
const keys = ['plain.txt', 'two words.txt', ' blanks around ', "it's.txt",
  'say "hi".txt', '#%+&*[].txt', '%41.txt', 'a?b=c&d#e;f,g:h@i!j~k.txt',
  '<x>&amp;.xml', '$HOME`(){}|^.txt', '-dash', '.hidden', 'back\\slash',
  '报告 最终版.txt', 'e\u0301 \u00e9', '\u{1F600}\u200d.txt',
  'dir/sub dir/目录/f+1.bin'];

// ---- tests ----

const tests = [];
function test(name, run) {
  tests.push({ name, run });
}

async function runAll() {
  let failed = 0;
  await startAll();
  for (let i = 0; i < tests.length; i++) {
    let why = null;
    try {
      await control('POST', '/reset');
      await control('POST', '/wipe');
      await bounded('the test', 60, tests[i].run(world));
      const left = JSON.parse(await control('GET', '/uploads'));
      if (left.length > 0)
        throw new Error('left pending: ' + JSON.stringify(left));
    } catch (e) {
      why = e;
      failed++;
    }
    console.log(`${why ? 'not ok' : 'ok'} ${i + 1} - ${tests[i].name}`);
    if (why)
      console.log(String(why.stack || JSON.stringify(why)).replace(/^/gm,
        '    '));
  }
  for (const why of await stop()) {
    failed++;
    console.log('not ok - ' + why);
  }
  console.log(`1..${tests.length}`);
  return { passed: Math.max(0, tests.length - failed), failed };
}

module.exports = { world, client, call, refused, request, control, curl, url,
  ftp, bytes, crc64, keys, test, runAll, stop };
