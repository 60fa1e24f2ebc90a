import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { storageError } from '../../protocol/errors.ts'
import { readPrivateJson, writePrivateJson } from './private-file.ts'
import { type ProcessIdentity, processStart } from './process-identity.ts'

/** A running tracker on a data folder of this machine. */
export interface Replica extends ProcessIdentity {
  url: string
  replica: string
}

const folderOf = (data: string): string => join(data, 'replicas')

/** Creates DATA/replicas/PID.json, which `tracker stop` reads. Returns the function that removes it. */
export function announceReplica(data: string, replica: { url: string; replica: string }): () => void {
  const file = join(folderOf(data), `${process.pid}.json`)
  const started = processStart(process.pid) ?? ''
  writePrivateJson(file, { pid: process.pid, url: replica.url, replica: replica.replica, started })
  return () => rmSync(file, { force: true })
}

/** The running trackers on `data`. Removes the files of dead ones. */
export function runningReplicas(data: string): Replica[] {
  let names: string[]
  try {
    names = readdirSync(folderOf(data))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw storageError(error, folderOf(data))
  }
  return names.flatMap((name) => readReplica(join(folderOf(data), name)) ?? [])
}

function readReplica(file: string): Replica | null {
  const replica = readPrivateJson(file) as Partial<Replica> | null
  if (typeof replica?.pid === 'number' && processStart(replica.pid) === replica.started)
    return replica as Replica
  if (file.endsWith('.json')) rmSync(file, { force: true })
  return null
}
