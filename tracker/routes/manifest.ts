import { chunkCount, HASH_SIZE, MAX_FILE_SIZE } from '../../protocol/chunking.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { fileId, hashesMatch } from '../../protocol/file-id.ts'
import { MerkleBuilder } from '../../protocol/merkle.ts'
import { checkFileName } from '../../protocol/names.ts'
import { MAX_HASH_PAGE } from '../../tracker-client/api/limits.ts'
import type { Publish } from '../../tracker-client/api/schemas.ts'
import type { HashStore, NewFile } from '../../tracker-store/store.ts'
import { turn } from '../../tracker-store/turns.ts'

type Claimed = Publish['files'][number]
/** Reads packed hashes of chunks [first, first + count), fewer at the end. */
type ReadHashes = (first: number, count: number) => Promise<Buffer>

/** Leaves hashed before other requests get their turn: about 10 ms. */
const LEAVES_A_TURN = 4096
/** The same for files with inline hashes. */
const FILES_A_TURN = 4

/**
 * Checks files that a user wants to publish: their names, and that each id matches the size and the chunk hashes, which
 * are inline, staged by this user, or already published in the group. Throws BAD_NAME, BAD_MANIFEST or HASHES_NEEDED.
 * Returns the files as the store takes them.
 */
export async function checkManifests(
  hashes: HashStore,
  group: string,
  user: string,
  files: readonly Claimed[],
): Promise<NewFile[]> {
  const checked: NewFile[] = []
  for (const [i, file] of files.entries()) {
    if (i % FILES_A_TURN === 0) await turn()
    checked.push(await checkManifest(hashes, group, user, file))
  }
  return checked
}

async function checkManifest(
  hashes: HashStore,
  group: string,
  user: string,
  file: Claimed,
): Promise<NewFile> {
  const name = checkFileName(file.name)
  if (file.size > MAX_FILE_SIZE) throw refused(name, `its size exceeds ${MAX_FILE_SIZE} bytes`)
  const known = { name, fileId: file.fileId, size: file.size, ...(file.tree ? { tree: file.tree } : {}) }
  const inline = file.size === 0 ? Buffer.alloc(0) : inlineHashes(name, file)
  if (inline) {
    if (!hashesMatch(file.fileId, file.size, inline)) throw refused(name, MISMATCH)
    return { ...known, hashes: inline }
  }
  // Read the stamp before the hashes: if they change later, the store refuses them.
  const stamp = await hashes.stamp(group, user, file.fileId)
  const published = await hashes.has(group, file.fileId)
  const read: ReadHashes = (first, count) =>
    published
      ? hashes.read(group, file.fileId, first, count)
      : hashes.staged(group, user, file.fileId, first, count)
  const verdict = await checkPages(file, read)
  if (verdict === 'short' && !published)
    throw new ShoalError('HASHES_NEEDED', `the tracker needs the chunk hashes of ${file.fileId} first`)
  if (verdict !== 'match') throw refused(name, MISMATCH)
  return { ...known, ...(stamp === null ? {} : { stamp }) }
}

const MISMATCH = 'its id does not match its size and chunk hashes'

function inlineHashes(name: string, file: Claimed): Buffer | null {
  if (file.hashes === undefined) return null
  const bytes = Buffer.from(file.hashes, 'base64')
  if (bytes.length !== chunkCount(file.size) * HASH_SIZE)
    throw refused(
      name,
      `a file of ${file.size} bytes has ${chunkCount(file.size)} chunks, not ${bytes.length / HASH_SIZE}`,
    )
  return bytes
}

/** Computes the root from pages of hashes. Hashes beyond the size are never read: the id commits to the size. */
async function checkPages(file: Claimed, read: ReadHashes): Promise<'match' | 'other' | 'short'> {
  const chunks = chunkCount(file.size)
  const tree = new MerkleBuilder()
  for (let first = 0; first < chunks; first += MAX_HASH_PAGE) {
    const count = Math.min(MAX_HASH_PAGE, chunks - first)
    const page = await read(first, count)
    if (page.length < count * HASH_SIZE) return 'short'
    await addLeaves(tree, page)
  }
  return fileId(file.size, tree.root()) === file.fileId ? 'match' : 'other'
}

async function addLeaves(tree: MerkleBuilder, page: Buffer): Promise<void> {
  for (let at = 0; at < page.length; at += HASH_SIZE) {
    tree.addLeaf(page.subarray(at, at + HASH_SIZE))
    if ((at / HASH_SIZE) % LEAVES_A_TURN === LEAVES_A_TURN - 1) await turn()
  }
}

function refused(name: string, why: string): ShoalError {
  return new ShoalError('BAD_MANIFEST', `${JSON.stringify(name)} cannot be published: ${why}`)
}
