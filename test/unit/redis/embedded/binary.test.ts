import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findRedisServer, installCommand } from '../../../../redis/embedded/binary.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'shoal-bin-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

function program(...parts: string[]): string {
  const path = join(folder, ...parts)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, '#!/bin/sh\n')
  chmodSync(path, 0o755)
  return path
}

const notFound = expect.objectContaining({ code: 'REDIS_NOT_FOUND', hint: expect.any(String) })

test('SHOAL_REDIS_BIN comes first', () => {
  const named = program('named')
  program('redis-server')
  expect(findRedisServer({ SHOAL_REDIS_BIN: named, PATH: folder })).toBe(named)
})

test('a SHOAL_REDIS_BIN that is not executable is an error', () => {
  program('redis-server')
  expect(() => findRedisServer({ SHOAL_REDIS_BIN: join(folder, 'absent'), PATH: folder })).toThrow(notFound)
})

test('valkey-server anywhere on PATH comes before redis-server', () => {
  const redis = program('one', 'redis-server')
  const valkey = program('two', 'valkey-server')
  const [one, two] = [join(folder, 'one'), join(folder, 'two')]
  expect(findRedisServer({ PATH: one })).toBe(redis)
  expect(findRedisServer({ PATH: ['', one, two].join(delimiter) })).toBe(valkey)
})

test('without a server the error says how to install one', () => {
  for (const PATH of [undefined, '', folder]) expect(() => findRedisServer({ PATH })).toThrow(notFound)
  expect(installCommand('darwin')).toMatch(/^brew/)
  expect(installCommand('linux')).toMatch(/apt-get install/)
})
