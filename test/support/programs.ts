import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const has = (program: string): boolean => spawnSync(program, ['--version']).status === 0
/** A test with curl or aria2c, Debian packages of that name. If it is missing, this warns and skips the test. */
export function tested(program: string): typeof test {
  if (has(program)) return test
  console.warn(`${program} is not installed: skipping its tests`)
  return test.skip as typeof test
}

/** Runs aria2c on a Metalink file; returns its exit status and output. */
export async function aria2(
  metalink: string,
  folder: string,
  words: string[] = [],
): Promise<{ code: number; output: string }> {
  const fixed = [
    '--no-conf',
    '--file-allocation=none',
    '--max-tries=1',
    '--allow-overwrite=true',
    '--console-log-level=info',
  ]
  try {
    const { stdout } = await promisify(execFile)(
      'aria2c',
      [...fixed, ...words, '-d', folder, '-M', metalink],
      { maxBuffer: 2 ** 26 },
    )
    return { code: 0, output: stdout }
  } catch (error) {
    const { code, stdout } = error as { code: number; stdout: string }
    return { code, output: stdout }
  }
}
