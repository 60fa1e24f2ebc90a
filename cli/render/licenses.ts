import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isPacked, packedText } from '../../packed/files.ts'

/** A component of Shoal with the text of its licence. */
export interface LicensedPart {
  name: string
  version: string
  /** As in its package.json, usually an SPDX id. */
  license: string
  /** Empty if its package has none. */
  text: string
}

interface Lock {
  packages: Record<string, { dev?: boolean; link?: boolean }>
}

const ROOT = new URL('../../', import.meta.url)
/** The components of the single binary; its build writes this file. */
const PACKED = new URL('./licenses.json', import.meta.url)

/** Shoal and its components. In a checkout, the installed production packages. */
export function licensedParts(): LicensedPart[] {
  if (isPacked(PACKED)) return JSON.parse(packedText(PACKED))
  const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', ROOT), 'utf8')) as Lock
  const folders = Object.entries(packages)
    .filter(([path, { dev, link }]) => path.startsWith('node_modules/') && !dev && !link)
    .map(([path]) => new URL(`${path}/`, ROOT))
    // The lock file lists the packages of all platforms.
    .filter((folder) => existsSync(folder))
  return [ROOT, ...folders].map(licensedPart)
}

/** The package in `folder`, a URL with a trailing slash. */
export function licensedPart(folder: URL): LicensedPart {
  const { name, version, license } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'))
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file))
  const texts = files.map((file) => readFileSync(new URL(encodeURIComponent(file), folder), 'utf8').trim())
  return { name, version, license: license?.type ?? license ?? 'unknown', text: texts.join('\n\n') }
}

const RULE = '-'.repeat(80)

export function licensesText(parts: readonly LicensedPart[]): string {
  return parts.map(partText).join('\n\n')
}

function partText({ name, version, license, text }: LicensedPart): string {
  const body = text || `Its package names the licence ${license} but contains no text.`
  return `${RULE}\n${name} ${version} (${license})\n${RULE}\n\n${body}`
}
