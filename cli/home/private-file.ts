import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { storageError } from '../../protocol/errors.ts'
import { makePrivateFolder } from './home.ts'

/** A JSON document that only its owner can read. Null if it is missing or not JSON. */
export function readPrivateJson(file: string): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw storageError(error, file)
  }
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

/** Replaces the document atomically: a reader sees the old one or the new one. */
export function writePrivateJson(file: string, value: object): void {
  makePrivateFolder(dirname(file))
  const draft = `${file}.${process.pid}`
  try {
    writeFileSync(draft, `${JSON.stringify(value)}\n`, { mode: 0o600, flush: true })
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    throw storageError(error, file)
  }
}
