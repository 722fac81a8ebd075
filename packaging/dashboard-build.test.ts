/** The build itself, with a stand-in for the bundler: real processes, folders and locks. */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Build, buildDashboard } from '../scripts/dashboard-build.ts'

let root: string
let folder: string
let build: Build

/** Counts how often it runs, notes whether two run at the same time, and writes what the sources say. */
const BUNDLER = `
  const { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } = require('node:fs')
  const [root, target] = process.argv.slice(1)
  if (existsSync(root + '/running')) appendFileSync(root + '/log', 'overlap ')
  writeFileSync(root + '/running', '')
  const source = readFileSync(root + '/src/app.ts', 'utf8')
  if (source === 'broken') { rmSync(root + '/running'); console.error('app.ts is broken'); process.exit(1) }
  mkdirSync(target + '/assets', { recursive: true })
  writeFileSync(target + '/index.html', source)
  writeFileSync(target + '/assets/app.js', source.repeat(1000))
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  appendFileSync(root + '/log', 'run ')
  rmSync(root + '/running')
`

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'posthorn-build-'))
  folder = join(root, 'dist')
  mkdirSync(join(root, 'src'))
  writeFileSync(join(root, 'src/app.ts'), 'one')
  writeFileSync(join(root, 'lock.json'), '{}')
  build = {
    folder,
    sources: [join(root, 'src'), join(root, 'lock.json')],
    except: new Set(['test']),
    command: target => [process.execPath, '-e', BUNDLER, root, target],
    in: root,
  }
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const runs = () => (existsSync(join(root, 'log')) ? readFileSync(join(root, 'log'), 'utf8').trim().split(' ') : [])
const page = () => readFileSync(join(folder, 'index.html'), 'utf8')

describe('the dashboard', () => {
  test('is built where it is missing or older than its sources, and not otherwise', async () => {
    expect(await buildDashboard(build)).toBe('built')
    expect([page(), await buildDashboard(build)]).toEqual(['one', 'current'])
    writeFileSync(join(root, 'src/app.ts'), 'two')
    expect([await buildDashboard(build), page()]).toEqual(['built', 'two'])
    writeFileSync(join(root, 'lock.json'), '{"x":1}')
    expect(await buildDashboard(build)).toBe('built')
    mkdirSync(join(root, 'src/test'))
    writeFileSync(join(root, 'src/test/app.test.ts'), '')
    expect(await buildDashboard(build)).toBe('current')
    rmSync(join(folder, 'index.html'))
    expect(await buildDashboard(build)).toBe('built')
    expect(runs()).toEqual(Array(4).fill('run'))
  })

  test('has compressed copies of its larger files, and leaves nothing else behind', async () => {
    await buildDashboard(build)
    const file = join(folder, 'assets/app.js')
    expect(brotliDecompressSync(readFileSync(`${file}.br`)).toString()).toBe('one'.repeat(1_000))
    expect(gunzipSync(readFileSync(`${file}.gz`)).toString()).toBe('one'.repeat(1_000))
    expect(readdirSync(root).sort()).toEqual(['dist', 'lock.json', 'log', 'src'])
    expect(readdirSync(folder).sort()).toEqual(['assets', 'build.json', 'index.html'])
  })

  test('is built once, however many want it at the same time', async () => {
    const results = await Promise.all(Array.from({ length: 5 }, () => buildDashboard(build)))
    expect(results.sort()).toEqual(['built', ...Array(4).fill('current')])
    expect(runs()).toEqual(['run'])
  })

  test('keeps what was built before if a build fails, and says why it failed', async () => {
    await buildDashboard(build)
    writeFileSync(join(root, 'src/app.ts'), 'broken')
    await expect(buildDashboard(build)).rejects.toThrow('app.ts is broken')
    expect([page(), existsSync(`${folder}.lock`)]).toEqual(['one', false])
  })

  test.each([
    ['whose process has ended', '999999999\n', 0],
    ['that is no longer kept alive', `${process.pid}\n`, 60],
  ])('does not wait for a build %s', async (_which, content, secondsOld) => {
    writeFileSync(`${folder}.lock`, content)
    const then = Date.now() / 1_000 - secondsOld
    utimesSync(`${folder}.lock`, then, then)
    expect(await buildDashboard(build)).toBe('built')
  })

  test('waits for a build that is running, and finds what it has built', async () => {
    const other = buildDashboard(build)
    expect(existsSync(`${folder}.lock`)).toBe(true)
    expect(await buildDashboard(build)).toBe('current')
    expect(await other).toBe('built')
  })
})
