/** Tells the person who started the server in development mode where the dashboard is, with a link that signs in. */
import type { Pages } from '../api/dashboard/pages.ts'
import { isLoopbackHost } from '../api/http/origins.ts'
import type { Clock } from '../base/clock.ts'
import { Loop } from '../base/loop.ts'
import type { Sessions } from '../services/sessions/sessions.ts'
import type { ServerIo } from './server-io.ts'

type Dashboard = {
  /** The URL that browsers reach it by. */
  readonly url: () => string
  readonly pages: Pick<Pages, 'isThere'>
  readonly sessions: Pick<Sessions, 'makeLink'>
}

/** How often it is looked whether a build has ended. */
const LOOK_EVERY_MS = 500

/** Says it once: now, or as soon as the dashboard is built. */
export class DashboardLink {
  readonly #loop: Loop

  constructor(dashboard: Dashboard, clock: Clock, io: Pick<ServerIo, 'stderr'>) {
    this.#loop = new Loop({
      clock,
      everyMs: LOOK_EVERY_MS,
      run: async () => {
        if (!(await dashboard.pages.isThere())) return
        io.stderr.write(`Dashboard: ${await linkTo(dashboard)}\n`)
        void this.#loop.stop()
      },
    })
  }

  start(): void {
    this.#loop.start()
  }

  stop(): Promise<void> {
    return this.#loop.stop()
  }
}

/** The link signs in with the root key. Links for other machines would have to travel, so they are plain. */
async function linkTo({ url, sessions }: Dashboard): Promise<string> {
  const base = url()
  if (!isLoopbackHost(new URL(base).hostname)) return base
  const { token } = await sessions.makeLink(null)
  return `${base}sign-in#token=${token}`
}
