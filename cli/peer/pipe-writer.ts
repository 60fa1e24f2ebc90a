import { closeSync, writeSync } from 'node:fs'
import { Writable } from 'node:stream'

/** Pause between attempts to write to a full pipe. */
const RETRY_MS = 5
/** A pipe takes so many bytes at once or none (pipe(7)), also where the runtime repeats a write that was cut short. */
const PIPE_BUF = 4096

/** Writes to a non-blocking pipe, and waits while it is full. */
export class PipeWriter extends Writable {
  readonly #fd: number

  constructor(fd: number) {
    super()
    this.#fd = fd
  }

  override _write(chunk: Buffer, encoding: string, done: (error?: Error) => void): void {
    const written = this.#try(chunk)
    if (written instanceof Error) done(written)
    else if (written === chunk.length || this.destroyed) done()
    else setTimeout(() => this._write(chunk.subarray(written), encoding, done), written > 0 ? 0 : RETRY_MS)
  }

  /** Bytes that the pipe took until it was full. */
  #try(chunk: Buffer): number | Error {
    let written = 0
    try {
      while (written < chunk.length)
        written += writeSync(this.#fd, chunk.subarray(written, written + PIPE_BUF))
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (!/EAGAIN|temporarily unavailable/i.test(`${code} ${message}`)) return error as Error
    }
    return written
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    closeSync(this.#fd)
    done(error)
  }
}
