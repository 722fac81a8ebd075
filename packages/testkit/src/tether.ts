/**
 * Runs a command that must not outlive the process that started it: `node tether.ts <settings as JSON> <command>
 * <args…>`. Standard input is the tether: when it closes, even because the other end was killed with SIGKILL, which no
 * exit hook sees, the command gets the signal and ten seconds later SIGKILL. Then the folder named in the settings is
 * removed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import type { TetherSettings } from './tethered.ts'

const GRACE_MS = 10_000

const [settingsJson, command, ...args] = process.argv.slice(2)
if (settingsJson === undefined || command === undefined) throw new Error('tether.ts needs settings and a command.')
const settings = JSON.parse(settingsJson) as TetherSettings

let isEnding = false
let isOver = false
let isWantedAgain = false
let child = start()

function start(): ChildProcess {
  isOver = false
  const started = spawn(command!, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    ...(settings.uid === undefined ? {} : { uid: settings.uid }),
    ...(settings.gid === undefined ? {} : { gid: settings.gid }),
  })
  // The IPC channel isn't needed after the pid was sent, and an open channel would keep a process alive.
  const then = () => settings.isRestartable !== true && process.connected && process.disconnect()
  if (started.pid !== undefined) process.send?.({ pid: started.pid }, then)
  started.on('error', error => {
    process.stderr.write(`${error.message}\n`)
    leave(1)
  })
  started.on('exit', code => {
    isOver = true
    if (isEnding || settings.isRestartable !== true) leave(code ?? 1)
    if (process.connected) process.send?.({ exitCode: code ?? 1 })
    if (isWantedAgain) startAgain()
  })
  return started
}

/** Starts the command again, now or once it has ended. */
function startAgain(): void {
  isWantedAgain = !isOver
  if (isOver) child = start()
}

process.on('message', startAgain)

const end = () => {
  isEnding = true
  if (isOver) leave(1)
  child.kill(settings.signal)
  setTimeout(() => child.kill('SIGKILL'), GRACE_MS).unref()
}
process.stdin.on('close', end)
process.stdin.on('error', () => {})
process.stdin.resume()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)

function leave(code: number): never {
  if (settings.folder !== undefined) rmSync(settings.folder, { recursive: true, force: true, maxRetries: 3 })
  process.exit(code)
}
