import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { type Home, World } from '../../testkit/shoal.ts'
import { until } from '../../testkit/until.ts'
import { browserTest, CHROMIUM, enterGroup, launchBrowser, WatchedPage } from '../support/browser.ts'

/** Tests how the page shows snapshots, in a real browser, with a real tracker and real peers. */
const world = new World()
let browser: Browser
let url: string
let ada: Home
let bob: Home
const opened: WatchedPage[] = []

beforeAll(async () => {
  if (!CHROMIUM) return
  const starting = launchBrowser()
  const { ready } = await world.tracker()
  url = `${ready.url}/dashboard/`
  ;[ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await ada.admit('team', bob)
  browser = await starting
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await world.close()
}, 60_000)
afterEach(async () => {
  const problems = opened.flatMap((each) => each.problems)
  await Promise.all(opened.splice(0).map((each) => each.close()))
  expect(problems).toEqual([])
})

/** A page that shows the group, with ada signed in. */
async function openTeam(): Promise<WatchedPage> {
  const watched = await WatchedPage.open(browser, url)
  opened.push(watched)
  await enterGroup(watched.page, 'ada', 'team')
  return watched
}

browserTest(
  'a snapshot is shown with its entries, versions and tags, and its tree folder by folder',
  async () => {
    const { page } = await openTeam()
    const root = join(bob.folder, 'app')
    mkdirSync(join(root, 'lib'), { recursive: true })
    writeFileSync(join(root, 'lib/one'), Buffer.alloc(2048, 1))
    await bob.ok('peer upload app --group team')
    const files = page.getByRole('table', { name: 'Files' })
    await files.getByRole('row', { name: /^app Snapshot, 2 entries/ }).waitFor()
    writeFileSync(join(root, 'lib/two'), Buffer.alloc(1024, 2))
    await bob.ok('peer upload app --group team')
    await files.getByRole('link', { name: 'app' }).click()
    await page.getByText('Snapshot of 3 entries, 2 files of 3.0 KiB · version 2').waitFor()
    const versions = page.getByRole('table', { name: 'Versions' })
    await versions.getByRole('row', { name: /^Version 2 Snapshot, 3 entries 2 files, 3\.0 KiB/ }).waitFor()
    await versions.getByRole('row', { name: /^Version 1 Snapshot, 2 entries 1 file, 2\.0 KiB/ }).waitFor()
    const contents = page.getByRole('table', { name: 'Contents' })
    await contents.getByRole('row', { name: /^lib\/ folder rwx.* 3\.0 KiB/ }).waitFor()
    await contents.getByRole('button', { name: 'lib/' }).click()
    await contents.getByRole('row', { name: /^two file rw-.* 1\.0 KiB/ }).waitFor()
    expect(await page.locator(':focus').textContent()).toBe('Contents')
    await page.getByRole('navigation', { name: 'Folders' }).getByRole('button', { name: 'app' }).click()
    await contents.getByRole('button', { name: 'lib/' }).waitFor()
    await ada.ok('group tag team:app@1 stable')
    await versions.getByRole('row', { name: /^Version 1 stable / }).waitFor()
    await page.getByText('shoal group ls team:app').waitFor()
    await page.getByText('shoal group diff team:app@1 team:app@2').waitFor()
  },
)

browserTest('a snapshot that no peer serves says so, and is shown when one does', async () => {
  const { page, problems } = await openTeam()
  mkdirSync(join(bob.folder, 'away'))
  writeFileSync(join(bob.folder, 'away/file'), 'x')
  await bob.ok('peer upload away --group team')
  await bob.ok('peer stop')
  await page.getByRole('link', { name: 'away' }).click()
  await page.getByText('No peer that serves this snapshot over TLS answers the tracker now.').waitFor()
  await bob.ok('peer start --detach')
  const file = page.getByRole('table', { name: 'Contents' }).getByRole('rowheader', { name: 'file' })
  await until(async () => {
    await page
      .getByRole('button', { name: 'Try again' })
      .click({ timeout: 1000 })
      .catch(() => {})
    return file.isVisible()
  })
  // The browser itself logs each refusal on the console.
  expect(problems.splice(0).filter((problem) => !problem.includes('504 (Gateway Timeout)'))).toEqual([])
})
