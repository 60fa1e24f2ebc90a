const LEVELS = ['silent', 'error', 'warn', 'info', 'debug']

/** The log of a peer or a worker: lines of JSON on stderr, like the tracker's. */
export function processLog(level: string): { warn(message: string): void; error(error: Error): void } {
  const write = (name: string, entry: object): void => {
    if (LEVELS.indexOf(name) > LEVELS.indexOf(level)) return
    process.stderr.write(`${JSON.stringify({ level: name, time: new Date().toISOString(), ...entry })}\n`)
  }
  return {
    warn: (message) => write('warn', { msg: message }),
    error: (error) => write('error', { msg: error.message, stack: error.stack }),
  }
}
