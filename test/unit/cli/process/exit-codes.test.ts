import { EXIT_CODES, exitCode, signalExitCode } from '../../../../cli/process/exit-codes.ts'
import { interrupted } from '../../../../cli/process/interrupt.ts'
import { ShoalError } from '../../../../protocol/errors.ts'

test.each([
  ['INTERNAL', 1],
  ['USAGE', 2],
  ['BAD_CONFIG', 2],
  ['NOT_LOGGED_IN', 3],
  ['WRONG_PASSWORD', 3],
  ['NOT_A_MEMBER', 4],
  ['GROUP_NOT_FOUND', 5],
  ['GROUP_TAKEN', 6],
  ['TRACKER_UNREACHABLE', 7],
  ['NO_PEER', 8],
  ['HASH_MISMATCH', 9],
  ['NO_SPACE', 10],
  ['RATE_LIMITED', 11],
] as const)('%s exits with %d', (code, status) => {
  expect(exitCode(new ShoalError(code, 'x'))).toBe(status)
})

test('each kind of error has its own exit code', () => {
  const codes = Object.values(EXIT_CODES)
  expect(new Set(codes).size).toBe(codes.length)
})

test('Ctrl-C exits with 130 and SIGTERM with 143', () => {
  expect(exitCode(interrupted('SIGINT'))).toBe(130)
  expect(exitCode(interrupted('SIGTERM'))).toBe(143)
  expect(signalExitCode('SIGHUP')).toBe(129)
})
