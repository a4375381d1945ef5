setTimeout(() => 0, 1); // expect: no-restricted-globals
process.exit(); // expect: no-restricted-globals
Date.now(); // expect: no-restricted-properties
Math.random(); // expect: no-restricted-properties

export type Anything = string;
