import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { readPrivateJson, writePrivateJson } from './private-file.ts'

export interface HomeSession {
  user: string
  token: string
}

const sessionFile = (home: string): string => join(home, 'session.json')

/** The user who is logged in in this home, or null. */
export function readSession(home: string): HomeSession | null {
  const session = readPrivateJson(sessionFile(home)) as Partial<HomeSession> | null
  if (typeof session?.user !== 'string' || typeof session.token !== 'string') return null
  return { user: session.user, token: session.token }
}

export function writeSession(home: string, session: HomeSession): void {
  writePrivateJson(sessionFile(home), session)
}

export function clearSession(home: string): void {
  rmSync(sessionFile(home), { force: true })
}

/** The token for requests: SHOAL_TOKEN, else the session's. */
export function currentToken(home: string, env: NodeJS.ProcessEnv = process.env): string | null {
  return env.SHOAL_TOKEN || (readSession(home)?.token ?? null)
}
