import { join } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { HASH_SIZE } from '../../protocol/chunking.ts'

/** A complete file on this machine that the peer serves, and the state in which it was hashed. */
export interface CatalogEntry {
  group: string
  name: string
  fileId: string
  size: number
  path: string
  /** Modification time in nanoseconds, and inode. If either differs, the file was changed or replaced. */
  mtimeNs: bigint
  ino: bigint
  /** The path is a folder that holds the snapshot; `mtimeNs` and `ino` are those of the folder, for information. */
  isTree?: boolean
  /** The reason why it is no longer served. Null while it is. */
  fault: string | null
}

/** The place to which a part of a snapshot was downloaded. It is not served, but a later version may replace it. */
export interface DownloadedPart {
  group: string
  name: string
  fileId: string
  /** Of the stream. */
  size: number
  path: string
  /** The folder or file of the tree. */
  part: string
}

/** The origin and the last state of a removed copy. */
export type RemovedCopy = Pick<CatalogEntry, 'group' | 'name' | 'size' | 'mtimeNs' | 'ino'>

/** A chunk of a file on this machine. */
export interface LocalChunk {
  fileId: string
  index: number
}

const SCHEMA = `
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  PRAGMA busy_timeout = 5000;
  CREATE TABLE IF NOT EXISTS files (
    grp TEXT NOT NULL, path TEXT NOT NULL, name TEXT NOT NULL, file_id TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, ino INTEGER NOT NULL, fault TEXT, is_tree INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (grp, name, path)
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS files_by_id ON files (file_id);
  CREATE TABLE IF NOT EXISTS hashes (file_id TEXT PRIMARY KEY, packed BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS chunks (
    hash BLOB PRIMARY KEY, file_id TEXT NOT NULL, idx INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS files_by_path ON files (path);
  CREATE TABLE IF NOT EXISTS removed (
    path TEXT PRIMARY KEY, grp TEXT NOT NULL, name TEXT NOT NULL, size INTEGER NOT NULL,
    mtime_ns INTEGER NOT NULL, ino INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS parts (
    path TEXT PRIMARY KEY, grp TEXT NOT NULL, name TEXT NOT NULL, part TEXT NOT NULL, file_id TEXT NOT NULL,
    size INTEGER NOT NULL
  ) WITHOUT ROWID;
`
const CHUNKS_A_SLICE = 2000
const COLUMNS = 'grp, path, name, file_id, size, mtime_ns, ino, fault, is_tree'

/**
 * The files that this home holds. It is a SQLite database because it must survive crashes, be shared by a running peer
 * and a `--once` command, and find a chunk by its hash among millions.
 */
export class Catalog {
  readonly #db: DatabaseSync
  readonly #put: StatementSync
  readonly #putHashes: StatementSync
  readonly #putChunk: StatementSync
  readonly #findChunk: StatementSync

  constructor(home: string) {
    this.#db = new DatabaseSync(join(home, 'catalog.sqlite'))
    this.#db.exec(SCHEMA)
    this.#migrate()
    this.#put = this.#db.prepare(
      `INSERT OR REPLACE INTO files (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#putHashes = this.#db.prepare('INSERT OR IGNORE INTO hashes VALUES (?, ?)')
    this.#putChunk = this.#db.prepare('INSERT OR REPLACE INTO chunks VALUES (?, ?, ?)')
    this.#findChunk = this.#db.prepare('SELECT file_id, idx FROM chunks WHERE hash = ?')
  }

  /** Records a complete file with its packed chunk hashes. Long lists are written in slices between other work. */
  async put(entry: CatalogEntry, hashes: Uint8Array): Promise<void> {
    for (let at = 0; at < hashes.length; at += CHUNKS_A_SLICE * HASH_SIZE) {
      if (at > 0) await setImmediate()
      const end = Math.min(hashes.length, at + CHUNKS_A_SLICE * HASH_SIZE)
      this.#transaction(() => {
        for (let i = at; i < end; i += HASH_SIZE)
          this.#putChunk.run(hashes.subarray(i, i + HASH_SIZE), entry.fileId, i / HASH_SIZE)
      })
    }
    const { group, path, name, fileId, size, mtimeNs, ino, fault, isTree } = entry
    this.#transaction(() => {
      this.#putHashes.run(fileId, hashes)
      this.#put.run(group, path, name, fileId, size, mtimeNs, ino, fault, isTree ? 1 : 0)
      this.removePart(path)
    })
  }

  all(): CatalogEntry[] {
    return this.#select('')
  }

  byFileId(fileId: string): CatalogEntry[] {
    return this.#select('WHERE file_id = ?', fileId)
  }

  byPath(path: string): CatalogEntry[] {
    return this.#select('WHERE path = ?', path)
  }

  byName(group: string, name: string): CatalogEntry[] {
    return this.#select('WHERE grp = ? AND name = ?', group, name)
  }

  /** Folders with snapshots, also those that changed since. */
  trees(): CatalogEntry[] {
    return this.#select('WHERE is_tree = 1')
  }

  /** The sizes that files have which are no snapshots. */
  plainSizes(): Set<number> {
    const rows = this.#db.prepare('SELECT DISTINCT size FROM files WHERE is_tree = 0').all()
    return new Set(rows.map(({ size }) => Number(size)))
  }

  hashes(fileId: string): Buffer | null {
    const row = this.#db.prepare('SELECT packed FROM hashes WHERE file_id = ?').get(fileId)
    return row ? Buffer.from(row.packed as Uint8Array) : null
  }

  findChunk(hash: Uint8Array): LocalChunk | null {
    const row = this.#findChunk.get(hash)
    return row ? { fileId: row.file_id as string, index: Number(row.idx) } : null
  }

  /** Records why a copy is no longer served. Other content that replaced it at its path is left alone. */
  setFault({ group, name, path, fileId }: CatalogEntry, fault: string): void {
    this.#db
      .prepare('UPDATE files SET fault = ? WHERE grp = ? AND name = ? AND path = ? AND file_id = ?')
      .run(fault, group, name, path, fileId)
  }

  /**
   * Forgets a copy but keeps its origin, so that a later version may still replace the file. The content's hashes go
   * with its last copy.
   */
  remove({ group, name, path, fileId, size, mtimeNs, ino }: CatalogEntry): void {
    this.#transaction(() => {
      this.#db
        .prepare('INSERT OR REPLACE INTO removed VALUES (?, ?, ?, ?, ?, ?)')
        .run(path, group, name, size, mtimeNs, ino)
      this.#db
        .prepare('DELETE FROM files WHERE grp = ? AND name = ? AND path = ? AND file_id = ?')
        .run(group, name, path, fileId)
      if (this.byFileId(fileId).length > 0) return
      this.#db.prepare('DELETE FROM hashes WHERE file_id = ?').run(fileId)
      this.#db.prepare('DELETE FROM chunks WHERE file_id = ?').run(fileId)
    })
  }

  putPart({ group, name, fileId, size, path, part }: DownloadedPart): void {
    this.#db
      .prepare(
        'INSERT OR REPLACE INTO parts (path, grp, name, part, file_id, size) VALUES (?, ?, ?, ?, ?, ?)',
      )
      .run(path, group, name, part, fileId, size)
  }

  parts(): DownloadedPart[] {
    return this.#parts('')
  }

  /** The snapshot that a download of the same name and part has put at `path`; a whole one has the part ''. */
  placedAt(
    path: string,
    wanted: { group: string; name: string; part: string },
  ): { fileId: string; size: number } | null {
    const trees = this.byPath(path).flatMap((entry) => (entry.isTree ? { ...entry, part: '' } : []))
    const isWanted = ({ group, name, part }: typeof wanted): boolean =>
      group === wanted.group && name === wanted.name && part === wanted.part
    return [...trees, ...this.#parts('WHERE path = ?', path)].find(isWanted) ?? null
  }

  partAt(path: string): DownloadedPart | null {
    return this.#parts('WHERE path = ?', path)[0] ?? null
  }

  /** Whether a copy or a part of this content is known. */
  holds(fileId: string): boolean {
    return this.byFileId(fileId).length > 0 || this.#parts('WHERE file_id = ?', fileId).length > 0
  }

  removePart(path: string): void {
    this.#db.prepare('DELETE FROM parts WHERE path = ?').run(path)
  }

  removedAt(path: string): RemovedCopy | null {
    const statement = this.#db.prepare('SELECT * FROM removed WHERE path = ?')
    statement.setReadBigInts(true)
    const row = statement.get(path)
    if (!row) return null
    return {
      group: row.grp as string,
      name: row.name as string,
      size: Number(row.size),
      mtimeNs: row.mtime_ns as bigint,
      ino: row.ino as bigint,
    }
  }

  close(): void {
    this.#db.close()
  }

  /** Catalogs from before 0.2 lack the column of snapshots. */
  #migrate(): void {
    const columns = this.#db.prepare('PRAGMA table_info(files)').all()
    if (columns.some(({ name }) => name === 'is_tree')) return
    this.#db.exec('ALTER TABLE files ADD COLUMN is_tree INTEGER NOT NULL DEFAULT 0')
  }

  #parts(where: string, ...values: string[]): DownloadedPart[] {
    const rows = this.#db.prepare(`SELECT path, grp, name, part, file_id, size FROM parts ${where}`)
    return rows.all(...values).map((row) => ({
      group: row.grp as string,
      name: row.name as string,
      fileId: row.file_id as string,
      size: Number(row.size),
      path: row.path as string,
      part: row.part as string,
    }))
  }

  #select(where: string, ...values: string[]): CatalogEntry[] {
    const statement = this.#db.prepare(`SELECT ${COLUMNS} FROM files ${where}`)
    // Nanoseconds since the epoch exceed 2^53.
    statement.setReadBigInts(true)
    return statement.all(...values).map((row) => ({
      group: row.grp as string,
      path: row.path as string,
      name: row.name as string,
      fileId: row.file_id as string,
      size: Number(row.size),
      mtimeNs: row.mtime_ns as bigint,
      ino: row.ino as bigint,
      fault: row.fault as string | null,
      ...(row.is_tree === 1n ? { isTree: true } : {}),
    }))
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE')
    try {
      work()
      this.#db.exec('COMMIT')
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    }
  }
}
