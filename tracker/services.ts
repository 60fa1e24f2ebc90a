import type { Background } from '../packed/background.ts'
import type { Store } from '../tracker-store/store.ts'
import type { Answers } from './answers.ts'
import type { Authenticator } from './auth/authenticate.ts'
import type { LoginLimit } from './auth/login-limit.ts'
import type { Passwords } from './auth/passwords.ts'
import type { Grants } from './grants.ts'
import type { Announcing } from './presence/announcing.ts'
import type { Presence } from './presence/presence.ts'
import type { Progress } from './presence/progress.ts'

/** What the routes work with; put together in start.ts. */
export interface Services {
  store: Store
  background: Background
  authenticator: Authenticator
  presence: Presence
  progress: Progress
  announcing: Announcing
  answers: Answers
  grants: Grants
  passwords: Passwords
  loginLimit: LoginLimit
  /** Aborted when the tracker stops: ends what would not end by itself. */
  stopping: AbortSignal
}
