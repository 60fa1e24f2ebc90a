import './names.ts'
import './no-user-name.ts'
import { main } from '../cli/run/main.ts'
import { BUILT_IN } from './built-in.ts'
import { ownCommands } from './program.ts'

/** Runs one command line: the arguments after the program's name. `root` is the folder of package.json. */
export function start(argv: string[], root: string): Promise<never> {
  return main({
    argv,
    own: ownCommands(root),
    builtIn: BUILT_IN,
    host: { api: () => import('../plugin-api/index.ts'), importFile: (url) => import(url) },
  })
}
