import type { ProgressListener, VerifyRequest, VerifyResult } from './control/api.ts'
import { HashPool } from './hash/pool.ts'
import { Catalog } from './serve/catalog.ts'
import { Library } from './serve/library.ts'
import { Seeds } from './serve/seeds.ts'
import { TreePool } from './tree/pool.ts'
import { TreeCopies } from './tree/tree-copy.ts'
import { TreeStore } from './tree/tree-store.ts'
import { verify } from './verify.ts'

/** Verifies the copies of a home whose peer is not running. */
export async function verifyHome(
  home: string,
  request: VerifyRequest,
  progress: ProgressListener,
  signal: AbortSignal,
): Promise<VerifyResult> {
  const catalog = new Catalog(home)
  const hashPool = new HashPool()
  const treePool = new TreePool()
  try {
    const trees = new TreeCopies(new TreeStore(home), treePool)
    const seeds = new Seeds(catalog, new Library(), trees, () => {})
    return await verify({ catalog, seeds, trees, hashPool }, request, progress, signal)
  } finally {
    await Promise.all([hashPool.close(), treePool.close()])
    catalog.close()
  }
}
