import module from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { versionAsked } from './version.ts'

module.enableCompileCache?.()

const argv = process.argv.slice(2)
const version = versionAsked(argv)
if (version !== null) console.log(version)
else {
  const { start } = await import('./start.ts')
  await start(argv, dirname(dirname(fileURLToPath(import.meta.url))))
}
