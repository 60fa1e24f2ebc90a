import fc from 'fast-check'
import { ByteLimit } from '../../../../peer/wire/byte-limit.ts'
import { TokenBucket } from '../../../../peer/wire/token-bucket.ts'

interface Sent {
  at: number
  bytes: number
}

/** The pieces that always-ready senders send within `seconds` of a simulated clock. */
function simulate(rate: number, sizes: number[], seconds: number, senders: number): Sent[] {
  const bucket = new TokenBucket(rate, 0)
  const sent: Sent[] = []
  const ready = Array.from({ length: senders }, () => 0)
  for (let i = 0; ; i++) {
    const who = ready.indexOf(Math.min(...ready))
    const now = ready[who]!
    if (now >= seconds * 1000) return sent
    const bytes = sizes[i % sizes.length]!
    const at = now + bucket.take(bytes, now)
    if (at < seconds * 1000) sent.push({ at, bytes })
    ready[who] = at
  }
}

const total = (sent: Sent[]): number => sent.reduce((sum, { bytes }) => sum + bytes, 0)

test('always-ready senders get the rate within 5 %, for any piece sizes and number of senders', () => {
  const pieces = fc.array(fc.integer({ min: 1000, max: 64 * 1024 }), { minLength: 1, maxLength: 10 })
  fc.assert(
    fc.property(
      fc.integer({ min: 1e6, max: 1e9 }),
      pieces,
      fc.integer({ min: 1, max: 8 }),
      (rate, sizes, senders) => {
        const seconds = 10_000_000 / rate + 3
        const sent = total(simulate(rate, sizes, seconds, senders))
        expect(Math.abs(sent / (rate * seconds) - 1)).toBeLessThan(0.05)
      },
    ),
    { numRuns: 30 },
  )
})

test('no second exceeds the rate plus a burst of a tenth of a second and one piece', () => {
  const rate = 10_000_000
  const sent = simulate(rate, [64 * 1024], 10, 4).sort((a, b) => a.at - b.at)
  for (let from = 0, i = 0; from <= 9000; from += 100) {
    while (sent[i]!.at < from) i++
    const second = sent.slice(i).filter(({ at }) => at < from + 1000)
    expect(total(second)).toBeLessThanOrEqual(rate * 1.1 + 64 * 1024)
  }
})

test('unused capacity is saved for at most a tenth of a second', () => {
  const bucket = new TokenBucket(1000, 0)
  bucket.take(100, 0)
  expect(bucket.take(100, 3_600_000)).toBe(0)
  expect(bucket.take(100, 3_600_000)).toBeCloseTo(100)
})

test('a piece larger than the burst waits for enough tokens, and later pieces wait behind it', () => {
  const bucket = new TokenBucket(1000, 0)
  expect(bucket.take(1100, 0)).toBeCloseTo(1000)
  expect(bucket.take(1, 0)).toBeCloseTo(1001)
})

test('a rate of 0 means no limit', async () => {
  const bucket = new TokenBucket(0, 0)
  for (let i = 0; i < 10; i++) expect(bucket.take(1e12, 0)).toBe(0)
  const limit = new ByteLimit(0)
  expect(limit.stepSize(1 << 20)).toBe(1 << 20)
  await limit.take(1e12, new AbortController().signal)
})

test('with a limit pieces are small, and never larger than without one', () => {
  expect(new ByteLimit(1000).stepSize(1 << 20)).toBe(16 * 1024)
  expect(new ByteLimit(2_000_000).stepSize(1 << 20)).toBe(100_000)
  expect(new ByteLimit(1e12).stepSize(1 << 20)).toBe(1 << 20)
})

test('waiting for a limit ends when its signal aborts', async () => {
  const limit = new ByteLimit(1)
  const abort = new AbortController()
  const waiting = limit.take(1000, abort.signal)
  abort.abort()
  await expect(waiting).rejects.toThrow()
})
