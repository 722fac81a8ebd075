/** The `posthorn` command, which `bin/posthorn.cjs` starts. */
import { type ChildProcess, spawn } from 'node:child_process'
import cluster from 'node:cluster'
import { outputError } from '@posthorn/cli/output-errors'
import { systemClock } from './base/clock.ts'
import { collectOnceIdle } from './base/idle-collection.ts'
import { BUILD_SCRIPT } from './base/own-files.ts'
import { runCommandLine } from './commands/command-line.ts'
import {
  boundHeapGrowth,
  growThreadPool,
  keepEnvironmentOutOfReports,
  readEnvironment,
  readTextFile,
} from './config/config.ts'

growThreadPool()
keepEnvironmentOutOfReports()

function onCrash(handle: (error: unknown) => void): void {
  process.on('uncaughtException', handle)
  process.on('unhandledRejection', handle)
}

/** The other side can end at any moment. The message is lost then, and a sender that waits for a reply times out. */
function sendTo(process: Pick<NodeJS.Process | ChildProcess, 'send'>, message: object): boolean {
  process.send?.(message, undefined, undefined, () => {})
  return true
}

function buildDashboard(): Promise<boolean> {
  if (BUILD_SCRIPT === null) return Promise.resolve(true)
  const child = spawn(process.execPath, [BUILD_SCRIPT], { stdio: ['ignore', 'ignore', 'inherit'] })
  process.once('exit', () => child.kill())
  child.unref()
  return new Promise(resolve => {
    child.once('error', () => resolve(false))
    child.once('close', code => resolve(code === 0))
  })
}

/** A command that needs no API ends with its reader, as one of the API does. A server writes its log past the stream. */
function onOutputError(error: NodeJS.ErrnoException): void {
  const { exitCode, line } = outputError(error)
  if (line !== null) process.stderr.write(line)
  process.exit(exitCode)
}
process.stdout.on('error', onOutputError)
// Nothing can be said of it.
process.stderr.on('error', () => {})

// Node would end a process that loses its parent immediately. Ours drains first, lest attempts in flight be sent twice.
if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true

// Not awaited: if it were still pending when nothing else keeps the process alive, Node would exit with code 13.
void runCommandLine({
  args: process.argv.slice(2),
  env: readEnvironment(),
  readFile: readTextFile,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  // Each command loads its code when it runs: `--help` and the parent of several processes need none of it.
  startServer: async (config, io) => {
    const server = await (await import('./server/server.ts')).startServer(config, io)
    // Not earlier: see there.
    boundHeapGrowth()
    collectOnceIdle()
    return server
  },
  migrateStore: async (config, io) => (await import('./commands/migrate.ts')).migrateStore(config, io),
  moveInstallation: async (config, io) => {
    const { moveInstallation } = await import('./commands/move.ts')
    boundHeapGrowth()
    return moveInstallation(config, io)
  },
  backUpStore: async (config, io) => (await import('./commands/backup.ts')).backUpStore(config, io),
  restoreStore: async (config, io) => (await import('./commands/backup.ts')).restoreStore(config, io),
  examine: async (result, options, io) => (await import('./commands/doctor/doctor.ts')).examine(result, options, io),
  addRemoteCommands: async root => {
    const [{ addFurtherCommands }, { openTerminal }] = await Promise.all([
      import('./commands/remote-commands.ts'),
      import('@posthorn/cli'),
    ])
    const { stdin, stdout, stderr } = process
    // The terminal does it from here on.
    stdout.off('error', onOutputError)
    const signals = {
      on: (signal: NodeJS.Signals, handle: () => void) => void process.on(signal, handle),
      off: (signal: NodeJS.Signals, handle: () => void) => void process.off(signal, handle),
    }
    const exit = (code: number) => process.exit(code)
    const env = readEnvironment()
    addFurtherCommands(
      root,
      openTerminal({ stdin, stdout, stderr, env, clock: systemClock, exit, onCrash, ...signals }),
    )
  },
  runDemo: async options => (await import('@posthorn/demo')).runDemo(options, buildDashboard),
  buildDashboard,
  exit: code => process.exit(code),
  onSignal: (signal, handle) => void process.on(signal, handle),
  endBySignal(signal) {
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  },
  onCrash,
  parentPid: () => process.ppid,
  fork() {
    const worker = cluster.fork()
    return {
      pid: worker.process.pid,
      // The process's own `kill`: the worker's would first wait for its connections to end.
      kill: signal => void worker.process.kill(signal),
      onListening: react => void worker.once('listening', react),
      onEnd: react => void worker.once('exit', react),
      send: message => worker.isConnected() && sendTo(worker.process, message),
      onMessage: react => void worker.on('message', react),
    }
  },
  forked:
    cluster.worker === undefined
      ? null
      : {
          isFirst: cluster.worker.id === 1,
          onOrphaned: handle => void process.once('disconnect', handle),
          parent: {
            send: message => process.connected && sendTo(process, message),
            onMessage: react => void process.on('message', react),
          },
        },
})
