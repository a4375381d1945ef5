console.log('x'); // expect: no-restricted-globals
setTimeout(() => 0, 1); // expect: no-restricted-globals
setInterval(() => 0, 1); // expect: no-restricted-globals
setImmediate(() => 0); // expect: no-restricted-globals
process.exit(); // expect: no-restricted-globals
await fetch('x'); // expect: no-restricted-globals
performance.now(); // expect: no-restricted-globals
crypto.randomUUID(); // expect: no-restricted-globals
Date.now(); // expect: no-restricted-properties
Math.random(); // expect: no-restricted-properties
Date.parse('2026-01-01T00:00:00Z');
