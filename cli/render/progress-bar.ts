import { SingleBar } from 'cli-progress'
import { formatBytes, formatRate, formatSeconds, plural } from '../text/format.ts'
import type { Tally } from './tally.ts'

/**
 * One bar for all transfers. If the stream is not a terminal, it occasionally prints a plain line without cursor movement.
 * It uses no colours, so NO_COLOR has nothing to switch off.
 */
export class ProgressBar {
  readonly #bar: SingleBar
  #started = false

  constructor(stream: NodeJS.WriteStream) {
    this.#bar = new SingleBar({
      stream,
      format: '{label} [{bar}] {percentage}%  {sizes}  {rate}  {peers}  {left}',
      barCompleteChar: '#',
      barIncompleteChar: '-',
      barsize: 24,
      fps: 10,
      hideCursor: true,
      clearOnComplete: false,
      noTTYOutput: !stream.isTTY,
      emptyOnZero: true,
      gracefulExit: false,
    })
  }

  show(tally: Tally): void {
    const { done, total, rate } = tally
    const eta = rate > 0 ? `${formatSeconds((total - done) / rate)} left` : ''
    const payload = {
      label: tally.label,
      sizes: `${formatBytes(done)} of ${formatBytes(total)}`,
      rate: done === total ? '' : formatRate(rate),
      peers: plural(tally.peers, 'peer'),
      left: done === total ? '' : eta,
    }
    if (!this.#started) this.#bar.start(total, done, payload)
    this.#started = true
    this.#bar.setTotal(total)
    this.#bar.update(done, payload)
  }

  close(): void {
    if (this.#started) this.#bar.stop()
    this.#started = false
  }
}
