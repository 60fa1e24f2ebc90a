import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'

const NAMES = ['chromium-headless-shell', 'chromium', 'google-chrome']

/** The Chromium of this system, or what SHOAL_CHROMIUM names; null where there is none (scripts/ensure-chromium). */
export const CHROMIUM: string | null = findChromium()

function findChromium(): string | null {
  const given = process.env.SHOAL_CHROMIUM
  for (const name of given ? [given] : NAMES) {
    const { stdout, status } = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' })
    if (status === 0) return stdout.trim()
  }
  console.warn('there is no Chromium here: web pages are NOT tested. scripts/ensure-chromium installs one')
  return null
}

/** `test` where there is a browser; else that was said, and the test is left out. */
export const browserTest = (CHROMIUM ? test : test.skip) as typeof test

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: CHROMIUM as string })
}

/** A page in a context of its own, and all that went wrong in it. */
export class WatchedPage {
  readonly page: Page
  /** Errors on the console, exceptions, and requests that would leave the page's origin. */
  readonly problems: string[] = []

  private constructor(page: Page, origin: string) {
    this.page = page
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.problems.push(message.text())
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
    await watched.page.goto(url)
    return watched
  }

  /** What axe-core finds against the page as it is now: WCAG 2.2 AA and its best practices. */
  async faults(): Promise<string[]> {
    // By the debugger, which no content security policy holds back.
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
