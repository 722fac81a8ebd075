#!/usr/bin/env -S MALLOC_ARENA_MAX=2 node --max-semi-space-size=16
/** The `posthorn` command. */
import type { ChildProcess } from 'node:child_process'
import cluster from 'node:cluster'
import { systemClock } from './base/clock.ts'
import { backUpStore, restoreStore } from './commands/backup.ts'
import { runCommandLine } from './commands/command-line.ts'
import { examine } from './commands/doctor/doctor.ts'
import { rotateKeys } from './commands/keys-rotate.ts'
import { migrateStore } from './commands/migrate.ts'
import { moveInstallation } from './commands/move.ts'
import {
  boundHeapGrowth,
  growThreadPool,
  keepEnvironmentOutOfReports,
  readEnvironment,
  readTextFile,
} from './config/config.ts'
import { startServer } from './server/server.ts'

growThreadPool()
boundHeapGrowth()
keepEnvironmentOutOfReports()

/** The other side can end at any moment: then what was said is lost, which whoever waits for an answer finds out. */
function sendTo(process: Pick<NodeJS.Process | ChildProcess, 'send'>, message: object): boolean {
  process.send?.(message, undefined, undefined, () => {})
  return true
}

// Node would end a process without its parent on the spot. Ours drains: what it has in flight would be sent twice.
if (cluster.worker !== undefined) cluster.worker.exitedAfterDisconnect = true

// Not awaited: a promise that is pending when nothing else keeps the process alive would end it with code 13.
void runCommandLine({
  args: process.argv.slice(2),
  env: readEnvironment(),
  readFile: readTextFile,
  stdout: process.stdout,
  stderr: process.stderr,
  clock: systemClock,
  startServer,
  migrateStore,
  moveInstallation,
  rotateKeys,
  backUpStore,
  restoreStore,
  examine,
  exit: code => process.exit(code),
  onSignal: (signal, handle) => void process.on(signal, handle),
  onCrash: handle => {
    process.on('uncaughtException', handle)
    process.on('unhandledRejection', handle)
  },
  parentPid: () => process.ppid,
  fork() {
    const worker = cluster.fork()
    return {
      pid: worker.process.pid,
      // Of the process itself: the worker's own would first wait for its connections to end.
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
