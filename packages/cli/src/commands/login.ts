import type { Command } from 'commander'
import { addCommand, withNothing } from '../command.ts'
import { clientOf } from '../connection.ts'
import { EXIT } from '../exit.ts'
import { requireName } from '../names.ts'
import { explain, Problem } from '../problem.ts'
import { changeProfiles, type Profile, profilesFile } from '../profiles.ts'
import { ask, askHidden, canAsk } from '../terminal/ask.ts'
import type { Column, Terminal } from '../terminal/index.ts'

type Flags = { readonly url?: string; readonly name?: string; readonly tenant?: string }

/** What is shown of a profile: everything but the key. */
type LoggedIn = { readonly profile: string; readonly url: string; readonly tenant: string | null }

const FIELDS: readonly Column<LoggedIn>[] = [
  { title: 'PROFILE', text: ({ profile }) => profile, tone: () => 'strong' },
  { title: 'URL', text: ({ url }) => url },
  { title: 'TENANT', text: ({ tenant }) => tenant ?? 'none: use --tenant' },
]

const MAX_KEY_CHARACTERS = 4_096

export function addLogin(root: Command, terminal: Terminal): void {
  const login = addCommand(root, 'login', 'Keep the URL and the API key of a server as a profile, and use it.', [
    ['posthorn login --url https://posthorn.example', 'Ask for the key, which is not shown while you type it.'],
    ['posthorn login --url http://localhost:8470 --name local --tenant acme < key', 'Read the key from a file.'],
  ])
    .option('--url <url>', 'The URL of the server. Default: POSTHORN_URL, or a question.')
    .option('--name <profile>', 'The name of the profile. Default: the host in the URL.')
    .option('--tenant <tenant>', 'The tenant that commands use if they are given none.')
    .addHelpText(
      'after',
      '\nThe key is read from standard input. There is no flag for it: flags are visible to others.\n',
    )
  withNothing(login, terminal, async ({ out }, flags: Flags) => {
    if (flags.tenant !== undefined) requireName('tenant', flags.tenant)
    if (flags.name === '')
      throw new Problem('The name of the profile is empty. Leave out --name, or give it one.', EXIT.usage)
    const url = await chooseUrl(flags, terminal)
    const profile: Profile = { url, apiKey: await readKey(terminal), tenant: flags.tenant ?? null }
    const hasTenant = await verify(profile)
    const name = flags.name ?? new URL(url).host
    changeProfiles(terminal.env, ({ byName }) => ({ current: name, byName: { ...byName, [name]: profile } }))
    await out.item({ profile: name, url, tenant: profile.tenant }, FIELDS)
    out.note(`The key is kept in ${profilesFile(terminal.env)}, which only you can open.`)
    // On a new server, the tenant is what is made next, with this profile.
    if (!hasTenant) out.note(`There is no tenant ${flags.tenant} yet. Create it: posthorn tenants put ${flags.tenant}`)
    if (isInClear(url)) out.note('The URL begins with http://, so the key crosses the network in clear text.')
  })
}

async function chooseUrl({ url }: Flags, terminal: Terminal): Promise<string> {
  const given = url ?? terminal.env.POSTHORN_URL
  if (given !== undefined && given !== '') return given
  if (!canAsk(terminal)) throw new Problem('No server is given. Use --url https://posthorn.example.', EXIT.usage)
  return ask(terminal, 'URL of the server: ')
}

async function readKey(terminal: Terminal): Promise<string> {
  const isTyped = terminal.stdin.isTTY === true
  const key = isTyped ? await askHidden(terminal, 'API key (not shown): ') : await readInput(terminal)
  if (key !== '') return key
  const how = isTyped ? 'Create one with: posthorn keys create' : 'Pipe it: posthorn login --url … < file'
  throw new Problem(`No API key was given. ${how}`, EXIT.usage)
}

async function readInput({ stdin }: Terminal): Promise<string> {
  let text = ''
  for await (const piece of stdin) {
    text += piece
    if (text.length > MAX_KEY_CHARACTERS) {
      throw new Problem('Standard input is longer than an API key: give it the key alone.', EXIT.usage)
    }
  }
  return text.trim()
}

/**
 * Makes a call that most keys allow. A key that only publishes is refused with 403: then the server knows it. Returns
 * whether the profile's tenant exists, as far as the key can tell.
 */
async function verify(profile: Profile): Promise<boolean> {
  const { url, tenant } = profile
  const posthorn = await clientOf(profile, 'standard input')
  const { ApiError } = await import('@posthorn/client')
  const accepts = async (call: PromiseLike<unknown>, refusals: readonly string[]) => {
    try {
      await call
      return true
    } catch (error) {
      if (!(error instanceof ApiError && refusals.includes(error.code))) {
        throw await explain(error, { url, keySource: 'standard input' })
      }
      return error.code === 'forbidden'
    }
  }
  await accepts(posthorn.eventTypes.list({ limit: 1 }), ['forbidden'])
  return tenant === null || accepts(posthorn.tenants.get(tenant), ['forbidden', 'not_found'])
}

function isInClear(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !/^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(hostname)
}
