import { execFileSync, spawn } from 'node:child_process'
import { existsSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createSignal, spawnTethered } from '../src/index.ts'

const FOREVER = "process.stdout.write('pid ' + process.pid); setInterval(() => {}, 1_000)"

test('ending a tethered process ends the command and removes its folder', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-tether-'))
  const child = spawnTethered(process.execPath, ['-e', FOREVER], { signal: 'SIGTERM', folder })
  await new Promise(resolve => child.stdout.once('data', resolve))
  await child.end()
  expect(existsSync(folder)).toBe(false)
})

test('the exit code of the command is passed on', async () => {
  const child = spawnTethered(process.execPath, ['-e', 'process.exitCode = 7'], { signal: 'SIGTERM' })
  expect(await child.exited).toBe(7)
})

test('the command ends when the process that holds the tether is killed', async () => {
  const module = new URL('../src/tethered.ts', import.meta.url).href
  const script = `
    import { spawnTethered } from ${JSON.stringify(module)}
    const child = spawnTethered(process.execPath, ['-e', ${JSON.stringify(FOREVER)}], { signal: 'SIGTERM' })
    child.stdout.pipe(process.stdout)`
  const holder = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const pid = await new Promise<number>(resolve => {
    holder.stdout.once('data', chunk => resolve(Number(/\d+/.exec(String(chunk))?.[0])))
  })
  holder.kill('SIGKILL')
  const signal = createSignal(() => `process ${pid} is running`)
  const looking = setInterval(() => signal.changed(), 20) // not our child, so there is no exit event
  await signal.waitFor(() => !isRunning(pid)).finally(() => clearInterval(looking))
})

test('a command that ends as soon as it is started again is seen to end, even by a process that is busy meanwhile', async () => {
  const options = { signal: 'SIGTERM', isRestartable: true } as const
  const child = spawnTethered(process.execPath, ['-e', 'process.exitCode = 7'], options)
  expect(await child.ended).toBe(7)
  const restarted = child.restart()
  await new Promise(setImmediate) // the request is sent
  execFileSync('sleep', ['1']) // both messages arrive
  expect(await (await restarted).ended).toBe(7)
  await child.end()
})

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
