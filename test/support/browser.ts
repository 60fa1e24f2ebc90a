import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page, Request } from 'playwright-core'
import { findChromium, launchChromium } from '../../testkit/chromium.ts'

/** If it is missing, every test file says so once. */
export const CHROMIUM: string | null = findChromium()

/**
 * Chromium drops all connections, even on loopback, whenever a network interface appears or disappears, as
 * happens in tests with network namespaces and containers. Pages must cope with it.
 */
const NETWORK_CHANGED = 'net::ERR_NETWORK_CHANGED'

/** A test with minutes of time, for a busy machine. Skipped, with a warning, if there is no browser. */
export function browserTest(name: string, work: () => Promise<void>): void {
  const run = CHROMIUM ? test : test.skip
  run(name, work, 120_000)
}

export function launchBrowser(): Promise<Browser> {
  return launchChromium(CHROMIUM as string)
}

/** Fills in the form of the dashboard's start, and sends it. */
export async function fillIn(page: Page, user: string, password: string): Promise<void> {
  await page.getByLabel('User name').fill(user)
  await page.getByLabel('Password').fill(password)
  await page.keyboard.press('Enter')
}

/** Signs `user` of a World in and goes to a group of theirs. */
export async function enterGroup(page: Page, user: string, group: string): Promise<void> {
  await fillIn(page, user, 'correct horse battery')
  await page.getByRole('link', { name: group }).click()
  await page.getByRole('heading', { name: group }).waitFor()
  await page.getByRole('table', { name: 'Members' }).waitFor()
}

/** A page in a context of its own, with a record of everything that went wrong in it. */
export class WatchedPage {
  readonly page: Page
  /** Errors on the console, exceptions, and requests that would leave the page's origin. */
  readonly problems: string[] = []

  private constructor(page: Page, origin: string) {
    this.page = page
    page.on('console', (message) => {
      const isBad = message.type() === 'error' || message.type() === 'warning'
      if (isBad && !message.text().includes(NETWORK_CHANGED)) this.problems.push(message.text())
    })
    page.on('pageerror', (error) => void this.problems.push(String(error)))
    page.on('request', (request) => {
      const { origin: to, protocol } = new URL(request.url())
      if (to !== origin && protocol !== 'data:') this.problems.push(`a request to ${request.url()}`)
    })
  }

  static async open(
    browser: Browser,
    url: string,
    options: BrowserContextOptions = {},
  ): Promise<WatchedPage> {
    const context = await browser.newContext(options)
    const watched = new WatchedPage(await context.newPage(), new URL(url).origin)
    await watched.load(url)
    await watched.page.locator('h1').waitFor()
    return watched
  }

  /** Loads again if the network change hit the page's own start; after that the page recovers by itself. */
  async load(url: string): Promise<void> {
    let isCut = true
    const onFailed = (request: Request): void => {
      isCut ||= request.failure()?.errorText === NETWORK_CHANGED
    }
    this.page.on('requestfailed', onFailed)
    while (isCut) {
      isCut = false
      await this.page.goto(url).catch((error: Error) => {
        if (!error.message.includes(NETWORK_CHANGED)) throw error
        isCut = true
      })
    }
    this.page.off('requestfailed', onFailed)
  }

  /** axe-core's findings on the page as it is now: WCAG 2.2 AA and best practices. */
  async faults(): Promise<string[]> {
    // The debugger is exempt from the content security policy.
    await this.page.evaluate(`${AXE};0`)
    return this.page.evaluate(async () => {
      const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run()
      return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html}`))
    })
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }
}

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
