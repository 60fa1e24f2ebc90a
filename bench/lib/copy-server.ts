import { openSync, readFileSync, readSync, statSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { CIPHERS } from '../../peer/wire/pinned-connect.ts'

/**
 * Sends a file to every client, with large reads and no protocol, and prints its port. With a PEM file of key
 * and certificate, it uses TLS.
 */
const [path, pem] = process.argv.slice(2) as [string, string?]
const STEP = 1024 * 1024
const { size } = statSync(path)
const fd = openSync(path, 'r')
const serve = (socket: Socket): void => {
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
}
const own = pem ? readFileSync(pem) : undefined
const server = own
  ? createTlsServer({ key: own, cert: own, minVersion: 'TLSv1.3', ciphers: CIPHERS }, serve)
  : createServer(serve)
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') console.log(address.port)
})
process.stdin.resume().on('end', () => process.exit(0))
