import { environmentName } from '../../cli/flags.ts'
import { COMMANDS as commands } from '../support/commands.ts'

test('the commands, their arguments, flags, variables and aliases are a contract with scripts', () => {
  const lines = Object.entries(commands).map(([id, { aliases, args, flags }]) => {
    const words = Object.entries(args).map(([name, { required, multiple }]) => {
      const word = name.toUpperCase() + (multiple ? '…' : '')
      return required ? word : `[${word}]`
    })
    const own = Object.entries(flags)
      .filter(([, { helpGroup }]) => helpGroup !== 'GLOBAL')
      .map(([name, { char, env }]) => `${char ? `-${char} ` : ''}--${name} ${env}`)
    const also = aliases.length > 0 ? ` (${aliases.join(', ')})` : ''
    return [`shoal ${[id.replaceAll(':', ' '), ...words].join(' ')}${also}`, ...own].join('\n  ')
  })
  expect(`\n${lines.join('\n')}\n`).toMatchSnapshot()
})

test('every command has the global flags', () => {
  for (const { flags } of Object.values(commands))
    expect(Object.keys(flags)).toEqual(
      expect.arrayContaining(['json', 'home', 'tracker', 'tracker-ca', 'progress', 'log-level']),
    )
})

test('every flag of every command has the environment variable that its name says', () => {
  for (const { flags } of Object.values(commands))
    for (const [name, { env }] of Object.entries(flags))
      expect([name, env]).toEqual([name, environmentName(name)])
})

test('the names of the older client are aliases', () => {
  const aliases = Object.values(commands).flatMap((command) => command.aliases)
  expect(aliases.sort()).toEqual(
    'accept create_group download join_group leave_group list_groups list_requests login logout register stop upload'.split(
      ' ',
    ),
  )
})
