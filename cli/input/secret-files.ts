import { readFileSync } from 'node:fs'
import { ShoalError, storageError } from '../../protocol/errors.ts'

/** Variables that hold a secret, or a URL with a password. */
const SECRETS = ['SHOAL_PASSWORD', 'SHOAL_NEW_PASSWORD', 'SHOAL_TOKEN', 'SHOAL_REDIS', 'SHOAL_QUEUE']

/**
 * Reads secrets from files, as containers provide them: with SHOAL_REDIS_FILE, SHOAL_REDIS becomes the file's first line,
 * unless it is already set. Throws a storage error, or BAD_CONFIG for an empty file.
 */
export function readSecretFiles(env: NodeJS.ProcessEnv): void {
  for (const name of SECRETS) {
    const file = env[`${name}_FILE`]
    if (!file || env[name]) continue
    let text: string
    try {
      text = readFileSync(file, 'utf8')
    } catch (error) {
      throw storageError(error, file)
    }
    const [line = ''] = text.split(/\r?\n/)
    if (line === '')
      throw new ShoalError('BAD_CONFIG', `the first line of ${file} (from ${name}_FILE) is empty`, {
        hint: 'write the secret into its first line',
      })
    env[name] = line
  }
}
