import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSecretFiles } from '../../../../cli/input/secret-files.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-secrets-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true })
})

function fileWith(text: string): string {
  const file = join(folder, 'secret')
  writeFileSync(file, text)
  return file
}

test.each(['SHOAL_PASSWORD', 'SHOAL_NEW_PASSWORD', 'SHOAL_TOKEN', 'SHOAL_REDIS', 'SHOAL_QUEUE'])(
  '%s_FILE names a file whose first line is the value',
  (name) => {
    const env: NodeJS.ProcessEnv = { [`${name}_FILE`]: fileWith('the secret \nmore\n') }
    readSecretFiles(env)
    expect(env[name]).toBe('the secret ')
  },
)

test('the variable itself takes precedence over its file', () => {
  const env: NodeJS.ProcessEnv = { SHOAL_TOKEN: 'given', SHOAL_TOKEN_FILE: join(folder, 'none') }
  readSecretFiles(env)
  expect(env.SHOAL_TOKEN).toBe('given')
})

test('the error about a missing or empty file names it', () => {
  expect(() => readSecretFiles({ SHOAL_TOKEN_FILE: join(folder, 'none') })).toThrow(
    expect.objectContaining({ code: 'PATH_NOT_FOUND', message: expect.stringContaining('none') }),
  )
  expect(() => readSecretFiles({ SHOAL_TOKEN_FILE: fileWith('\n') })).toThrow(
    expect.objectContaining({ code: 'BAD_CONFIG', message: expect.stringContaining('SHOAL_TOKEN_FILE') }),
  )
})
