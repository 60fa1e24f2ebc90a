import { CHUNK_SIZE } from '../../protocol/chunking.ts'
import { sha256 } from '../../protocol/merkle.ts'
import { FILE, FOLDER, LINK } from '../../protocol/tree/entry.ts'
import { encodeFooter, type Footer } from '../../protocol/tree/footer.ts'
import { headOf } from '../../protocol/tree/manifest-encoder.ts'
import { writeNumber, writeSigned64 } from '../../protocol/tree/varint.ts'

/** The fields of a manifest's entry, of which each may lie. */
export interface RawEntry {
  up: number
  kind: number
  mode: number
  name: Buffer
  /** Nanoseconds to the entry before. */
  delta: bigint
  /** Of a file: its content, and what the manifest says of it. */
  content?: Buffer
  size?: number
  sha256?: Buffer
  target?: Buffer
}

const number = (value: number): Buffer => {
  const bytes = Buffer.alloc(10)
  return bytes.subarray(0, writeNumber(bytes, 0, value))
}

const time = (value: bigint): Buffer => {
  const bytes = Buffer.alloc(10)
  return bytes.subarray(0, writeSigned64(bytes, 0, value))
}

function encode({ up, kind, mode, name, delta, content, size, sha256: hash, target }: RawEntry): Buffer {
  const parts = [number(headOf(up, mode, kind)), number(name.length), name, time(delta)]
  const length = size ?? content?.length ?? 0
  if (kind === FILE) parts.push(number(length))
  if (kind === FILE && length > 0) parts.push(hash ?? sha256(content ?? Buffer.alloc(0)))
  if (kind === LINK) parts.push(number(target?.length ?? 0), target ?? Buffer.alloc(0))
  return Buffer.concat(parts)
}

/** A stream whose footer fits the entries, as a publisher writes it who lies consistently; `change` adds lies. */
export function streamOf(
  entries: readonly RawEntry[],
  change: (manifest: Buffer, footer: Footer) => { manifest?: Buffer; footer?: Footer } = () => ({}),
): Buffer {
  const files = entries.flatMap(({ content }) => content ?? [])
  const contents = Buffer.concat([...files.map(whole), ...files.map(tail)])
  const encoded = Buffer.concat(entries.map(encode))
  const sum = (of: (entry: RawEntry) => number): number =>
    entries.reduce((total, entry) => total + of(entry), 0)
  const honest: Footer = {
    contents: contents.length,
    manifest: encoded.length,
    entries: entries.length,
    hashes: sum(({ kind, size, content }) => (kind === FILE && (size ?? content?.length ?? 0) > 0 ? 1 : 0)),
    names: sum(({ name }) => name.length),
    targets: sum(({ kind, target }) => (kind === LINK ? (target?.length ?? 0) : 0)),
  }
  const { manifest = encoded, footer } = change(encoded, honest)
  return Buffer.concat([contents, manifest, encodeFooter(footer ?? { ...honest, manifest: manifest.length })])
}

const boundary = (content: Buffer): number => Math.floor(content.length / CHUNK_SIZE) * CHUNK_SIZE
const whole = (content: Buffer): Buffer => content.subarray(0, boundary(content))
const tail = (content: Buffer): Buffer => content.subarray(boundary(content))

/** One lie, in a tree that is otherwise right. */
export interface Lie {
  what: string
  stream: Buffer
  /** Whether the tree is still one by the rules, so that it may be downloaded. */
  mayBeRight: boolean
}

type Random = () => number
const pick = <T>(items: readonly T[], random: Random): T => items[Math.floor(random() * items.length)]!
const MINUTE = 60_000_000_000n

/** A folder with a file, a link beside it, and a file at the end; new contents each time. */
function honestTree(random: Random): RawEntry[] {
  const content = (size: number): Buffer => Buffer.from(Array.from({ length: size }, () => random() * 256))
  const entry = (up: number, kind: number, name: string, rest: Partial<RawEntry> = {}): RawEntry => ({
    up,
    kind,
    mode: kind === LINK ? 0 : kind === FOLDER ? 0o755 : 0o644,
    name: Buffer.from(name),
    delta: MINUTE,
    ...rest,
  })
  return [
    entry(0, FOLDER, 'bin'),
    entry(0, FILE, 'large', {
      content: Buffer.concat([Buffer.alloc(CHUNK_SIZE, random() * 256), content(99)]),
    }),
    entry(0, FILE, 'tool', { content: content(300) }),
    entry(1, LINK, 'link', { target: Buffer.from('bin/tool') }),
    entry(0, FILE, 'zero', { content: content(20) }),
  ]
}

const NAMES: Record<string, Buffer> = {
  'a name that leads up': Buffer.from('..'),
  'a name that is the folder itself': Buffer.from('.'),
  'an absolute path': Buffer.from('/etc/cron.d/evil'),
  'a path that leads up': Buffer.from('../../evil'),
  'a path below a file': Buffer.from('tool/evil'),
  'a path below a link': Buffer.from('link/evil'),
  'a NUL in a name': Buffer.from('to\0ol'),
  'no name': Buffer.alloc(0),
  'a name of 256 bytes': Buffer.alloc(256, 'n'),
  'a name of a megabyte': Buffer.alloc(2 ** 20, 'n'),
  'a name that is no UTF-8': Buffer.of(0x74, 0xc3, 0x28),
  'an overlong slash': Buffer.of(0x74, 0xc0, 0xaf),
  'a lone surrogate': Buffer.of(0x74, 0xed, 0xa0, 0x80),
  'a backslash': Buffer.from('to\\..\\ol'),
  'a right-to-left override': Buffer.from('to\u202eol'),
  'the name of a working file': Buffer.from('x.shoal-part'),
  "a mirror's marker": Buffer.from('.shoal-mirror.json'),
}

const TARGETS: Record<string, Buffer> = {
  'an empty target': Buffer.alloc(0),
  'a target of 5,000 bytes': Buffer.alloc(5000, 't'),
  'a NUL in a target': Buffer.from('a\0b'),
  'a target that is no UTF-8': Buffer.of(0xff, 0xfe),
}

const FOOTERS: Record<string, (footer: Footer, by: number) => Partial<Footer>> = {
  'more entries': ({ entries }, by) => ({ entries: entries + by }),
  'fewer entries': ({ entries }) => ({ entries: entries - 1 }),
  'four billion entries': () => ({ entries: 2 ** 32 - 1 }),
  'a million entries': () => ({ entries: 1_000_000 }),
  'more hashes': ({ hashes }) => ({ hashes: hashes + 1 }),
  'fewer hashes': ({ hashes }) => ({ hashes: hashes - 1 }),
  'more bytes of names': ({ names }, by) => ({ names: names + by }),
  'fewer bytes of names': ({ names }) => ({ names: names - 1 }),
  'four billion bytes of names': () => ({ names: 2 ** 32 - 1 }),
  'more bytes of targets': ({ targets }, by) => ({ targets: targets + by }),
  'fewer bytes of targets': ({ targets }) => ({ targets: targets - 1 }),
  'a longer manifest': ({ manifest }, by) => ({ manifest: manifest + by }),
  'a manifest of four billion bytes': () => ({ manifest: 2 ** 32 - 1 }),
  'longer contents': ({ contents }, by) => ({ contents: contents + by }),
  'contents of 2^60 bytes': () => ({ contents: 2 ** 60 }),
  'contents in the manifest': ({ contents, manifest }) => ({
    contents: contents - 1,
    manifest: manifest + 1,
  }),
}

/** Number `i` of a series of lies, in which each kind comes up in turn. The random numbers choose places and sizes. */
export function lie(i: number, random: Random): Lie {
  const entries = honestTree(random)
  const files = entries.filter(({ kind }) => kind === FILE)
  const by = 1 + Math.floor(random() * 1000)
  const refused = (what: string, stream: Buffer): Lie => ({ what, stream, mayBeRight: false })
  const renamed = Object.entries(NAMES).map(([what, name]) => (): Lie => {
    Object.assign(pick(entries, random), { name })
    return refused(what, streamOf(entries))
  })
  const aimed = Object.entries(TARGETS).map(([what, target]) => (): Lie => {
    Object.assign(entries[3]!, { target })
    return refused(what, streamOf(entries))
  })
  const claimed = Object.entries(FOOTERS).map(([what, claims]) => (): Lie => {
    const lying = (_: Buffer, footer: Footer) => ({ footer: { ...footer, ...claims(footer, by) } })
    return refused(`a footer with ${what}`, streamOf(entries, lying))
  })
  const changed: Record<string, () => void> = {
    'a folder left twice': () => Object.assign(pick(entries, random), { up: 2 + by }),
    'a kind that there is not': () => Object.assign(pick(entries, random), { kind: 3 }),
    'a link with a mode': () => Object.assign(entries[3]!, { mode: 0o777 }),
    'a path twice': () => entries.splice(2, 0, { ...entries[1]! }),
    'a link and a folder of one name': () =>
      entries.splice(4, 0, { ...entries[0]!, name: Buffer.from('link') }),
    'entries out of order': () => entries.splice(1, 2, entries[2]!, entries[1]!),
    'a larger size': () => Object.assign(pick(files, random), { size: CHUNK_SIZE * 3 + by }),
    'a smaller size': () => Object.assign(pick(files, random), { size: 1 }),
    'a size of a petabyte': () => Object.assign(pick(files, random), { size: 2 ** 50 - by }),
    'a size of 2^52 bytes': () => Object.assign(pick(files, random), { size: 2 ** 52 }),
    'one SHA-256 with two sizes': () => Object.assign(files[2]!, { sha256: sha256(files[1]!.content!) }),
    'a path of 5,000 bytes': () => {
      const deep = Array.from({ length: 25 }, () => ({ ...entries[0]!, name: Buffer.alloc(200, 'd') }))
      entries.splice(0, entries.length, ...deep)
    },
  }
  const altered = Object.entries(changed).map(([what, change]) => (): Lie => {
    change()
    return refused(what, streamOf(entries))
  })
  const at = (length: number): number => Math.floor(random() * length)
  const bytes: (() => Lie)[] = [
    () => refused('a number that is not in its shortest form', streamOf(entries, padVarint)),
    () =>
      refused(
        'a time of 70 bits',
        streamOf(entries, (manifest) => ({ manifest: longTime(manifest) })),
      ),
    () =>
      refused(
        'a cut manifest',
        streamOf(entries, (manifest) => ({ manifest: manifest.subarray(0, -by % 40 || -1) })),
      ),
    () =>
      refused(
        'no manifest',
        streamOf(entries, () => ({ manifest: Buffer.alloc(0) })),
      ),
    () => refused('another version', Buffer.concat([streamOf(entries).subarray(0, -1), Buffer.from('9')])),
    () => refused('no footer', Buffer.concat([streamOf(entries), Buffer.alloc(1)])),
    () => refused('a stream shorter than a footer', streamOf(entries).subarray(-at(39) - 1)),
    () => ({
      what: 'random bytes in the manifest',
      mayBeRight: true,
      stream: streamOf(entries, (manifest) => {
        const mutated = Buffer.from(manifest)
        for (let n = 0; n < 1 + at(3); n++) mutated[at(mutated.length)] = at(256)
        return { manifest: mutated }
      }),
    }),
    () => {
      const target = pick(['../../../../outside', '/etc', '../outside/file', '..'], random)
      entries[3]!.target = Buffer.from(target)
      return { what: `a link to ${target}`, mayBeRight: true, stream: streamOf(entries) }
    },
  ]
  const all = [...renamed, ...aimed, ...claimed, ...altered, ...bytes]
  return all[i % all.length]!()
}

/** Writes the first number, the head of `bin`, in one byte more. */
function padVarint(manifest: Buffer): { manifest: Buffer } {
  return {
    manifest: Buffer.concat([
      manifest.subarray(0, 1),
      Buffer.of(manifest[1]! | 0x80, 0),
      manifest.subarray(2),
    ]),
  }
}

/** Replaces the time of the first entry. */
function longTime(manifest: Buffer): Buffer {
  const start = 2 + 1 + 'bin'.length
  let end = start
  while (manifest[end]! & 0x80) end++
  return Buffer.concat([
    manifest.subarray(0, start),
    Buffer.alloc(10, 0xff),
    Buffer.of(1),
    manifest.subarray(end + 1),
  ])
}
