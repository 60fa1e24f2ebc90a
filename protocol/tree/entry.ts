/**
 * The entries of a snapshot's tree (docs/protocol.md, "Snapshots"). Paths are relative, with slashes and
 * without a root entry; times are nanoseconds since the epoch (signed, 64 bits); modes are the nine permission
 * bits. The owner and group of the publisher's system are not part of a tree.
 */
export type EntryKind = 'file' | 'folder' | 'link'

interface Common {
  path: string
  mtimeNs: bigint
}

export interface FileEntry extends Common {
  kind: 'file'
  mode: number
  size: number
  /** SHA-256 of the whole file, 32 bytes. */
  sha256: Uint8Array
}

export interface FolderEntry extends Common {
  kind: 'folder'
  mode: number
}

/** A symbolic link. It has no mode: POSIX systems ignore the mode of links. */
export interface LinkEntry extends Common {
  kind: 'link'
  target: string
}

export type TreeEntry = FileEntry | FolderEntry | LinkEntry

/** The code of a kind in a manifest is its place in this list. */
export const KINDS = ['file', 'folder', 'link'] as const satisfies readonly EntryKind[]
export const FILE = 0
export const FOLDER = 1
export const LINK = 2

export const MAX_ENTRIES = 1_000_000
/** 256 MiB: room for a million entries with names of 200 bytes, and offsets that fit in 32 bits. */
export const MAX_MANIFEST_BYTES = 2 ** 28
export const MAX_PATH_BYTES = 4096
/** The longest target that Linux stores. */
export const MAX_TARGET_BYTES = 4095
export const MAX_MODE = 0o777
