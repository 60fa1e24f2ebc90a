import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'

/** Imports go down only (docs/ARCHITECTURE.md): the parts that each part may import, besides itself. */
const ALLOWED: Record<string, readonly string[]> = {
  protocol: [],
  packed: ['protocol'],
  redis: ['packed', 'protocol'],
  'tracker-store': ['packed', 'redis', 'protocol'],
  'tracker/api': ['protocol'],
  'tracker/client': ['tracker/api', 'protocol'],
  tracker: ['tracker/api', 'tracker-store', 'packed', 'redis', 'protocol'],
  peer: ['tracker/api', 'tracker/client', 'packed', 'redis', 'protocol'],
  cli: ['tracker', 'tracker/api', 'tracker/client', 'peer', 'packed', 'protocol'],
  commands: ['cli', 'tracker', 'tracker/api', 'tracker/client', 'peer', 'protocol'],
  'plugin-api': ['cli', 'tracker', 'tracker/client', 'peer', 'packed', 'protocol'],
  plugins: [],
  bin: ['commands', 'cli', 'plugin-api', 'plugins', 'packed', 'package.json', 'oclif.manifest.json'],
}

/** Packages that only some parts may import. Every part except protocol may import any other package. */
const OWNERS: Record<string, readonly string[]> = {
  '@oclif/core': ['cli', 'commands', 'plugin-api'],
  '@inquirer/password': ['cli'],
  'cli-progress': ['cli'],
  'modern-tar': ['cli'],
  fastify: ['tracker'],
  '@fastify/swagger': ['tracker'],
  '@fastify/type-provider-typebox': ['tracker'],
  bullmq: ['peer'],
  '@peculiar/x509': ['peer'],
}

const root = join(import.meta.dirname, '../..')
const PARTS = Object.keys(ALLOWED).sort((a, b) => b.length - a.length)
const partOf = (path: string): string => PARTS.find((part) => path.startsWith(`${part}/`)) ?? path

const packageOf = (name: string): string =>
  name
    .split('/')
    .slice(0, name.startsWith('@') ? 2 : 1)
    .join('/')

interface Source {
  path: string
  text: string
  imports: string[]
}

const IMPORT =
  /(?:^|[\s;}])(?:import|export)\s*(?:[\w*{}\s,$]+?\sfrom\s*)?['"]([^'"\n]+)['"]|\bimport\(\s*['"]([^'"\n]+)['"]/g

function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => (match[1] ?? match[2]) as string)
}

const folders = new Set(Object.keys(ALLOWED).map((part) => part.split('/')[0] as string))
const sources: Source[] = [...folders].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => {
      const path = join(folder, name)
      const text = readFileSync(join(root, path), 'utf8')
      return { path, text, imports: importsOf(text) }
    }),
)

test('the scanner sees every form of import', () => {
  const text = `
    import a from './a.ts'
    import { type B, c } from "./b.ts"
    import type { D } from './d.ts'
    import * as e from 'e'
    import './f.ts'
    export { g } from './g.ts'
    export * from './h.ts'
    const i = await import('./i.ts')
    type J = import('./j.ts').J
  `
  expect(importsOf(text)).toEqual([
    './a.ts',
    './b.ts',
    './d.ts',
    'e',
    './f.ts',
    './g.ts',
    './h.ts',
    './i.ts',
    './j.ts',
  ])
  expect(sources.length).toBeGreaterThan(50)
})

test('imports between the parts go down only', () => {
  const wrong = sources.flatMap(({ path, imports }) => {
    const part = partOf(path)
    return imports
      .filter((name) => name.startsWith('.'))
      .map((name) => normalize(join(dirname(path), name)))
      .filter((target) => partOf(target) !== part && !ALLOWED[part]?.includes(partOf(target)))
      .map((target) => `${path} imports ${target}`)
  })
  expect(wrong).toEqual([])
})

test("only a package's owners import it, and protocol imports none", () => {
  const wrong = sources.flatMap(({ path, imports }) =>
    imports
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
      .map(packageOf)
      .filter((name) => {
        const part = partOf(path)
        return part === 'protocol' || !(OWNERS[name]?.some((owner) => part.startsWith(owner)) ?? true)
      })
      .map((name) => `${path} imports ${name}`),
  )
  expect(wrong).toEqual([])
})

test('a plugin imports only the public plugin API, its own files, and the dependencies in its package.json', () => {
  const wrong = sources
    .filter(({ path }) => path.startsWith('plugins/'))
    .flatMap(({ path, imports }) => {
      const plugin = path.split('/').slice(0, 2).join('/')
      const { dependencies } = JSON.parse(readFileSync(join(root, plugin, 'package.json'), 'utf8'))
      return imports
        .filter((name) =>
          name.startsWith('.')
            ? !normalize(join(dirname(path), name)).startsWith(`${plugin}/`)
            : !name.startsWith('node:') && !(packageOf(name) in dependencies),
        )
        .map((name) => `${path} imports ${name}`)
    })
  expect(wrong).toEqual([])
})

test('no source file is longer than 300 lines', () => {
  expect(sources.filter(({ text }) => text.split('\n').length > 301).map(({ path }) => path)).toEqual([])
})
