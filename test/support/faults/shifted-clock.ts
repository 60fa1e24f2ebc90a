/**
 * Preloaded into a process under test: SIGUSR2 shifts its wall clock by SHOAL_TEST_SHIFT_MS, as an operator or a time
 * server would. Monotonic clocks are not affected. With SHOAL_TEST_SHIFTED the clock is wrong from the start.
 */
const RealDate = Date
let shift = process.env.SHOAL_TEST_SHIFTED ? Number(process.env.SHOAL_TEST_SHIFT_MS) : 0

class ShiftedDate extends RealDate {
  constructor(...args: [] | [number]) {
    if (args.length === 0) super(ShiftedDate.now())
    else super(...args)
  }

  static override now(): number {
    return RealDate.now() + shift
  }
}

globalThis.Date = ShiftedDate as DateConstructor
process.on('SIGUSR2', () => {
  shift += Number(process.env.SHOAL_TEST_SHIFT_MS)
})

export {}
