import { once } from 'node:events'
import type { Home } from '../../testkit/shoal.ts'

export interface Following {
  /** The lines that it has written on stderr so far. */
  told(): string
  /** Stops it, expects the exit status of a stop, and returns its document. */
  end(): Promise<Record<string, unknown[]>>
}

/** A command that goes on until it is stopped. Without `--json` it tells what it does. */
export function following(home: Home, line: string[], words = ['--json']): Following {
  const child = home.spawn([...line, ...words])
  let output = ''
  let errors = ''
  child.stdout?.on('data', (part: Buffer) => {
    output += part
  })
  child.stderr?.on('data', (part: Buffer) => {
    errors += part
  })
  return {
    told: () => errors,
    async end() {
      child.kill('SIGTERM')
      if (child.exitCode === null) await once(child, 'close')
      if (child.exitCode !== 143) throw new Error(`exit ${child.exitCode}: ${output}${errors}`)
      return words.includes('--json') ? JSON.parse(output) : {}
    },
  }
}
