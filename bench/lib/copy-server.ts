import { openSync, readSync, statSync } from 'node:fs'
import { createServer } from 'node:net'

/** Sends a file to whoever connects, with large reads and nothing around it; prints its port. */
const path = process.argv[2]!
const STEP = 1024 * 1024
const { size } = statSync(path)
const fd = openSync(path, 'r')
const server = createServer((socket) => {
  const buffers = [Buffer.allocUnsafeSlow(STEP), Buffer.allocUnsafeSlow(STEP)]
  let at = 0
  const send = (): void => {
    if (at >= size) return void socket.end()
    const buffer = buffers[(at / STEP) % 2]!
    const n = readSync(fd, buffer, 0, STEP, at)
    at += n
    socket.write(buffer.subarray(0, n), send)
  }
  send()
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(address.port)
})
process.stdin.resume().on('end', () => process.exit(0))
