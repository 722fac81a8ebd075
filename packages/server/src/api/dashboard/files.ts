import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { type Bundle, loadBundle, PAGE_FILE } from './bundle.ts'

/** How long an answer about the folder counts. */
const LOOK_EVERY_MS = 1_000
/** A build notes that it is running at least this often, so that one that was killed is not waited for. */
const BUILD_ALIVE_MS = 10_000

export type FilesOptions = {
  /** The folder with the built dashboard. While it is being built, there is a file with the same name and `.lock`. */
  readonly folder: string
  readonly basePath: string
  readonly clock: Clock
}

/** `building`: a build is running. `missing`: there is no build, and none is running. */
export type DashboardState = Bundle | 'building' | 'missing'

/** The build of the dashboard that is there now: it can be made, or replaced, while the server runs. */
export class DashboardFiles {
  readonly #options: FilesOptions
  #state: DashboardState = 'missing'
  /** What tells one build from another. */
  #build = ''
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #looking: Promise<void> | undefined
  /** The build before this one, whose files open pages can still ask for. */
  #before: Bundle | undefined
  #latest: Bundle | undefined

  constructor(options: FilesOptions) {
    this.#options = options
  }

  /** The files, or why there are none. */
  async current(): Promise<DashboardState> {
    const { clock } = this.#options
    if (clock.monotonicMs() - this.#lookedAtMs >= LOOK_EVERY_MS) {
      this.#looking ??= this.#look().finally(() => {
        this.#lookedAtMs = clock.monotonicMs()
        this.#looking = undefined
      })
    }
    await this.#looking
    return this.#state
  }

  /** The build that this one replaced while the server was running. */
  get before(): Bundle | undefined {
    return this.#before
  }

  async #look(): Promise<void> {
    const { folder, basePath, clock } = this.#options
    if (await isRunning(`${folder}.lock`, clock)) {
      this.#state = 'building'
      return
    }
    const build = await identify(join(folder, PAGE_FILE))
    if (build === undefined) this.#state = 'missing'
    else if (build !== this.#build || typeof this.#state === 'string') {
      // A build that is replaced at this very moment is read again a second later.
      const bundle = await loadBundle(folder, basePath).catch(() => undefined)
      if (bundle === undefined) this.#state = 'missing'
      else this.#take(bundle, build)
    }
  }

  #take(bundle: Bundle, build: string): void {
    this.#before = this.#latest
    this.#latest = bundle
    this.#state = bundle
    this.#build = build
  }
}

async function identify(file: string): Promise<string | undefined> {
  const found = await stat(file).catch(() => undefined)
  return found === undefined ? undefined : `${found.ino} ${found.mtimeMs} ${found.size}`
}

async function isRunning(lock: string, clock: Clock): Promise<boolean> {
  const found = await stat(lock).catch(() => undefined)
  return found !== undefined && clock.now() - found.mtimeMs < BUILD_ALIVE_MS
}
