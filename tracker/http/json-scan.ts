const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d
/** From this length on, searching for a string's end is faster than scanning it. */
const SHORT = 64

/** Why a text is not parsed: it is nested too deep, or has too many values. */
export type ScanFault = 'deep' | 'many'

/**
 * Scans a JSON text (RFC 8259) as it arrives for anything that would make it costly to parse, in linear time. It does
 * not validate the text; the parser does that afterwards.
 */
export class JsonScan {
  readonly #maxDepth: number
  readonly #maxValues: number
  #depth = 0
  #values = 1
  #inString = false
  /** Whether the next byte of the string is escaped. */
  #escaped = false

  /** Values are counted by opening brackets and commas. */
  constructor(maxDepth: number, maxValues: number) {
    this.#maxDepth = maxDepth
    this.#maxValues = maxValues
  }

  /** Scans the next piece. Null while nothing is wrong. */
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

  /** Where the string around `at` ends, or the length of `bytes` if it continues. */
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
      // An even number of backslashes before the quote does not escape it.
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
