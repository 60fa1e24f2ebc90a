import { type Cipheriv, createCipheriv, createHash } from 'node:crypto'
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { seededRandom } from '../../testkit/random.ts'

/** A file of a tree that is not made yet. */
export interface TreeFile {
  /** Relative, with slashes. */
  path: string
  size: number
  mode?: number
}

/** A tree that is not made yet. */
export interface Tree {
  files: TreeFile[]
  links: { path: string; target: string }[]
  /** Of all files. */
  bytes: number
}

/** `count` files of `size` bytes each (or of what `size` says of the i-th), spread over `folders` folders. */
export function evenTree(count: number, folders: number, size: number | ((i: number) => number)): Tree {
  const files = Array.from({ length: count }, (_, i) => ({
    path: `d${i % folders}/f${i}`,
    size: typeof size === 'number' ? size : size(i),
  }))
  return { files, links: [], bytes: bytesOf(files) }
}

/** 5,000 files of 10 kB in 50 folders. */
export const smallFiles = (quick: boolean): Tree => evenTree(quick ? 500 : 5000, 50, 10_000)

/** 40,000 files of 400 MB like a large node_modules. */
export const largeModules = (quick: boolean): Tree =>
  quick ? modulesTree(2000, 20e6, 1) : modulesTree(40_000, 400e6, 1)

/**
 * Sizes of the 20,634 files of a node_modules folder of 320 packages, as quantiles: share and bytes. The largest are
 * left out: they are executables of 100 MB, of which a tree of 400 MB would hold three.
 */
const SIZES: readonly (readonly [number, number])[] = [
  [0, 1],
  [0.05, 49],
  [0.1, 100],
  [0.25, 383],
  [0.5, 1185],
  [0.65, 2287],
  [0.75, 4225],
  [0.85, 8704],
  [0.9, 17_525],
  [0.95, 31_103],
  [0.98, 62_211],
  [0.99, 122_106],
  [0.995, 135_289],
  [0.999, 665_892],
  [1, 8_000_000],
]
const FOLDERS_OF_A_PACKAGE = [
  '',
  '',
  'lib',
  'lib',
  'dist',
  'dist/cjs',
  'dist/esm',
  'src/internal',
  'test/fixtures',
]
const FILES_A_PACKAGE = 60
const EXECUTABLE_ONE_IN = 100

/**
 * A tree like a large node_modules: scoped and nested packages, sizes as they are there scaled to `bytes` in all,
 * executables, and links in `.bin`.
 */
export function modulesTree(count: number, bytes: number, seed: number): Tree {
  const random = seededRandom(seed)
  const packages = Array.from({ length: Math.ceil(count / FILES_A_PACKAGE) }, (_, i) => {
    const name = random() < 0.3 ? `@scope${i % 40}/package${i}` : `package${i}`
    return random() < 0.15 && i > 0 ? `package-of-all/node_modules/${name}` : name
  })
  const files: TreeFile[] = []
  const links: { path: string; target: string }[] = []
  for (let i = 0; i < count; i++) {
    const home = packages[Math.floor(i / FILES_A_PACKAGE)]!
    const folder = FOLDERS_OF_A_PACKAGE[Math.floor(random() * FOLDERS_OF_A_PACKAGE.length)]!
    const path = [home, folder, `module-${i}.js`].filter(Boolean).join('/')
    files.push({ path, size: sizeAt(random()), ...(i % EXECUTABLE_ONE_IN === 0 ? { mode: 0o755 } : {}) })
    if (i % FILES_A_PACKAGE === 0 && i % 5 === 0) links.push({ path: `.bin/tool-${i}`, target: `../${path}` })
  }
  const scale = bytes / bytesOf(files)
  for (const file of files) file.size = Math.max(1, Math.round(file.size * scale))
  return { files, links, bytes: bytesOf(files) }
}

/** Interpolates between the quantiles on a logarithmic scale. */
function sizeAt(share: number): number {
  const above = SIZES.findIndex(([to]) => to > share)
  const [[from, low], [to, high]] = [SIZES[above - 1]!, SIZES[above]!]
  return Math.round(low * (high / low) ** ((share - from) / (to - from)))
}

const bytesOf = (files: readonly TreeFile[]): number => files.reduce((sum, { size }) => sum + size, 0)

/** Long before the bench: rsync takes a file of the same size and second as unchanged. */
const MADE = new Date('2026-01-01T00:00:00Z')

/** Makes a tree below `root` with contents that depend on the seed alone, so no two files are alike. */
export function makeTree(root: string, { files, links }: Tree, seed: number): void {
  const contents = new SeededBytes(seed)
  const made = new Set<string>()
  const folderOf = (path: string): void => {
    const folder = dirname(join(root, path))
    if (made.has(folder)) return
    mkdirSync(folder, { recursive: true })
    made.add(folder)
  }
  for (const { path, size, mode } of files) {
    folderOf(path)
    writeFileSync(join(root, path), contents.next(size), mode === undefined ? {} : { mode })
    utimesSync(join(root, path), MADE, MADE)
  }
  for (const { path, target } of links) {
    folderOf(path)
    symlinkSync(target, join(root, path))
  }
}

/** Gives one file in `oneIn`, chosen at random, other contents of the same length. Returns their paths. */
export function changeFiles(root: string, { files }: Tree, oneIn: number, seed: number): ReadonlySet<string> {
  const random = seededRandom(seed)
  const contents = new SeededBytes(seed)
  const left = [...files]
  const changed = Array.from({ length: Math.ceil(files.length / oneIn) }, () => {
    const at = Math.floor(random() * left.length)
    const chosen = left[at]!
    left[at] = left.at(-1)!
    left.pop()
    return chosen
  })
  for (const { path, size } of changed) writeFileSync(join(root, path), contents.next(size))
  return new Set(changed.map(({ path }) => path))
}

/** Bytes that nothing compresses, at the rate of AES, the same for the same seed. */
class SeededBytes {
  readonly #cipher: Cipheriv

  constructor(seed: number) {
    const key = createHash('sha256').update(`tree ${seed}`).digest().subarray(0, 16)
    this.#cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16))
  }

  next(size: number): Buffer {
    return this.#cipher.update(Buffer.alloc(size))
  }
}
