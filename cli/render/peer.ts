import type { DownloadedFile, PeerStatus, UploadResult, VerifiedFile } from '../../peer/control/api.ts'
import { formatBytes, formatRate, formatSeconds, plural, table } from '../text/format.ts'
import { entriesText, KIND_COLUMNS } from './versions.ts'

/** Renders uploads, downloads and a peer's status for people. */
export function uploadText(group: string, files: UploadResult['files']): string {
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  const [only] = files
  if (only && files.length === 1)
    return `Shared ${group}:${only.name} (${formatBytes(bytes)}, version ${only.version})`
  return `Shared ${plural(files.length, 'file')} with ${group} (${formatBytes(bytes)})`
}

/** `seconds` is the time for all files together. */
export function downloadText(files: readonly DownloadedFile[], seconds: number): string {
  const size = sum(files, (file) => file.size)
  const fetched = sum(files, (file) => file.bytesFetched)
  const peers = new Set(files.flatMap((file) => file.peers.map(({ peer }) => peer)))
  const what = files.length === 1 ? (files[0]?.path ?? '') : plural(files.length, 'file')
  const done = `Downloaded ${what} (${formatBytes(size)} in ${formatSeconds(seconds)}`
  if (size === 0) return `${done})`
  if (fetched === 0) return `${done}): everything was already here${from(files)}`
  const reused = fetched < size ? `, ${formatBytes(size - fetched)} were already here${from(files)}` : ''
  return `${done}, ${formatRate(fetched / seconds)}) from ${plural(peers.size, 'peer')}${reused}`
}

export function verifyText(files: readonly VerifiedFile[]): string {
  const bad = files.filter(({ state }) => state !== 'ok')
  const size = formatBytes(sum(files, (file) => file.size))
  if (bad.length === 0) return `${plural(files.length, 'file')} (${size}), all intact`
  const rows = bad.map(({ group, name, path, state, damaged }) => [
    `${group}:${name}`,
    state === 'damaged' ? plural(damaged, 'damaged chunk') : state,
    path,
  ])
  return `${table(['NO LONGER SERVED', 'BECAUSE', 'PATH'], rows)}\n${bad.length} of ${files.length} (${size}) are not intact`
}

/** A row for each file or snapshot, and a line with their sums. */
export function statusText({ peer, url, pid, rates, seeding, downloads }: PeerStatus): string {
  const state = url === null ? 'is not running' : `is running at ${url} (process ${pid})`
  const parts = [`Peer ${peer.slice(0, 16)}… ${state}`]
  if (seeding.length > 0) {
    const rows = seeding.map((file) => [
      `${file.group}:${file.name}`,
      file.entries === undefined ? 'file' : 'snapshot',
      entriesText(file.entries),
      formatBytes(file.size),
      file.path,
      file.fault ?? '',
    ])
    parts.push(table(['SEEDING', ...KIND_COLUMNS, 'PATH', 'FAULT'], rows))
  }
  if (downloads.length > 0) {
    const rows = downloads.map(({ name, total, done, rate }) => [
      name,
      `${formatBytes(done)} of ${formatBytes(total)}`,
      formatRate(rate),
    ])
    parts.push(table(['DOWNLOADING', 'DONE', 'RATE'], rows))
  }
  if (rates) parts.push(summaryText(seeding, downloads, rates))
  return parts.join('\n')
}

/** For example "2 snapshots and 3 files (4.0 GiB) seeded, 1 with a fault; 1 download; 0 B/s down, 1.0 MiB/s up". */
function summaryText(
  seeding: PeerStatus['seeding'],
  downloads: PeerStatus['downloads'],
  rates: NonNullable<PeerStatus['rates']>,
): string {
  const served = seeding.filter(({ fault }) => fault === undefined)
  const snapshots = served.filter(({ entries }) => entries !== undefined).length
  const faults = seeding.length - served.length
  const kinds = `${plural(snapshots, 'snapshot')} and ${plural(served.length - snapshots, 'file')}`
  const seeded = `${kinds} (${formatBytes(sum(served, ({ size }) => size))}) seeded`
  const rate = `${formatRate(rates.down)} down, ${formatRate(rates.up)} up`
  return [
    faults > 0 ? `${seeded}, ${faults} with a fault` : seeded,
    plural(downloads.length, 'download'),
    rate,
  ].join('; ')
}

/** Where the reused bytes came from. */
function from(files: readonly DownloadedFile[]): string {
  const paths = new Set(files.flatMap(({ reusedFrom }) => reusedFrom))
  if (paths.size === 0) return ''
  if (files.length === 1 && paths.size === 1 && paths.has(files[0]?.path ?? '')) return ', at its place'
  return `, in ${[...paths].slice(0, 3).join(', ')}${paths.size > 3 ? ' and others' : ''}`
}

function sum<T>(values: readonly T[], of: (value: T) => number): number {
  return values.reduce((total, value) => total + of(value), 0)
}
