const CR = 13

/** Splits a stream of Redis replies (RESP2 and RESP3) into complete ones, however it arrives. */
export class RespFrames {
  #rest: Buffer = Buffer.alloc(0)

  /** The replies that this piece completes. */
  push(piece: Buffer): Buffer[] {
    const bytes = Buffer.concat([this.#rest, piece])
    const frames: Buffer[] = []
    let start = 0
    for (let end = frameEnd(bytes, 0); end !== null; end = frameEnd(bytes, start)) {
      frames.push(bytes.subarray(start, end))
      start = end
    }
    this.#rest = bytes.subarray(start)
    return frames
  }
}

/** Forwards Redis's replies but drops a share of the published messages, as a subscriber might lose them. */
export function dropMessages(share: () => number, random: () => number): () => (piece: Buffer) => Buffer {
  return () => {
    const frames = new RespFrames()
    const isLost = (frame: Buffer): boolean =>
      /^[>*]3\r\n\$7\r\nmessage\r\n/.test(frame.toString('latin1', 0, 32)) && random() < share()
    return (piece) => Buffer.concat(frames.push(piece).filter((frame) => !isLost(frame)))
  }
}

/** Where the reply at `at` ends; null if it is incomplete. */
function frameEnd(bytes: Buffer, at: number): number | null {
  const lineEnd = bytes.indexOf(CR, at)
  if (lineEnd < 0 || lineEnd + 1 >= bytes.length) return null
  const type = String.fromCharCode(bytes[at]!)
  const count = Number(bytes.toString('latin1', at + 1, lineEnd))
  const body = lineEnd + 2
  if ('$=!'.includes(type)) return within(bytes, count < 0 ? body : body + count + 2)
  const items = itemsOf(type, count)
  let end: number | null = body
  for (let i = 0; i < items && end !== null; i++) end = frameEnd(bytes, end)
  return end
}

function itemsOf(type: string, count: number): number {
  if ('*~>'.includes(type)) return Math.max(0, count)
  if (type === '%') return 2 * count
  return type === '|' ? 2 * count + 1 : 0
}

const within = (bytes: Buffer, end: number): number | null => (end <= bytes.length ? end : null)
