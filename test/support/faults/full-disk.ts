import { closeSync, openSync, writeSync } from 'node:fs'

/** Takes all the space that is left. */
export function fill(path: string): void {
  const zeros = Buffer.alloc(64 * 1024)
  const fd = openSync(path, 'w')
  try {
    for (;;) writeSync(fd, zeros)
  } catch (error) {
    expect(error).toMatchObject({ code: 'ENOSPC' })
  } finally {
    closeSync(fd)
  }
}
