import { once } from 'node:events'
import { type FileHandle, open } from 'node:fs/promises'
import type { ProgressEvent } from '../../peer/control/api.ts'

const BUFFER_BYTES = 1024 * 1024

/**
 * Writes the bytes of a download to `output` in order while it goes on: `chunk` events tell how far the
 * file at their path can be read.
 */
export class StreamSink {
  readonly #output: NodeJS.WritableStream
  #file: FileHandle | null = null
  #written = 0
  #work: Promise<void> = Promise.resolve()

  constructor(output: NodeJS.WritableStream) {
    this.#output = output
  }

  hear(event: ProgressEvent): void {
    if (event.event !== 'chunk') return
    this.#work = this.#work.then(() => this.#copy(event.path, event.upTo))
    // finish() reports it; until then nobody waits for this promise.
    this.#work.catch(() => {})
  }

  /** Writes what is left of the complete file; resolves when all is written, throws the first error. */
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
      // Copied, since the stream may hold on to it after the next read.
      if (!this.#output.write(Uint8Array.from(buffer.subarray(0, bytesRead))))
        await once(this.#output, 'drain')
    }
  }
}
