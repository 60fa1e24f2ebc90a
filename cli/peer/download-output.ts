import { statSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, resolve, sep } from 'node:path'
import { finished } from 'node:stream/promises'
import type { DownloadResult, ProgressListener } from '../../peer/control/api.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import type { Target } from '../../protocol/names.ts'
import { output } from '../process/output-stream.ts'
import { openNode } from './stream-node.ts'
import { StreamSink } from './stream-sink.ts'

/** A download's output: a path, which the peer writes, or a stream ("-", a FIFO or a device), which gets the bytes in order. */
export type DownloadOutput = { path: string } | { stream: string }

/**
 * The output that -o names. Without -o it is the last part of the name (or the group's name, for a whole group) in the
 * current folder. Throws PATH_IN_THE_WAY for a socket.
 */
export function downloadOutput(given: string | undefined, { group, name }: Target): DownloadOutput {
  if (given === '-') return { stream: '-' }
  if (given === undefined) return { path: resolve(basename(name) || group) }
  const path = resolve(given)
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat && isStream(path, stat)) return { stream: path }
  if (stat?.isSocket())
    throw new ShoalError('PATH_IN_THE_WAY', `${path} is a socket`, { hint: 'choose another place with -o' })
  // Keep a trailing slash, which means a folder; resolve() drops it.
  return { path: path + (given.endsWith('/') && path !== sep ? sep : '') }
}

/** Whether the path takes bytes in order and must not be replaced. A descriptor of this process may be a regular file. */
export function isStream(
  path: string,
  stat: { isFIFO(): boolean; isCharacterDevice(): boolean; isBlockDevice(): boolean },
): boolean {
  const isDescriptor = /^\/(dev\/(fd\/|std(out|err)$)|proc\/self\/fd\/)/.test(path)
  return isDescriptor || stat.isFIFO() || stat.isCharacterDevice() || stat.isBlockDevice()
}

/** Runs a download whose bytes are written to a stream as they arrive. If that is stdout, answers and errors go to stderr. */
export async function toStream(
  path: string,
  download: (listener: ProgressListener, signal: AbortSignal) => Promise<DownloadResult>,
  progress: ProgressListener,
  signal: AbortSignal,
): Promise<DownloadResult> {
  if (path === '-') output.stream = process.stderr
  const stream = path === '-' ? process.stdout : await openNode(path, signal)
  const sink = new StreamSink(stream)
  const broken = new AbortController()
  if (stream !== process.stdout) stream.on('error', (error) => broken.abort(storageError(error, path)))
  try {
    const result = await download(
      (event) => {
        sink.hear(event)
        progress(event)
      },
      AbortSignal.any([signal, broken.signal]),
    )
    for (const file of result.files) {
      await sink.finish(file.path, file.size)
      await rm(file.path, { force: true })
    }
    if (stream !== process.stdout) await finished(stream.end())
    return { files: result.files.map((file) => ({ ...file, path })) }
  } finally {
    await sink.close()
  }
}
