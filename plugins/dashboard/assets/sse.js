// The part of server-sent events (WHATWG HTML, 9.2) that trackers use. Pure.

/**
 * Takes a stream's text in pieces and returns the `data` of each event. Skips comments.
 * @returns {(text: string) => string[]}
 */
export function eventReader() {
  let rest = ''
  /** @type {string[]} */
  let data = []
  return (text) => {
    const lines = (rest + text).split(/\r\n|\n/)
    rest = lines.pop() ?? ''
    const events = []
    for (const line of lines) {
      if (line.startsWith('data:')) data.push(line.slice(line[5] === ' ' ? 6 : 5))
      else if (line === '' && data.length > 0) {
        events.push(data.join('\n'))
        data = []
      }
    }
    return events
  }
}
