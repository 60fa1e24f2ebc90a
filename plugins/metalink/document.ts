import { CHUNK_SIZE, HASH_SIZE } from '@shoal/plugin'

export interface LinkedFile {
  name: string
  size: number
  urls: string[]
  /** The SHA-256 of each chunk, packed; or of the whole file. */
  proof: { hashes: Uint8Array } | { sha256: Uint8Array }
}

/** SHA-256 of the empty string. */
const EMPTY = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'
const XML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }
const escaped = (text: string): string => text.replace(/[&<>"]/g, (character) => XML[character] as string)

/** How each document begins: by it a command knows what it wrote itself. */
export const METALINK_HEAD = `<?xml version="1.0" encoding="UTF-8"?>
<metalink xmlns="urn:ietf:params:xml:ns:metalink">
  <generator>Shoal</generator>
`

/** Yields the Metalink 4 document (RFC 5854) in parts, because a large file's document is large. Pure. */
export function* metalink(files: Iterable<LinkedFile>): Generator<string> {
  yield METALINK_HEAD
  for (const { name, size, urls, proof } of files) {
    yield `  <file name="${escaped(name)}">\n    <size>${size}</size>\n`
    const whole = wholeHash(size, proof)
    if (whole !== null) yield `    <hash type="sha-256">${whole}</hash>\n`
    if ('hashes' in proof && size > 0) {
      yield `    <pieces length="${CHUNK_SIZE}" type="sha-256">\n`
      for (const hash of eachHash(proof.hashes)) yield `      <hash>${hash}</hash>\n`
      yield '    </pieces>\n'
    }
    for (const url of urls) yield `    <url priority="1">${escaped(url)}</url>\n`
    yield '  </file>\n'
  }
  yield '</metalink>\n'
}

/** The file's own SHA-256. Of a file with more than one chunk it is known only in a snapshot. */
function wholeHash(size: number, proof: LinkedFile['proof']): string | null {
  if ('sha256' in proof) return Buffer.from(proof.sha256).toString('hex')
  if (size === 0) return EMPTY
  return proof.hashes.length === HASH_SIZE ? Buffer.from(proof.hashes).toString('hex') : null
}

function* eachHash(hashes: Uint8Array): Generator<string> {
  for (let at = 0; at < hashes.length; at += HASH_SIZE)
    yield Buffer.from(hashes.subarray(at, at + HASH_SIZE)).toString('hex')
}
