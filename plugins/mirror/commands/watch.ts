import { realpath } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import {
  Args,
  durationFlag,
  Flags,
  flags,
  groupFlag,
  interrupt,
  onceFlags,
  type Peer,
  type ProgressListener,
  ShoalCommand,
  snapshotFlags,
  snapshotOptions,
  storageError,
  TreePool,
} from '@shoal/plugin'
import { FilesWatch } from '../files-watch.ts'
import { plannedLines, publishedText, snapshotsText } from '../render.ts'
import { SnapshotWatch } from '../snapshot-watch.ts'

export default class WatchCommand extends ShoalCommand<typeof WatchCommand> {
  static override summary = 'Publish a folder whenever it has changed'
  static override description =
    `Follows the folder until Ctrl-C. Once it has been quiet for --settle, all of it becomes a new version of one snapshot, unless nothing changed. A file that is written to meanwhile delays the version.

With --files each file is published by itself: a changed file becomes a new version of that file, and a removed file stays in the group.`
  static override args = {
    folder: Args.string({ required: true, ignoreStdin: true, description: 'folder on this machine' }),
  }
  static override flags = flags({
    group: groupFlag(),
    as: Flags.string({
      helpValue: 'NAME',
      description:
        "name of the snapshot (default: the folder's name); with --files, folder in the group (default: none)",
    }),
    files: Flags.boolean({
      description: 'publish each file of the folder by itself, with a version of its own',
    }),
    settle: durationFlag({
      description: 'how long the folder, or with --files a file, must stay unchanged before it is published',
      default: 2000,
      defaultHelp: async () => '2s',
    }),
    'dry-run': Flags.boolean({ description: 'only list what would be published now' }),
    ...snapshotFlags,
    ...onceFlags,
  })

  override async run(): Promise<void> {
    await this.loggedIn()
    const options = snapshotOptions(this.flags, this.flags.files)
    if (this.flags.files) await this.#watchFiles()
    else await this.#watchSnapshot(options)
    process.exitCode = interrupt.exitCode ?? 0
  }

  async #watchFiles(): Promise<void> {
    const { group, as, settle: settleMs, 'dry-run': dryRun } = this.flags
    const { folder } = this.args
    const watch = (peer: Peer, progress: ProgressListener): FilesWatch =>
      new FilesWatch({ ...this.#parts(peer, progress), prefix: as ?? '', folder, settleMs })
    if (!dryRun)
      return this.withPeer(
        this.flags,
        (peer, progress) => watch(peer, progress).run(interrupt.signal),
        (files) => this.print({ files }, publishedText(group, files)),
      )
    await this.withPeer(
      this.flags,
      (peer, progress) => watch(peer, progress).plan(),
      (names) =>
        this.print(
          { plan: { publish: names } },
          [
            ...names.map((name) => `would publish ${group}:${name}`),
            `A dry run: ${names.length} to publish`,
          ].join('\n'),
        ),
    )
  }

  async #watchSnapshot(options: ReturnType<typeof snapshotOptions>): Promise<void> {
    const { group, as, settle: settleMs, 'dry-run': dryRun } = this.flags
    const path = await realpath(this.args.folder).catch((error: unknown) => {
      throw storageError(error, this.args.folder)
    })
    const name = (as ?? basename(resolve(this.args.folder))).replace(/\/+$/, '')
    const pool = new TreePool()
    try {
      await this.withPeer(
        this.flags,
        (peer, progress) => {
          const snapshot = { path, name, ...options }
          const watch = new SnapshotWatch({ ...this.#parts(peer, progress), snapshot, pool, settleMs })
          return dryRun ? watch.plan(interrupt.signal) : watch.run(interrupt.signal)
        },
        (files) =>
          dryRun
            ? this.print({ plan: files }, files.flatMap((file) => plannedLines(group, file)).join('\n'))
            : this.print({ files }, snapshotsText(group, files)),
      )
    } finally {
      await pool.close()
    }
  }

  #parts(peer: Peer, progress: ProgressListener) {
    return { peer, progress, group: this.flags.group, tell: (line: string) => this.notice(line) }
  }
}
