import { closeSync, constants, createWriteStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { storageError } from '../../protocol/errors.ts'

/** Pause between attempts to open a FIFO that has no reader yet. */
const RETRY_MS = 50

/**
 * Opens a FIFO or a device for writing, and waits for a FIFO's reader, like `cat`. It polls, because a blocking open would
 * keep the process from ending. Throws a storage error, or the signal's reason.
 */
export async function openNode(path: string, signal: AbortSignal): Promise<NodeJS.WritableStream> {
  for (;;) {
    signal.throwIfAborted()
    const fd = tryOpen(path)
    if (fd !== null) return streamOf(fd, path)
    await delay(RETRY_MS, undefined, { signal }).catch(() => {})
  }
}

/** Null for a FIFO without a reader. */
function tryOpen(path: string): number | null {
  try {
    return openSync(path, constants.O_WRONLY | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENXIO') return null
    throw storageError(error, path)
  }
}

function streamOf(fd: number, path: string): NodeJS.WritableStream {
  // A file stream fails when the FIFO is full; a socket waits until there is room.
  if (fstatSync(fd).isFIFO()) return new Socket({ fd, readable: false, writable: true })
  closeSync(fd)
  return createWriteStream(path, { flags: 'r+' })
}
