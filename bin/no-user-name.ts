import { homedir, userInfo } from 'node:os'

/**
 * In a container the process may run as a user that the system does not know. Packages that ask for the
 * user's home or shell would then throw, some while they load, so this sets both first.
 */
try {
  userInfo()
  homedir()
} catch {
  process.env.HOME ??= '/'
  process.env.SHELL ??= ''
}
