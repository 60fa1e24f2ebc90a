/**
 * Everything that a plugin may import from Shoal: the parts of a command, and the interfaces through which a
 * plugin takes part in a tracker or a peer. docs/plugins.md shows how. These exports are stable; the rest of
 * the sources may change at any time.
 */

export { Args, Flags } from '@oclif/core'
export { fileArg, groupArg, groupFlag, targetArg } from '../cli/input/args.ts'
export {
  durationFlag,
  flags,
  listenFlag,
  onceFlags,
  rateFlag,
  snapshotFlags,
  snapshotOptions,
  tlsFlags,
  treeFlags,
} from '../cli/input/flags.ts'
export { clearOfCollisions, filesBelow } from '../cli/input/upload-sources.ts'
export { openStream, streamOutput } from '../cli/peer/stream-node.ts'
export type { ShoalPlugin } from '../cli/plugins/definition.ts'
export { interrupt } from '../cli/process/interrupt.ts'
export { ShoalCommand } from '../cli/run/base-command.ts'
export { formatBytes, formatMode, formatTime, plural } from '../cli/text/format.ts'
/** A long --json document in parts, for `ShoalCommand.printParts`. */
export { documentParts } from '../cli/text/parts.ts'
/**
 * Read a file of the plugin's own `assets/` folder, named as `new URL('./assets/NAME', import.meta.url)`, or
 * of its packages (`shoal.carries`), also in the single binary.
 */
export { packedBytes, packedNames, packedText } from '../packed/files.ts'
export type {
  DownloadedFile,
  DownloadedVersion,
  DownloadRequest,
  DownloadResult,
  MirrorRequest,
  Peer,
  PeerStatus,
  ProgressEvent,
  ProgressListener,
  SnapshotId,
  SnapshotRequest,
  TreeChanges,
  UploadRequest,
  UploadResult,
} from '../peer/control/api.ts'
export type { ChunkSource, WantedChunk } from '../peer/download/chunk-sources.ts'
export { giveName, type Replaceable } from '../peer/download/disk/overwriting.ts'
export { placeInside, resolveFiles } from '../peer/download/disk/targets.ts'
/** A file's packed chunk hashes, proven against its id. */
export { loadHashes } from '../peer/download/swarm/hash-list.ts'
export type { PeerFigures, PeerPlugin, PeerSeam } from '../peer/seam.ts'
export { TreePool } from '../peer/tree/pool.ts'
export { type Identity, loadIdentity, makeIdentity } from '../peer/wire/identity.ts'
export { connectPinned } from '../peer/wire/pinned-connect.ts'
export { CHUNK_SIZE, HASH_SIZE } from '../protocol/chunking.ts'
export { type ErrorCode, errorFromBody, ShoalError, storageError } from '../protocol/errors.ts'
export { sha256 } from '../protocol/merkle.ts'
export { isBelow, MIRROR_MARKER, PART_SUFFIX, parseTarget } from '../protocol/names.ts'
export { grantedUrl } from '../protocol/peer-wire.ts'
export type { FileRecord, GroupEvent, Role, SwarmPeer } from '../protocol/records.ts'
export { parseSelectedName } from '../protocol/selector.ts'
/** The trees of snapshots, for `ShoalCommand.treeOf`. */
export { below, type EntryRange, list, sizesBelow } from '../protocol/tree/listing.ts'
export type { TreeIndex } from '../protocol/tree/tree-index.ts'
export { readTrailer } from '../protocol/tree/tree-reader.ts'
export type { ReplicaFigures, TrackerPlugin, TrackerSeam } from '../tracker/seam.ts'
export type { ResolvedFile } from '../tracker-client/api/version-schemas.ts'
export type { TrackerClient } from '../tracker-client/client.ts'
