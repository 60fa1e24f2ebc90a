/**
 * Every error that Shoal tells its users about, in one table. The code is the contract (scripts match on
 * it), `status` is what a tracker or a peer answers over HTTP, and `kind` decides the exit status of the
 * command line (cli/process/exit-codes.ts). docs/errors.md documents each row; a test compares both ways.
 */
export type ErrorKind =
  | 'unexpected'
  | 'usage'
  | 'auth'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'unreachable'
  | 'no-peer'
  | 'integrity'
  | 'storage'
  | 'busy'

export const ERRORS = {
  INTERNAL: { status: 500, kind: 'unexpected' },

  USAGE: { status: 400, kind: 'usage' },
  BAD_REQUEST: { status: 400, kind: 'usage' },
  BAD_NAME: { status: 400, kind: 'usage' },
  BAD_CONFIG: { status: 400, kind: 'usage' },
  RUNTIME_TOO_OLD: { status: 400, kind: 'usage' },
  PLUGIN_BROKEN: { status: 400, kind: 'usage' },
  BAD_MANIFEST: { status: 400, kind: 'usage' },
  LINK_OUTSIDE: { status: 400, kind: 'usage' },
  NAMES_COLLIDE: { status: 400, kind: 'usage' },
  TOO_LARGE: { status: 413, kind: 'usage' },
  ROUTE_NOT_FOUND: { status: 404, kind: 'usage' },
  WEAK_PASSWORD: { status: 400, kind: 'usage' },

  NOT_LOGGED_IN: { status: 401, kind: 'auth' },
  WRONG_PASSWORD: { status: 401, kind: 'auth' },
  TOKEN_INVALID: { status: 401, kind: 'auth' },
  PEER_UNPROVEN: { status: 401, kind: 'auth' },

  NOT_A_MEMBER: { status: 403, kind: 'forbidden' },
  NOT_AN_ADMIN: { status: 403, kind: 'forbidden' },
  NOT_THE_OWNER: { status: 403, kind: 'forbidden' },
  SCOPE_TOO_NARROW: { status: 403, kind: 'forbidden' },
  GRANT_INVALID: { status: 403, kind: 'forbidden' },

  USER_NOT_FOUND: { status: 404, kind: 'not-found' },
  GROUP_NOT_FOUND: { status: 404, kind: 'not-found' },
  REQUEST_NOT_FOUND: { status: 404, kind: 'not-found' },
  MEMBER_NOT_FOUND: { status: 404, kind: 'not-found' },
  VERSION_NOT_FOUND: { status: 404, kind: 'not-found' },
  FILE_NOT_FOUND: { status: 404, kind: 'not-found' },
  PLUGIN_NOT_FOUND: { status: 404, kind: 'not-found' },
  CHUNK_NOT_HELD: { status: 404, kind: 'not-found' },

  USER_TAKEN: { status: 409, kind: 'conflict' },
  GROUP_TAKEN: { status: 409, kind: 'conflict' },
  ALREADY_MEMBER: { status: 409, kind: 'conflict' },
  ALREADY_REQUESTED: { status: 409, kind: 'conflict' },
  ALREADY_ADMIN: { status: 409, kind: 'conflict' },
  LAST_OWNER: { status: 409, kind: 'conflict' },
  NAME_CONFLICT: { status: 409, kind: 'conflict' },
  TOO_MANY_TAGS: { status: 409, kind: 'conflict' },
  HASHES_NEEDED: { status: 409, kind: 'conflict' },
  REVISION_TOO_OLD: { status: 410, kind: 'conflict' },
  PLUGIN_TAKEN: { status: 409, kind: 'conflict' },
  PORT_IN_USE: { status: 409, kind: 'conflict' },
  ALREADY_RUNNING: { status: 409, kind: 'conflict' },
  STORE_NOT_EMPTY: { status: 409, kind: 'conflict' },

  TRACKER_UNREACHABLE: { status: 502, kind: 'unreachable' },
  TRACKER_BAD_ANSWER: { status: 502, kind: 'unreachable' },
  REDIS_UNREACHABLE: { status: 503, kind: 'unreachable' },
  REDIS_TOO_OLD: { status: 503, kind: 'unreachable' },
  REDIS_NOT_FOUND: { status: 503, kind: 'unreachable' },
  SCHEMA_TOO_NEW: { status: 503, kind: 'unreachable' },
  RESTORE_UNFINISHED: { status: 503, kind: 'unreachable' },

  PEER_STOPPED: { status: 503, kind: 'unreachable' },

  NO_PEER: { status: 504, kind: 'no-peer' },
  HASH_MISMATCH: { status: 502, kind: 'integrity' },
  TREE_INVALID: { status: 502, kind: 'integrity' },
  BACKUP_INVALID: { status: 400, kind: 'integrity' },
  PEER_BAD_ANSWER: { status: 502, kind: 'integrity' },

  NO_SPACE: { status: 507, kind: 'storage' },
  NO_PERMISSION: { status: 500, kind: 'storage' },
  PATH_NOT_FOUND: { status: 500, kind: 'storage' },
  PATH_IN_THE_WAY: { status: 500, kind: 'storage' },
  FOLDER_UNREADABLE: { status: 500, kind: 'storage' },
  FILE_CHANGED: { status: 410, kind: 'storage' },
  STORAGE_FAILED: { status: 500, kind: 'storage' },

  RATE_LIMITED: { status: 429, kind: 'busy' },
  OVERLOADED: { status: 503, kind: 'busy' },
  STORE_UNAVAILABLE: { status: 503, kind: 'busy' },

  INTERRUPTED: { status: 499, kind: 'unexpected' },
} as const satisfies Record<string, { status: number; kind: ErrorKind }>

export type ErrorCode = keyof typeof ERRORS

/** An error on its way to another thread, process or machine. Errors that are not ours have the code of their cause. */
export interface WireError {
  code: string
  message: string
  hint?: string
}

export interface ErrorBody {
  error: WireError
}

/** An error that a user can act on: one sentence, a code, and where there is one, the next step. */
export class ShoalError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.name = 'ShoalError'
    this.code = code
    this.hint = options.hint
  }

  get status(): number {
    return ERRORS[this.code].status
  }

  get kind(): ErrorKind {
    return ERRORS[this.code].kind
  }

  toJSON(): ErrorBody {
    return { error: encodeError(this) }
  }
}

/** On the wire, of an error without a code. */
const NO_CODE = 'ERROR'

export function isErrorCode(code: unknown): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERRORS, code)
}

export function encodeError(error: Error): WireError {
  const { code, hint } = error as Partial<ShoalError>
  return {
    code: typeof code === 'string' ? code : NO_CODE,
    message: error.message,
    ...(hint ? { hint } : {}),
  }
}

/** The error that was encoded: a ShoalError again, or an Error with its `code`. */
export function reviveError(error: WireError): Error {
  return errorFromBody({ error }) ?? Object.assign(new Error(error.message), { code: error.code })
}

/** Rebuilds the error that a tracker or a peer sent; null when the body is not one of ours. */
export function errorFromBody(body: unknown): ShoalError | null {
  const error = (body as Partial<ErrorBody> | null)?.error
  if (!error || !isErrorCode(error.code) || typeof error.message !== 'string') return null
  return new ShoalError(error.code, error.message, {
    hint: typeof error.hint === 'string' ? error.hint : undefined,
  })
}

const STORAGE_ERRNO: Record<string, [ErrorCode, string]> = {
  ENOSPC: ['NO_SPACE', 'free some space, then run the same command again: it goes on where it stopped'],
  EDQUOT: ['NO_SPACE', 'free some of your quota, then run the same command again'],
  EACCES: ['NO_PERMISSION', 'check the permissions of the path'],
  EPERM: ['NO_PERMISSION', 'check the permissions of the path'],
  EROFS: ['NO_PERMISSION', 'the file system is read-only: choose another folder'],
  ENOENT: ['PATH_NOT_FOUND', 'check the path'],
  ENOTDIR: ['PATH_IN_THE_WAY', 'a part of the path is a file or a link, not a folder'],
  EISDIR: ['PATH_IN_THE_WAY', 'the path is a folder: name a file'],
  ELOOP: ['PATH_IN_THE_WAY', 'a symbolic link is in the way: remove it, or choose another place'],
  EEXIST: ['PATH_IN_THE_WAY', 'move what is there out of the way'],
  ENOTEMPTY: ['PATH_IN_THE_WAY', 'move what is there out of the way'],
  ENAMETOOLONG: [
    'STORAGE_FAILED',
    'the file system does not take names or paths of this length: choose another place',
  ],
  EXDEV: ['STORAGE_FAILED', 'a part of the folder is on another file system: choose a place that is on one'],
  EMFILE: ['STORAGE_FAILED', 'raise the limit of open files: ulimit -n'],
  ENFILE: [
    'STORAGE_FAILED',
    'the system has too many open files: close some, then run the same command again',
  ],
  EFBIG: ['STORAGE_FAILED', 'the file system does not take files of this size: choose another place'],
}

/** Errors of Linux for which Node has no name: their code is "Unknown system error -122". */
const UNNAMED: Record<string, [errno: string, text: string]> = {
  'Unknown system error -116': ['ESTALE', 'the file is gone from the server of the network file system'],
  'Unknown system error -117': ['EUCLEAN', 'the file system is damaged'],
  'Unknown system error -122': ['EDQUOT', 'disk quota exceeded'],
}

/** Turns a file system error (Node's `err.code`) into one sentence about `path`; other errors stay as they are. */
export function storageError(error: unknown, path: string): Error {
  if (error instanceof ShoalError) return error
  const code = (error as NodeJS.ErrnoException | null)?.code
  const message = (error as Error | null)?.message ?? String(error)
  if (code === undefined || code === NO_CODE) return error instanceof Error ? error : new Error(message)
  const [errno, text] = UNNAMED[code] ?? [code, plainReason(message)]
  const [known, hint] = STORAGE_ERRNO[errno] ?? ['STORAGE_FAILED', undefined]
  return new ShoalError(known, `${path}: ${text}`, { ...(hint ? { hint } : {}), cause: error })
}

/** A storage error about the path that Node's own error names; other errors stay as they are. */
export function storageErrorOf(error: Error): Error {
  const { path } = error as NodeJS.ErrnoException
  return typeof path === 'string' ? storageError(error, path) : error
}

/** "ENOSPC: no space left on device, write '/x'" → "no space left on device". */
export function plainReason(message: string): string {
  return message.replace(/^E[A-Z]+: /, '').replace(/, [a-z]+( '.*')?$/, '')
}

/** The first `most` items for a sentence: "a, b, and 3 more". `separator` suits items that contain commas. */
export function firstOf(items: readonly string[], most: number, separator = ', '): string {
  const rest = items.length - most
  return [...items.slice(0, most), ...(rest > 0 ? [`and ${rest} more`] : [])].join(separator)
}
