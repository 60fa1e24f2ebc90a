import module from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import pjson from '../package.json' with { type: 'json' }

module.enableCompileCache?.()

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const argv = process.argv.slice(2)

// Answered before anything is loaded, since people and scripts ask for it often.
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-v')) {
  console.log(`${pjson.name}/${pjson.version} ${process.platform}-${process.arch} node-${process.version}`)
} else {
  const { main } = await import('../cli/main.ts')
  const { ownCommands } = await import('./program.ts')
  const { BUILT_IN } = await import('./built-in.ts')
  await main({
    argv,
    own: ownCommands(root),
    builtIn: BUILT_IN,
    host: { api: () => import('../plugin-api/index.ts'), importFile: (url) => import(url) },
  })
}
