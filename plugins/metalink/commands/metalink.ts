import { basename, resolve } from 'node:path'
import { Flags, flags, ShoalCommand, targetArg } from '@shoal/plugin'
import { metalink } from '../document.ts'
import { gather } from '../gather.ts'
import { writePrivate } from '../output.ts'

export default class MetalinkCommand extends ShoalCommand<typeof MetalinkCommand> {
  static override summary = 'Write a Metalink file, with which aria2 fetches from peers'
  static override description =
    'Metalink 4 (RFC 5854): the SHA-256 of each piece of 512 KiB, and URLs of peers. The URLs hold grants, which end after five minutes, and peers with TLS want the certificate of this home: aria2c --certificate and --private-key take identity/peer.pem, curl --cert does.'
  static override args = { target: targetArg() }
  static override flags = flags({
    output: Flags.string({
      char: 'o',
      helpValue: 'FILE',
      description: 'where to write it (default: the last part of the name, with .meta4)',
    }),
    'ca-file': Flags.string({
      helpValue: 'FILE',
      description:
        'write the certificates of the peers there, PEM: for aria2c --ca-certificate, curl --cacert',
    }),
  })

  override async run(): Promise<void> {
    const { target } = this.args
    const { output = `${basename(target.name) || target.group}.meta4`, 'ca-file': caFile } = this.flags
    const { files, expires, certificates } = await gather(await this.loggedIn(), this.home, target)
    const path = resolve(output)
    await writePrivate(path, metalink(files))
    if (caFile !== undefined) await writePrivate(resolve(caFile), certificates)
    const shown = files.map(({ name, fileId, size, urls }) => ({ name, fileId, size, urls }))
    const certificate = resolve(this.home, 'identity', 'peer.pem')
    const ca = caFile === undefined ? null : resolve(caFile)
    this.print(
      { files: shown, path, expires, certificate, ca },
      `Wrote ${path}: ${files.length === 1 ? '1 file' : `${files.length} files`}, good until ${expires}`,
    )
  }
}
