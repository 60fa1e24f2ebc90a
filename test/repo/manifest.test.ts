import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

test('oclif.manifest.json is what the commands say (else: npm run gen:manifest)', () => {
  execFileSync(process.execPath, [join(root, 'scripts/gen-manifest.ts'), '--check'], { encoding: 'utf8' })
})
