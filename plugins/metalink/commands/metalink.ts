import { basename, resolve } from 'node:path'
import { Flags, flags, interrupt, ShoalCommand, targetArg } from '@shoal/plugin'
import { METALINK_HEAD, metalink } from '../document.ts'
import { gather } from '../gather.ts'
import { CERTIFICATES_HEAD, writePrivate } from '../output.ts'

export default class MetalinkCommand extends ShoalCommand<typeof MetalinkCommand> {
  static override summary = 'Write a Metalink file that lets aria2 fetch from peers'
  static override description =
    "Metalink 4 (RFC 5854): the SHA-256 of each 512 KiB piece, and URLs of peers. The URLs contain grants, which expire after five minutes. Peers with TLS require this home's certificate: pass identity/peer.pem to aria2c --certificate and --private-key, or to curl --cert."
  static override args = { target: targetArg() }
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
  })

  override async run(): Promise<void> {
    const { target } = this.args
    const { output = `${basename(target.name) || target.group}.meta4`, 'ca-file': caFile, force } = this.flags
    const { files, expires, certificates } = await gather(await this.loggedIn(), this.home, target)
    const path = output === '-' ? output : resolve(output)
    const { signal } = interrupt
    await writePrivate(path, metalink(files), { head: METALINK_HEAD, force, signal })
    if (caFile !== undefined) {
      const parts = [CERTIFICATES_HEAD, ...certificates]
      await writePrivate(resolve(caFile), parts, { head: CERTIFICATES_HEAD, force, signal })
    }
    const shown = files.map(({ name, fileId, size, urls }) => ({ name, fileId, size, urls }))
    const certificate = resolve(this.home, 'identity', 'peer.pem')
    const ca = caFile === undefined ? null : resolve(caFile)
    this.print(
      { files: shown, path, expires, certificate, ca },
      `Wrote ${path}: ${files.length === 1 ? '1 file' : `${files.length} files`}, valid until ${expires}`,
    )
  }
}
