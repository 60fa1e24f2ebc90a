import type { VerifyRequest, VerifyResult } from '../../peer/control/api.ts'
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
    const { verifyHome } = await import('../../peer/verify-home.ts')
    return await verifyHome(home, request, progress.listener, interrupt.signal)
  } finally {
    progress.close()
  }
}
