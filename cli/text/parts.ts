/** Long answers as parts, for output without all of it in memory. Pure. */

const PART_SIZE = 64 * 1024

/** A JSON document on one line: the properties of `head`, then the property `name` with a list of the items. */
export function* documentParts(head: object, name: string, items: Iterable<object>): Generator<string> {
  const rest = JSON.stringify(head).slice(1, -1)
  yield `{${rest}${rest === '' ? '' : ','}${JSON.stringify(name)}:[`
  let comma = ''
  for (const item of items) {
    yield comma + JSON.stringify(item)
    comma = ','
  }
  yield ']}\n'
}

/** Lines of left-aligned columns, two spaces apart, the header first. `rows` is called twice: once for the widths. */
export function* tableLines(
  header: readonly string[],
  rows: () => Iterable<readonly string[]>,
): Generator<string> {
  const widths = header.map(({ length }) => length)
  for (const row of rows())
    for (let column = 0; column < widths.length; column++)
      widths[column] = Math.max(widths[column]!, row[column]?.length ?? 0)
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  yield line(header)
  for (const row of rows()) yield line(row)
}

/** Each line with its end. */
export function* ended(lines: Iterable<string>): Generator<string> {
  for (const line of lines) yield `${line}\n`
}

/** The same text in fewer, longer parts. */
export function* gathered(parts: Iterable<string>): Generator<string> {
  let text = ''
  for (const part of parts) {
    text += part
    if (text.length < PART_SIZE) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
}
