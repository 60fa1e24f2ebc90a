import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { ShoalError } from '../../protocol/errors.ts'
import { BoundedQueue } from './bounded-queue.ts'

const derive = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt)

const MIN_CHARACTERS = 8
const SALT_BYTES = 16
const HASH_BYTES = 32
const LOG_N = 15
const BLOCK = 8
const PARALLEL = 3
/** scrypt needs 128 × N × r bytes (RFC 7914), plus a little for its working blocks. */
const MAX_MEMORY = 48 * 1024 * 1024

interface Phc {
  salt: Buffer
  hash: Buffer
  options: ScryptOptions
}

export function checkNewPassword(password: string): void {
  if ([...password].length >= MIN_CHARACTERS) return
  throw new ShoalError('WEAK_PASSWORD', `a password needs at least ${MIN_CHARACTERS} characters`, {
    hint: 'choose a longer one',
  })
}

/**
 * Hashes and checks passwords with scrypt (32 MiB each), two at a time. Hashes are PHC strings,
 * "$scrypt$ln=15,r=8,p=3$salt$hash". Both methods throw OVERLOADED if too many calls are waiting.
 */
export class Passwords {
  readonly #queue = new BoundedQueue({ running: 2, waiting: 64 })
  /** Compared with the password when the user does not exist, so that both cases take equally long. */
  readonly #dummyHash = format(randomBytes(SALT_BYTES), randomBytes(HASH_BYTES))

  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    return format(salt, await this.#scrypt(password, salt, COST))
  }

  /** Whether the password is right. `stored` is null if there is no such user. */
  async matches(password: string, stored: string | null): Promise<boolean> {
    const { salt, hash, options } = parse(stored ?? this.#dummyHash)
    const same = timingSafeEqual(await this.#scrypt(password, salt, options), hash)
    return same && stored !== null
  }

  #scrypt(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
    return this.#queue.run(() => derive(password.normalize('NFC'), salt, HASH_BYTES, options))
  }
}

const COST: ScryptOptions = { N: 2 ** LOG_N, r: BLOCK, p: PARALLEL, maxmem: MAX_MEMORY }

const base64 = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

function format(salt: Buffer, hash: Buffer): string {
  return `$scrypt$ln=${LOG_N},r=${BLOCK},p=${PARALLEL}$${base64(salt)}$${base64(hash)}`
}

function parse(phc: string): Phc {
  const match = /^\$scrypt\$ln=(\d+),r=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(phc)
  if (!match) throw new Error('a stored password hash is malformed')
  const [, logN, r, p, salt = '', hash = ''] = match
  const options = { N: 2 ** Number(logN), r: Number(r), p: Number(p), maxmem: MAX_MEMORY }
  return { salt: Buffer.from(salt, 'base64'), hash: Buffer.from(hash, 'base64'), options }
}
