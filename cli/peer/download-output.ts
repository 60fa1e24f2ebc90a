import { rm, rmdir } from 'node:fs/promises'
import { basename, dirname, resolve, sep } from 'node:path'
import { finished } from 'node:stream/promises'
import type { DownloadResult, ProgressListener } from '../../peer/control/api.ts'
import { storageError } from '../../protocol/errors.ts'
import { PART_SUFFIX, type Target } from '../../protocol/names.ts'
import { openStream, streamOutput } from './stream-node.ts'
import { StreamSink } from './stream-sink.ts'

/** A download's output: a path, which the peer writes, or a stream ("-", a FIFO or a device), which gets the bytes in order. */
export type DownloadOutput = { path: string } | { stream: string }

/**
 * The output that -o names. Without -o it is the last part of the name (or the group's name, for a whole group) in the
 * current folder. Throws PATH_IN_THE_WAY for a socket.
 */
export function downloadOutput(given: string | undefined, { group, name }: Target): DownloadOutput {
  if (given === undefined) return { path: resolve(basename(name) || group) }
  const stream = streamOutput(given)
  if (stream !== null) return { stream }
  const path = resolve(given)
  // Keep a trailing slash, which means a folder; resolve() drops it.
  return { path: path + (given.endsWith('/') && path !== sep ? sep : '') }
}

/** Runs a download whose bytes are written to a stream as they arrive. If that is stdout, answers and errors go to stderr. */
export async function toStream(
  path: string,
  download: (listener: ProgressListener, signal: AbortSignal) => Promise<DownloadResult>,
  progress: ProgressListener,
  signal: AbortSignal,
): Promise<DownloadResult> {
  const { stream, node } = await openStream(path, signal)
  const broken = new AbortController()
  node?.on('error', (error) => broken.abort(storageError(error, path)))
  const either = AbortSignal.any([signal, broken.signal])
  const sink = new StreamSink(stream, either)
  try {
    const result = await download((event) => {
      sink.hear(event)
      progress(event)
    }, either)
    for (const file of result.files) {
      await sink.finish(file.path, file.size)
      await removeTemporary(file.path)
    }
    if (node) await finished(node.end(), { signal: either })
    return { files: result.files.map((file) => ({ ...file, path })) }
  } catch (error) {
    throw either.aborted ? either.reason : error
  } finally {
    await sink.close()
    node?.destroy()
  }
}

/** Removes a file that was only read, and the folder that a file of a snapshot has for itself. */
async function removeTemporary(path: string): Promise<void> {
  await rm(path, { force: true })
  const folder = dirname(path)
  if (folder.endsWith(PART_SUFFIX)) await rmdir(folder)
}
