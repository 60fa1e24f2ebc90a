import {
  connectPinned,
  type FileRecord,
  grantedUrl,
  isBelow,
  loadHashes,
  loadIdentity,
  ShoalError,
  type SwarmPeer,
  type TrackerClient,
} from '@shoal/plugin'
import type { LinkedFile } from './document.ts'

type Identity = Awaited<ReturnType<typeof loadIdentity>>

export interface Gathered {
  files: (LinkedFile & { fileId: string })[]
  /** Expiry of the first grant, ISO 8601. */
  expires: string
  /** PEM certificates of the TLS peers among the URLs. */
  certificates: string[]
}

/**
 * Gathers the contents of a Metalink document for a file, or for the files below a prefix: hashes proven
 * against the file ids, and URLs of complete peers that prove their identity now. Throws NO_PEER if a file
 * has no such peer.
 */
export async function gather(
  client: TrackerClient,
  home: string,
  { group, name }: { group: string; name: string },
): Promise<Gathered> {
  const identity = await loadIdentity(home)
  const proven = new Map<string, Promise<string | null>>()
  const reach = (peer: SwarmPeer): Promise<string | null> => {
    const key = `${peer.peer} ${peer.host}:${peer.port}`
    const found = proven.get(key) ?? certificateOf(peer, identity).catch(() => null)
    proven.set(key, found)
    return found
  }
  const files: Gathered['files'] = []
  const expiries: string[] = []
  for await (const { name: fileName, fileId, size, tree } of listed(client, group, name)) {
    if (tree)
      throw new ShoalError(
        'USAGE',
        `${group}:${fileName} is a snapshot, and a Metalink file lists single files`,
        {
          hint: 'download it with shoal peer download, or publish the folder with --files',
        },
      )
    const { swarms } = await client.joinSwarms(group, {
      peer: identity.peer,
      fileIds: [fileId],
      hashes: true,
      // Whoever uses the document decides which URLs to use.
      plain: true,
    })
    const swarm = swarms[0]
    if (!swarm)
      throw new ShoalError('TRACKER_BAD_ANSWER', 'the tracker left a requested file out of its answer')
    const whole = swarm.peers.filter(({ complete }) => complete)
    const live = await Promise.all(whole.map(async (peer) => ((await reach(peer)) === null ? null : peer)))
    const urls = live.flatMap((peer) => (peer ? [grantedUrl(peer, fileId, swarm.grant)] : []))
    if (urls.length === 0) throw new ShoalError('NO_PEER', `no online peer has all of ${fileName}`)
    const hashes = await loadHashes(client, { group, fileId, size }, swarm)
    files.push({ name: fileName, fileId, size, hashes, urls })
    expiries.push(swarm.expires)
  }
  if (files.length === 0) throw new ShoalError('FILE_NOT_FOUND', `${group} has no file ${name}`)
  const certificates = (await Promise.all(proven.values())).filter((pem) => pem !== null && pem !== '')
  return {
    files,
    expires: expiries.sort()[0] as string,
    certificates: [...new Set(certificates as string[])],
  }
}

async function* listed(client: TrackerClient, group: string, name: string): AsyncGenerator<FileRecord> {
  let after: string | null = ''
  while (after !== null) {
    const page: Awaited<ReturnType<TrackerClient['files']>> = await client.files(group, {
      prefix: name,
      after,
    })
    for (const file of page.files)
      if (file.name === name || isBelow(file.name, name)) yield file as FileRecord
    after = page.next
  }
}

/** The certificate that a peer proves, in PEM; '' without TLS. Rejects if the peer is unreachable. */
async function certificateOf(peer: SwarmPeer, identity: Identity): Promise<string> {
  const socket = await connectPinned(peer, identity)
  try {
    return 'getPeerX509Certificate' in socket
      ? ((socket as import('node:tls').TLSSocket).getPeerX509Certificate()?.toString() ?? '')
      : ''
  } finally {
    socket.destroy()
  }
}
