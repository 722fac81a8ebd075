#!/usr/bin/env node
/** The `posthorn` command. */
import cluster from 'node:cluster'
import { systemClock } from './clock.ts'
import { runCommandLine } from './command-line.ts'
import { growThreadPool, keepEnvironmentOutOfReports, readEnvironment, readTextFile } from './config.ts'
import { migrateStore, moveInstallation } from './maintenance.ts'
import { rotateKeys } from './remote-commands.ts'
import { startServer } from './server.ts'

growThreadPool()
keepEnvironmentOutOfReports()

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
    }
  },
  forked:
    cluster.worker === undefined
      ? null
      : { isFirst: cluster.worker.id === 1, onOrphaned: handle => void process.once('disconnect', handle) },
})
