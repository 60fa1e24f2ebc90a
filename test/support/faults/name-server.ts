import { spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { writeFileSync } from 'node:fs'

/**
 * A program that runs a command with itself as name server (127.0.0.1:53). It loses the first query for each
 * name and type, and resolves all names to 127.0.0.1. It writes its queries to the file in its first
 * argument, as [{name, type, at: milliseconds, lost}], and exits as the command does.
 */
const [record = '', program = '', ...words] = process.argv.slice(2)
const [A, IN, TTL_S] = [1, 1, 60]
const HEADER = 12
const queries: { name: string; type: number; at: number; lost: boolean }[] = []

/** Parses the question of a query (RFC 1035, 4.1.2): its name, its type, and its end. */
function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = HEADER
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.'), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** Answers an A query with one address, and others with none. */
function answer(query: Buffer, type: number, end: number): Buffer {
  const head = Buffer.from(query.subarray(0, end))
  const count = type === A ? 1 : 0
  // Flags: response, recursion available, no error.
  head.writeUInt16BE(0x8180, 2)
  head.writeUInt16BE(count, 6)
  head.writeUInt32BE(0, 8)
  const address = Buffer.from([0xc0, HEADER, 0, A, 0, IN, 0, 0, 0, TTL_S, 0, 4, 127, 0, 0, 1])
  return count > 0 ? Buffer.concat([head, address]) : head
}

const socket = createSocket('udp4', (query, from) => {
  const { name, type, end } = question(query)
  const lost = !queries.some((earlier) => earlier.name === name && earlier.type === type)
  queries.push({ name, type, at: performance.now(), lost })
  if (!lost) socket.send(answer(query, type, end), from.port, from.address)
})
socket.bind(53, '127.0.0.1', () => {
  spawn(program, words, { stdio: 'inherit' }).on('exit', (code) => {
    writeFileSync(record, JSON.stringify(queries))
    process.exit(code ?? 1)
  })
})
