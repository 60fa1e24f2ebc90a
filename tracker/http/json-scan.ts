const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
/** Of a string that is longer, the end is searched for: that is faster then, and slower for short ones. */
const SHORT = 64

/** Why a text is not parsed: it nests too deep, or it has too many values. */
export type ScanFault = 'deep' | 'many'

/**
 * Looks through a JSON text (RFC 8259) as it arrives, for what would make it costly to parse, in time that is linear
 * in its length. It does not say whether the text is JSON: what it passes is parsed, and what is no JSON fails there.
 */
export class JsonScan {
  readonly #maxDepth: number
  readonly #maxValues: number
  #depth = 0
  #values = 1
  #inString = false
  /** The next byte of the string is part of an escape. */
  #escaped = false

  /** Values are counted by brackets that open and by commas. */
  constructor(maxDepth: number, maxValues: number) {
    this.#maxDepth = maxDepth
    this.#maxValues = maxValues
  }

  /** Takes the next piece of the text; null while there is nothing against it. */
  push(bytes: Buffer): ScanFault | null {
    for (let at = 0; at < bytes.length; at++) {
      if (this.#inString) at = this.#endOfString(bytes, at)
      switch (bytes[at]) {
        case QUOTE:
          this.#inString = !this.#inString
          break
        case OPEN_ARRAY:
        case OPEN_OBJECT:
          if (++this.#depth > this.#maxDepth) return 'deep'
          if (++this.#values > this.#maxValues) return 'many'
          break
        case CLOSE_ARRAY:
        case CLOSE_OBJECT:
          this.#depth--
          break
        case COMMA:
          if (++this.#values > this.#maxValues) return 'many'
      }
    }
    return null
  }

  /** Where the string ends that `at` lies in; the length of `bytes` where it goes on. */
  #endOfString(bytes: Buffer, at: number): number {
    let from = at
    for (;;) {
      const near = Math.min(bytes.length, from + SHORT)
      for (; from < near; from++) {
        if (this.#escaped) this.#escaped = false
        else if (bytes[from] === BACKSLASH) this.#escaped = true
        else if (bytes[from] === QUOTE) return from
      }
      if (from === bytes.length) return from
      const found = bytes.indexOf(QUOTE, from)
      const end = found < 0 ? bytes.length : found
      // The backslashes before it, in pairs, are no escape of it.
      let first = end
      while (first > from && bytes[first - 1] === BACKSLASH) first--
      const carried = this.#escaped && first === from ? 1 : 0
      this.#escaped = (end - first + carried) % 2 === 1
      if (found < 0) return end
      if (!this.#escaped) return end
      this.#escaped = false
      from = end + 1
    }
  }
}
