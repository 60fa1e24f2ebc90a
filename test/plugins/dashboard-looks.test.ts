import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { World } from '../../testkit/shoal.ts'
import { browserTest, CHROMIUM, launchBrowser, WatchedPage } from '../support/browser.ts'

/** Checks every dashboard view, light and dark, wide and narrow. */
const world = new World()
let browser: Browser
let url: string

beforeAll(async () => {
  if (!CHROMIUM) return
  const starting = launchBrowser()
  const { ready } = await world.tracker()
  url = `${ready.url}/dashboard/`
  const [ada, bob] = await world.users('ada', 'bob')
  await ada.ok('group create team')
  await bob.ok('group create others')
  await bob.ok('group join team')
  const name = `a-${'very-'.repeat(20)}long-name.bin`
  writeFileSync(join(ada.folder, name), Buffer.alloc(3_000_000))
  await ada.ok(['peer', 'upload', name, '--group', 'team'])
  for (const version of ['one', 'two']) {
    mkdirSync(join(ada.folder, version))
    mkdirSync(join(ada.folder, version, 'folder'))
    writeFileSync(join(ada.folder, version, 'folder/file'), version)
    symlinkSync('file', join(ada.folder, version, 'folder/link'))
    await ada.ok(['peer', 'upload', version, '--group', 'team', '--as', 'snapshot'])
  }
  browser = await starting
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await world.close()
}, 60_000)

/** The steps to each view, starting from the previous one. */
const VIEWS: Record<string, (page: Page) => Promise<void>> = {
  'sign-in': async (page) => {
    await page.getByLabel('User name').fill('ada')
    await page.getByLabel('Password').fill('correct horse battery')
  },
  groups: async (page) => {
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Ask to join').waitFor()
  },
  'a group': async (page) => {
    await page.getByRole('link', { name: 'team' }).click()
    await page.getByRole('button', { name: 'Accept bob' }).waitFor()
    await page.getByRole('table', { name: 'Files' }).waitFor()
  },
  'a file': async (page) => {
    await page.getByRole('link', { name: 'long-name.bin' }).click()
    await page.getByRole('table', { name: 'Peers of this file' }).waitFor()
    await page.getByRole('table', { name: 'Versions' }).waitFor()
  },
  'a snapshot': async (page) => {
    await page.getByRole('link', { name: 'team' }).click()
    await page.getByRole('table', { name: 'Files' }).getByRole('link', { name: 'snapshot' }).click()
    await page.getByText('shoal group diff').waitFor()
    await page.getByRole('table', { name: 'Contents' }).getByRole('button').click()
    await page.getByRole('table', { name: 'Contents' }).getByText('link → file').waitFor()
    await page.getByRole('table', { name: 'Versions' }).waitFor()
  },
  trackers: async (page) => {
    await page.getByRole('link', { name: 'Trackers' }).click()
    await page.getByRole('table', { name: 'Replicas' }).waitFor()
  },
}

for (const colorScheme of ['light', 'dark'] as const)
  for (const width of [1440, 360])
    browserTest(
      `every view is accessible and fits the screen, ${colorScheme}, ${width} px wide`,
      async () => {
        const viewport = { width, height: 800 }
        const watched = await WatchedPage.open(browser, url, {
          colorScheme,
          viewport,
          reducedMotion: 'reduce',
        })
        const { page } = watched
        for (const [view, go] of Object.entries(VIEWS)) {
          await go(page)
          expect({ view, faults: await watched.faults() }).toEqual({ view, faults: [] })
          const overflow = await page.evaluate('document.documentElement.scrollWidth - innerWidth')
          expect({ view, overflow }).toEqual({ view, overflow: 0 })
        }
        expect(watched.problems).toEqual([])
        await watched.close()
      },
    )

browserTest('the accessibility check finds text without contrast and a button without a name', async () => {
  const watched = await WatchedPage.open(browser, url)
  await watched.page.evaluate(`
    const [text, button] = [document.createElement('p'), document.createElement('button')]
    text.textContent = 'pale'
    text.style.color = '#ccc'
    document.querySelector('main').append(text, button)`)
  const faults = (await watched.faults()).map((fault) => fault.split(':')[0])
  expect(faults).toEqual(expect.arrayContaining(['button-name', 'color-contrast']))
  await watched.close()
})

browserTest('transitions are off for users who prefer reduced motion', async () => {
  for (const reducedMotion of ['reduce', 'no-preference'] as const) {
    const watched = await WatchedPage.open(browser, url, { reducedMotion })
    const durations = await watched.page.evaluate<string>(
      `getComputedStyle(document.querySelector('button')).transitionDuration`,
    )
    expect(durations.split(', ').every((each) => each === '0s')).toBe(reducedMotion === 'reduce')
    await watched.close()
  }
})
