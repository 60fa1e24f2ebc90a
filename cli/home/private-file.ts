import { readFileSync } from 'node:fs'
import { writePrivateFileSync } from '../../packed/private-file.ts'
import { storageError } from '../../protocol/errors.ts'

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
  writePrivateFileSync(file, `${JSON.stringify(value)}\n`)
}
