import {
  below,
  connectPinned,
  type EntryRange,
  type FileRecord,
  grantedUrl,
  loadHashes,
  loadIdentity,
  resolveFiles,
  ShoalError,
  type SwarmPeer,
  type TrackerClient,
  type TreeIndex,
} from '@shoal/plugin'
import type { LinkedFile } from './document.ts'

type Identity = Awaited<ReturnType<typeof loadIdentity>>
type Snapshot = FileRecord & { tree: NonNullable<FileRecord['tree']> }

/** A file or snapshot of a group, and the peers that serve all of it now. */
export interface Source {
  file: FileRecord
  peers: SwarmPeer[]
  grant: string
  /** Chunk hashes of a file. */
  hashes: Uint8Array
  /** Of a snapshot, and which of its entries are wanted. */
  tree: { index: TreeIndex; entries: EntryRange } | null
}

export interface Gathered {
  sources: Source[]
  /** Expiry of the first grant, ISO 8601. */
  expires: string
  /** PEM certificates of the TLS peers among the URLs. */
  certificates: string[]
}

/**
 * Gathers the contents of a Metalink document for a file, a snapshot or a part of it, or for all below a prefix: hashes
 * proven against the file ids, and complete peers that prove their identity now. Throws NO_PEER if a file has no such
 * peer.
 */
export async function gather(
  client: TrackerClient,
  home: string,
  { group, name }: { group: string; name: string },
  treeOf: (file: Snapshot) => Promise<TreeIndex>,
): Promise<Gathered> {
  const identity = await loadIdentity(home)
  const proven = new Map<string, Promise<string | null>>()
  const reach = (peer: SwarmPeer): Promise<string | null> => {
    const key = `${peer.peer} ${peer.host}:${peer.port}`
    const found = proven.get(key) ?? certificateOf(peer, identity).catch(() => null)
    proven.set(key, found)
    return found
  }
  const sources: Source[] = []
  const expiries: string[] = []
  const resolved = await resolveFiles(client, group, name)
  for (const file of resolved.files) {
    const { fileId, size } = file
    const { swarms } = await client.joinSwarms(group, {
      peer: identity.peer,
      fileIds: [fileId],
      hashes: file.tree === undefined,
      // Whoever uses the document decides which URLs to use.
      plain: true,
    })
    const swarm = swarms[0]
    if (!swarm)
      throw new ShoalError('TRACKER_BAD_ANSWER', 'the tracker left a requested file out of its answer')
    const whole = swarm.peers.filter(({ complete }) => complete)
    const live = await Promise.all(whole.map(async (peer) => ((await reach(peer)) === null ? null : peer)))
    const peers = live.filter((peer) => peer !== null)
    if (peers.length === 0) throw new ShoalError('NO_PEER', `no online peer has all of ${file.name}`)
    const { grant } = swarm
    if (file.tree) {
      const index = await treeOf({ ...file, tree: file.tree })
      const path = resolved.name.startsWith(`${file.name}/`) ? resolved.name.slice(file.name.length + 1) : ''
      const tree = { index, entries: below(index, path) }
      sources.push({ file, peers, grant, hashes: new Uint8Array(0), tree })
    } else {
      const hashes = await loadHashes(client, { group, fileId, size }, swarm)
      sources.push({ file, peers, grant, hashes, tree: null })
    }
    expiries.push(swarm.expires)
  }
  const certificates = (await Promise.all(proven.values())).filter((pem) => pem !== null && pem !== '')
  return {
    sources,
    expires: expiries.sort()[0] as string,
    certificates: [...new Set(certificates as string[])],
  }
}

/** The files of the document, each with the id of the file or snapshot that its URLs name. */
export function* linkedFiles(sources: readonly Source[]): Generator<LinkedFile & { fileId: string }> {
  for (const { file, peers, grant, hashes, tree } of sources) {
    const { fileId, name, size } = file
    if (tree === null) {
      const urls = peers.map((peer) => grantedUrl(peer, fileId, grant))
      yield { name, fileId, size, urls, proof: { hashes } }
      continue
    }
    const { index, entries } = tree
    for (let entry = entries.first; entry < entries.end; entry++) {
      if (index.kind(entry) !== 'file') continue
      const path = index.path(entry)
      const urls = peers.map((peer) => grantedUrl(peer, fileId, grant, path))
      const proof = { sha256: index.sha256(entry) }
      yield { name: `${name}/${path}`, fileId, size: index.size(entry), urls, proof }
    }
  }
}

/** How many links of snapshots no Metalink file can hold. */
export function linksIn(sources: readonly Source[]): number {
  let links = 0
  for (const { tree } of sources)
    if (tree !== null)
      for (let entry = tree.entries.first; entry < tree.entries.end; entry++)
        if (tree.index.kind(entry) === 'link') links++
  return links
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
