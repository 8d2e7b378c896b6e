'use strict';
// Runs all tests; the last line is "sdk: N passed, N failed".

const host = require('./host');

require('./store');
require('./signature');
require('./gateway');

host.runAll().then((r) => r, async (e) => {
  console.log(String(e.stack || e));
  await host.stop();
  return { passed: 0, failed: 1 };
}).then((r) => {
  console.log(`sdk: ${r.passed} passed, ${r.failed} failed`);
  // the SDK keeps idle connections
  process.exit(r.failed === 0 && r.passed > 0 ? 0 : 1);
});
