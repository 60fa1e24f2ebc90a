import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { findChromium, launchChromium } from '../testkit/chromium.ts'
import { type Home, World } from '../testkit/shoal.ts'

/**
 * Takes the pictures of docs/dashboard.md: the page on a real tracker, with peers that are downloading. Run
 * `npm run screenshots` when the page's looks change; `npm run screenshots -- FOLDER` writes elsewhere.
 */
const out = process.argv[2] ?? fileURLToPath(new URL('../docs/images', import.meta.url))
const FILE = 'models/weights.bin'
const SIZE = 160 * 1024 * 1024

const chromium = findChromium()
if (chromium === null) process.exit(1)
const world = new World()
const browser = await launchChromium(chromium)
try {
  mkdirSync(out, { recursive: true })
  const { ready } = await world.tracker()
  await world.tracker()
  await fillGroup()
  await takePictures(browser, `${ready.url}/dashboard/`)
} finally {
  await browser.close()
  await world.close()
}

/** Makes a group with files and requests. Some peers hold the largest file, others download it slowly. */
async function fillGroup(): Promise<void> {
  const [ada, bob, cyd, dan] = await world.users('ada', 'bob', 'cyd', 'dan', 'eve', 'finn')
  await ada.ok('group create team')
  await ada.ok('group create design')
  await cyd.ok('group create render-farm')
  for (const name of ['bob', 'cyd', 'dan', 'eve', 'finn']) await world.home(name).ok('group join team')
  await ada.ok('group accept team bob cyd dan')
  await dan.ok('group join design')
  write(ada, FILE, SIZE)
  write(ada, 'docs/handbook.pdf', 2_400_000)
  write(ada, 'docs/release-notes.md', 9_000)
  await ada.ok('peer upload docs --group team --as docs')
  write(ada, 'docs/release-notes.md', 11_000)
  await ada.ok('peer upload docs --group team --as docs')
  await ada.ok('peer upload models --group team --as models')
  write(bob, 'trial.bin', 700_000)
  await bob.ok('peer upload trial.bin --group team --as trials/2026-11-20.bin')
  await bob.ok(`peer download team:${FILE} -o weights.bin`)
  for (const [home, rate] of [
    [cyd, '8MB'],
    [dan, '4MB'],
  ] as const)
    home.spawn(`peer download team:${FILE} -o weights.bin --max-down ${rate}`)
}

function write(home: Home, name: string, size: number): void {
  const path = join(home.folder, name)
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(path, randomBytes(size))
}

async function takePictures(by: Browser, url: string): Promise<void> {
  const wide = await open(by, url, 'light', 1000)
  await wide.getByRole('link', { name: 'team' }).click()
  await wide
    .getByRole('table', { name: 'Moving now' })
    .getByRole('cell', { name: /MiB\/s$/ })
    .waitFor()
  await take(wide, 'dashboard-group')
  await wide.getByRole('link', { name: FILE }).first().click()
  // Wait until both downloaders hold some of it.
  await wide
    .getByText(/^[2-9]\d %$/)
    .nth(1)
    .waitFor()
  await take(wide, 'dashboard-file')
  const narrow = await open(by, url, 'dark', 360)
  await narrow.getByRole('link', { name: 'team' }).click()
  await narrow.getByRole('link', { name: FILE }).first().click()
  await narrow
    .getByText(/^[2-9]\d %$/)
    .nth(1)
    .waitFor()
  await take(narrow, 'dashboard-narrow')
  await wide.getByRole('link', { name: 'Groups' }).first().click()
  await wide.getByRole('link', { name: 'design' }).waitFor()
  await take(wide, 'dashboard-groups')
  await wide.getByRole('link', { name: 'Trackers' }).click()
  await wide.getByRole('table', { name: 'Replicas' }).waitFor()
  await take(wide, 'dashboard-trackers')
}

async function open(by: Browser, url: string, colorScheme: 'light' | 'dark', width: number): Promise<Page> {
  const page = await (await by.newContext({ colorScheme, viewport: { width, height: 400 } })).newPage()
  page.on('console', (message) => console.error(message.text()))
  page.on('pageerror', (error) => console.error(error))
  await page.goto(url)
  await page.getByLabel('User name').fill('ada')
  await page.getByLabel('Password').fill('correct horse battery')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'team' }).waitFor()
  return page
}

async function take(page: Page, name: string): Promise<void> {
  const path = join(out, `${name}.png`)
  await page.mouse.move(0, 0)
  await page.screenshot({ path, fullPage: true })
  console.log(path)
}
