import { ShoalError } from '../../../protocol/errors.ts'
import type { PeerState } from '../../control/api.ts'

const STATES: Record<PeerState, string> = {
  joined: 'takes part',
  late: 'is late',
  left: 'is left out for now',
  banned: 'is banned',
}

export const peerMessage = (file: string, peer: string, state: PeerState, reason: string): string =>
  `${file}: peer ${peer} ${STATES[state]}: ${reason}`

export function noPeer(file: string): ShoalError {
  return new ShoalError('NO_PEER', `no peer serves ${file} now`, {
    hint: 'start a peer that holds it (shoal peer start), or wait longer with --wait 5m; the part file is kept',
  })
}
