import type { Clock } from '../base/clock.ts'
import type { Output } from '../base/output.ts'
import type { TelemetrySettings } from '../config/telemetry-settings.ts'
import type { Channel } from '../observe/gathering.ts'

/** Whether other processes share the port and the output: no; yes, and this one tells people where the API is; yes, and another does. */
export type Sharing = 'alone' | 'first' | 'another'

export type ServerIo = {
  readonly stdout: Output
  readonly stderr: Output
  readonly clock?: Clock
  /** Default: `alone`. */
  readonly sharing?: Sharing
  /** To the process that started this one, where several share the port. Default: there is none. */
  readonly parent?: Channel
  /** What the environment says of OpenTelemetry. Default: nothing, and nothing of it is loaded. */
  readonly telemetry?: TelemetrySettings | null
}
