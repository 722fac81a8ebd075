/** Starts the whole process, and stops it in an order that loses nothing. compose.ts lists its parts. */
import { systemClock } from '../base/clock.ts'
import { createLogger, type Log } from '../base/logger.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import type { Store } from '../store/store.ts'
import { announce, announceExposed, announceKeyFile, remindOfKey } from './announce.ts'
import { DashboardNotListening } from './api-server.ts'
import type { Composed } from './compose.ts'
import { findExposed } from './exposure.ts'
import { openKeyring, openRootKey } from './instance-keys.ts'
import { Lifecycle } from './lifecycle.ts'
import type { ServerIo } from './server-io.ts'
import { type Opened, openShared, storeRefusal } from './store-opening.ts'

export type RunningServer = {
  /** The API's URL. */
  readonly url: string
  /** Accepts nothing new, waits for attempts in flight (at most `drainTimeoutMs`), settles them, and closes all. */
  stop(): Promise<void>
}

/** Errors of listening that another address would solve: it is taken, forbidden, not this machine's, or no address. */
const LISTEN_FAULTS = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'])

/** Throws StartRefused if the operator has to do something first. */
export async function startServer(config: Config, io: ServerIo): Promise<RunningServer> {
  const clock = io.clock ?? systemClock
  const isShared = io.sharing !== undefined && io.sharing !== 'alone'
  const log = createLogger({ level: config.logLevel, stdout: io.stdout, clock, isShared })
  // Looked for before the store closes its files.
  const exposed = config.databaseUrl === null ? findExposed(config.data) : []
  // The store's threads start while the code is loaded: they take longer, so they come first.
  const opening = openShared(config, clock, text => io.stderr.write(text))
  const parts = loadParts()
  // A failure is reported where `parts` is awaited; until then it must not crash the process.
  parts.catch(() => {})
  const opened = await opening
  const lifecycle = new Lifecycle()
  try {
    announceExposed(io, log.logger, exposed)
    await lifecycle.start({ name: 'store', close: () => opened.store.close() })
    const { services, api, engine, whenAnnounced } = await prepareAndCompose(
      await parts,
      opened,
      config,
      io,
      log,
      lifecycle,
    )
    for (const service of services) await lifecycle.start(service)
    lifecycle.ready()
    const url = api.url()
    announce(io, log.logger, config, url)
    for (const service of whenAnnounced) await lifecycle.start(service)
    return {
      url,
      async stop() {
        log.logger.info({ drainTimeoutMs: config.drainTimeoutMs }, 'stopping')
        await lifecycle.stop(config.drainTimeoutMs)
        log.logger.info({ leftInFlight: engine.inFlight }, 'stopped')
        await log.flush()
      },
    }
  } catch (error) {
    // A refused startup is not a crash: the attempts that it began must not count against their deliveries.
    await lifecycle.stop(0).catch(() => {})
    throw await refusal(error, opened.store, config)
  }
}

type Parts = typeof import('./compose.ts') & typeof import('./preparation.ts')

async function loadParts(): Promise<Parts> {
  return { ...(await import('./compose.ts')), ...(await import('./preparation.ts')) }
}

async function prepareAndCompose(
  { prepareStore, seedStore, compose }: Parts,
  { store, bus }: Opened,
  config: Config,
  io: ServerIo,
  log: Log,
  lifecycle: Lifecycle,
): Promise<Composed> {
  const clock = io.clock ?? systemClock
  await prepareStore(store, clock)
  const keys = await openKeyring(store, config)
  if (keys.isNew) announceKeyFile(io, keys.keyFile)
  remindOfKey(log.logger, keys.keyring, config.encryptionKey === null ? keys.keyFile : 'POSTHORN_ENCRYPTION_KEY')
  // Shown before it is stored: a startup that fails in between must not leave a key that no one has seen.
  const rootKey = await openRootKey(store, config.apiKey?.reveal(), made =>
    io.stderr.write(`The API key, shown only once: ${made}\n`),
  )
  await seedStore(store, config)
  return compose({ config, store, bus, clock, logger: log.logger, io, keys, rootKey, lifecycle })
}

async function refusal(error: unknown, store: Store, { host, port, dashboardListen }: Config): Promise<unknown> {
  const { code } = error as NodeJS.ErrnoException
  if (code === undefined || !LISTEN_FAULTS.has(code)) return storeRefusal(error, store)
  const [what, at, remedy] =
    error instanceof DashboardNotListening && dashboardListen !== null
      ? ['dashboard', dashboardListen, 'another address in --dashboard-listen']
      : ['API', { host, port }, 'another --host or --port']
  const where = `${at.host.includes(':') ? `[${at.host}]` : at.host}:${at.port}`
  return new StartRefused(`The ${what} cannot listen on ${where} (${code}): choose ${remedy}.`, { cause: error })
}
