import { accessSync, constants } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'
import { ShoalError, storageError } from '../protocol/errors.ts'

const WAIT_MS = 15_000
const SQLITE_BUSY = 5

/**
 * Runs `work` while holding `path` as a lock between processes. It uses SQLite's lock on an empty database,
 * which the kernel releases however its holder dies. Others would have to judge a pid file, and they may be
 * wrong (pids are reused) or collide.
 */
export async function withFileLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + WAIT_MS
  let lock = take(path)
  while (lock === null) {
    if (performance.now() > deadline)
      throw new ShoalError('ALREADY_RUNNING', `another process holds ${path}`, {
        hint: 'wait for it to finish, or end it',
      })
    await delay(10)
    lock = take(path)
  }
  try {
    return await work()
  } finally {
    lock.close()
  }
}

/** Returns null while another process holds the lock. */
function take(path: string): DatabaseSync | null {
  let lock: DatabaseSync | null = null
  try {
    lock = new DatabaseSync(path, { timeout: 0 })
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (error) {
    lock?.close()
    if ((error as { errcode?: number }).errcode === SQLITE_BUSY) return null
    throw reason(error, path)
  }
}

/** SQLite says only that it cannot open a file; the file system says why. */
function reason(error: unknown, path: string): Error {
  try {
    accessSync(dirname(path), constants.W_OK)
    return storageError(error, path)
  } catch (why) {
    return storageError(why, path)
  }
}
