import { setTimeout as delay } from 'node:timers/promises'

/** Waits until `fact` holds. After `timeoutMs` it fails and quotes the fact. */
export async function until(fact: () => boolean | Promise<boolean>, timeoutMs = 5000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (!(await fact())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${fact}`)
    await delay(5)
  }
}
