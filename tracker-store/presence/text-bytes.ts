/**
 * The texts one behind the other, in UTF-8. For what is long and sent often: as a string it would be copied several
 * times on its way to Redis, and long strings stay in V8's heap until all garbage is collected, which holds all up.
 */
export function textBytes(texts: readonly string[]): Buffer {
  let length = 0
  for (const text of texts) length += Buffer.byteLength(text)
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = 0
  for (const text of texts) at += bytes.write(text, at)
  return bytes
}
