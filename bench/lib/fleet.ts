import { type Home, type Running, type RunOptions, World } from '../../testkit/shoal.ts'
import { memoryFolder } from './files.ts'
import { cleanly } from './on-signal.ts'

export const GROUP = 'bench'
const USER = 'bench'

interface DownloadedFile {
  fileId: string
  size: number
  seconds: number
  bytesFetched: number
}

/**
 * A tracker, and homes with peers. Files are in memory where the machine has /dev/shm, so that we measure
 * links and CPU, not a disk. The same user is logged in everywhere.
 */
export class Fleet {
  readonly world: World

  private constructor(world: World) {
    this.world = world
  }

  /** Runs `use` with a fleet, then stops all of it, even after a failure. `words` go to `tracker start`. */
  static async with(use: (fleet: Fleet) => Promise<void>, words: string[] = []): Promise<void> {
    process.env.TMPDIR = memoryFolder()
    const world = new World()
    const live = async (): Promise<void> => {
      await world.tracker('tracker', words)
      await world.home('operator').join(USER)
      await world.home('operator').ok(`group create ${GROUP}`)
      await use(new Fleet(world))
    }
    await cleanly(live, () => world.close())
  }

  /** A logged-in home without a running peer. */
  async home(name: string, options: RunOptions = {}): Promise<Home> {
    const home = this.world.home(name)
    await home.ok(`user login ${USER}`, options)
    return home
  }

  /** A home with a running peer. */
  async peer(name: string, words: string[] = [], options: RunOptions = {}): Promise<Home> {
    const home = await this.home(name, options)
    await this.start(home, words, options)
    return home
  }

  start(home: Home, words: string[] = [], options: RunOptions = {}): Promise<Running> {
    const listen = words.includes('--listen') ? [] : ['--listen', '127.0.0.1:0']
    return home.start(['peer', 'start', ...listen, ...words], options)
  }

  async upload(home: Home, path: string, name: string, options: RunOptions = {}): Promise<void> {
    await home.ok(['peer', 'upload', path, '--group', GROUP, '--as', name], options)
  }

  /** The command that downloads `name` to `path`. */
  downloadLine(name: string, path: string, words: string[] = []): string[] {
    return ['peer', 'download', `${GROUP}:${name}`, '-o', path, '--wait', '60s', ...words]
  }

  /** Downloads `name`. `seconds` covers only the transfer. */
  async download(home: Home, name: string, path: string, words: string[] = [], options: RunOptions = {}) {
    const line = this.downloadLine(name, path, words)
    const { files } = await home.ok<{ files: DownloadedFile[] }>(line, options)
    return files[0]!
  }
}
