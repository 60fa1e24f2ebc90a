import type { BigIntStats } from 'node:fs'
import { stat } from 'node:fs/promises'
import { sep } from 'node:path'
import { isChunk, isSameChunk } from '../protocol/chunk-hashes.ts'
import { CHUNK_SIZE, chunkCount, chunkLength, HASH_SIZE } from '../protocol/chunking.ts'
import { ShoalError } from '../protocol/errors.ts'
import { isBelow } from '../protocol/names.ts'
import type { ProgressListener, VerifiedFile, VerifyRequest, VerifyResult } from './control/api.ts'
import type { HashPool } from './hash/pool.ts'
import { HashProgress } from './hash/progress.ts'
import type { Catalog, CatalogEntry } from './serve/catalog.ts'
import { isUnchanged } from './serve/seeded-file.ts'
import type { Seeds } from './serve/seeds.ts'
import type { TreeCopies } from './tree/tree-copy.ts'

export interface VerifyContext {
  catalog: Catalog
  seeds: Seeds
  trees: TreeCopies
  hashPool: HashPool
}

type Finding = Pick<VerifiedFile, 'state' | 'damaged'> & { stats?: BigIntStats }

/**
 * Hashes this home's copies again. It stops serving a copy that does not match its file id, and serves a touched copy
 * that does match again. Throws FILE_NOT_FOUND if the home has no copy of that name, and storage errors.
 */
export async function verify(
  { catalog, seeds, trees, hashPool }: VerifyContext,
  { target, below, quick = false }: VerifyRequest,
  progress: ProgressListener,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const entries = catalog
    .all()
    .filter((entry) => target === null || isOf(entry, target))
    .filter((entry) => below === undefined || isFileBelow(entry, below))
    .filter(({ fault }) => !quick || fault === null)
  if (target !== null && below === undefined && entries.length === 0)
    throw new ShoalError('FILE_NOT_FOUND', `this home holds no copy of ${target.group}:${target.name}`, {
      hint: 'shoal peer status lists what it holds',
    })
  const label = target === null ? 'all copies' : `${target.group}:${target.name}`
  const total = entries.reduce((sum, { size }) => sum + size, 0)
  const hashing = new HashProgress(label, total, entries.length, progress)

  // Reads a file that is shared under several names only once.
  const findings = new Map<string, Finding>()
  const files: VerifiedFile[] = []
  for (const entry of entries) {
    const key = `${entry.fileId} ${entry.path}`
    const expected = catalog.hashes(entry.fileId) ?? new Uint8Array(0)
    const finding =
      findings.get(key) ??
      (await (quick
        ? glance(entry, trees)
        : entry.isTree
          ? inspectTree(entry, expected, trees, hashing.hashed, signal)
          : inspect(entry, expected, hashPool, hashing.hashed, signal)))
    findings.set(key, finding)
    const { stats, state, damaged } = finding
    if (stats) await seeds.add({ ...entry, mtimeNs: stats.mtimeNs, ino: stats.ino, fault: null }, expected)
    else if (state !== 'ok') seeds.drop(entry, faultOf(finding))
    const { group, name, fileId, size, path } = entry
    files.push({ group, name, fileId, size, path, state, damaged })
  }
  hashing.done()
  return { files }
}

function isOf(entry: CatalogEntry, { group, name }: { group: string; name: string }): boolean {
  return entry.group === group && (entry.name === name || isBelow(entry.name, name))
}

const isFileBelow = ({ path, isTree }: CatalogEntry, folder: string): boolean =>
  !isTree && path.startsWith(folder + sep)

async function glance(entry: CatalogEntry, trees: TreeCopies): Promise<Finding> {
  return { state: (await isUnchanged(entry, trees)) ? 'ok' : 'changed', damaged: 0 }
}

/** Inspects the file at the entry's path. Returns `stats` only if its content is right. */
async function inspect(
  entry: CatalogEntry,
  expected: Uint8Array,
  pool: HashPool,
  hashed: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Finding> {
  const { path, size } = entry
  const stats = await stat(path, { bigint: true }).catch(() => null)
  if (stats === null) return { state: 'missing', damaged: 0 }
  if (!stats.isFile() || stats.size !== BigInt(size)) return { state: 'changed', damaged: 0 }
  const actual = await pool.hash(path, size, undefined, hashed, signal)
  const damaged = differences(actual, expected)
  if (damaged > 0) return { state: 'damaged', damaged }
  const after = await stat(path, { bigint: true }).catch(() => null)
  const isSame = after?.mtimeNs === stats.mtimeNs && after.ino === stats.ino && after.size === stats.size
  return isSame ? { state: 'ok', damaged: 0, stats } : { state: 'changed', damaged: 0 }
}

/** Inspects a snapshot's folder: reads every chunk of its stream. */
async function inspectTree(
  entry: CatalogEntry,
  expected: Uint8Array,
  trees: TreeCopies,
  hashed: (bytes: number) => void,
  signal: AbortSignal,
): Promise<Finding> {
  const stats = await stat(entry.path, { bigint: true }).catch(() => null)
  if (stats === null) return { state: 'missing', damaged: 0 }
  const reader = await trees.open(entry, () => {})
  if (reader === null) return { state: 'changed', damaged: 0 }
  const buffer = Buffer.allocUnsafeSlow(CHUNK_SIZE)
  let damaged = 0
  let changed = 0
  for (let chunk = 0; chunk < chunkCount(entry.size); chunk++) {
    signal.throwIfAborted()
    const data = buffer.subarray(0, chunkLength(entry.size, chunk))
    const isRead = await reader.read(data, chunk * CHUNK_SIZE).then(
      () => true,
      () => false,
    )
    if (!isRead) changed++
    else if (!isChunk(data, expected, chunk)) damaged++
    hashed(data.length)
  }
  if (changed > 0) return { state: 'changed', damaged: 0 }
  return damaged > 0 ? { state: 'damaged', damaged } : { state: 'ok', damaged: 0, stats }
}

function differences(actual: Uint8Array, expected: Uint8Array): number {
  let count = 0
  for (let chunk = 0; chunk < actual.length / HASH_SIZE; chunk++)
    if (!isSameChunk(actual, expected, chunk)) count++
  return count
}

function faultOf({ state, damaged }: Finding): string {
  if (state === 'damaged') return `damaged in ${damaged} of its chunks: download it again`
  if (state === 'missing') return 'removed since it was shared: download it again, or upload another version'
  return 'changed since it was shared: upload it again to share the new version'
}
