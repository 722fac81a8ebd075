/** The receivers that the same tests run against, and how each is started: as its README says. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Example } from './example.ts'

const RECEIVERS = fileURLToPath(new URL('..', import.meta.url))
const folderOf = (name: string) => join(RECEIVERS, name)

/** Built on `@posthorn/client`, in this repository: nothing has to be installed. */
export const WITH_CLIENT: readonly Example[] = ['node', 'express', 'fastify', 'hono'].map(name => ({
  name,
  folder: RECEIVERS,
  command: () => [process.execPath, `${name}.ts`],
}))

const TLS = { certificate: 'TLS_CERT', key: 'TLS_KEY' }

/** Projects of their own. `scripts/test-examples.mjs` installs and builds them. */
export const IN_LANGUAGES: readonly Example[] = [
  { name: 'python', folder: folderOf('python'), tls: TLS, command: () => ['.venv/bin/python', 'receiver.py'] },
  { name: 'go', folder: folderOf('go'), tls: TLS, command: () => ['./receiver'] },
  {
    name: 'java',
    folder: folderOf('java'),
    tls: { certificate: 'SERVER_SSL_CERTIFICATE', key: 'SERVER_SSL_CERTIFICATEPRIVATEKEY' },
    command: () => ['java', '-jar', 'target/receiver.jar'],
  },
  {
    name: 'next',
    folder: folderOf('next'),
    command: () => [process.execPath, 'node_modules/next/dist/bin/next', 'start'],
  },
  {
    name: 'ruby',
    folder: folderOf('ruby'),
    command: port => ['puma', '--bind', `tcp://127.0.0.1:${port}`, 'config.ru'],
  },
  {
    name: 'php',
    folder: folderOf('php'),
    command: port => ['php', '-S', `127.0.0.1:${port}`, 'public/receiver.php'],
    keepsIn: 'events',
    takesAll: true,
    signal: 'SIGINT',
  },
]

/** Without packages, in one file: the dashboard shows them too, and the one in PHP above. */
const plain = (name: string, ...command: readonly [string, ...string[]]): Example => ({
  name,
  folder: folderOf('plain'),
  command: () => command,
  keepsIn: 'events',
  takesAll: true,
})

export const PLAIN: readonly Example[] = [
  plain('plain-javascript', process.execPath, 'receiver.mjs'),
  plain('plain-python', 'python3', 'receiver.py'),
  plain('plain-go', './receiver'),
  plain('plain-java', 'java', 'Receiver.java'),
]
