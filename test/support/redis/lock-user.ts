/**
 * Takes the lock argv[2] argv[3] times (0: once, and holds it until killed). While it holds the lock it
 * creates the file argv[4] exclusively, so a second holder at the same time fails.
 */
import { once } from 'node:events'
import { rmSync, writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { withFileLock } from '../../../redis/file-lock.ts'

const [, , lock, times, witness] = process.argv as [string, string, string, string, string]
process.stdout.write('ready\n')
await once(process.stdin, 'data')
for (let i = 0; i < Math.max(1, Number(times)); i++)
  await withFileLock(lock, async () => {
    writeFileSync(witness, '', { flag: 'wx' })
    if (times === '0') process.stdout.write('held\n')
    await delay(times === '0' ? 600_000 : 1)
    rmSync(witness)
  })
process.exit(0)
