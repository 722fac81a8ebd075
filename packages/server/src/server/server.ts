/** Starts the whole process, and stops it in an order that loses nothing. compose.ts lists its parts. */
import { systemClock } from '../base/clock.ts'
import { chooseLines } from '../base/log-lines.ts'
import { createLogger, type Log } from '../base/logger.ts'
import { StartRefused } from '../base/start-refused.ts'
import type { Config } from '../config/config.ts'
import type { OwnPublishing } from '../services/own-publishing.ts'
import type { Store } from '../store/store.ts'
import { announce, announceKeyFile, closeAllExposed, remindOfKey } from './announce.ts'
import { type ApiServer, DashboardNotListening } from './api-server.ts'
import type { Composed } from './compose.ts'
import { findExposed } from './exposure.ts'
import { openKeyring, openRootKey } from './instance-keys.ts'
import { Lifecycle } from './lifecycle.ts'
import type { ServerIo } from './server-io.ts'
import { type Opened, openShared, storeRefusal } from './store-opening.ts'

export type RunningServer = {
  /** The URL that the API listens on. Null if it doesn't listen. */
  readonly url: string | null
  readonly api: Pick<ApiServer, 'fetch' | 'handle'>
  readonly publishing: Pick<OwnPublishing, 'publish' | 'publishIn' | 'refuse'>
  /** Accepts nothing new, waits for attempts in flight (at most `drainTimeoutMs`), settles them, and closes all. */
  stop(): Promise<void>
}

/** Errors of listening that another address would solve: it is taken, forbidden, not this machine's, or no address. */
const LISTEN_FAULTS = new Set(['EADDRINUSE', 'EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND', 'EAI_AGAIN', 'EINVAL'])

/** Throws StartRefused if the operator has to do something first. */
export async function startServer(config: Config, io: ServerIo): Promise<RunningServer> {
  const clock = io.clock ?? systemClock
  const isShared = io.sharing !== undefined && io.sharing !== 'alone'
  const formatLine = linesFor(config, io)
  const isForPeople = formatLine !== undefined && io.isGuest !== true
  const log = createLogger({ level: config.logLevel, stdout: io.stdout, clock, isShared, formatLine })
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
    const told = closeAllExposed(log.logger, exposed)
    if (!isForPeople) for (const sentence of told) io.stderr.write(`${sentence}\n`)
    await lifecycle.start({ name: 'store', close: () => opened.store.close() })
    const { services, api, engine, publishing, whenAnnounced, isNew } = await prepareAndCompose(
      await parts,
      opened,
      config,
      io,
      log,
      lifecycle,
    )
    for (const service of services) await lifecycle.start(service)
    lifecycle.ready()
    const url = api.isListening ? api.url() : null
    const dashboardUrl =
      url !== null && config.dashboard === 'on' && config.role !== 'delivery'
        ? (config.publicUrl ?? api.dashboardUrl())
        : null
    const { environment = {} } = io
    announce({ ...io, isForPeople }, log.logger, { config, url, dashboardUrl, exposed: told, isNew, environment })
    for (const service of whenAnnounced) await lifecycle.start(service)
    return {
      url,
      api,
      publishing,
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

/** What a program around Posthorn logs is documented as JSON: it gets text only if it asks for it. */
function linesFor({ logFormat }: Config, { stdout, environment = {}, isGuest }: ServerIo) {
  return chooseLines(isGuest && logFormat === 'auto' ? 'json' : logFormat, stdout, environment)
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
): Promise<Composed & { readonly isNew: boolean }> {
  const clock = io.clock ?? systemClock
  await prepareStore(store, clock)
  const keys = await openKeyring(store, config)
  if (keys.isNew) announceKeyFile(io, keys.keyFile)
  remindOfKey(log.logger, keys.keyring, config.encryptionKey === null ? keys.keyFile : 'POSTHORN_ENCRYPTION_KEY')
  // Shown before it is stored: a startup that fails in between must not leave a key that no one has seen.
  let isNew = false
  const show = (made: string) => {
    isNew = true
    io.stderr.write(`The API key, shown only once: ${made}\n`)
  }
  const rootKey = await openRootKey(store, config.apiKey?.reveal(), io.isGuest ? null : show)
  await seedStore(store, config)
  const composed = await compose({ config, store, bus, clock, logger: log.logger, io, keys, rootKey, lifecycle })
  return { ...composed, isNew }
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
