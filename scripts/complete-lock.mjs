/**
 * Completes package-lock.json after an `npm install` from a registry that does not serve every platform's binaries: npm
 * leaves them out, and `npm ci` then refuses the file. Each missing binary gets an entry with its version and platform,
 * without an integrity hash. npm skips the entry on other platforms, and fetches the binary as usual on its own.
 *
 * Run manually: node scripts/complete-lock.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs'

const FILE = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(FILE, 'utf8'))

const OS = {
  android: 'android',
  darwin: 'darwin',
  linux: 'linux',
  win32: 'win32',
  windows: 'win32',
  freebsd: 'freebsd',
}
const MORE_OS = { openharmony: 'openharmony', netbsd: 'netbsd', openbsd: 'openbsd', sunos: 'sunos', aix: 'aix' }
const CPU = ['arm64', 'x64', 'ia32', 'ppc64', 'riscv64', 's390x', 'loong64', 'wasm32', 'arm', 'mips64el']

function platformOf(name) {
  const words = name.split(/[/-]/)
  const os = words.map(word => ({ ...OS, ...MORE_OS })[word]).find(Boolean)
  const cpu = CPU.find(one => words.includes(one))
  const libc = name.includes('musl') ? 'musl' : /gnu/.test(name) ? 'glibc' : undefined
  return { ...(cpu && { cpu: [cpu] }), ...(libc && { libc: [libc] }), optional: true, ...(os && { os: [os] }) }
}

const added = {}
for (const [at, { optionalDependencies = {}, dev }] of Object.entries(lock.packages)) {
  for (const [name, range] of Object.entries(optionalDependencies)) {
    const places = [`${at}/node_modules/${name}`, `node_modules/${name}`]
    if (places.some(place => lock.packages[place] ?? added[place])) continue
    const platform = platformOf(name)
    if (platform.cpu === undefined && platform.os === undefined) continue
    added[`node_modules/${name}`] = { version: range.replace(/^[\^~]/, ''), ...(dev && { dev }), ...platform }
  }
}
const sorted = Object.entries({ ...lock.packages, ...added }).sort(([a], [b]) => (a < b ? -1 : 1))
writeFileSync(FILE, `${JSON.stringify({ ...lock, packages: Object.fromEntries(sorted) }, null, 2)}\n`)
process.stdout.write(`${Object.keys(added).length} entries added\n${Object.keys(added).join('\n')}\n`)
