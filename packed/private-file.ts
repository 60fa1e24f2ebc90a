import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { mkdir, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { storageError } from '../protocol/errors.ts'

const FOLDER_MODE = 0o700
const FILE_MODE = 0o600

/**
 * Replaces a file that only its owner can read, and creates its folder. The data are synced before the rename, so a
 * reader, also one after a crash, finds the old content or the new one. Throws a storage error.
 */
export async function writePrivateFile(file: string, data: string | Uint8Array): Promise<void> {
  const draft = draftOf(file)
  try {
    await mkdir(dirname(file), { recursive: true, mode: FOLDER_MODE })
    await writeSynced(draft, data)
    await rename(draft, file)
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {})
    throw storageError(error, file)
  }
}

async function writeSynced(file: string, data: string | Uint8Array): Promise<void> {
  const handle = await open(file, 'w', FILE_MODE)
  try {
    await handle.writeFile(data)
    await handle.datasync()
  } finally {
    await handle.close()
  }
}

/** The same, for small files and for callers that cannot wait. */
export function writePrivateFileSync(file: string, data: string): void {
  const draft = draftOf(file)
  try {
    mkdirSync(dirname(file), { recursive: true, mode: FOLDER_MODE })
    writeFileSync(draft, data, { mode: FILE_MODE, flush: true })
    renameSync(draft, file)
  } catch (error) {
    try {
      rmSync(draft, { force: true })
    } catch {
      // The first error says more: here the draft's folder is a file, or the disk fails.
    }
    throw storageError(error, file)
  }
}

/** Named for the process, because two processes of a home may write the same file. */
const draftOf = (file: string): string => `${file}.${process.pid}`
