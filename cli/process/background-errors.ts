/**
 * The last line of defence of a process that serves others: an error that reached nobody is logged with its
 * stack, as a line of JSON, and the process goes on (docs/decisions/0022-background-failures.md). One-shot
 * commands do not call this: for them Node's default is right.
 */
export function surviveLostErrors(): void {
  // Whoever read stderr may be gone. To log that would fail in the same way, again and again.
  process.stderr.on('error', () => {})
  process.stdout.on('error', () => {})
  const survive = (reason: unknown): void => {
    const { message, stack } = reason instanceof Error ? reason : new Error(String(reason))
    const msg = `an error reached nobody; please report this bug: ${message}`
    process.stderr.write(
      `${JSON.stringify({ level: 'error', time: new Date().toISOString(), msg, stack })}\n`,
    )
  }
  process.on('unhandledRejection', survive)
  process.on('uncaughtException', survive)
}
