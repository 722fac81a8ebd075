import type { Command } from 'commander'
import { addCommand, addNoun, withNothing } from '../command.ts'
import { profileNamed } from '../connection.ts'
import { changeProfiles, readProfiles } from '../profiles.ts'
import { type Column, NONE, plain, type Terminal } from '../terminal/index.ts'

type Listed = {
  readonly name: string
  readonly url: string
  readonly tenant: string | null
  readonly isInUse: boolean
}

const COLUMNS: readonly Column<Listed>[] = [
  { title: 'NAME', text: ({ name }) => name, tone: () => 'strong' },
  { title: 'URL', text: ({ url }) => url, canBeCut: true },
  { title: 'TENANT', text: ({ tenant }) => tenant ?? NONE, extra: 1 },
  { title: 'IN USE', text: ({ isInUse }) => (isInUse ? 'yes' : ''), tone: () => 'good' },
]

export function addProfiles(root: Command, terminal: Terminal): void {
  const noun = addNoun(root, 'profiles', 'List, choose and remove the servers that login has kept.')

  const list = addCommand(noun, 'list', 'List profiles, without their keys.', [
    ['posthorn profiles list', 'The servers that you have logged in to, and which one is in use.'],
  ])
  withNothing(list, terminal, async ({ out }) => {
    const { current, byName } = readProfiles(terminal.env)
    const profiles = Object.entries(byName).map(([name, { url, tenant }]) => {
      return { name, url, tenant, isInUse: name === current }
    })
    await out.list(profiles, COLUMNS, { none: 'There are no profiles. Run: posthorn login' })
  })

  const use = addCommand(noun, 'use <profile>', 'Choose the profile that commands use.', [
    ['posthorn profiles use production', 'From now on, commands call that server.'],
  ])
  withNothing(use, terminal, async ({ out }, _options, name: string) => {
    changeProfiles(terminal.env, profiles => {
      profileNamed(name, profiles)
      return { ...profiles, current: name }
    })
    const { profile } = profileNamed(name, readProfiles(terminal.env))
    await out.say(`Commands now use the profile ${plain(name)} (${profile.url}).`)
  })

  const remove = addCommand(noun, 'remove <profile>', 'Remove a profile with its key from this machine.', [
    ['posthorn profiles remove staging', 'The key stays valid: posthorn keys revoke ends it.'],
  ])
  withNothing(remove, terminal, async ({ out }, _options, name: string) => {
    changeProfiles(terminal.env, profiles => {
      profileNamed(name, profiles)
      const byName = Object.fromEntries(Object.entries(profiles.byName).filter(([other]) => other !== name))
      return { current: profiles.current === name ? null : profiles.current, byName }
    })
    await out.say(`The profile ${plain(name)} is removed. Its key is still valid: posthorn keys revoke ends a key.`)
  })
}
