import { createHash } from 'node:crypto'
import { closeSync, openSync, writeSync } from 'node:fs'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { CHUNK_SIZE } from '../../protocol/chunking.ts'

/**
 * Reads a socket into chunk buffers, hashes and writes each: the best that one Node thread can do. Prints
 * seconds.
 */
const [port, path, tls] = process.argv.slice(2)
const fd = openSync(path!, 'w')
const chunk = Buffer.allocUnsafeSlow(CHUNK_SIZE)
let filled = 0
let position = 0
const begun = performance.now()

function flush(): void {
  createHash('sha256').update(chunk.subarray(0, filled)).digest()
  writeSync(fd, chunk, 0, filled, position)
  position += filled
  filled = 0
}

const onread = {
  buffer: () => chunk.subarray(filled),
  callback: (n: number) => {
    filled += n
    if (filled === CHUNK_SIZE) flush()
    return true
  },
}
const where = { port: Number(port), host: '127.0.0.1', onread }
const socket = tls ? connectTls({ ...where, rejectUnauthorized: false }) : connect(where)
socket.on('end', () => {
  if (filled > 0) flush()
  closeSync(fd)
  console.log((performance.now() - begun) / 1000)
})
