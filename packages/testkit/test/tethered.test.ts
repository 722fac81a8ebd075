import { spawn } from 'node:child_process'
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

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
