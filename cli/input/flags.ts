import { Flags, type Interfaces } from '@oclif/core'
import { ShoalError } from '../../protocol/errors.ts'
import { type ListenAddress, parseBytes, parseDuration, parseListen } from '../text/parse.ts'

/**
 * Gives every flag its environment variable: `--max-down` is SHOAL_MAX_DOWN. Only this function decides names; a test
 * checks that every flag of every command has one.
 */
export function flags<T extends Interfaces.FlagInput>(definitions: T): T {
  for (const [name, flag] of Object.entries(definitions)) flag.env = environmentName(name)
  return definitions
}

export function environmentName(flag: string): string {
  return `SHOAL_${flag.toUpperCase().replaceAll('-', '_')}`
}

export const durationFlag = Flags.custom<number>({
  helpValue: 'DURATION',
  parse: async (text) => parseDuration(text),
})

export const rateFlag = Flags.custom<number>({ helpValue: 'RATE', parse: async (text) => parseBytes(text) })

export const listenFlag = Flags.custom<ListenAddress>({
  helpValue: 'HOST:PORT',
  parse: async (text) => parseListen(text),
})

export const globalFlags = flags({
  json: Flags.boolean({ description: 'print one JSON document', helpGroup: 'GLOBAL' }),
  home: Flags.string({
    description: 'folder of this identity (default: $XDG_DATA_HOME/shoal or ~/.local/share/shoal)',
    helpGroup: 'GLOBAL',
    helpValue: 'DIR',
  }),
  tracker: Flags.string({
    description: 'trackers to ask, separated by commas (default: config.json, then http://127.0.0.1:8080)',
    helpGroup: 'GLOBAL',
    helpValue: 'URL,…',
  }),
  'tracker-ca': Flags.string({
    description: 'certificates to trust for https trackers, PEM',
    helpGroup: 'GLOBAL',
    helpValue: 'FILE',
  }),
  progress: Flags.option({ options: ['auto', 'bar', 'ndjson', 'none'] as const, default: 'auto' as const })({
    description: 'progress on stderr; auto is a bar on a terminal and none elsewhere',
    helpGroup: 'GLOBAL',
  }),
  'log-level': Flags.option({
    options: ['silent', 'error', 'warn', 'info', 'debug'] as const,
    default: 'warn' as const,
  })({ description: 'logs of a tracker or peer on stderr', helpGroup: 'GLOBAL' }),
})

export const dataFlags = flags({
  data: Flags.string({ description: 'data folder (default: tracker in the home)', helpValue: 'DIR' }),
})

/** Where a tracker's metadata is. */
export const storeFlags = flags({
  redis: Flags.string({
    description: 'Redis to use, instead of an embedded one (docs/operations.md lists the forms)',
    helpValue: 'URL',
  }),
  ...dataFlags,
})

export const passwordFlags = flags({
  'password-stdin': Flags.boolean({ description: 'read the password from the first line of standard input' }),
})

export const tlsFlags = flags({
  'no-tls': Flags.boolean({ description: 'serve without TLS, only for networks that you trust' }),
})

export const queueFlag = Flags.string({
  helpValue: 'URL',
  description:
    "Redis of the download queue, to share it with workers on other hosts (default: the home's own)",
})

/** What a snapshot of a folder holds. */
export const snapshotFlags = flags({
  exclude: Flags.string({
    multiple: true,
    helpValue: 'PATTERN',
    description:
      'leave out of a snapshot what matches, as in .gitignore; a .shoalignore in the folder does the same',
  }),
  include: Flags.string({
    multiple: true,
    helpValue: 'PATTERN',
    description: 'take into a snapshot what --exclude or a .shoalignore leaves out',
  }),
  links: Flags.option({ options: ['refuse', 'keep'] as const, default: 'refuse' as const })({
    description: 'what to do with symbolic links that lead out of the folder',
  }),
  'allow-collisions': Flags.boolean({
    description: 'publish names that differ only in case or Unicode form',
  }),
})

/** The flags as options of a snapshot. Throws USAGE for `separate` files, which are all published. */
export function snapshotOptions(
  {
    exclude = [],
    include = [],
    links,
    'allow-collisions': allowsCollisions,
  }: {
    exclude: string[] | undefined
    include: string[] | undefined
    links: 'refuse' | 'keep'
    'allow-collisions': boolean
  },
  separate: boolean,
): { exclude: string[]; include: string[]; keepsLinks: boolean; allowsCollisions: boolean } {
  if (separate && exclude.length + include.length > 0)
    throw new ShoalError(
      'USAGE',
      '--exclude and --include choose what is in a snapshot, but --files makes none',
      {
        hint: 'leave --files out, or name the files to publish',
      },
    )
  return { exclude, include, keepsLinks: links === 'keep', allowsCollisions }
}

/** For commands that can run their own peer. */
export const onceFlags = flags({
  once: Flags.boolean({ description: 'run a peer only for this command, if none is running in this home' }),
  'seed-for': durationFlag({
    description: 'with --once: how long to keep serving afterwards',
    default: 0,
    defaultHelp: async () => '0s',
  }),
  ...tlsFlags,
})

export const waitFlag = durationFlag({
  description: 'how long to wait for a peer that serves it',
  default: 10_000,
  defaultHelp: async () => '10s',
})

/** For commands that read the trees of snapshots. */
export const treeFlags = flags({ wait: waitFlag, ...tlsFlags })
