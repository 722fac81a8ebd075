#!/usr/bin/env node
/** The `posthorn` command. */
import { systemClock } from './clock.ts'
import { runCommandLine } from './command-line.ts'
import { growThreadPool, readEnvironment, readTextFile } from './config.ts'
import { migrateStore, moveInstallation } from './maintenance.ts'
import { startServer } from './server.ts'

growThreadPool()

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
  exit: code => process.exit(code),
  onSignal: (signal, handle) => void process.on(signal, handle),
  onCrash: handle => {
    process.on('uncaughtException', handle)
    process.on('unhandledRejection', handle)
  },
  parentPid: () => process.ppid,
})
