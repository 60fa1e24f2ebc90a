/** Plain ESM under Node's own loader; types are stripped, not compiled (test/support/transform.cjs). */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/test/**/*.test.ts'],
  extensionsToTreatAsEsm: ['.ts'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  transform: { '\\.ts$': '<rootDir>/test/support/transform.cjs' },
  // Those of the single binary are for `npm run test:binary`, those of containers for `npm run test:containers`.
  testPathIgnorePatterns: [
    '/node_modules/',
    ...(process.env.SHOAL_BIN ? [] : ['/test/binary/']),
    ...(process.env.SHOAL_CONTAINERS ? [] : ['/test/containers/']),
  ],
  watchman: false,
  maxWorkers: 2,
  // A worker that has nothing open any more still has its heap to give back: on a loaded machine half a second,
  // which is the default, is too short for that, and what it reports then is no leak.
  workerGracefulExitTimeout: 5000,
  // Ends what hangs. Where ten others share the machine, a test of a dozen commands takes six times as long.
  testTimeout: 60_000,
}
