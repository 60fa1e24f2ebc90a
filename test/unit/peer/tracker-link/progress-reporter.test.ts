import { Background } from '../../../../packed/background.ts'
import { ProgressReporter } from '../../../../peer/tracker-link/progress-reporter.ts'
import { ShoalError } from '../../../../protocol/errors.ts'
import type { FileProgress } from '../../../../protocol/records.ts'
import { until } from '../../../../testkit/until.ts'

const file: FileProgress = { group: 'team', fileId: 'a', held: 1, parts: '', down: 1, up: 0 }

/** A reporter whose tracker asks for the next report at once, or fails. */
function reporter(fails: (report: number) => boolean = () => false) {
  const logged: string[] = []
  const background = new Background((message) => logged.push(message))
  const said: FileProgress[][] = []
  const state = { moving: [] as FileProgress[], looks: 0, said, logged, breaks: false }
  const client = {
    async progress({ files }: { files: FileProgress[] }) {
      said.push(files)
      if (fails(said.length)) throw new ShoalError('ROUTE_NOT_FOUND', 'an older tracker')
      return { interval: 0.01 }
    },
  }
  const moving = (): FileProgress[] => {
    state.looks++
    if (state.breaks) throw new Error('no figures')
    return state.moving
  }
  return { state, reporter: new ProgressReporter(client, 'p', moving, background) }
}

test('an idle peer reports nothing, and one that becomes idle reports it once', async () => {
  const { state, reporter: reporting } = reporter()
  reporting.start()
  await until(() => state.looks === 1)
  expect(state.said).toEqual([])
  state.moving = [file]
  await until(() => state.said.length === 1)
  state.moving = []
  await until(() => state.said.length === 2)
  const { looks } = state
  await until(() => state.looks > looks)
  expect(state.said).toEqual([[file], []])
  reporting.stop()
})

test('an unchanged report is repeated just before it expires', async () => {
  const { state, reporter: reporting } = reporter()
  state.moving = [file]
  reporting.start()
  await until(() => state.said.length === 1)
  const first = performance.now()
  await until(() => state.said.length === 2, 15_000)
  expect(performance.now() - first).toBeGreaterThan(3000)
  expect(state.looks).toBeGreaterThan(2)
  reporting.stop()
})

test('after a refused report the next one is sent, and none after the end', async () => {
  const { state, reporter: reporting } = reporter((report) => report === 1)
  state.moving = [file]
  reporting.start()
  await until(() => state.said.length === 2, 15_000)
  expect(state.said).toEqual([[file], [file]])
  expect(state.logged).toEqual([])
  reporting.stop()
  const { looks } = state
  await new Promise(setImmediate)
  expect(state.looks).toBe(looks)
})

test('a failure that is not an answer of the tracker is logged once, and reports go on', async () => {
  const { state, reporter: reporting } = reporter()
  state.moving = [file]
  state.breaks = true
  reporting.start()
  await until(() => state.looks === 2, 15_000)
  state.breaks = false
  await until(() => state.said.length === 1, 15_000)
  expect(state.logged).toEqual([
    'reporting progress failed: pictures of swarms show older progress: no figures',
  ])
  reporting.stop()
})
