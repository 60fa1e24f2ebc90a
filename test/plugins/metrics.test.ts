import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import dashboard from '../../plugins/metrics/grafana.json' with { type: 'json' }
import { freePort } from '../../testkit/redis-process.ts'
import { World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'

const world = new World()
afterAll(() => world.close())

/** The value of the sample that starts with `start`; NaN if there is none. */
function sample(text: string, start: string): number {
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(start))
      ?.split(' ')
      .at(-1) ?? Number.NaN,
  )
}

async function scrape(url: string): Promise<string> {
  const response = await fetch(url)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  return response.text()
}

/** Metrics that the dashboard's queries use. */
function metricsOf(dashboard: { panels: { targets?: { expr: string }[] }[] }): string[] {
  const queries = dashboard.panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  return queries.flatMap((query) => query.match(/\b(?:shoal|process|nodejs)_\w+/g) ?? [])
}

test('a tracker and its peers export every metric that the Grafana dashboard uses', async () => {
  const tracker = await world.tracker()
  const [ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  const content = randomBytes(3_000_000)
  writeFileSync(join(ada.folder, 'file'), content)
  const [adas, bobs] = [await freePort(), await freePort()]
  const at = (port: number) => ({ env: { SHOAL_METRICS_LISTEN: `127.0.0.1:${port}` } })
  await ada.start('peer start', at(adas))
  const { peer } = await ada.ok<{ peer: string }>('peer status')
  await bob.start('peer start', at(bobs))
  await ada.ok('peer upload file --group team')
  await bob.ok('peer download team:file')

  // The tracker learns of peers soon, but not at once.
  let fleet = ''
  await until(async () => {
    fleet = await scrape(`${tracker.ready.url}/metrics`)
    return sample(fleet, 'shoal_tracker_peers') === 2 && sample(fleet, 'shoal_tracker_swarms') === 1
  })
  expect(sample(fleet, 'shoal_tracker_ready')).toBe(1)
  expect(sample(fleet, 'shoal_tracker_views')).toBe(1)
  expect(sample(fleet, 'shoal_tracker_revision_lag')).toBe(0)
  expect(sample(fleet, 'shoal_tracker_events_total{type="file.published"')).toBe(1)
  const route = 'method="POST",route="/v1/groups/:group/swarms",status="200"'
  expect(sample(fleet, `shoal_tracker_request_duration_seconds_count{${route}}`)).toBeGreaterThan(0)

  const fetched = await scrape(`http://127.0.0.1:${bobs}/metrics`)
  expect(sample(fetched, `shoal_peer_received_bytes_total{peer="${peer}"}`)).toBe(content.length)
  expect(sample(fetched, 'shoal_peer_verification_failures_total')).toBe(0)
  expect(sample(fetched, 'shoal_peer_serving_files')).toBe(1)
  expect(sample(fetched, 'shoal_peer_queue_jobs{queue="chunks"}')).toBe(0)

  const known = new Set(
    [...`${fleet}${fetched}`.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name, type]) =>
      type === 'histogram' ? [`${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
    ),
  )
  const asked = metricsOf(dashboard)
  expect(asked.length).toBeGreaterThan(15)
  expect(asked.filter((name) => !known.has(name))).toEqual([])

  const sent = await scrape(`http://127.0.0.1:${adas}/metrics`)
  const { peer: bobsId } = await bob.ok<{ peer: string }>('peer status')
  expect(sample(sent, `shoal_peer_sent_bytes_total{peer="${bobsId}"}`)).toBe(content.length)
})

test('a plugin that fails to start is named, and the peer runs without it', async () => {
  const cyd = world.home('cyd')
  const child = cyd.spawn('peer start', { env: { SHOAL_METRICS_LISTEN: 'nowhere' } })
  let errors = ''
  child.stderr?.on('data', (part: Buffer) => {
    errors += part
  })
  const ready = await new Promise<string>((resolve) =>
    child.stdout?.once('data', (part) => resolve(String(part))),
  )
  expect(JSON.parse(ready)).toMatchObject({ pid: child.pid })
  expect(errors).toContain('the plugin metrics is left out: it failed to start: the metrics address nowhere')
})

test('a setting disables a plugin', async () => {
  const tracker = await world.tracker('quiet', ['--home', world.path('homes', 'operator')])
  expect((await fetch(`${tracker.ready.url}/metrics`)).status).toBe(200)
  const running = await world.home('dan').start(['tracker', 'start', '--listen', '127.0.0.1:0'], {
    env: { SHOAL_METRICS_ENABLED: 'false' },
  })
  expect((await fetch(`${running.ready.url}/metrics`)).status).toBe(404)
})
