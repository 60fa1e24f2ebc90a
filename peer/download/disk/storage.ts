import { type FileHandle, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { CHUNK_SIZE, type Extent } from '../../../protocol/chunking.ts'
import { ShoalError } from '../../../protocol/errors.ts'
import type { WritePart } from '../../tree/write-tree.ts'
import { giveName, type Replaceable } from './overwriting.ts'
import { hasName, syncFolder } from './part-storage.ts'
import { takenOver } from './run-journal.ts'

/** Where a fetch thread writes the chunks of an extent: into one file, or into files of a tree. */
export type Place =
  | { fd: number; path: string }
  | { path: string; tree: { root: string; chunks: WritePart[][] } }

/** Runs a sync, and records its failure. */
export type Sync = (how: () => Promise<void>) => Promise<void>

/** Where a part file keeps its data (part-file.ts). Throws errors of the file system. */
export interface PartStorage {
  /** The working name of the file or folder. */
  readonly path: string
  place(extent: Extent): Place
  read(into: Uint8Array, position: number): Promise<void>
  write(data: Uint8Array, chunk: number): Promise<void>
  /** Resolves when everything written is on the disk. */
  sync(): Promise<void>
  /** Renames the complete download to its final name, and returns its state for the catalog. */
  publish(replaceable: Replaceable, sync: Sync): Promise<{ mtimeNs: bigint; ino: bigint }>
  /** The modification time, in nanoseconds; null if there is no single one. */
  modified(): Promise<bigint | null>
  close(): Promise<void>
}

/** A file under its working name. */
export class FileStorage implements PartStorage {
  readonly path: string
  readonly #finalPath: string
  readonly #file: FileHandle

  constructor(path: string, finalPath: string, file: FileHandle) {
    this.path = path
    this.#finalPath = finalPath
    this.#file = file
  }

  place(): Place {
    return { fd: this.#file.fd, path: this.path }
  }

  async read(into: Uint8Array, position: number): Promise<void> {
    for (let done = 0; done < into.length; ) {
      const { bytesRead } = await this.#file.read(into, done, into.length - done, position + done)
      if (bytesRead === 0) throw new ShoalError('FILE_CHANGED', `${this.path} became shorter`)
      done += bytesRead
    }
  }

  async write(data: Uint8Array, chunk: number): Promise<void> {
    for (let done = 0; done < data.length; ) {
      const at = chunk * CHUNK_SIZE + done
      done += (await this.#file.write(data, done, data.length - done, at)).bytesWritten
    }
  }

  sync(): Promise<void> {
    return this.#file.datasync()
  }

  /** If the sync of the folder fails, the file gets its working name back. */
  async publish(replaceable: Replaceable, sync: Sync): Promise<{ mtimeNs: bigint; ino: bigint }> {
    await sync(() => this.#file.sync())
    const { mtimeNs, ino } = await this.#file.stat({ bigint: true })
    if (!(await hasName(this.#file, this.path))) throw takenOver(this.path)
    await giveName(this.path, this.#finalPath, replaceable)
    await sync(() => syncFolder(dirname(this.#finalPath))).catch(async (error: unknown) => {
      await rename(this.#finalPath, this.path).catch(() => {})
      throw error
    })
    return { mtimeNs, ino }
  }

  async modified(): Promise<bigint> {
    return (await this.#file.stat({ bigint: true })).mtimeNs
  }

  close(): Promise<void> {
    return this.#file.close()
  }
}
