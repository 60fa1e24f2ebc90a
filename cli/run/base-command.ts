import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { Command, type Interfaces } from '@oclif/core'
import type { SnapshotPath } from '../../peer/snapshot-tree.ts'
import { ShoalError, storageError } from '../../protocol/errors.ts'
import type { Target } from '../../protocol/names.ts'
import type { TreeIndex } from '../../protocol/tree/tree-index.ts'
import type { TrackerClient } from '../../tracker-client/client.ts'
import { chooseTrackers } from '../home/config.ts'
import { homeFolder, makePrivateFolder } from '../home/home.ts'
import { withFlagErrors } from '../input/flag-errors.ts'
import { globalFlags } from '../input/flags.ts'
import type { PeerChoice, PeerWork } from '../peer/with-peer.ts'
import { shortName } from '../plugins/definition.ts'
import { loadExtensions, pluginSettings } from '../plugins/extensions.ts'
import { output } from '../process/output-stream.ts'
import { gathered } from '../text/parts.ts'

type FlagsOf<T extends typeof Command> = Interfaces.InferredFlags<
  (typeof ShoalCommand)['baseFlags'] & T['flags']
>
/** Of `treeFlags`. */
type TreeFlags = { wait: number; 'no-tls': boolean }
type ArgsOf<T extends typeof Command> = Interfaces.InferredArgs<T['args']>

/** The base of every command: its parsed flags and arguments, home, trackers and output. */
export abstract class ShoalCommand<T extends typeof Command> extends Command {
  static override baseFlags = globalFlags
  protected flags!: FlagsOf<T>
  protected args!: ArgsOf<T>
  /** The absolute path of the home. The folder exists. */
  protected home!: string

  protected override async init(): Promise<void> {
    await super.init()
    const { flags, args } = await this.parse({
      flags: withFlagErrors(this.ctor.flags ?? {}),
      baseFlags: withFlagErrors((super.ctor as typeof ShoalCommand).baseFlags),
      args: this.ctor.args,
      strict: this.ctor.strict,
    })
    this.flags = flags as FlagsOf<T>
    this.args = args as ArgsOf<T>
    this.home = homeFolder(this.flags.home)
    makePrivateFolder(this.home)
    if (this.flags['tracker-ca']) trustAlso(this.flags['tracker-ca'])
  }

  protected get trackers(): string[] {
    return chooseTrackers(this.flags.tracker, this.home)
  }

  protected async client(): Promise<TrackerClient> {
    const { trackerClient } = await import('../home/tracker-client.ts')
    return trackerClient(this.home, this.trackers)
  }

  /** A client with a token. Without one it throws NOT_LOGGED_IN, without asking a tracker. */
  protected async loggedIn(): Promise<TrackerClient> {
    const client = await this.client()
    if (client.token === null)
      throw new ShoalError('NOT_LOGGED_IN', 'no user is logged in to this home', {
        hint: 'log in with: shoal user login NAME, or set SHOAL_TOKEN',
      })
    return client
  }

  /** A setting of this command's plugin: SHOAL_<PLUGIN>_<NAME>, else plugins.<plugin>.<name> of config.json. */
  protected setting(name: string): string | undefined {
    return pluginSettings(this.home)(shortName(this.ctor.plugin?.name ?? ''))(name)
  }

  /** Plugins' parts of a tracker or peer that this command starts. */
  protected extensions<Kind extends 'tracker' | 'peer'>(kind: Kind) {
    return loadExtensions(this.config, this.home, kind)
  }

  /** Runs `work` with the home's peer according to the flags, then prints its result. */
  protected async withPeer<R>(
    given: { once: boolean; 'seed-for': number; 'no-tls': boolean },
    work: PeerWork<R>,
    tell: (result: R) => void,
  ): Promise<void> {
    const choice: PeerChoice = {
      ...this.#peerChoice(given),
      once: given.once,
      seedForMs: given['seed-for'],
    }
    const { withPeer } = await import('../peer/with-peer.ts')
    await withPeer(choice, work, tell)
  }

  /** The snapshot that a target means, and its tree. At most its manifest is fetched. */
  protected async snapshotTree(
    client: TrackerClient,
    target: Target,
    given: TreeFlags,
  ): Promise<SnapshotPath & { index: TreeIndex }> {
    const { findSnapshot } = await import('../../peer/snapshot-tree.ts')
    const found = await findSnapshot(client, target)
    return { ...found, index: await this.treeOf(found, given) }
  }

  /** The tree of a snapshot (cli/peer/snapshot-tree.ts). */
  protected async treeOf(
    snapshot: Pick<SnapshotPath, 'group' | 'file'>,
    given: TreeFlags,
  ): Promise<TreeIndex> {
    const { treeOf } = await import('../peer/snapshot-tree.ts')
    return treeOf(snapshot, this.#peerChoice(given), given.wait)
  }

  #peerChoice(given: { 'no-tls': boolean }): Omit<PeerChoice, 'once' | 'seedForMs'> {
    return {
      home: this.home,
      extensions: () => this.extensions('peer'),
      trackers: this.trackers,
      tls: !given['no-tls'],
      trackerCa: this.flags['tracker-ca'],
      logLevel: this.flags['log-level'],
      progress: this.flags.progress,
    }
  }

  /** Prints the command's one answer on stdout: the document with --json, else the text. */
  protected print(document: object, text: string): void {
    output.stream.write(`${this.flags.json ? JSON.stringify(document) : text}\n`)
  }

  /** As `print`, for an answer that may be too long for one string. */
  protected async printParts(document: Iterable<string>, text: Iterable<string>): Promise<void> {
    for (const part of gathered(this.flags.json ? document : text))
      if (!output.stream.write(part)) await once(output.stream, 'drain')
  }

  /** A notice for people on stderr. Left out with --json. */
  protected notice(text: string): void {
    if (!this.flags.json) process.stderr.write(`${text}\n`)
  }

  /** bin/run.ts reports every failure. */
  protected override async catch(error: Error): Promise<never> {
    throw error
  }
}

function trustAlso(file: string): void {
  try {
    setDefaultCACertificates([...getCACertificates('default'), readFileSync(file, 'utf8')])
  } catch (error) {
    throw storageError(error, file)
  }
}
