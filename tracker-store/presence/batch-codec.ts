import { textBytes } from './text-bytes.ts'

/** Length from which a message is closed: a subscriber's output buffer in Redis is bounded. */
const MESSAGE_LENGTH = 256 * 1024

/** What one replica tells the others at once: "{from, changes}" in JSON. */
export class BatchCodec<Change> {
  readonly #head: string
  readonly #headBytes: Buffer

  constructor(replica: string) {
    this.#head = `{"from":${JSON.stringify(replica)},"changes":[`
    this.#headBytes = Buffer.from(this.#head)
  }

  /** Messages that carry the changes, each written as JSON, in order. */
  encode(changes: readonly string[]): Buffer[] {
    const messages: Buffer[] = []
    let texts: string[] = []
    let length = 0
    const close = (): void => {
      if (texts.length === 0) return
      texts.push(']}')
      messages.push(textBytes(texts))
      texts = []
      length = 0
    }
    for (const text of changes) {
      texts.push(texts.length === 0 ? this.#head : ',', text)
      length += text.length
      if (length >= MESSAGE_LENGTH) close()
    }
    close()
    return messages
  }

  /** The changes of another replica; none of a message of this one's own, which comes back to it. */
  decode(message: Buffer): Change[] {
    if (this.#headBytes.equals(message.subarray(0, this.#headBytes.length))) return []
    return (JSON.parse(message.toString()) as { changes: Change[] }).changes
  }
}
