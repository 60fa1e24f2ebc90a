import { readFileSync } from 'node:fs'
import { ShoalError, storageError } from '../../protocol/errors.ts'

/** Variables that hold a secret, or a URL with a password in it. */
const SECRETS = ['SHOAL_PASSWORD', 'SHOAL_NEW_PASSWORD', 'SHOAL_TOKEN', 'SHOAL_REDIS', 'SHOAL_QUEUE']

/**
 * Fills in what the environment names as a file, which is how containers are given secrets: with
 * SHOAL_REDIS_FILE, SHOAL_REDIS is the file's first line. The variable itself goes before the file. Throws a
 * storage error, or BAD_CONFIG for an empty file.
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
      throw new ShoalError('BAD_CONFIG', `${file}, which ${name}_FILE names, begins with an empty line`, {
        hint: 'write the secret into it, as its first line',
      })
    env[name] = line
  }
}
