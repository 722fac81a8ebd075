/**
 * Builds and runs the applications that have packages of their own: installs them in a copy outside the repository, with
 * the packages that `npm run pack` makes, and makes real calls to them. They are the example in Next, and a Prisma client.
 * Exits with 1 if anything is not as it should be.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Posthorn } from '@posthorn/client'
import { createAuthority, findFreePort, startPostgres, startReceiver } from '@posthorn/testkit'
import { createPosthorn } from 'posthorn'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const API_KEY = 'test-api-key-0123456789'
const START_TIMEOUT_MS = 120_000
/** This Node for everything that is run, also by npm's scripts. */
const PATH = `${dirname(process.execPath)}${delimiter}${process.env.PATH ?? ''}`
const ENVIRONMENT = { ...process.env, PATH, NEXT_TELEMETRY_DISABLED: '1', CI: 'true' }

const DIST = join(ROOT, 'dist')
/** Prisma's command line asks for an engine that is downloaded, but generates without it. */
const NO_ENGINE = { PRISMA_SCHEMA_ENGINE_BINARY: process.execPath }

const folder = mkdtempSync(join(tmpdir(), 'posthorn-embedded-'))
/** @type {(() => unknown)[]} */
const open = []
try {
  await run('npm', ['run', 'pack'], ROOT)
  await tryNext()
  console.log('The example in Next builds, serves and delivers.')
  await tryPrisma()
  console.log('A real Prisma publishes in its transactions.')
} finally {
  for (const close of open.reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
}

async function tryNext() {
  const app = await install('examples/embedded/next', 'posthorn')
  await run('npm', ['run', 'build'], app)
  const authority = await createAuthority()
  writeFileSync(join(folder, 'ca.pem'), authority.caPem)
  const receiver = await startReceiver({ authority, names: ['localhost'] })
  open.push(() => receiver.close())
  const url = `http://localhost:${await findFreePort()}`
  const serving = start(app, {
    PORT: new URL(url).port,
    PUBLIC_URL: `${url}/hooks/`,
    POSTHORN_DATA: join(folder, 'data'),
    POSTHORN_API_KEY: API_KEY,
    POSTHORN_EXTRA_CA: join(folder, 'ca.pem'),
    POSTHORN_DEV: 'true',
  })
  await untilReady(`${url}/hooks/readyz`)
  await tryCalls(url, receiver)
  serving.kill('SIGTERM')
  const [code] = await serving.ended
  assert.equal(code, 0, 'the application ends by itself after SIGTERM')
}

async function tryPrisma() {
  const app = await install('packages/client/test/prisma', 'posthorn-client')
  await run('npx', ['prisma', 'generate'], app, NO_ENGINE)
  await run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', app], app)
  const postgres = await startPostgres()
  open.push(() => postgres.stop())
  const databaseUrl = await postgres.createDatabase('prisma')
  const encryptionKey = Buffer.alloc(32, 7).toString('base64')
  const server = await createPosthorn({ databaseUrl, encryptionKey, apiKey: API_KEY })
  open.push(() => server.close())
  const posthorn = new Posthorn({ url: 'http://posthorn', apiKey: API_KEY, fetch: server.fetch })
  await posthorn.tenants.put('acme', {})
  await run(process.execPath, ['publish.ts'], app, { DATABASE_URL: databaseUrl })
  await until(async () => (await posthorn.events.list('acme')).data.length > 0)
  const { data } = await posthorn.events.list('acme')
  assert.deepEqual(
    data.map(({ key, rejected }) => [key, rejected]),
    [['k', null]],
  )
}

/** What someone who has this application would see. */
async function tryCalls(url, receiver) {
  const posthorn = new Posthorn({ url: `${url}/hooks`, apiKey: API_KEY })
  await posthorn.tenants.put('acme', { name: 'Acme' })
  const clientSecret = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
  await posthorn.endpoints.create('acme', { url: receiver.url, clientSecret })
  const headers = { authorization: `Bearer ${API_KEY}` }
  const stream = await fetch(`${url}/hooks/v1/tenants/acme/stream`, { headers })
  assert.equal(stream.status, 200)
  const placed = await fetch(`${url}/orders`, { method: 'POST', body: '{"item":"cup"}' })
  assert.equal(placed.status, 201)
  const { event, CoverId } = await placed.json()
  await receiver.waitFor(({ total }) => total === 1)
  assert.equal(receiver.requests[0].headers['webhook-id'], event)
  assert.deepEqual(JSON.parse(receiver.requests[0].body.toString()), { CoverId, item: 'cup' })
  assert.ok(await streams(stream.body, event), 'the stream shows the event while it is open')
  const page = await fetch(`${url}/hooks/`, { headers: { accept: 'text/html' } })
  assert.match(await page.text(), /<base href="\/hooks\/">/)
  const origin = { origin: url, 'posthorn-session': '1', 'sec-fetch-site': 'same-origin' }
  const signedIn = await fetch(`${url}/hooks/session/v1/session`, {
    method: 'POST',
    headers: { ...origin, 'content-type': 'application/json' },
    body: JSON.stringify({ apiKey: API_KEY }),
  })
  assert.match(signedIn.headers.getSetCookie()[0] ?? '', /^posthorn_session=.*Path=\/hooks\/session\/v1;/)
  const unknown = await fetch(`${url}/hooks/v1/tenants/unknown`, { headers })
  assert.equal((await unknown.json()).code, 'not_found')
}

/** Whether a text occurs in what a stream sends. Leaves the stream then. */
async function streams(body, text) {
  const decoder = new TextDecoder()
  let seen = ''
  for await (const chunk of body) {
    seen += decoder.decode(chunk, { stream: true })
    if (seen.includes(text)) return true
  }
  return false
}

/**
 * Copies an application out of the repository, and installs it there, with a package of ours.
 *
 * @param name that of the package's tarball
 */
async function install(path, name) {
  const app = join(folder, basename(path))
  cpSync(join(ROOT, path), app, {
    recursive: true,
    filter: each => !/[\\/](?:node_modules|\.next|generated)$/.test(each),
  })
  const quietly = ['--ignore-scripts', '--no-audit', '--no-fund']
  await run('npm', ['ci', ...quietly], app)
  const tarball = readdirSync(DIST).find(file => new RegExp(`^${name}-\\d.*\\.tgz$`).test(file))
  assert.ok(tarball, `npm run pack makes a tarball of ${name}`)
  await run('npm', ['install', '--no-save', ...quietly, join(DIST, tarball)], app)
  return app
}

/** Runs a program to its end. Throws if it fails. */
async function run(program, args, cwd, env = {}) {
  const child = spawn(program, args, { cwd, env: { ...ENVIRONMENT, ...env }, stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  assert.equal(code, 0, `${program} ${args.join(' ')}`)
}

/** Starts an application that listens. */
function start(app, env) {
  const next = join(app, 'node_modules/next/dist/bin/next')
  const own = { ...ENVIRONMENT, NEXT_MANUAL_SIG_HANDLE: 'true', ...env }
  const child = spawn(process.execPath, [next, 'start'], { cwd: app, env: own, stdio: 'inherit' })
  open.push(() => child.kill('SIGKILL'))
  return { kill: signal => child.kill(signal), ended: once(child, 'exit') }
}

function untilReady(url) {
  return until(async () => (await fetch(url).catch(() => null))?.status === 200)
}

async function until(isSo) {
  const endMs = Date.now() + START_TIMEOUT_MS
  while (!(await isSo())) {
    assert.ok(Date.now() < endMs, `not so within ${START_TIMEOUT_MS} ms: ${isSo}`)
    await new Promise(resolve => setTimeout(resolve, 200))
  }
}
