import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Bitmap } from '../../../protocol/bitmap.ts'
import { chunkCount } from '../../../protocol/chunking.ts'
import { storageError } from '../../../protocol/errors.ts'
import { JOURNAL_SUFFIX, PART_SUFFIX } from '../../../protocol/names.ts'
import { encodeHeader, parseJournal } from './journal.ts'
import { type Leftover, PartFile } from './part-file.ts'
import { makeParent, requireSpace } from './part-storage.ts'
import { RunJournal } from './run-journal.ts'
import type { TreeStorage } from './tree-storage.ts'

/**
 * The working name of a tree beside its target, or in it where the target is a folder that nothing can be renamed into
 * from beside it: hidden, and short even if the target's name is long. The working folder and its journal add suffixes.
 */
export function workingName(target: string, fileId: string): string {
  const id = createHash('sha256').update(`${fileId}\0${target}`).digest('hex').slice(0, 16)
  return join(canRenameFromBeside(target) ? dirname(target) : target, `.${id}`)
}

/** Not into a mount point, as a container's volume is, nor where the folder above is somebody else's. */
function canRenameFromBeside(target: string): boolean {
  const found = statSync(target, { throwIfNoEntry: false })
  if (!found?.isDirectory()) return true
  try {
    accessSync(dirname(target), constants.W_OK | constants.X_OK)
    return statSync(dirname(target)).dev === found.dev
  } catch {
    return false
  }
}

export const workingFolder = (name: string): string => name + PART_SUFFIX

/** Opens or makes a tree's working folder and journal. `wanted` chunks of it, `bytes` in all, are downloaded. */
export async function openTreePart(
  name: string,
  { fileId, size }: { fileId: string; size: number },
  storage: TreeStorage,
  wanted: number,
  bytes: number,
): Promise<[PartFile, Leftover]> {
  let marks: RunJournal | null = null
  await makeParent(name)
  try {
    const isThere = existsSync(storage.path)
    if (!isThere) await requireSpace(storage.path, bytes)
    const journalPath = name + JOURNAL_SUFFIX
    const journal = isThere ? parseJournal(await RunJournal.read(journalPath), fileId, size) : null
    const doubted = journal?.doubted ?? false
    const continues = journal !== null
    marks = await RunJournal.begin(journalPath, encodeHeader(fileId, size), { continues, doubted })
    await storage.begin()
    const marked = journal?.marked ?? new Bitmap(chunkCount(size))
    const leftover = { marked, sealed: false, unmarkedData: false, doubted: false, isTree: true }
    return [
      new PartFile(name, size, storage, marks, wanted),
      doubted ? { ...leftover, marked: new Bitmap(chunkCount(size)) } : leftover,
    ]
  } catch (error) {
    await marks?.close()
    throw storageError(error, storage.path)
  }
}
