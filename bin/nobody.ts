import { homedir, userInfo } from 'node:os'

/**
 * In a container the process may belong to a user whom the system does not know. Packages that ask for the home or
 * the shell of the user, some as they are loaded, would throw: here they are told before.
 */
try {
  userInfo()
  homedir()
} catch {
  process.env.HOME ??= '/'
  process.env.SHELL ??= ''
}
