import type { Background } from '../packed/background.ts'
import type { Store } from '../tracker-store/store.ts'
import type { Authenticator } from './auth/authenticate.ts'
import type { Grants } from './auth/grants.ts'
import type { LoginLimit } from './auth/login-limit.ts'
import type { Passwords } from './auth/passwords.ts'
import type { ResponseObservers } from './http/response-observer.ts'
import type { AnnounceHandler } from './presence/announce-handler.ts'
import type { Presence } from './presence/presence.ts'
import type { ProgressReports } from './presence/progress-reports.ts'

/** The services that routes depend on. start.ts creates them. */
export interface Services {
  store: Store
  background: Background
  authenticator: Authenticator
  presence: Presence
  progress: ProgressReports
  announcing: AnnounceHandler
  responses: ResponseObservers
  grants: Grants
  passwords: Passwords
  loginLimit: LoginLimit
  /** Aborted when the tracker stops: ends whatever would not end by itself. */
  stopping: AbortSignal
}
