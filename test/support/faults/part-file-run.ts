/**
 * Writes a complete part file in its own process, whose disk may fail. Prints the outcome of each step as JSON: null or
 * the error. Argument: the final path.
 */
import { PartFile } from '../../../peer/download/disk/part-file.ts'
import { CHUNK_SIZE } from '../../../protocol/chunking.ts'
import { content } from '../peer/content.ts'

const [path = ''] = process.argv.slice(2)
const file = content(3 * CHUNK_SIZE + 777)
const [part] = await PartFile.open(path, file.fileId, file.size)
const outcome: Record<string, unknown> = {}

async function step(name: string, how: () => Promise<unknown>): Promise<void> {
  outcome[name] = await how().then(
    () => null,
    (error: { code?: string; message: string }) => `${error.code}: ${error.message}`,
  )
}

async function put(chunk: number): Promise<void> {
  await part.write(file.data.subarray(chunk * CHUNK_SIZE, (chunk + 1) * CHUNK_SIZE), chunk)
  part.wrote(chunk)
}

await step('first flush', async () => {
  await put(0)
  await part.flush()
})
await step('second flush', async () => {
  for (const chunk of [1, 2, 3]) await put(chunk)
  await part.flush()
})
await step('publish', () => part.publish(null))
await step('seal', () => part.seal())
console.log(JSON.stringify(outcome))
