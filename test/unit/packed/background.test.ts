import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { Background } from '../../../packed/background.ts'

test('each failure is counted, and a kind is logged at most once a minute with the number of others', () => {
  let now = 0
  const logged: string[] = []
  const background = new Background(
    (message) => logged.push(message),
    () => now,
  )
  const failed = background.owner('the batch', 'news are late', (error) => error === 'outage')
  failed(new Error('no room'))
  failed('outage')
  now = 59_999
  failed(new Error('no room'))
  background.owner('the clock', 'time stands still')('it broke')
  now = 60_000
  failed(new Error('still no room'))
  expect(logged).toEqual([
    'the batch failed: news are late: no room',
    'the clock failed: time stands still: it broke',
    'the batch failed (1 more since this was last logged): news are late: still no room',
  ])
  expect(background.failures).toEqual({ 'the batch': 3, 'the clock': 1 })
})

test('a service logs a rejection and an exception that reach nobody, and goes on', () => {
  const module = join(import.meta.dirname, '../../../cli/process/background-errors.ts')
  const script = `
    import { surviveLostErrors } from ${JSON.stringify(module)}
    surviveLostErrors()
    Promise.reject(new Error('first'))
    setImmediate(() => {
      setImmediate(() => console.log('goes on'))
      throw new Error('second')
    })`
  const words = ['--input-type=module', '-e', script]
  const both = execFileSync('sh', ['-c', '"$0" "$@" 2>&1', process.execPath, ...words], { encoding: 'utf8' })
  const lines = both.trim().split('\n')
  expect(lines.at(-1)).toBe('goes on')
  expect(lines.slice(0, 2).map((line) => JSON.parse(line).msg)).toEqual([
    'an error reached nobody; please report this bug: first',
    'an error reached nobody; please report this bug: second',
  ])
})

test('a service whose stderr nobody reads any more goes on, and does not spin', async () => {
  const module = join(import.meta.dirname, '../../../cli/process/background-errors.ts')
  const script = `
    import { surviveLostErrors } from ${JSON.stringify(module)}
    surviveLostErrors()
    process.stdin.once('data', () => {
      const before = process.cpuUsage()
      for (let i = 0; i < 10; i++) Promise.reject(new Error('lost'))
      setTimeout(() => {
        const { user, system } = process.cpuUsage(before)
        console.log((user + system) / 1000)
        process.exit()
      }, 500)
    })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  child.stderr.destroy()
  child.stdin.write('go')
  let output = ''
  child.stdout.on('data', (part: Buffer) => {
    output += part
  })
  const [code] = await once(child, 'close')
  expect(code).toBe(0)
  expect(Number(output)).toBeLessThan(250)
})
