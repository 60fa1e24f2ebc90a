import { basename, resolve } from 'node:path'
import {
  documentParts,
  Flags,
  flags,
  interrupt,
  plural,
  ShoalCommand,
  ShoalError,
  targetArg,
  treeFlags,
} from '@shoal/plugin'
import { METALINK_HEAD, metalink } from '../document.ts'
import { gather, linkedFiles, linksIn, type Source } from '../gather.ts'
import { CERTIFICATES_HEAD, writePrivate } from '../output.ts'

export default class MetalinkCommand extends ShoalCommand<typeof MetalinkCommand> {
  static override summary = 'Write a Metalink file that lets aria2 fetch from peers'
  static override description =
    "Metalink 4 (RFC 5854): URLs of peers, with the SHA-256 of each 512 KiB piece, or of each file of a snapshot. The URLs contain grants, which expire after five minutes. Peers with TLS require this home's certificate: pass identity/peer.pem to aria2c --certificate and --private-key, or to curl --cert."
  static override args = { target: targetArg('a file, folder or snapshot, GROUP:NAME[@VERSION][/PATH]') }
  static override flags = flags({
    output: Flags.string({
      char: 'o',
      helpValue: 'FILE',
      description:
        'file, FIFO or device to write, or "-" for standard output (default: the last part of the name, with .meta4)',
    }),
    'ca-file': Flags.string({
      helpValue: 'FILE',
      description:
        "also write the peers' certificates (PEM) to FILE, for aria2c --ca-certificate or curl --cacert",
    }),
    force: Flags.boolean({ description: 'replace a file that this command has not written' }),
    ...treeFlags,
  })

  override async run(): Promise<void> {
    const { group, name } = this.args.target
    const { output = `${basename(name) || group}.meta4`, 'ca-file': caFile, force } = this.flags
    const { sources, expires, certificates } = await gather(
      await this.loggedIn(),
      this.home,
      this.args.target,
      (file) => this.treeOf({ group, file }, this.flags),
    )
    if (linkedFiles(sources).next().done)
      throw new ShoalError('FILE_NOT_FOUND', `${group}:${name} has no files`, {
        hint: `see what it has: shoal group ls ${group}:${name} --recursive`,
      })
    const path = output === '-' ? output : resolve(output)
    const { signal } = interrupt
    await writePrivate(path, metalink(linkedFiles(sources)), { head: METALINK_HEAD, force, signal })
    if (caFile !== undefined) {
      const parts = [CERTIFICATES_HEAD, ...certificates]
      await writePrivate(resolve(caFile), parts, { head: CERTIFICATES_HEAD, force, signal })
    }
    const links = linksIn(sources)
    if (links > 0) this.notice(`left out ${plural(links, 'symbolic link')}: a Metalink file has only files`)
    const ca = caFile === undefined ? null : resolve(caFile)
    const certificate = resolve(this.home, 'identity', 'peer.pem')
    await this.printParts(
      documentParts({ path, expires, certificate, ca, links }, 'files', shownFiles(sources)),
      summary(sources, path, expires),
    )
  }
}

function* shownFiles(sources: readonly Source[]): Generator<object> {
  for (const { name, fileId, size, urls } of linkedFiles(sources)) yield { name, fileId, size, urls }
}

function* summary(sources: readonly Source[], path: string, expires: string): Generator<string> {
  let files = 0
  for (const _ of linkedFiles(sources)) files++
  yield `Wrote ${path}: ${plural(files, 'file')}, valid until ${expires}\n`
}
