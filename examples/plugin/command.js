// @ts-check
import { formatBytes, ShoalCommand, ShoalError, targetArg } from '@shoal/plugin'
import { placeOf } from './place.js'

/** @extends {ShoalCommand<typeof Origin>} */
export default class Origin extends ShoalCommand {
  /** @override */
  static summary = 'Say whether the web server has a file of a group'
  /** @override */
  static args = { target: targetArg() }

  async run() {
    const base = this.setting('url')
    if (!base)
      throw new ShoalError('BAD_CONFIG', 'origin has no setting "url"', { hint: 'set SHOAL_ORIGIN_URL' })
    const client = await this.loggedIn()
    const { group, name } = this.args.target
    const { files } = await client.files(group, { prefix: name, limit: 1 })
    const file = files.find((each) => each.name === name)
    if (!file) throw new ShoalError('FILE_NOT_FOUND', `${group} has no file ${name}`)
    const url = placeOf(base, group, name).href
    const response = await fetch(url, { method: 'HEAD' })
    const there = response.ok && Number(response.headers.get('content-length')) === file.size
    const text = there
      ? `${url} has all ${formatBytes(file.size)}`
      : `${url} does not have it (${response.status})`
    this.print({ name, url, there, size: file.size }, text)
  }
}
