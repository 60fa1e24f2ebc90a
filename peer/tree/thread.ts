import { answerRequests } from '../../packed/answer-requests.ts'
import {
  type FileHashes,
  type FilePart,
  type FileState,
  hashChunks,
  hashFiles,
  readParts,
  type States,
  statesOf,
} from './contents.ts'
import { copyFiles, copyVerified, type FileCopy, type VerifiedCopy } from './copies.ts'
import { type FindRequest, type FoundFiles, findFiles } from './find-files.ts'
import { type Listing, listFolder } from './list.ts'
import { type Placed, type PlaceRequest, placeEntries } from './place.ts'
import { removeTree, sweepTree } from './remove-tree.ts'
import { type Fingerprint, fingerprint, type Scan, type ScanRequest, scan } from './scan.ts'
import { syncHere } from './sync-file-system.ts'

/** The requests that the threads of a TreePool handle. */
export type TreeRequest =
  | ({ do: 'scan' } & ScanRequest)
  | ({ do: 'fingerprint' } & ScanRequest)
  | { do: 'hash files'; root: string; files: readonly FileState[] }
  | { do: 'hash chunks'; root: string; chunks: readonly (readonly FilePart[])[] }
  | { do: 'read'; root: string; parts: readonly FilePart[]; buffer: ArrayBuffer }
  | { do: 'states'; root: string; paths: readonly string[] }
  | { do: 'list'; root: string }
  | { do: 'copy'; root: string; copies: readonly FileCopy[]; umask: number }
  | { do: 'copy verified'; root: string; copies: readonly VerifiedCopy[]; umask: number }
  | ({ do: 'find files' } & FindRequest)
  | ({ do: 'place' } & PlaceRequest)
  | { do: 'remove'; path: string }
  | { do: 'sync'; folder: string }
  | { do: 'sweep'; root: string; entries: readonly Pick<Placed, 'path' | 'kind'>[] }

export type TreeAnswer =
  | Scan
  | Fingerprint
  | Listing
  | FileHashes
  | FoundFiles
  | States
  | Uint8Array
  | boolean
  | null

answerRequests((request: TreeRequest): { answer: TreeAnswer; transfer?: ArrayBuffer[] } => {
  switch (request.do) {
    case 'scan':
      return { answer: scan(request) }
    case 'fingerprint':
      return { answer: fingerprint(request) }
    case 'hash files':
      return { answer: hashFiles(request.root, request.files) }
    case 'hash chunks':
      return { answer: hashChunks(request.root, request.chunks) }
    case 'read': {
      const bytes = readParts(request.root, request.parts, request.buffer)
      return { answer: bytes, transfer: [bytes.buffer] }
    }
    case 'states':
      return { answer: statesOf(request.root, request.paths) }
    case 'list':
      return { answer: listFolder(request.root) }
    case 'copy':
      copyFiles(request.root, request.copies, request.umask)
      return { answer: null }
    case 'copy verified':
      return { answer: copyVerified(request.root, request.copies, request.umask) }
    case 'find files':
      return { answer: findFiles(request) }
    case 'place':
      placeEntries(request)
      return { answer: null }
    case 'sync':
      return { answer: syncHere(request.folder) }
    case 'remove':
      removeTree(request.path)
      return { answer: null }
    case 'sweep':
      sweepTree(request.root, request.entries)
      return { answer: null }
  }
})
