/** Length of a file id in hex. */
export const ID_LENGTH = 64

/** A file that a peer serves to a group, complete or partial. */
export interface Served {
  group: string
  fileId: string
  complete: boolean
}

/** The concatenated hex ids of one group's files that a peer holds: complete ones, and partial ones. */
export interface PackedFiles {
  group: string
  complete: string
  partial: string
}

/** The content of an announce: one item per group, in order of first appearance. */
export function packFiles(listed: Iterable<Served>): PackedFiles[] {
  const byGroup = new Map<string, PackedFiles>()
  for (const { group, fileId, complete } of listed) {
    let packed = byGroup.get(group)
    if (!packed) {
      packed = { group, complete: '', partial: '' }
      byGroup.set(group, packed)
    }
    if (complete) packed.complete += fileId
    else packed.partial += fileId
  }
  return [...byGroup.values()]
}

export function* fileIdsOf(packed: string): Generator<string> {
  for (let at = 0; at < packed.length; at += ID_LENGTH) yield packed.slice(at, at + ID_LENGTH)
}

const scratch = Buffer.allocUnsafeSlow(32 * 1024)

/** Whether a text consists of whole ids. Checking bytes takes a quarter of the time of a RegExp. */
export function isPacked(text: string): boolean {
  if (text.length % ID_LENGTH !== 0) return false
  const length = text.length / 2
  const bytes = length <= scratch.length ? scratch : Buffer.allocUnsafe(length)
  return bytes.write(text, 'hex') === length && bytes.toString('hex', 0, length) === text
}
