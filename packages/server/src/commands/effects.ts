import type { Command } from 'commander'
import type { Clock } from '../base/clock.ts'
import type { Output } from '../base/output.ts'
import type { Config, ConfigResult, Environment } from '../config/config.ts'
import type { Channel } from '../observe/gathering.ts'
import type { RunningServer } from '../server/server.ts'
import type { ServerIo } from '../server/server-io.ts'
import type { CopyConfig } from './backup.ts'
import type { CommandIo } from './command-io.ts'
import type { DoctorOptions } from './doctor/doctor.ts'
import type { MoveConfig } from './move.ts'
import type { ServingProcess, StopSignal } from './processes.ts'

/** Everything that the commands touch, so that tests can replace it. `cli.ts` passes in the real process. */
export type Effects = {
  /** The arguments, without the program's own name. */
  readonly args: readonly string[]
  readonly env: Environment
  readonly readFile: (path: string) => string
  readonly stdout: Output
  readonly stderr: Output
  readonly clock: Clock
  readonly startServer: (config: Config, io: ServerIo) => Promise<Pick<RunningServer, 'stop'>>
  readonly migrateStore: (config: Config, io: CommandIo) => Promise<void>
  readonly moveInstallation: (config: MoveConfig, io: CommandIo) => Promise<void>
  readonly backUpStore: (config: CopyConfig, io: CommandIo) => Promise<void>
  readonly restoreStore: (config: CopyConfig, io: CommandIo) => Promise<void>
  readonly examine: (result: ConfigResult, options: DoctorOptions, io: CommandIo) => Promise<boolean>
  /** Adds the commands that call a server's API, which are loaded for that. */
  readonly addRemoteCommands: (root: Command) => Promise<void>
  /** Runs until a signal arrives or, with `exit`, until nothing is pending. Ends the process itself. */
  readonly runDemo: (options: DemoOptions) => Promise<void>
  /**
   * Builds the dashboard in another process, where its sources are and unless it is built already. Resolves with whether
   * it is there, and never rejects: without it, `/` says how to build it.
   */
  readonly buildDashboard: () => Promise<boolean>
  /** Ends the process. */
  readonly exit: (code: number) => void
  readonly onSignal: (signal: StopSignal, handle: () => void) => void
  /** Calls `handle` with an exception or rejection that nothing caught. */
  readonly onCrash: (handle: (error: unknown) => void) => void
  readonly parentPid: () => number
  /** Starts this same command again, as one of several processes that share the port. */
  readonly fork: () => ServingProcess & Channel
  /** How this process was forked. Null if it was not. */
  readonly forked: Forked | null
}

export type DemoOptions = {
  /** End once nothing is pending, with one line of JSON. */
  readonly exit: boolean
  /** Run three nodes on one PostgreSQL database instead of one with the embedded store. */
  readonly cluster: boolean
}

export type Forked = {
  /** Whether this is the process that announces the API's URL for all of them. */
  readonly isFirst: boolean
  /** Calls `handle` when the parent has ended. */
  readonly onOrphaned: (handle: () => void) => void
  /** The channel to the parent. */
  readonly parent: Channel
}
