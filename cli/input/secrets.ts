import { ShoalError } from '../../protocol/errors.ts'
import { interrupt, interrupted } from '../process/interrupt.ts'

/**
 * Sources of passwords, in order: `--password-stdin`, the environment, a hidden prompt on a terminal. Never a flag's
 * value, because other users of the machine can read command lines.
 */
export interface SecretOptions {
  /** Whether --password-stdin was given. */
  stdin: boolean
  /** Whether to prompt twice, because a typing mistake would lock the user out. */
  confirm?: boolean
}

export async function readPassword(options: SecretOptions): Promise<string> {
  if (options.stdin) return (await stdinLines(1))[0] as string
  if (process.env.SHOAL_PASSWORD) return process.env.SHOAL_PASSWORD
  if (!onTerminal())
    throw usageError(
      'no password was given',
      'set SHOAL_PASSWORD, pipe it with --password-stdin, or use a terminal',
    )
  return prompt('Password', options.confirm)
}

/** The old and the new password. */
export async function readPasswordChange(options: SecretOptions): Promise<{ old: string; new: string }> {
  if (options.stdin) {
    const [old, replacement] = (await stdinLines(2)) as [string, string]
    return { old, new: replacement }
  }
  const { SHOAL_PASSWORD: old, SHOAL_NEW_PASSWORD: replacement } = process.env
  if (old && replacement) return { old, new: replacement }
  if (!onTerminal())
    throw usageError(
      'the old and new passwords were not given',
      'set SHOAL_PASSWORD and SHOAL_NEW_PASSWORD, pipe two lines with --password-stdin, or use a terminal',
    )
  return {
    old: old || (await prompt('Old password')),
    new: replacement || (await prompt('New password', true)),
  }
}

function onTerminal(): boolean {
  return Boolean(process.stdin.isTTY && process.stderr.isTTY)
}

async function prompt(message: string, confirm = false): Promise<string> {
  const { default: password } = await import('@inquirer/password')
  // Prompt on stderr, because stdout carries the command's answer.
  const context = { output: process.stderr, signal: interrupt.signal }
  const ask = (question: string): Promise<string> =>
    password({ message: question, toggleMask: false }, context).catch((error: unknown) => {
      throw (error as Error).name === 'ExitPromptError' ? interrupted('SIGINT') : error
    })
  const first = await ask(`${message}:`)
  if (confirm && (await ask(`${message} again:`)) !== first)
    throw usageError('the two passwords differ', 'type the same password twice')
  return first
}

async function stdinLines(count: number): Promise<string[]> {
  let text = ''
  for await (const part of process.stdin.setEncoding('utf8')) {
    text += part
    if (text.split('\n').length > count || text.length > 65_536) break
  }
  const lines = text.split(/\r?\n/).slice(0, count)
  if (lines.length === count && lines.every((line) => line !== '')) return lines
  throw usageError(
    'standard input has no password',
    count === 1 ? 'pipe it as one line' : 'pipe the old and the new password as two lines',
  )
}

function usageError(message: string, hint: string): ShoalError {
  return new ShoalError('USAGE', message, { hint })
}
