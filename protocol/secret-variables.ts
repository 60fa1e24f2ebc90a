/** Environment variables that hold a password: nothing that is started needs them, and a process list shows them. */
const PASSWORDS = ['SHOAL_PASSWORD', 'SHOAL_NEW_PASSWORD']

/** The environment for a process that runs on by itself: without passwords. */
export function withoutPasswords(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !PASSWORDS.includes(name)))
}
