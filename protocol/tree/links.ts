import { ShoalError } from '../errors.ts'
import { findExact } from './listing.ts'
import type { TreeIndex } from './tree-index.ts'

/** As many links as Linux follows in one path before it answers ELOOP. */
const MAX_HOPS = 40
/** Parts of targets that are followed, as many as a path of 4,096 bytes has. */
const MAX_STEPS = 2048

/**
 * Whether a link at `path` leads out of its tree. `linkAt` gives the target of the link at a path, and undefined
 * where the tree has no link. Links on the way are followed as the system does: `a/..` is not the folder of `a`
 * where `a` is a link. A path that the tree does not have is followed by its names. A link that never ends leads
 * nowhere, so not out.
 */
export function leadsOut(
  path: string,
  target: string,
  linkAt: (path: string) => string | undefined,
): boolean {
  if (target.startsWith('/')) return true
  const at = path.split('/').slice(0, -1)
  const ahead = target.split('/').reverse()
  let hops = 1
  for (let steps = 0; ahead.length > 0 && steps < MAX_STEPS; steps++) {
    const part = ahead.pop()!
    if (part === '' || part === '.') continue
    if (part === '..') {
      if (at.pop() === undefined) return true
      continue
    }
    at.push(part)
    const next = linkAt(at.join('/'))
    if (next === undefined) continue
    if (next.startsWith('/')) return true
    if (++hops > MAX_HOPS) return false
    at.pop()
    ahead.push(...next.split('/').reverse())
  }
  return ahead.length > 0 && ahead.includes('..')
}

/** The links of a tree that lead out of it. */
export function* outwardLinks(index: TreeIndex): Generator<number> {
  const linkAt = (path: string): string | undefined => {
    const entry = findExact(index, path)
    return entry !== null && entry >= 0 && index.kind(entry) === 'link' ? index.target(entry) : undefined
  }
  for (let i = 0; i < index.count; i++)
    if (index.kind(i) === 'link' && leadsOut(index.path(i), index.target(i), linkAt)) yield i
}

/** The refusal of a link that leads out of the folder that is published. */
export function outwardLinkError(path: string, target: string): ShoalError {
  return new ShoalError(
    'LINK_OUTSIDE',
    `the link ${JSON.stringify(path)} leads out of the folder, to ${JSON.stringify(target)}`,
    { hint: 'remove the link, or let it name something in the folder' },
  )
}
