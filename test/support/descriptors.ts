/**
 * Opens and closes unix sockets on this thread and files on others, and prints how many of the files were
 * closed by mistake. Arguments: a folder, and the number of sockets.
 */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

const THREADS = 3
const TEXT = 'mine'

if (isMainThread) {
  const [folder = '', sockets = '0'] = process.argv.slice(2)
  const file = join(folder, 'file')
  writeFileSync(file, TEXT)
  const workers = Array.from(
    { length: THREADS },
    () => new Worker(new URL(import.meta.url), { workerData: file }),
  )
  let lost = 0
  for (const worker of workers) worker.on('message', (count: number) => (lost += count))
  const path = join(folder, 'socket')
  const server = createServer((socket) => socket.pipe(socket))
  await new Promise<void>((done) => server.listen(path, done))
  for (let i = 0; i < Number(sockets); i++)
    await new Promise<void>((done) => {
      const socket = connect(path, () => socket.write('x'))
      socket.once('data', () => socket.destroy()).once('close', () => done())
    })
  for (const worker of workers) await worker.terminate()
  server.close()
  console.log(JSON.stringify({ lost }))
} else {
  for (;;) {
    if (!isIntact(workerData as string)) parentPort?.postMessage(1)
    // Lets the thread terminate.
    await new Promise((turn) => setImmediate(turn))
  }
}

function isIntact(file: string): boolean {
  const fd = openSync(file, 'r')
  try {
    const buffer = Buffer.alloc(TEXT.length)
    for (let i = 0; i < 20; i++) if (readSync(fd, buffer, 0, TEXT.length, 0) < TEXT.length) return false
    closeSync(fd)
    return true
  } catch {
    return false
  }
}
