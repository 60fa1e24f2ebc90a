import { ShoalError } from '../errors.ts'

/** Why a tree was refused, for programs; the message is for people. */
export type TreeFault =
  | 'magic'
  | 'version'
  | 'limit'
  | 'totals'
  | 'truncated'
  | 'varint'
  | 'kind'
  | 'mode'
  | 'time'
  | 'name'
  | 'parent'
  | 'order'
  | 'path-length'
  | 'size'
  | 'hash'
  | 'target'

/** A tree that breaks the rules of docs/protocol.md. `path` is the entry at fault, null for the tree as a whole. */
export class TreeError extends ShoalError {
  readonly fault: TreeFault
  readonly path: string | null

  constructor(fault: TreeFault, message: string, path: string | null = null, hint?: string) {
    super('TREE_INVALID', path === null ? message : `${JSON.stringify(path.slice(0, 200))}: ${message}`, {
      hint,
    })
    this.name = 'TreeError'
    this.fault = fault
    this.path = path
  }
}
