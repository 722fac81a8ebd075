import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Config } from '../config/config.ts'
import type { Bus } from '../store/bus.ts'
import type { Store } from '../store/store.ts'
import type { OpenedKeyring, RootKey } from './instance-keys.ts'
import type { Lifecycle } from './lifecycle.ts'
import type { ServerIo } from './server-io.ts'

/** What every part can use. */
export type Foundation = {
  readonly config: Config
  readonly store: Store
  /** Null if this process is the only one. */
  readonly bus: Bus | null
  readonly clock: Clock
  readonly logger: Logger
  readonly io: ServerIo
  readonly keys: OpenedKeyring
  readonly rootKey: RootKey
  readonly lifecycle: Pick<Lifecycle, 'isReady' | 'isDraining'>
}
