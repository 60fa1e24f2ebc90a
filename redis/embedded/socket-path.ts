import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** sun_path holds 104 bytes on macOS and 108 on Linux, including the final NUL. */
const MAX_SOCKET_PATH = 100

/**
 * The path of unix socket `name` in `folder`: inside the folder if that fits a socket address, else in a
 * private temporary folder under a name derived from the folder's path alone.
 */
export function socketPath(folder: string, name: string): string {
  const inside = join(folder, name)
  if (Buffer.byteLength(inside) <= MAX_SOCKET_PATH) return inside
  const uid = process.getuid?.() ?? 0
  const short = join(tmpdir(), `shoal-${uid}`)
  mkdirSync(short, { recursive: true, mode: 0o700 })
  return join(short, `${createHash('sha256').update(inside).digest('hex').slice(0, 24)}.sock`)
}
