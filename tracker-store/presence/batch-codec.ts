import { textBytes } from './text-bytes.ts'

/** A message is closed at this length, because Redis limits each subscriber's output buffer. */
const MESSAGE_LENGTH = 256 * 1024

/** The message format between replicas: "{from, changes}" in JSON. */
export class BatchCodec<Change> {
  readonly #head: string
  readonly #headBytes: Buffer

  constructor(replica: string) {
    this.#head = `{"from":${JSON.stringify(replica)},"changes":[`
    this.#headBytes = Buffer.from(this.#head)
  }

  /** Packs the changes (each already JSON) into messages, in order. */
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

  /** The changes of another replica. Empty for this replica's own message, which pub/sub returns to it. */
  decode(message: Buffer): Change[] {
    if (this.#headBytes.equals(message.subarray(0, this.#headBytes.length))) return []
    return (JSON.parse(message.toString()) as { changes: Change[] }).changes
  }
}
