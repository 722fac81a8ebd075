import { execFile, execFileSync } from 'node:child_process'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, it } from 'vitest'
import { CASES } from './cases.ts'

/** What the machine in the namespace has, besides loopback. A route makes everything look reachable; nothing is sent. */
const NETWORKS = {
  'no addresses': [],
  'an IPv4 address': ['ip addr add 198.51.100.5/24 dev lo'],
  'an IPv6 address': ['ip addr add 2001:db8:5::1/64 dev lo'],
  'addresses of both families': ['ip addr add 198.51.100.5/24 dev lo', 'ip addr add 2001:db8:5::1/64 dev lo'],
  'addresses and routes': [
    'ip addr add 198.51.100.5/24 dev lo',
    'ip addr add 2001:db8:5::1/64 dev lo',
    'ip addr add fd00::7/64 dev lo',
    'ip route add default dev lo',
    'ip -6 route add default dev lo',
  ],
} as const

/** Namespaces of its own for mounts and the network, and for users unless this is root. */
const FLAGS = [...(userInfo().uid === 0 ? [] : ['-U', '-r']), '-m', '-n']

/** Why the comparison can't run on this machine. Undefined if it can. */
function obstacle(): string | undefined {
  if (process.platform !== 'linux') return 'there is getent and there are mount namespaces on Linux only'
  try {
    execFileSync('getent', ['ahosts', '127.0.0.1'], { stdio: 'ignore' })
  } catch {
    return 'this machine has no getent'
  }
  try {
    execFileSync('unshare', [...FLAGS, 'ip', 'link', 'set', 'lo', 'up'], { stdio: 'ignore' })
    execFileSync('unshare', [...FLAGS, 'mount', '--bind', '/etc/hosts', '/etc/hosts'], { stdio: 'ignore' })
  } catch {
    return 'this account is not permitted to unshare a mount and network namespace and to configure it'
  }
  return undefined
}

const why = obstacle()

type Answers = { readonly title: string; readonly expected: readonly string[]; readonly actual: readonly string[] }

/** Runs a file in namespaces of its own, after these commands. Returns what it writes. */
function runInside(file: string, commands: readonly string[]): Promise<string> {
  const path = fileURLToPath(new URL(file, import.meta.url))
  const script = ['set -e', 'ip link set lo up', ...commands, `exec "${process.execPath}" "${path}"`].join('\n')
  return new Promise((resolve, reject) => {
    execFile('unshare', [...FLAGS, 'sh', '-c', script], (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stderr}`))
      else resolve(stdout)
    })
  })
}

async function compareInside(commands: readonly string[]): Promise<Map<string, Answers>> {
  const lines = (await runInside('./inside.ts', commands)).split('\n').filter(line => line !== '')
  return new Map(lines.map(line => JSON.parse(line) as Answers).map(each => [each.title, each]))
}

/** Mounts a file with this text over another, in the shell's folder `$d`. */
function mountOver(path: string, text: string): string[] {
  const own = `"$d/${path.replaceAll('/', '-')}"`
  return [`printf '${text}' > ${own}`, `mount --bind ${own} ${path}`]
}

if (why !== undefined) {
  it.skip(`names resolve as with getent ahosts (skipped: ${why})`, () => {})
} else {
  describe.each(Object.entries(NETWORKS))(
    'on a machine with %s, names resolve as with getent ahosts',
    (_name, commands) => {
      let answers: Map<string, Answers>
      beforeAll(async () => {
        answers = await compareInside(commands)
      }, 120_000)

      it.each(CASES.map(({ title }) => title))('%s', title => {
        const { expected, actual } = answers.get(title)!
        expect(actual).toEqual(expected)
      })

      it('in enough cases that resolve', () => {
        const resolved = [...answers.values()].filter(({ expected }) => expected.length > 0)
        expect(resolved.length).toBeGreaterThan(CASES.length / 2)
      })
    },
  )

  describe('where the system resolver is needed', () => {
    it('look-ups that hold all its threads delay no other tenant', async () => {
      const said = await runInside('./hanging.ts', [
        'ip addr add 198.51.100.5/24 dev lo',
        'd=$(mktemp -d)',
        ...mountOver('/etc/nsswitch.conf', 'hosts: files [NOTFOUND=continue] dns\\n'),
        // Addresses that the network swallows.
        ...mountOver('/etc/resolv.conf', 'nameserver 198.51.100.99\\n'),
        ...mountOver('/etc/hosts', '127.0.0.1 localhost\\n127.0.0.1 ip6-localhost\\n192.0.2.1 good.test\\n'),
      ])
      const { running, ...rest } = JSON.parse(said)
      expect(rest).toEqual({ first: 'found', during: 'found', isReplaced: true, codes: ['EAI_AGAIN'], after: 'found' })
      expect(running).toBeGreaterThanOrEqual(64)
      expect(running).toBeLessThan(128)
    })
  })
}
