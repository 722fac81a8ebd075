/**
 * Runs in a mount namespace of its own, where /etc is as each case says: asks `getent ahosts` and Posthorn for each
 * name, one after the other in the same process, and writes both answers as lines of JSON.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startNameServer } from '@posthorn/testkit'
import { type Clock, systemClock } from '../../../src/base/clock.ts'
import { Names } from '../../../src/guard/names/names.ts'
import { answerOf, CASES, type NameCase, SERVER_ADDRESS, USUAL } from './cases.ts'

const FILES = {
  hosts: '/etc/hosts',
  resolvConf: '/etc/resolv.conf',
  nsswitch: '/etc/nsswitch.conf',
  gaiConf: '/etc/gai.conf',
} as const

/** Mounts a file over each of the machine's. Writing into it changes what the machine reads. */
function mount(): void {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-names-'))
  for (const [key, path] of Object.entries(FILES)) {
    const own = join(folder, key)
    writeFileSync(own, '')
    if (existsSync(path)) execFileSync('mount', ['--bind', own, path])
    else if (key !== 'gaiConf') throw new Error(`${path} doesn't exist`)
  }
}

function configure(each: NameCase): void {
  for (const key of Object.keys(FILES) as (keyof typeof FILES)[]) {
    if (existsSync(FILES[key])) writeFileSync(FILES[key], each[key] ?? USUAL[key])
  }
}

function getent(name: string): Promise<string[]> {
  return new Promise(resolve => {
    execFile('getent', ['ahosts', name], (_error, stdout) => {
      const lines = stdout.split('\n').map(line => line.split(/\s+/))
      resolve(lines.flatMap(([address, type]) => (type === 'STREAM' ? [address!] : [])))
    })
  })
}

let aheadMs = 0
const clock: Clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + aheadMs }
const names = new Names(clock)
const ask = (name: string) =>
  new Promise<string[]>(resolve => {
    names.resolve(name, { all: true }, (error, found) => resolve(error ? [] : found.map(({ address }) => address)))
  })

mount()
const server = await startNameServer({ answer: answerOf, address: SERVER_ADDRESS, port: 53 })
for (const each of CASES) {
  configure(each)
  // Within a second of the change, the former files still apply.
  aheadMs += 2_000
  const [expected, actual] = [await getent(each.name), await ask(each.name)]
  process.stdout.write(`${JSON.stringify({ title: each.title, expected, actual })}\n`)
}
names.close()
await server.close()
