/**
 * The unit of systemd, by systemd's own checks. systemd can't start it here, because it is not the first process. What
 * could keep V8 and Node from working is tried all the same: the filter of system calls, no new privileges, and a /proc
 * that has nothing but processes.
 */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findFreePort, startReceiver } from '@posthorn/testkit'
import { describe, expect, it } from 'vitest'
import { SETTINGS } from '../../packages/server/src/config/settings.ts'
import { ROOT, run, toolsFolder } from './tools.ts'

const FILE = join(ROOT, 'deploy/systemd/posthorn.service')
const text = readFileSync(FILE, 'utf8')
/** The last value of each directive. */
const unit = new Map([...text.matchAll(/^(\w+)=(.*)$/gm)].map(([, name, value]) => [name!, value!]))

describe('posthorn.service', () => {
  it('passes systemd-analyze verify', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'posthorn-systemd-'))
    mkdirSync(folder, { recursive: true })
    // It also looks for the program, which is not installed here.
    const file = join(folder, 'posthorn.service')
    const program = unit.get('ExecStart')!.split(' ')[0]!
    writeFileSync(file, text.replaceAll(program, process.execPath))
    expect(await run('systemd-analyze', ['verify', '--man=no', file])).toEqual({ code: 0, stdout: '', stderr: '' })
    writeFileSync(file, text.replaceAll(program, process.execPath).replace('RestartSec=2', 'RestartSec=soon'))
    expect((await run('systemd-analyze', ['verify', '--man=no', file])).stderr).toContain('Failed to parse sec value')
    rmSync(folder, { recursive: true })
  })

  it('leaves open only what Posthorn needs', async () => {
    const { code, stdout } = await run('systemd-analyze', ['security', '--offline=true', '--no-pager', FILE])
    expect(code).toBe(0)
    const open = [...stdout.matchAll(/^✗ (\S+)/gm)].map(([, name]) => name)
    const needed = [
      // V8 compiles at run time.
      'MemoryDenyWriteExecute=',
      // It calls receivers, whose addresses are not known in advance, and is called.
      'PrivateNetwork=',
      'IPAddressDeny=',
      'RestrictAddressFamilies=~AF_(INET|INET6)',
      // systemd-resolved is asked that way.
      'RestrictAddressFamilies=~AF_UNIX',
      // Node is where it was installed.
      'RootDirectory=/RootImage=',
    ]
    // What systemd 252 counts although ProtectClock and DynamicUser bring it about.
    const counted = ['PrivateMounts=', 'DeviceAllow=']
    expect(open.filter(name => !counted.includes(name!)).toSorted()).toEqual(needed.toSorted())
    const [, exposure] = /Overall exposure level for \S+: ([\d.]+) OK/.exec(stdout) ?? []
    expect(Number(exposure)).toBeLessThan(1.5)
  })

  it('gives a shutdown longer than it takes, and does not restart after a wrong setting', () => {
    const drainSeconds = Number(SETTINGS.drainTimeoutMs.default) / 1_000
    expect(Number(unit.get('TimeoutStopSec'))).toBeGreaterThanOrEqual(drainSeconds + 10)
    expect([unit.get('Restart'), unit.get('RestartPreventExitStatus')]).toEqual(['on-failure', '2'])
  })

  it('starts the package where the image has it too, and reads keys from a credential alone', () => {
    expect(unit.get('ExecStart')).toBe('/opt/posthorn/node_modules/.bin/posthorn serve')
    expect(readFileSync(join(ROOT, 'Dockerfile'), 'utf8')).toContain(unit.get('ExecStart')!.split(' ')[0])
    expect(text).toContain('LoadCredential=posthorn.json:/etc/posthorn/posthorn.json')
    expect(text).toContain('Environment=POSTHORN_CONFIG=%d/posthorn.json')
    expect(text).not.toMatch(/^(Environment|EnvironmentFile)=.*KEY/m)
  })

  it('lets Posthorn do its work with the system calls that it allows', async () => {
    // Where another user gets to, and can start programs.
    const folder = mkdtempSync('/tmp/posthorn-systemd-')
    const allowed = join(folder, 'allowed')
    const names = await allowedCalls()
    expect(names).not.toContain('chown')
    writeFileSync(allowed, names.join('\n'))
    const server = await startFiltered(folder, allowed)
    const receiver = await startReceiver({ http: true })
    await server.call('PUT', '/tenants/acme', {})
    const clientSecret = 'c2VjcmV0LXRva2VuLXdpdGgtcGFkZGluZw=='
    await server.call('POST', '/tenants/acme/endpoints', { url: receiver.url, clientSecret })
    const payload = { CoverId: '564200aa-7128-4a26-83a8-000000000001' }
    await server.call('POST', '/tenants/acme/events', { type: 'COVER_REFERENCE', payload })
    await receiver.waitFor(() => receiver.distinct.size === 1, { timeoutMs: 20_000 })
    const status = readFileSync(`/proc/${server.pid}/status`, 'utf8')
    expect(status).toMatch(/^Seccomp:\s+2$/m)
    expect(status).toMatch(/^NoNewPrivs:\s+1$/m)
    process.kill(server.pid, 'SIGTERM')
    expect(await server.ended).toBe(0)
    await receiver.close()
    rmSync(folder, { recursive: true })
  })
})

/** The names of all system calls that the unit's filter allows. */
async function allowedCalls(): Promise<string[]> {
  const { stdout } = await run('systemd-analyze', ['syscall-filter', '--no-pager'])
  const groups = new Map<string, string[]>()
  for (const block of stdout.split(/^(?=@)/m)) {
    const [name, ...lines] = block.split('\n')
    const members = lines.flatMap(line => (/^\s+[@\w]/.test(line) ? [line.trim()] : []))
    if (name?.startsWith('@')) groups.set(name, members)
  }
  const expand = (name: string): string[] => (name.startsWith('@') ? groups.get(name)!.flatMap(expand) : [name])
  // What systemd never takes away.
  const always = ['@default', 'execve', 'exit', 'exit_group', 'getrlimit', 'rt_sigreturn', 'sigreturn'].flatMap(expand)
  const filters = [...text.matchAll(/^SystemCallFilter=(~?)(.+)$/gm)]
  let calls: string[] = []
  for (const [, denies, list] of filters) {
    const named = list!.split(' ').flatMap(expand)
    calls = denies === '~' ? calls.filter(call => !named.includes(call)) : [...calls, ...named]
  }
  return [...new Set([...calls, ...always])]
}

/** Starts the packed Posthorn as another user, with the filter. */
async function startFiltered(folder: string, allowed: string) {
  const { version } = JSON.parse(readFileSync(join(ROOT, 'packages/server/package.json'), 'utf8'))
  const uid = 61_184 // the first that DynamicUser takes
  const data = join(folder, 'data')
  mkdirSync(data, { mode: 0o700 })
  chownSync(data, uid, uid)
  chmodSync(folder, 0o755)
  execFileSync('tar', ['--extract', `--file=${join(ROOT, `dist/posthorn-${version}.tgz`)}`, `--directory=${folder}`])
  execFileSync('cp', ['--dereference', process.execPath, join(folder, 'node')])
  for (const path of [join(ROOT, 'deploy/test/allow_calls.py'), join(toolsFolder(), 'python-seccomp')]) {
    execFileSync('cp', ['--recursive', path, folder])
  }
  const port = await findFreePort()
  const script = `set -eu
    mount -t proc -o nosuid,nodev,noexec,hidepid=invisible,subset=pid proc /proc
    exec setpriv --reuid ${uid} --regid ${uid} --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"`
  const program = [join(folder, 'node'), join(folder, 'package/bin/posthorn.cjs'), 'serve']
  const filter = ['/usr/bin/python3', join(folder, 'allow_calls.py'), allowed]
  const child = spawn('unshare', ['--mount', 'sh', '-c', script, 'sh', ...filter, ...program], {
    cwd: data,
    env: {
      PATH: '/usr/bin:/bin',
      PYTHONPATH: join(folder, 'python-seccomp'),
      POSTHORN_DATA: data,
      POSTHORN_PORT: `${port}`,
      POSTHORN_API_KEY: 'test-api-key-0123456789',
      POSTHORN_DEV: 'true',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk
    })
  }
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const isEnded = ended.then(code => `ended with ${code}`)
  const isListening = expect.poll(() => output, { timeout: 20_000 }).toContain('"msg":"listening"')
  const outcome = await Promise.race([isEnded, isListening.then(() => 'listens')])
  expect([outcome, output]).toEqual(['listens', expect.anything()])
  const call = (method: string, path: string, body: unknown) =>
    fetch(`http://127.0.0.1:${port}/v1${path}`, {
      method,
      headers: { authorization: 'Bearer test-api-key-0123456789', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  return { pid: child.pid!, ended, call }
}
