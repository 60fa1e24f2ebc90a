import { Config } from '@oclif/core/config'
import { settings } from '@oclif/core/settings'
import { ShoalError } from '../protocol/errors.ts'
import { answers } from './answers.ts'
import { understand, wantsJson } from './dispatch.ts'
import { exitCode } from './exit-codes.ts'
import { errorDocument, errorText, toShoalError } from './failure.ts'
import { interrupt } from './interrupt.ts'

export interface Program {
  /** The words after the program's name. */
  argv: string[]
  /** The folder of package.json and commands/. */
  root: string
  pjson: object
}

/** Runs one command line and ends the process: the one place where failures become output and exit codes. */
export async function main(program: Program): Promise<never> {
  let status = 0
  // A reader that has seen enough, such as head, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  interrupt.listen()
  try {
    await interrupt.race(run(program))
    status = Number(process.exitCode ?? 0)
  } catch (thrown) {
    status = tell(toShoalError(thrown), wantsJson(program.argv, process.env))
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit(status)
}

async function run({ argv, root, pjson }: Program): Promise<void> {
  // The sources run as they are: oclif must not look for a compiler where NODE_ENV says test.
  settings.enableAutoTranspile = false
  const config = await Config.load({ root, pjson: pjson as Config['pjson'] })
  const request = understand(argv, config.commandIDs)
  if (request.do === 'version') return void process.stdout.write(`${config.userAgent}\n`)
  if (request.do === 'help') return showHelp(config, request.subject, wantsJson(argv, process.env))
  await config.runHook('init', { argv: request.argv, id: request.id })
  await config.runCommand(request.id, request.argv)
}

async function showHelp(config: Config, subject: string, json: boolean): Promise<void> {
  if (json)
    throw new ShoalError('USAGE', 'there is no command to run', {
      hint: 'shoal --help, without --json, lists the commands',
    })
  const { Help } = await import('@oclif/core/help')
  await new Help(config, config.pjson.oclif.helpOptions).showHelp(subject === '' ? [] : [subject])
}

function tell(error: ShoalError, json: boolean): number {
  if (json) answers.stream.write(`${JSON.stringify(errorDocument(error))}\n`)
  else process.stderr.write(`${errorText(error, Boolean(process.env.DEBUG))}\n`)
  return exitCode(error)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
