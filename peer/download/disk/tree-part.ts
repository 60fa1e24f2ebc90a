import { existsSync } from 'node:fs'
import { Bitmap } from '../../../protocol/bitmap.ts'
import { chunkCount } from '../../../protocol/chunking.ts'
import { storageError } from '../../../protocol/errors.ts'
import { JOURNAL_SUFFIX } from '../../../protocol/names.ts'
import { encodeHeader, parseJournal } from './journal.ts'
import { type Leftover, PartFile } from './part-file.ts'
import { makeParent, requireSpace } from './part-storage.ts'
import { RunJournal } from './run-journal.ts'
import type { TreeStorage } from './tree-storage.ts'

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
    const journalPath = name + JOURNAL_SUFFIX
    const journal = isThere ? parseJournal(await RunJournal.read(journalPath), fileId, size) : null
    if (!journal) await requireSpace(storage.path, bytes)
    const doubted = journal?.doubted ?? false
    const continues = journal !== null
    marks = await RunJournal.begin(journalPath, encodeHeader(fileId, size), { continues, doubted })
    // What a failed sync has left reads as right, but may be missing on the disk.
    await storage.begin(continues && !doubted)
    const marked = (doubted ? null : journal?.marked) ?? new Bitmap(chunkCount(size))
    const leftover = { marked, sealed: false, unmarkedData: false, doubted: false, isTree: true }
    return [new PartFile(name, size, storage, marks, wanted), leftover]
  } catch (error) {
    await marks?.close()
    throw storageError(error, storage.path)
  }
}
