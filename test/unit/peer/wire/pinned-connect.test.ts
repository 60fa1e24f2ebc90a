import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { CONNECT_TIMEOUT_MS, connectPinned } from '../../../../peer/wire/pinned-connect.ts'

let server: Server
beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
})
afterEach(() => server.close())

const connect = (tls: boolean) => {
  const { port } = server.address() as AddressInfo
  return connectPinned({ peer: 'ab'.repeat(32), host: '127.0.0.1', port, tls }, { key: '', cert: '' })
}

test('a peer that answered while this process slept is not told to be silent', async () => {
  const socket = connect(false)
  // Every thread of the process sleeps in a SIGSTOP; here it is enough that this one does.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, CONNECT_TIMEOUT_MS + 1500)
  ;(await socket).destroy()
})

test('a peer that accepts and says nothing is given up', async () => {
  await expect(connect(true)).rejects.toThrow('the peer does not answer')
})
