import { followTracker, steadyNow } from '../../../../peer/wire/steady-clock.ts'

const HOUR = 3600_000
/** `steadyNow` counts hundredths of a second. */
const near = (now: number): boolean => Math.abs(steadyNow() - now) < 1000

afterEach(() => followTracker(Date.now(), 0))

test.each([HOUR, -HOUR])('the clock follows a tracker whose clock differs by %d ms', (shift) => {
  expect(near(Date.now())).toBe(true)
  followTracker(Date.now() + shift, 100)
  expect(near(Date.now() + shift)).toBe(true)
})

test('the clock ignores what rounding explains, and answers that this process slept through', () => {
  followTracker(Date.now() - 2000, 100)
  expect(near(Date.now())).toBe(true)
  followTracker(Date.now() - HOUR, HOUR)
  expect(near(Date.now())).toBe(true)
})
