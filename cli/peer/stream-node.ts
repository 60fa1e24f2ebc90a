import { closeSync, constants, createWriteStream, fstatSync, openSync, type Stats, statSync } from 'node:fs'
import { Socket } from 'node:net'
import { resolve } from 'node:path'
import type { Writable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import { isDeno } from '../../packed/runtime.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import { output } from '../process/output-stream.ts'
import { PipeWriter } from './pipe-writer.ts'

/** Pause between attempts to open a FIFO that has no reader yet. */
const RETRY_MS = 50

const STANDARD = ['/dev/stdin', '/dev/stdout', '/dev/stderr']

/**
 * The stream that -o names: "-" for standard output by whatever name, the path of a FIFO, a device or a descriptor, or null
 * for a file. Throws PATH_IN_THE_WAY for a socket.
 */
export function streamOutput(given: string): string | null {
  if (given === '-') return '-'
  const path = resolve(given)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat) return null
  if (isStream(path, stat)) return isStdout(path, stat) ? '-' : path
  if (!stat.isSocket()) return null
  throw new ShoalError('PATH_IN_THE_WAY', `${path} is a socket`, { hint: 'choose another place with -o' })
}

/** Whether the path takes bytes in order and must not be replaced. A descriptor of this process may be a regular file. */
export function isStream(
  path: string,
  stat: { isFIFO(): boolean; isCharacterDevice(): boolean; isBlockDevice(): boolean },
): boolean {
  return descriptorOf(path) !== null || stat.isFIFO() || stat.isCharacterDevice() || stat.isBlockDevice()
}

/** Whether the bytes would go where answers do. */
function isStdout(path: string, { dev, ino }: Stats): boolean {
  const descriptor = descriptorOf(path)
  if (descriptor !== null) return descriptor === 1
  const stdout = fstatSync(1)
  return dev === stdout.dev && ino === stdout.ino
}

/**
 * Opens what `streamOutput` returned. `node` is the stream where it is to be closed, and null for a standard one. If it is
 * standard output, answers and errors go to stderr from now on.
 */
export async function openStream(
  name: string,
  signal: AbortSignal,
): Promise<{ stream: NodeJS.WritableStream; node: Writable | null }> {
  if (name === '-') {
    output.stream = process.stderr
    return { stream: process.stdout, node: null }
  }
  if (descriptorOf(name) === 2) return { stream: process.stderr, node: null }
  const node = await openNode(name, signal)
  return { stream: node, node }
}

/** The descriptor of this process that `path` names, or null. */
function descriptorOf(path: string): number | null {
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
async function openNode(path: string, signal: AbortSignal): Promise<Writable> {
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
    // Deno knows only descriptors that it opened itself: there the file behind the number is opened once more.
    const stat = isDeno ? statSync(path) : fstatSync(fd)
    if (stat.isSocket()) return ofPipe(fd)
    // Only a descriptor of its own may become non-blocking: others may write to the pipe too.
    if (stat.isFIFO()) return ofPipe(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK))
    return isDeno ? createWriteStream(path, { flags: 'a' }) : createWriteStream(path, { fd })
  } catch (error) {
    throw storageError(error, path)
  }
}

function ofNode(fd: number, path: string): Writable {
  if (fstatSync(fd).isFIFO()) return ofPipe(fd)
  closeSync(fd)
  return createWriteStream(path, { flags: 'r+' })
}

/** A file stream fails when a pipe is full; a socket waits until there is room. Deno makes no socket of a descriptor. */
const ofPipe = (fd: number): Writable =>
  isDeno ? new PipeWriter(fd) : new Socket({ fd, readable: false, writable: true })
