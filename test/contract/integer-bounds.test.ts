import { TestRedis } from '../../testkit/redis-server.ts'
import { ReplicaProcess } from '../../testkit/replica-process.ts'
import { packFiles } from '../../tracker-client/api/packed-files.ts'
import { TrackerClient } from '../../tracker-client/client.ts'
import { PASSWORD } from '../support/tracker-fleet.ts'

/** No integer from a client may overflow the API's numbers or end the process. */
interface Schema {
  type?: string
  minimum?: number
  maximum?: number
  pattern?: string
  const?: unknown
  minItems?: number
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
}
interface Operation {
  parameters?: { name: string; in: 'path' | 'query' | 'header'; required?: boolean; schema: Schema }[]
  requestBody?: { content: Record<string, { schema: Schema }> }
}

/** As written in JSON or in a URL. JavaScript reads the third as 2^53. */
const EDGES = ['1e22', '1e308', '9007199254740993', '-1', '1.5']

let redis: TestRedis
let replica: ReplicaProcess
let client: TrackerClient
let paths: Record<string, Record<string, Operation>>

beforeAll(async () => {
  redis = await TestRedis.start()
  replica = await ReplicaProcess.start(redis.url)
  client = new TrackerClient({ trackers: [replica.url], patienceMs: 0 })
  await client.register('ann', PASSWORD)
  await client.login('ann', PASSWORD)
  await client.createGroup('team')
  const document = await fetch(`${replica.url}/v1/openapi.json`)
  paths = ((await document.json()) as { paths: typeof paths }).paths
})
afterAll(async () => {
  await replica?.stop()
  await redis?.stop()
})

const operations = (): [method: string, path: string, operation: Operation][] =>
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      method,
      path,
      operation,
    ]),
  )

/** Every integer below `schema`, with its path. */
function* integersOf(schema: Schema, at: string[] = []): Generator<[at: string[], schema: Schema]> {
  if (schema.type === 'integer') yield [at, schema]
  for (const [name, of] of Object.entries(schema.properties ?? {})) yield* integersOf(of, [...at, name])
  if (schema.items) yield* integersOf(schema.items, [...at, '0'])
  for (const of of schema.anyOf ?? []) yield* integersOf(of, at)
}

/** A valid value for the schema. */
function sample(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.anyOf) return sample(schema.anyOf[0]!)
  if (schema.type === 'integer') return schema.minimum
  if (schema.type === 'boolean') return true
  if (schema.type === 'array') return [sample(schema.items!)]
  if (schema.type === 'object')
    return Object.fromEntries(Object.entries(schema.properties ?? {}).map(([name, of]) => [name, sample(of)]))
  return schema.pattern?.includes('0-9a-f') ? 'f'.repeat(64) : 'team'
}

/** JSON of a valid body with the literal `edge` in one place. */
function bodyWith(schema: Schema, at: string[], edge: string): string {
  const body = sample(schema) as Record<string, unknown>
  let place = body
  for (const key of at.slice(0, -1)) place = place[key] as Record<string, unknown>
  place[at.at(-1)!] = '\u0000edge'
  return JSON.stringify(body).replace('"\\u0000edge"', edge)
}

async function send(
  method: string,
  path: string,
  operation: Operation,
  place: string,
  edge: string,
  body?: string,
) {
  const query = new URLSearchParams()
  const headers: Record<string, string> = { authorization: `Bearer ${client.token}` }
  let target = path
  for (const { name, in: where, required, schema } of operation.parameters ?? []) {
    const value = name === place ? edge : String(sample(schema))
    if (name !== place && !required && where !== 'path') continue
    if (where === 'path') target = target.replace(`{${name}}`, encodeURIComponent(value))
    else if (where === 'query') query.set(name, value)
    else headers[name] = value
  }
  if (body !== undefined) headers['content-type'] = 'application/json'
  const url = `${replica.url}${target}${query.size > 0 ? `?${query}` : ''}`
  const response = await fetch(url, {
    method: method.toUpperCase(),
    headers,
    ...(body === undefined ? {} : { body }),
  })
  return response.status
}

const schemasOf = ({ requestBody }: Operation): Schema[] =>
  Object.values(requestBody?.content ?? {}).map(({ schema }) => schema)

test('every integer of the API has a minimum and a maximum that JSON carries exactly', () => {
  const loose: string[] = []
  let seen = 0
  const look = (value: unknown, at: string): void => {
    if (typeof value !== 'object' || value === null) return
    const schema = value as Schema
    if (schema.type === 'integer') {
      seen++
      if (!Number.isSafeInteger(schema.minimum) || !Number.isSafeInteger(schema.maximum)) loose.push(at)
    }
    for (const [key, of] of Object.entries(value)) look(of, `${at}/${key}`)
  }
  look(paths, '')
  expect(seen).toBeGreaterThan(30)
  expect(loose).toEqual([])
})

test('each integer of each route refuses 1e22, 1e308, 2^53+1, -1 and 1.5 with 400, and the tracker keeps running', async () => {
  const passed: string[] = []
  let tried = 0
  for (const [method, path, operation] of operations()) {
    const { parameters = [] } = operation
    for (const { name, schema } of parameters.filter(({ schema }) => schema.type === 'integer'))
      for (const edge of EDGES) {
        if (schema.minimum! < 0) continue
        tried++
        const body = schemasOf(operation)[0]
        const text = body === undefined ? undefined : JSON.stringify(sample(body))
        const status = await send(method, path, operation, name, edge, text)
        if (status !== 400) passed.push(`${method} ${path} ${name}=${edge}: ${status}`)
      }
    for (const body of schemasOf(operation))
      for (const [at] of integersOf(body))
        for (const edge of EDGES) {
          tried++
          const status = await send(method, path, operation, '', '', bodyWith(body, at, edge))
          if (status !== 400) passed.push(`${method} ${path} ${at.join('.')}=${edge}: ${status}`)
        }
  }
  expect(tried).toBeGreaterThan(50)
  expect(passed).toEqual([])
  expect(await client.whoami()).toEqual({ user: 'ann' })
})

test('the fast path refuses out-of-range sequences in announces and heartbeats too', async () => {
  const peer = 'ab'.repeat(32)
  const files = JSON.stringify(packFiles([]))
  for (const edge of EDGES) {
    const headers = { authorization: `Bearer ${client.token}`, 'content-type': 'application/json' }
    const body = `{"peer":"${peer}","port":4000,"tls":true,"sequence":${edge},"files":${files}}`
    const announce = await fetch(`${replica.url}/v1/announce`, { method: 'POST', headers, body })
    const { authorization } = headers
    const heartbeat = await fetch(`${replica.url}/v1/announce/${peer}/${edge}`, {
      method: 'POST',
      headers: { authorization },
    })
    expect([edge, announce.status, heartbeat.status]).toEqual([edge, 400, 400])
  }
  expect(await client.whoami()).toEqual({ user: 'ann' })
})
