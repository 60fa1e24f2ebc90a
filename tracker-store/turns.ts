const waiting: (() => void)[] = []

/**
 * Resolves in a turn of the event loop of its own; all callers queue here. Long work awaits one before each slice, so
 * that others are served between slices, however much long work there is.
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
