import type { FileRecord } from '../../protocol/records.ts'

export interface FilePage {
  files: readonly FileRecord[]
  /** How many peers serve a file. */
  countsOf: (fileId: string) => { seeders: number; leechers: number }
  next: string | null
  revision: number
}

/** Each record's JSON without its closing brace. Records never change, so it is built once while a view holds the record. */
const texts = new WeakMap<FileRecord, string>()

/** The JSON of a `FileList`. Only the counts are serialised anew for each request. */
export function filePageText({ files, countsOf, next, revision }: FilePage): string {
  let text = ''
  for (const file of files) {
    const { seeders, leechers } = countsOf(file.fileId)
    text += `${text === '' ? '' : ','}${textOf(file)},"seeders":${seeders},"leechers":${leechers}}`
  }
  return `{"files":[${text}],"next":${JSON.stringify(next)},"revision":${revision}}`
}

function textOf(file: FileRecord): string {
  let text = texts.get(file)
  if (text === undefined) {
    text = JSON.stringify(file).slice(0, -1)
    texts.set(file, text)
  }
  return text
}
