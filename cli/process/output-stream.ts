/** The stream for answers and, with --json, for errors: stdout, unless it carries a file's bytes. */
export const output: { stream: NodeJS.WritableStream } = { stream: process.stdout }
