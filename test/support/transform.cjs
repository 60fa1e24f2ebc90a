/** Jest transformer: erasable TypeScript needs its types blanked out, nothing more; lines and columns stay. */
const { stripTypeScriptTypes } = require('node:module')
const { createHash } = require('node:crypto')

module.exports = {
  process: (source) => ({ code: stripTypeScriptTypes(source) }),
  getCacheKey: (source, path) =>
    createHash('sha256').update(process.version).update(path).update(source).digest('hex'),
}
