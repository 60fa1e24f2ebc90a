import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

test('oclif.manifest.json is up to date with the commands (else: npm run gen:manifest)', () => {
  execFileSync(process.execPath, [join(root, 'scripts/gen-manifest.ts'), '--check'], { encoding: 'utf8' })
})
