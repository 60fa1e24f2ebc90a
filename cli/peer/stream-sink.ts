import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import type { ProgressEvent } from '../../peer/control/api.ts'

const BUFFER_BYTES = 1024 * 1024

/**
 * Writes a download's bytes to `output` in order while it runs. `chunk` events tell up to where the file at their path can
 * be read.
 */
export class StreamSink {
  readonly #output: NodeJS.WritableStream
  readonly #signal: AbortSignal
  #file: FileHandle | null = null
  #written = 0
  #work: Promise<void> = Promise.resolve()

  /** After `signal` it waits for no reader any more. */
  constructor(output: NodeJS.WritableStream, signal: AbortSignal) {
    this.#output = output
    this.#signal = signal
  }

  hear(event: ProgressEvent): void {
    if (event.event !== 'chunk') return
    this.#work = this.#work.then(() => this.#copy(event.path, event.upTo))
    // Avoid an unhandled rejection: finish() reports it.
    this.#work.catch(() => {})
  }

  /** Writes the rest of the complete file. Resolves once everything is written, or throws the first error. */
  async finish(path: string, size: number): Promise<void> {
    await this.#work
    await this.#copy(path, size)
  }

  async close(): Promise<void> {
    await this.#work.catch(() => {})
    await this.#file?.close()
  }

  async #copy(path: string, upTo: number): Promise<void> {
    this.#file ??= await open(path)
    const buffer = Buffer.allocUnsafe(BUFFER_BYTES)
    while (this.#written < upTo) {
      const length = Math.min(buffer.length, upTo - this.#written)
      const { bytesRead } = await this.#file.read(buffer, 0, length, this.#written)
      if (bytesRead === 0) throw new Error(`${path} ends at ${this.#written}, before ${upTo}`)
      this.#written += bytesRead
      // Copy it, because the stream may still hold it at the next read.
      if (!this.#output.write(Uint8Array.from(buffer.subarray(0, bytesRead))))
        await once(this.#output, 'drain', { signal: this.#signal })
    }
  }
}
