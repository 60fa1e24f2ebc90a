import { closeSync, constants, createWriteStream, fstatSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { storageError } from '../../protocol/errors.ts'

/** Pause between attempts to open a FIFO that has no reader yet. */
const RETRY_MS = 50

const STANDARD = ['/dev/stdin', '/dev/stdout', '/dev/stderr']

/** The descriptor of this process that `path` names, or null. */
export function descriptorOf(path: string): number | null {
  const standard = STANDARD.indexOf(path)
  if (standard >= 0) return standard
  const match = /^\/(?:dev|proc\/self)\/fd\/(\d{1,9})$/.exec(path)
  return match ? Number(match[1]) : null
}

/**
 * Opens a FIFO or a device for writing, and waits for a FIFO's reader, like `cat`. It polls, because a blocking open would
 * keep the process from ending. A descriptor of this process is used as it is, at its own position, since opening its
 * path again would write over the beginning of a file. Throws a storage error, or the signal's reason.
 */
export async function openNode(path: string, signal: AbortSignal): Promise<Writable> {
  const descriptor = descriptorOf(path)
  if (descriptor !== null) return ofDescriptor(descriptor, path)
  for (;;) {
    signal.throwIfAborted()
    const fd = tryOpen(path)
    if (fd !== null) return ofNode(fd, path)
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

function ofDescriptor(fd: number, path: string): Writable {
  try {
    const stat = fstatSync(fd)
    if (stat.isSocket()) return ofPipe(fd)
    // Only a descriptor of its own may become non-blocking: others may write to the pipe too.
    if (stat.isFIFO()) return ofPipe(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
    return createWriteStream(path, { fd })
  } catch (error) {
    throw storageError(error, path)
  }
}

function ofNode(fd: number, path: string): Writable {
  if (fstatSync(fd).isFIFO()) return ofPipe(fd)
  closeSync(fd)
  return createWriteStream(path, { flags: 'r+' })
}

/** A file stream fails when a pipe is full; a socket waits until there is room. */
const ofPipe = (fd: number): Writable => new Socket({ fd, readable: false, writable: true })
