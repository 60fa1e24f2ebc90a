import { environmentName } from '../../cli/input/flags.ts'
import { COMMANDS as commands } from '../support/commands.ts'

test('commands, arguments, flags, variables and aliases match the snapshot, because scripts rely on them', () => {
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

test('every flag has the environment variable derived from its name', () => {
  for (const { flags } of Object.values(commands))
    for (const [name, { env }] of Object.entries(flags))
      expect([name, env]).toEqual([name, environmentName(name)])
})

test("the older client's command names are aliases", () => {
  const aliases = Object.values(commands).flatMap((command) => command.aliases)
  expect(aliases.sort()).toEqual(
    'accept create_group download join_group leave_group list_groups list_requests login logout register stop upload'.split(
      ' ',
    ),
  )
})
