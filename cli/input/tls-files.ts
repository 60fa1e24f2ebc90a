import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ShoalError, storageError } from '../../protocol/errors.ts'

/** A certificate and its key, as PEM; throws BAD_CONFIG where they are none or do not belong together. */
export function readTlsFiles(certFile: string, keyFile: string): { cert: string; key: string } {
  const pair = { cert: readFile(certFile), key: readFile(keyFile) }
  try {
    createSecureContext(pair)
  } catch (error) {
    throw new ShoalError('BAD_CONFIG', `${certFile} and ${keyFile} are no certificate and its key`, {
      hint: 'both are PEM files, and the key is the one that the certificate was made for',
      cause: error,
    })
  }
  return pair
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw storageError(error, file)
  }
}
