import type { Clock } from '../base/clock.ts'
import type { Output } from '../base/output.ts'
import type { Origins } from '../config/config.ts'
import type { TelemetrySettings } from '../config/telemetry-settings.ts'
import type { Channel } from '../observe/gathering.ts'

/** Whether other processes share the port and the output: no (`alone`), or yes; the `first` one announces the URL. */
export type Sharing = 'alone' | 'first' | 'another'

export type ServerIo = {
  readonly stdout: Output
  readonly stderr: Output
  readonly clock?: Clock
  /** Default: `alone`. */
  readonly sharing?: Sharing
  /** The channel to the process that started this one, if several share the port. Default: none. */
  readonly parent?: Channel
  /** Where the settings come from. Default: all are defaults. */
  readonly origins?: Origins
  /** The folder with the built dashboard. Default: the package's own (base/own-files.ts). */
  readonly dashboardFolder?: string
  /** The OpenTelemetry settings from the environment. Default: none, and OpenTelemetry is not loaded. */
  readonly telemetry?: TelemetrySettings | null
}
