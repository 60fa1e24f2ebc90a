import { existsSync, lstatSync, readdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PART_SUFFIX } from '../../../protocol/names.ts'
import { seededRandom } from '../../../testkit/random.ts'

/**
 * A program that swaps folders and files below the working folders of `parent` for links to `outside`, and most of them
 * back, until its standard input ends. It prints the number of swaps. Arguments: parent, outside, seed.
 */
const [parent, outside, seed] = process.argv.slice(2) as [string, string, string]
const random = seededRandom(Number(seed))
/** Between a tenth and a thousandth of all paths at a time: few swaps let a download get to its end. */
const share = 0.1 ** (1 + 2 * random())
let swaps = 0
let isOver = false
process.stdin.on('end', () => {
  isOver = true
})
process.stdin.resume()

/** Everything may be gone at any moment. */
function attempt(work: () => void): void {
  try {
    work()
  } catch (error) {
    if (
      !['ENOENT', 'EEXIST', 'ENOTDIR', 'EISDIR', 'ENOTEMPTY'].includes((error as NodeJS.ErrnoException).code!)
    )
      throw error
  }
}

/** A recursive readdir would list what is behind links, too. */
function entriesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isSymbolicLink() ? [] : [path, ...(entry.isDirectory() ? entriesBelow(path) : [])]
  })
}

function swap(path: string): void {
  const isFolder = lstatSync(path).isDirectory()
  const away = `${path}.away`
  renameSync(path, away)
  symlinkSync(isFolder ? outside : join(outside, 'file'), path)
  swaps++
}

function swapBack(path: string): void {
  if (!existsSync(`${path}.away`)) return
  unlinkSync(path)
  renameSync(`${path}.away`, path)
}

while (!isOver) {
  const folders = readdirSync(parent, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders.filter((entry) => entry.name.endsWith(PART_SUFFIX))) {
    const root = join(parent, name)
    const swapped: string[] = []
    attempt(() => {
      const inside = entriesBelow(root)
      for (const path of [...inside, root])
        if (random() < share)
          attempt(() => {
            swap(path)
            swapped.unshift(path)
          })
    })
    await delay(random() * 20)
    // One in ten stays a link.
    for (const path of swapped) if (random() < 0.9) attempt(() => swapBack(path))
  }
  await delay(random() * 30)
}
process.stdout.write(`${swaps}`)
