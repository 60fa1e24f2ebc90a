/** Environment variables that hold a password. No child process needs them, and a process list shows them. */
const PASSWORDS = ['SHOAL_PASSWORD', 'SHOAL_NEW_PASSWORD']

/** The environment without passwords, for a long-running child process. */
export function withoutPasswords(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !PASSWORDS.includes(name)))
}
