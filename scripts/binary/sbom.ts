import pjson from '../../package.json' with { type: 'json' }
import type { NpmPackage } from './packages.ts'
import { sha256 } from './paths.ts'
import type { Server } from './valkey.ts'

interface Component {
  type: 'application' | 'library' | 'platform'
  'bom-ref': string
  name: string
  version: string
  purl: string
  licenses?: { expression: string }[]
  hashes?: { alg: string; content: string }[]
  externalReferences?: { type: string; url: string; hashes: { alg: string; content: string }[] }[]
}

/** The binary's contents as CycloneDX 1.6 (ECMA-424). The same inputs give the same document. */
export function sbom(server: Server | null, packages: readonly NpmPackage[], node: string): object {
  const components = [
    nodeComponent(node),
    ...(server ? [serverComponent(server)] : []),
    ...packages.map(fromNpm),
  ]
  const shoal = `pkg:generic/shoal@${pjson.version}`
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    serialNumber: `urn:uuid:${uuidOf(JSON.stringify(components))}`,
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': shoal,
        name: 'shoal',
        version: pjson.version,
        purl: shoal,
        licenses: [{ expression: pjson.license }],
      },
      properties: [{ name: 'shoal:platform', value: `${process.platform}-${process.arch}` }],
    },
    components,
    dependencies: [{ ref: shoal, dependsOn: components.map((component) => component['bom-ref']) }],
  }
}

/** `hash` is the SHA-256 of the Node program that npm installed. */
function nodeComponent(hash: string): Component {
  const version = process.versions.node
  const purl = `pkg:npm/node@${version}`
  return {
    type: 'platform',
    'bom-ref': purl,
    name: 'node',
    version,
    purl,
    licenses: [{ expression: 'MIT' }],
    hashes: [{ alg: 'SHA-256', content: hash }],
  }
}

function serverComponent({ name, version, license, sources }: Server): Component {
  const purl =
    sources.length > 0
      ? `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=source`
      : `pkg:generic/${name}@${encodeURIComponent(version)}`
  return {
    type: 'application',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(license === 'unknown' ? {} : { licenses: [{ expression: license }] }),
    externalReferences: sources.map(({ file, sha256: content }) => ({
      type: 'source-distribution',
      url: file,
      hashes: [{ alg: 'SHA-256', content }],
    })),
  }
}

function fromNpm({ name, version, license, integrity }: NpmPackage): Component {
  const purl = `pkg:npm/${name.replace('@', '%40')}@${version}`
  const [algorithm, value] = integrity?.split('-', 2) ?? []
  return {
    type: 'library',
    'bom-ref': purl,
    name,
    version,
    purl,
    ...(license === 'unknown' ? {} : { licenses: [{ expression: license }] }),
    ...(algorithm === 'sha512' && value
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(value, 'base64').toString('hex') }] }
      : {}),
  }
}

/** A version 8 UUID (RFC 9562), derived from `text`. */
function uuidOf(text: string): string {
  const hex = sha256(text)
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
