import { formatBytes, type UploadResult } from '@shoal/plugin'
import type { MirrorSummary } from './mirror.ts'

const count = (n: number): string => `${n} ${n === 1 ? 'file' : 'files'}`

export function summaryText({ group, folder, files, deleted, failed, plan }: MirrorSummary): string {
  if (plan)
    return `A dry run: ${count(plan.fetch.length)} to fetch, ${count(plan.delete.length)} to delete; nothing was changed`
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  const parts = [`${folder} follows ${group}: ${count(files.length)} fetched (${formatBytes(bytes)})`]
  if (deleted.length > 0) parts.push(`${count(deleted.length)} deleted`)
  if (failed.length > 0) parts.push(`${count(failed.length)} missing`)
  return parts.join(', ')
}

export function publishedText(group: string, files: UploadResult['files']): string {
  const bytes = files.reduce((sum, { size }) => sum + size, 0)
  return `Published ${count(files.length)} in ${group} (${formatBytes(bytes)})`
}
