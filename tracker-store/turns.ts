const waiting: (() => void)[] = []

/**
 * Resolves in a turn of the event loop that is the caller's alone, among all that wait here. Long work asks for one
 * before each of its slices: however much of it there is at once, others are served after each slice.
 */
export function turn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  if (waiting.push(resolve) === 1) setImmediate(next)
  return promise
}

function next(): void {
  waiting.shift()?.()
  if (waiting.length > 0) setImmediate(next)
}
