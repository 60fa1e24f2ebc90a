import { createHash } from 'node:crypto'
import { packedBytes, packedNames } from '@shoal/plugin'
import pjson from './package.json' with { type: 'json' }

export interface PageFile {
  bytes: Buffer
  /** For the `content-type` header. */
  type: string
  etag: string
}

/** All served files, by path below /dashboard/, and the headers that each of them gets. */
export interface Page {
  files: ReadonlyMap<string, PageFile>
  headers: Readonly<Record<string, string>>
}

const TYPES: Record<string, string> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
}

const ASSETS = new URL('./assets/', import.meta.url)
const FOLDERS = ['', 'views/']
/** The packages that the page's modules import: import map paths, with file paths from the root. */
const PACKAGES: Record<string, string> = pjson.shoal.carries
const ROOT = new URL('../../', import.meta.url)

export function loadPage(): Page {
  const files = new Map<string, PageFile>()
  for (const folder of FOLDERS) {
    const names = packedNames(new URL(folder, ASSETS)).filter((name) => extensionOf(name) in TYPES)
    for (const name of names) files.set(folder + name, load(new URL(folder + name, ASSETS), name))
  }
  for (const [path, file] of Object.entries(PACKAGES)) files.set(path, load(new URL(file, ROOT), path))
  const index = files.get('index.html')
  if (!index) throw new Error('the dashboard has no index.html')
  files.set('', index)
  return { files, headers: headersFor(index.bytes.toString()) }
}

function load(url: URL, name: string): PageFile {
  const bytes = Buffer.from(packedBytes(url))
  return { bytes, type: TYPES[extensionOf(name)] as string, etag: `"${hash(bytes).slice(0, 22)}"` }
}

const extensionOf = (name: string): string => name.slice(name.lastIndexOf('.') + 1)
const hash = (data: string | Buffer): string => createHash('sha256').update(data).digest('base64')

/**
 * Forbids content from elsewhere, scripts and styles in the page itself, frames around it, and turning text
 * into markup (trusted types). Browsers accept an import map only inline, so its hash allows this one script.
 */
function headersFor(html: string): Record<string, string> {
  const [, importMap] = /<script type="importmap">([\s\S]*?)<\/script>/.exec(html) ?? []
  if (importMap === undefined) throw new Error('the dashboard has no import map')
  const policy = [
    "default-src 'none'",
    `script-src 'self' 'sha256-${hash(importMap)}'`,
    "style-src 'self'",
    "connect-src 'self'",
    "img-src 'self' data:",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]
  return {
    'content-security-policy': policy.join('; '),
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    // Revalidate every time (usually a 304), so that a page and its modules are of one version.
    'cache-control': 'no-cache',
  }
}
