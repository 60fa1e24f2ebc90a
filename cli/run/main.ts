import { Config } from '@oclif/core/config'
import { settings } from '@oclif/core/settings'
import { faultOfDeno, versionLine } from '../../packed/runtime.ts'
import { ShoalError } from '../../protocol/errors.ts'
import { homeFolder } from '../home/home.ts'
import { readSecretFiles } from '../input/secret-files.ts'
import { messageOf, type PluginSource } from '../plugins/definition.ts'
import { reportSkipped } from '../plugins/extensions.ts'
import { HostedPlugin } from '../plugins/hosted-plugin.ts'
import { type HostedOptions, hostingOf, pluginsOf } from '../plugins/hosting.ts'
import { installedPlugins, type PluginHost } from '../plugins/installed.ts'
import { exitCode } from '../process/exit-codes.ts'
import { interrupt } from '../process/interrupt.ts'
import { output } from '../process/output-stream.ts'
import { homeOf, parseCommandLine, wantsJson } from './dispatch.ts'
import { errorDocument, errorText, toShoalError } from './failure.ts'

export interface Program {
  /** The words after the program's name. */
  argv: string[]
  /** Shoal's own commands. */
  own: PluginSource
  /** The built-in plugins. */
  builtIn: readonly PluginSource[]
  host: PluginHost
}

/** Runs one command line and ends the process. Only this function turns failures into output and exit codes. */
export async function main(program: Program): Promise<never> {
  let status = 0
  // A reader that stops early, such as head, is not a failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  interrupt.listen()
  try {
    await interrupt.race(run(program))
    status = Number(process.exitCode ?? 0)
  } catch (thrown) {
    status = report(toShoalError(thrown), wantsJson(program.argv, process.env))
  }
  await Promise.all([flushed(process.stdout), flushed(process.stderr)])
  process.exit(status)
}

async function run(program: Program): Promise<void> {
  const fault = faultOfDeno()
  if (fault)
    throw new ShoalError('RUNTIME_TOO_OLD', fault, {
      hint: 'update Deno, or use bin/shoal-deno after npm ci, which brings its own',
    })
  readSecretFiles(process.env)
  const { argv } = program
  const config = await loadConfig(program)
  const request = parseCommandLine(argv, config.commandIDs)
  if (request.do === 'version') return void process.stdout.write(`${versionLine(config)}\n`)
  if (request.do === 'help') return showHelp(config, request.subject, wantsJson(argv, process.env))
  // The plugins commands report broken plugins themselves.
  if (!request.id.startsWith('plugins:'))
    for (const { folder, why } of hostingOf(config).broken) reportSkipped(folder, why)
  await config.runHook('init', { argv: request.argv, id: request.id })
  await config.runCommand(request.id, request.argv).catch((error: unknown) => {
    throw attributed(toShoalError(error), config.findCommand(request.id)?.pluginName, pluginsOf(config))
  })
}

/** Attributes a bug to Shoal or to the plugin whose command failed. */
function attributed(
  error: ShoalError,
  name: string | undefined,
  plugins: ReturnType<typeof pluginsOf>,
): ShoalError {
  const theirs = plugins.some(({ source, installed }) => installed && source.pjson.name === name)
  if (error.code !== 'INTERNAL' || !theirs) return error
  return new ShoalError('INTERNAL', error.message, {
    hint: `this is a bug in the plugin ${name}: report it to its author, with the output of the same command with DEBUG=1`,
    cause: error.cause ?? error,
  })
}

async function loadConfig({ argv, own, builtIn, host }: Program): Promise<Config> {
  // The sources run as they are. Without this, oclif looks for a compiler when NODE_ENV is test.
  settings.enableAutoTranspile = false
  const home = homeFolder(homeOf(argv, process.env))
  const core = [own, ...builtIn]
  const broken: { folder: string; why: string }[] = []
  const installed = installedPlugins(home, host, core, (folder, error) => {
    broken.push({ folder, why: messageOf(error) })
  })
  const plugins = [
    ...core.map((source) => new HostedPlugin(source, 'core')),
    ...installed.map((source) => new HostedPlugin(source, 'user')),
  ]
  for (const plugin of plugins) await plugin.load()
  const byName = new Map(plugins.map((plugin) => [plugin.name, plugin]))
  const options: HostedOptions = { root: own.root, plugins: byName, hosting: { host, broken } }
  const config = new Config(options)
  await config.load()
  return config
}

async function showHelp(config: Config, subject: string, json: boolean): Promise<void> {
  if (json)
    throw new ShoalError('USAGE', 'no command was given', {
      hint: 'run `shoal --help` without --json to list the commands',
    })
  const { Help } = await import('@oclif/core/help')
  await new Help(config, config.pjson.oclif.helpOptions).showHelp(subject === '' ? [] : [subject])
}

function report(error: ShoalError, json: boolean): number {
  if (json) output.stream.write(`${JSON.stringify(errorDocument(error))}\n`)
  else process.stderr.write(`${errorText(error, Boolean(process.env.DEBUG))}\n`)
  return exitCode(error)
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
