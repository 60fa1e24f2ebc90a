import type { ProgressListener, VerifyRequest, VerifyResult } from '../../peer/control/api.ts'
import { connectPeer } from '../../peer/control/client.ts'
import { interrupt } from '../process/interrupt.ts'
import { createProgress, type ProgressMode } from '../render/progress.ts'

/** Lets the home's peer verify its copies. If none is running, does it in this process, without peer or tracker. */
export async function verifyCopies(
  home: string,
  target: VerifyRequest['target'],
  mode: ProgressMode,
): Promise<VerifyResult> {
  interrupt.takeOver()
  const running = await connectPeer(home)
  const progress = await createProgress(mode, process.stderr)
  try {
    const request = { target }
    if (running) return await running.verify(request, progress.listener, interrupt.signal)
    return await verifyHere(home, request, progress.listener)
  } finally {
    progress.close()
  }
}

async function verifyHere(
  home: string,
  request: VerifyRequest,
  progress: ProgressListener,
): Promise<VerifyResult> {
  const [
    { Catalog },
    { HashPool },
    { Library },
    { Seeds },
    { verify },
    { TreePool },
    { TreeCopies },
    { TreeStore },
  ] = await Promise.all([
    import('../../peer/serve/catalog.ts'),
    import('../../peer/hash/pool.ts'),
    import('../../peer/serve/library.ts'),
    import('../../peer/serve/seeds.ts'),
    import('../../peer/verify.ts'),
    import('../../peer/tree/pool.ts'),
    import('../../peer/tree/tree-copy.ts'),
    import('../../peer/tree/tree-store.ts'),
  ])
  const catalog = new Catalog(home)
  const hashPool = new HashPool()
  const treePool = new TreePool()
  try {
    const trees = new TreeCopies(new TreeStore(home), treePool)
    const seeds = new Seeds(catalog, new Library(), trees, () => {})
    return await verify({ catalog, seeds, trees, hashPool }, request, progress, interrupt.signal)
  } finally {
    await Promise.all([hashPool.close(), treePool.close()])
    catalog.close()
  }
}
