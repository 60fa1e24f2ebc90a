import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EFFECTS, OWNERS, PURE, PURE_MODULES, ROOMS, TEST_ROOMS } from './rooms.ts'
import { packageOf, programs, roomOf, root, sources, targetOf } from './sources.ts'

test('a room imports only the floors below it', () => {
  const wrong = sources.flatMap(({ path, imports }) => {
    const room = roomOf(path)
    const { imports: allowed, why } = ROOMS[room]!
    return imports
      .filter((name) => name.startsWith('.'))
      .map((name) => targetOf(path, name))
      .filter((target) => {
        const other = roomOf(target)
        if (other === room || allowed.includes(other)) return false
        return !(allowed.includes('*') && !TEST_ROOMS.has(other))
      })
      .map((target) => `${path} imports ${target}, but ${room}: ${why}`)
  })
  expect(wrong).toEqual([])
})

test('no file imports itself by way of others', () => {
  const graph = new Map(
    sources.map(({ path, imports }) => [
      path,
      imports.filter((name) => name.startsWith('.')).map((name) => targetOf(path, name)),
    ]),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (path: string, way: string[]): void => {
    const at = way.indexOf(path)
    if (at >= 0) cycles.push([...way.slice(at), path].join(' -> '))
    if (at >= 0 || done.has(path)) return
    for (const target of graph.get(path) ?? []) visit(target, [...way, path])
    done.add(path)
  }
  for (const path of graph.keys()) visit(path, [])
  expect(cycles).toEqual([])
})

test('a pure room has no clock, socket, file, process or randomness of its own: callers pass them in', () => {
  const wrong = programs
    .filter(({ path }) => PURE.includes(roomOf(path)))
    .flatMap(({ path, text, imports }) => [
      ...imports
        .filter((name) => name.startsWith('node:') && !PURE_MODULES.has(name))
        .map((name) => `${path} imports ${name}`),
      ...[...text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '').matchAll(new RegExp(EFFECTS, 'g'))].map(
        ([effect]) => `${path} uses ${effect}`,
      ),
    ])
  expect(wrong).toEqual([])
})

test('a package is used by the room whose business it is, and protocol uses none', () => {
  const wrong = programs.flatMap(({ path, imports }) =>
    imports
      .filter((name) => !name.startsWith('.') && !name.startsWith('node:'))
      .map(packageOf)
      .filter((name) => {
        if (path.startsWith('protocol/')) return true
        return !(OWNERS[name]?.some((owner) => path.startsWith(owner)) ?? true)
      })
      .map((name) => `${path} imports ${name}`),
  )
  expect(wrong).toEqual([])
})

test('a plugin uses the public plugin API, its own files, and the packages that its package.json names', () => {
  const wrong = programs
    .filter(({ path }) => path.startsWith('plugins/'))
    .flatMap(({ path, imports }) => {
      const plugin = path.split('/').slice(0, 2).join('/')
      const { dependencies } = JSON.parse(readFileSync(join(root, plugin, 'package.json'), 'utf8'))
      return imports
        .filter((name) =>
          name.startsWith('.')
            ? !targetOf(path, name).startsWith(`${plugin}/`)
            : !name.startsWith('node:') && !(packageOf(name) in dependencies),
        )
        .map((name) => `${path} imports ${name}`)
    })
  expect(wrong).toEqual([])
})
