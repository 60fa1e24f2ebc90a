import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { ShoalError, storageError } from '../../protocol/errors.ts'

/** A certificate and its key, as PEM. Throws BAD_CONFIG if they are invalid or do not match. */
export function readTlsFiles(certFile: string, keyFile: string): { cert: string; key: string } {
  const pair = { cert: readFile(certFile), key: readFile(keyFile) }
  try {
    createSecureContext(pair)
  } catch (error) {
    throw new ShoalError('BAD_CONFIG', `${certFile} and ${keyFile} are not a certificate and its key`, {
      hint: 'give two PEM files: a certificate, and the private key that belongs to it',
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
