import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { isBinary } from '../../packed/files.ts'
import { isDeno, isDenoCompiled } from '../../packed/runtime.ts'
import { errorFromBody, ShoalError, storageError } from '../../protocol/errors.ts'
import { withoutPasswords } from '../../protocol/secret-variables.ts'
import { makePrivateFolder } from '../home/home.ts'
import { interrupt } from './interrupt.ts'

/** The line that a tracker or peer prints once it is ready. Its fields depend on which it is. */
export interface Ready {
  url: string
  pid: number
}

/**
 * Runs `words` (a command with its arguments, without --detach) in a background process that logs to `logFile`. Waits for
 * its one line of JSON, and returns it, or throws the error that it contains. The process outlives this one.
 */
export async function startDetached(words: readonly string[], logFile: string): Promise<Ready> {
  const log = openLog(logFile)
  const [program, ...leading] = ownCommand()
  const child = spawn(program, [...leading, ...words.filter((word) => word !== '--detach'), '--json'], {
    detached: true,
    // It inherits our environment, but must not detach again.
    env: { ...withoutPasswords(process.env), SHOAL_DETACH: '' },
    stdio: ['ignore', 'pipe', log],
  })
  closeSync(log)
  interrupt.signal.addEventListener('abort', () => child.kill())
  const ready = parseLine(await firstLine(child), logFile)
  child.stdout?.destroy()
  child.unref()
  return ready as Ready
}

/** The command line of this program: Node or Deno with bin/run.ts, or the single binary. */
function ownCommand(): [string, ...string[]] {
  if (isBinary || isDenoCompiled) return [process.execPath]
  const script = process.argv[1] as string
  if (isDeno) return [process.execPath, 'run', '-A', script]
  return [process.execPath, ...process.execArgv, script]
}

function openLog(file: string): number {
  makePrivateFolder(dirname(file))
  try {
    return openSync(file, 'a', 0o600)
  } catch (error) {
    throw storageError(error, file)
  }
}

function firstLine(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    if (child.stdout === null) return resolve(null)
    const lines = createInterface({ input: child.stdout })
    lines.once('line', resolve)
    lines.once('close', () => resolve(null))
  })
}

function parseLine(line: string | null, logFile: string): object {
  interrupt.signal.throwIfAborted()
  try {
    const document = JSON.parse(line ?? '')
    throwIfError(document)
    return document
  } catch (error) {
    if (error instanceof ShoalError) throw error
  }
  throw new ShoalError('INTERNAL', `the process stopped before it was ready${lastLine(logFile)}`, {
    hint: `see its log: ${logFile}`,
  })
}

function throwIfError(document: unknown): void {
  const error = errorFromBody(document)
  if (error) throw error
}

function lastLine(file: string): string {
  const line = readFileSync(file, 'utf8').trimEnd().split('\n').at(-1)
  return line ? `: ${line}` : ''
}
