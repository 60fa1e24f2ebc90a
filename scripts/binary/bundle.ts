import { readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild'
import { ROOT, WORK } from './paths.ts'

export interface Bundle {
  file: string
  /** Paths of all bundled sources, relative to the folder of package.json. */
  inputs: string[]
}

/** The folder that the bundled sources seem to be in. packed/files.ts looks up the binary's files by it. */
const HOME = '/shoal'

/**
 * Bundles `entry` (a path from the folder of package.json) and its imports into one CommonJS script.
 * `wrapped` makes it a function of (exports, require, module), for vm.Script.
 */
export async function bundle(entry: string, name: string, wrapped = false): Promise<Bundle> {
  const file = join(WORK, name)
  const wrapper = { banner: { js: '(function (exports, require, module) {' }, footer: { js: '})' } }
  const options = { ...OPTIONS, ...(wrapped ? wrapper : {}), entryPoints: [join(ROOT, entry)], outfile: file }
  const { metafile } = await build(options)
  return { file, inputs: Object.keys((metafile as Metafile).inputs) }
}

/** Gives each source the import.meta.url that it would have in HOME. */
const sourceUrls: Plugin = {
  name: 'source-urls',
  setup(esbuild) {
    esbuild.onLoad({ filter: /\.ts$/ }, ({ path }) => {
      const inside = relative(ROOT, path)
      if (inside.startsWith('..') || inside.includes('node_modules')) return null
      const seeming = `${HOME}/${inside.split(sep).join('/')}`
      const contents = readFileSync(path, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(seeming).href))
        .replaceAll('import.meta.dirname', JSON.stringify(seeming.slice(0, seeming.lastIndexOf('/'))))
      return { contents, loader: 'ts' }
    })
  },
}

const OPTIONS: BuildOptions = {
  absWorkingDir: ROOT,
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node26',
  charset: 'ascii',
  metafile: true,
  // People read stack traces and error classes, so keep names.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'warning',
  plugins: [sourceUrls],
  define: { 'import.meta.url': JSON.stringify(pathToFileURL(`${HOME}/package.js`).href) },
}
