// Node's basic-ftp, driven by steps: see drivers.py.
'use strict';
const fs = require('fs');
const ftp = require('basic-ftp');

const [host, port, user, password, tls, mode, ca] = process.argv.slice(2);
const say = (...words) => fs.writeSync(1, words.join('\t') + '\n');

const verbs = {
	put: (c, local, remote) => c.uploadFrom(local, remote),
	get: (c, remote, local) => c.downloadTo(local, remote),
	reput: async (c, local, remote) =>
		c.appendFrom(local, remote, { localStart: await c.size(remote) }),
	reget: (c, remote, local) =>
		c.downloadTo(local, remote, fs.statSync(local).size),
	append: (c, local, remote) => c.appendFrom(local, remote),
	list: (c, dir) => entries(c, ['LIST -a'], dir),
	mlsd: (c, dir) => entries(c, ['MLSD'], dir),
	size: async (c, path) => say('value', await c.size(path)),
	time: async (c, path) =>
		say('value', (await c.lastMod(path)).getTime() / 1000),
	mkdir: async (c, path) => {
		await c.ensureDir(path);
		await c.cd('/');
	},
	cwd: async (c, path) => {
		await c.cd(path);
		say('value', await c.pwd());
	},
	move: (c, from, to) => c.rename(from, to),
	delete: (c, path) => c.remove(path),
	rmdir: (c, path) => c.removeEmptyDir(path),
	upload: (c, local, remote) => c.uploadFromDir(local, remote),
	download: (c, remote, local) => c.downloadToDir(local, remote),
	purge: (c, path) => c.removeDir(path),
};

async function entries(c, commands, dir) {
	c.availableListCommands = commands;
	for (const e of await c.list(dir))
		say('entry', e.isDirectory ? 'dir' : 'file', e.size, e.name);
}

async function main() {
	const c = new ftp.Client(30000);
	if (mode === 'pasv')
		c.prepareTransfer = ftp.enterPassiveModeIPv4;
	if (mode.startsWith('epsv'))
		c.prepareTransfer = ftp.enterPassiveModeIPv6;
	await c.access({
		host, port: Number(port), user, password,
		secure: { plain: false, explicit: true, implicit: 'implicit' }[tls],
		secureOptions: tls === 'plain' ? undefined :
			{ ca: fs.readFileSync(ca), host },
	});
	for (const line of fs.readFileSync(0, 'utf8').split('\n')) {
		const [verb, ...words] = line.split('\t');
		if (verb)
			await verbs[verb](c, ...words);
	}
	c.close();
}

main().catch((e) => {
	console.error(e);
	process.exit(1);
});
