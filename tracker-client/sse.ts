import { StringDecoder } from 'node:string_decoder'

/** The longest single event accepted. */
const MAX_EVENT_CHARS = 1024 * 1024

/**
 * The `data` of each event of a server-sent event stream (WHATWG HTML, 9.2), as far as trackers use it: comments and other
 * fields are skipped. Throws RangeError if an event is too long.
 */
export async function* eventData(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const decoder = new StringDecoder('utf8')
  let rest = ''
  let data: string[] = []
  for await (const chunk of chunks) {
    rest += decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength))
    const lines = rest.split(/\r\n|\n/)
    rest = lines.pop() ?? ''
    if (rest.length > MAX_EVENT_CHARS) throw new RangeError('an event is too long')
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
      else if (line === '' && data.length > 0) {
        yield data.join('\n')
        data = []
      }
    }
  }
}
