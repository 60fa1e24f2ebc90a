import { spawnSync } from 'node:child_process'
import { type Browser, chromium } from 'playwright-core'

const NAMES = ['chromium-headless-shell', 'chromium', 'google-chrome']

/** This system's Chromium, or the one in SHOAL_CHROMIUM; null if there is none (scripts/ensure-chromium). */
export function findChromium(): string | null {
  const given = process.env.SHOAL_CHROMIUM
  for (const name of given ? [given] : NAMES) {
    const { stdout, status } = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' })
    if (status === 0) return stdout.trim()
  }
  console.warn('no Chromium found: web pages are NOT tested. scripts/ensure-chromium installs one')
  return null
}

export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath })
}
