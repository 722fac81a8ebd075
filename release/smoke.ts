/**
 * Installs the packed packages into an empty folder, starts the server, publishes an event with the client, and waits
 * until a receiver has it: `node release/smoke.ts dist`. It uses nothing but Node and npm, on Linux, macOS and Windows.
 */
import { type ChildProcess, execSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const API_KEY = 'smoke-test-key-0123456789'
const TIMEOUT_MS = 120_000

type Client = {
  readonly tenants: { put(tenant: string, body: object): Promise<unknown> }
  readonly endpoints: { create(tenant: string, body: object): Promise<unknown> }
  readonly events: { publish(tenant: string, body: object): Promise<unknown> }
}

const dist = resolve(process.argv[2] ?? 'dist')
const tarballs = readdirSync(dist).filter(name => name.endsWith('.tgz'))
if (tarballs.length === 0) throw new Error(`There is no package in ${dist}: run npm run pack first.`)

// A receiver that never hears anything must not hold up CI.
const timer = setTimeout(() => fail(new Error(`Not finished after ${TIMEOUT_MS} ms.`)), TIMEOUT_MS)
const folder = mkdtempSync(join(tmpdir(), 'posthorn smoke-'))
let server: ChildProcess | undefined
try {
  await run()
  clearTimeout(timer)
  await end()
} catch (error) {
  fail(error)
}

async function run(): Promise<void> {
  writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
  const files = tarballs.map(name => `"${join(dist, name)}"`).join(' ')
  const npm = (command: string) =>
    execSync(command, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' })
  npm(`npm install --omit=dev --no-audit --no-fund ${files}`)
  say(npm('npx posthorn --version').trim())
  const url = await startServer()
  const { events, receiverUrl, close } = await startReceiver()
  // Its types aren't there where this file is checked: it is the installed package.
  const { Posthorn } = (await import(pathToFileURL(join(folder, 'node_modules/@posthorn/client', entryOf())).href)) as {
    readonly Posthorn: new (options: { url: string; apiKey: string }) => Client
  }
  const client = new Posthorn({ url, apiKey: API_KEY })
  await client.tenants.put('acme', {})
  await client.endpoints.create('acme', { url: receiverUrl, clientSecret: 'c21va2U=' })
  await client.events.publish('acme', {
    type: 'COVER_REFERENCE',
    payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' },
  })
  say(`delivered: ${await events}`)
  await close()
}

/** The file that Node imports for the client. */
function entryOf(): string {
  const { exports } = JSON.parse(readFileSync(join(folder, 'node_modules/@posthorn/client/package.json'), 'utf8'))
  const entry = exports['.']
  return typeof entry === 'string' ? entry : (entry.import?.default ?? entry.import ?? entry.default)
}

function startServer(): Promise<string> {
  const installed = join(folder, 'node_modules/posthorn')
  const { bin } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as { bin: Record<string, string> }
  const args = [join(installed, bin.posthorn!), 'serve', '--port', '0', '--dev', '--data', join(folder, 'data')]
  server = spawn(process.execPath, args, {
    env: { ...process.env, POSTHORN_API_KEY: API_KEY },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((found, reject) => {
    server!.once('exit', code => reject(new Error(`posthorn serve ended with ${code}.`)))
    createInterface({ input: server!.stdout! }).on('line', line => {
      const entry = line.startsWith('{') ? (JSON.parse(line) as { msg: string; url?: string }) : undefined
      if (entry?.msg === 'listening') found(entry.url!.replace(/\/$/, ''))
    })
  })
}

/** `events` resolves with the type of the first webhook. */
async function startReceiver() {
  const { promise: events, resolve: received } = Promise.withResolvers<string>()
  const receiver = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(204).end())
    received(`${request.method} ${request.url} with ${request.headers['webhook-id']}`)
  })
  await new Promise<void>(listening => receiver.listen(0, '127.0.0.1', listening))
  const { port } = receiver.address() as AddressInfo
  const close = async () => {
    receiver.closeAllConnections()
    receiver.close()
  }
  return { events, receiverUrl: `http://127.0.0.1:${port}/hooks`, close }
}

async function end(): Promise<void> {
  if (server !== undefined && server.exitCode === null) {
    server.removeAllListeners('exit')
    const ended = new Promise(resolve => server!.once('exit', resolve))
    server.kill('SIGTERM')
    await ended
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : error}\n`)
  server?.kill('SIGKILL')
  process.exit(1)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
