/** Child processes that end with this process, however it ends. */
import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'

/** Settings for `tether.ts`. */
export type TetherSettings = {
  /** The signal that ends the command. */
  readonly signal: NodeJS.Signals
  /** A folder to remove after the command has ended. */
  readonly folder?: string
  /** The user to run the command as. Default: the user of this process. */
  readonly uid?: number
  readonly gid?: number
  /** Whether the command can be started again after it has ended, in the same folder. Default: false. */
  readonly isRestartable?: boolean
}

export type TetheredOptions = TetherSettings & {
  /** The command's entire environment. Default: the environment of this process. */
  readonly env?: NodeJS.ProcessEnv
  /** The folder that the command runs in. Default: that of this process. */
  readonly cwd?: string
}

export type Tethered = {
  /** The command's process id; rejects if the command could not be started. */
  readonly pid: Promise<number>
  readonly stdout: Readable
  readonly stderr: Readable
  /** Resolves with the command's exit code once it has ended for the first time. */
  readonly ended: Promise<number>
  /** Resolves with the exit code once the folder is removed too and the command can't be started again. */
  readonly exited: Promise<number>
  /** Starts the command again once it has ended; `ended` resolves when it has ended again. Needs `isRestartable`. */
  restart(): Promise<{ readonly pid: number; readonly ended: Promise<number> }>
  /** Ends the command and waits for `exited`. */
  end(): Promise<number>
}

/** A message from a tether. */
type Message = { readonly pid?: number; readonly exitCode?: number }

export function spawnTethered(command: string, args: readonly string[], options: TetheredOptions): Tethered {
  const { env, cwd, ...settings } = options
  const tether = fileURLToPath(new URL('./tether.ts', import.meta.url))
  const child = spawn(process.execPath, [tether, JSON.stringify(settings), command, ...args], {
    stdio: ['pipe', 'pipe', 'pipe', 'ipc'],
    // A separate session, because Ctrl-C in a terminal goes to the whole process group and would end the command early.
    detached: process.platform !== 'win32',
    ...(env ? { env } : {}),
    ...(cwd === undefined ? {} : { cwd }),
  })
  child.stdin!.on('error', () => {})
  const nextEnd = () =>
    new Promise<number>(resolve => {
      child.on('message', ({ exitCode }: Message) => exitCode !== undefined && resolve(exitCode))
      child.once('close', code => resolve(code ?? 1))
    })
  // Its end is listened for as soon as its start is known: a command that ends at once may report both in one read.
  const nextStart = () =>
    new Promise<{ readonly pid: number; readonly ended: Promise<number> }>((resolve, reject) => {
      const hear = ({ pid }: Message) => {
        if (pid === undefined) return
        child.off('message', hear)
        resolve({ pid, ended: nextEnd() })
      }
      child.on('message', hear)
      child.once('close', () => reject(new Error(`${command} could not be started.`)))
      child.once('error', reject)
    })
  const ended = nextEnd()
  const pid = nextStart().then(started => started.pid)
  pid.catch(() => {})
  const exited = new Promise<number>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 1))
  })
  exited.catch(() => {})
  return {
    pid,
    stdout: child.stdout!,
    stderr: child.stderr!,
    ended,
    exited,
    restart() {
      const again = nextStart()
      child.send('start')
      return again
    },
    end() {
      child.stdin!.destroy()
      return exited
    },
  }
}
