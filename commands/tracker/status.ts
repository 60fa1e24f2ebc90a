import { ShoalCommand } from '../../cli/base-command.ts'
import { formatSeconds, plural, table } from '../../cli/format.ts'

export default class TrackerStatus extends ShoalCommand<typeof TrackerStatus> {
  static override summary = 'Show the replicas of the tracker, and how much it knows'

  override async run(): Promise<void> {
    const client = await this.client()
    const status = await client.status()
    const rows = status.replicas.map(({ id, url, revisionLag, uptime }) => [
      id,
      url,
      String(revisionLag),
      formatSeconds(uptime),
    ])
    const counts = [
      plural(status.users, 'user'),
      plural(status.groups, 'group'),
      plural(status.files, 'file'),
      plural(status.peers, 'peer'),
    ].join(', ')
    this.print(status, `${table(['REPLICA', 'URL', 'REVISION LAG', 'UPTIME'], rows)}\n${counts}`)
  }
}
