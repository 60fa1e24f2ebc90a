import { parentPort } from 'node:worker_threads'
import type { ThreadAnswer } from '../../packed/thread-pool.ts'
import {
  copyFiles,
  type FileCopy,
  type FileHashes,
  type FilePart,
  type FileState,
  hashChunks,
  hashFiles,
  readParts,
  type States,
  statesOf,
} from './contents.ts'
import { type Listing, listFolder } from './list.ts'
import { type PlaceRequest, placeEntries } from './place.ts'
import { type Fingerprint, fingerprint, type Scan, type ScanRequest, scan } from './scan.ts'

/** What the threads of a TreePool do. */
export type TreeRequest =
  | ({ do: 'scan' } & ScanRequest)
  | ({ do: 'fingerprint' } & ScanRequest)
  | { do: 'hash files'; root: string; files: readonly FileState[] }
  | { do: 'hash chunks'; root: string; chunks: readonly (readonly FilePart[])[] }
  | { do: 'read'; root: string; parts: readonly FilePart[] }
  | { do: 'states'; root: string; paths: readonly string[] }
  | { do: 'list'; root: string }
  | { do: 'copy'; root: string; copies: readonly FileCopy[]; umask: number }
  | ({ do: 'place' } & PlaceRequest)

export type TreeAnswer = Scan | Fingerprint | Listing | FileHashes | States | Uint8Array | null

function answerTo(request: TreeRequest): [TreeAnswer, ArrayBuffer[]] {
  switch (request.do) {
    case 'scan':
      return [scan(request), []]
    case 'fingerprint':
      return [fingerprint(request), []]
    case 'hash files':
      return [hashFiles(request.root, request.files), []]
    case 'hash chunks':
      return [hashChunks(request.root, request.chunks), []]
    case 'read': {
      const bytes = readParts(request.root, request.parts)
      return [bytes, [bytes.buffer]]
    }
    case 'states':
      return [statesOf(request.root, request.paths), []]
    case 'list':
      return [listFolder(request.root), []]
    case 'copy':
      copyFiles(request.root, request.copies, request.umask)
      return [null, []]
    case 'place':
      placeEntries(request)
      return [null, []]
  }
}

parentPort?.on('message', (request: TreeRequest) => {
  const answer = (message: ThreadAnswer<TreeAnswer>, transfer: ArrayBuffer[] = []): void =>
    parentPort?.postMessage(message, transfer)
  try {
    const [result, transfer] = answerTo(request)
    answer({ answer: result }, transfer)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    answer({ errno: code, message })
  }
})
