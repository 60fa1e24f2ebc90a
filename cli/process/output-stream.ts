/** Where answers and, with --json, errors go: stdout, unless a command fills that with a file's bytes. */
export const output: { stream: NodeJS.WritableStream } = { stream: process.stdout }
