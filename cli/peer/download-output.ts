import { rm } from 'node:fs/promises'
import { basename, resolve, sep } from 'node:path'
import type { DownloadResult, ProgressListener } from '../../peer/control/api.ts'
import type { Target } from '../../protocol/names.ts'
import { output } from '../process/output-stream.ts'
import { StdoutSink } from './stdout-sink.ts'

/**
 * The output of a download as the peer takes it: an absolute path, or null for "-". Without -o it is the last part of the
 * name (or the group's name, for a whole group) in the current folder.
 */
export function outputPath(given: string | undefined, { group, name }: Target): string | null {
  if (given === '-') return null
  if (given === undefined) return resolve(basename(name) || group)
  // Keep a trailing slash, which means a folder; resolve() drops it.
  return resolve(given) + (given.endsWith('/') && resolve(given) !== sep ? sep : '')
}

/** Runs a download whose bytes are streamed to stdout. From now on, answers and errors go to stderr. */
export async function toStdout(
  download: (listener: ProgressListener) => Promise<DownloadResult>,
  progress: ProgressListener,
): Promise<DownloadResult> {
  output.stream = process.stderr
  const sink = new StdoutSink(process.stdout)
  try {
    const result = await download((event) => {
      sink.hear(event)
      progress(event)
    })
    for (const { path, size } of result.files) {
      await sink.finish(path, size)
      await rm(path, { force: true })
    }
    return { files: result.files.map((file) => ({ ...file, path: '-' })) }
  } finally {
    await sink.close()
  }
}
