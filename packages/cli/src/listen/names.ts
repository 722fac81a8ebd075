/** Under which name a command listens. */
import { hostname, userInfo } from 'node:os'
import { EXIT } from '../exit.ts'
import { FileInUse } from '../file-lock.ts'
import { Problem } from '../problem.ts'
import { type KeptState, type ListenerName, ListenerState, unkeptState } from './state.ts'

/** Before each name, so that no other endpoint's uid is meant. */
const PREFIX = 'listen:'
/** As many can listen on one machine without a name of their own. */
const MAX_UNNAMED = 9

/** The user and the machine, in the characters of a uid. */
export function defaultName(): string {
  const words = [userName(), hostname().split('.')[0]!].map(word => word.replace(/[^\w.-]/g, '-').slice(0, 40))
  return words.filter(word => word !== '').join('@')
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    // In a container, the user can have no name.
    return 'user'
  }
}

/** Throws Problem if the name can't be part of a uid. */
export function uidOf(name: string): string {
  if (/^[\w.:@-]{1,100}$/.test(name)) return PREFIX + name
  const detail = 'It can have up to 100 letters, digits and the characters . _ : @ -'
  throw new Problem(`The name ${JSON.stringify(name)} can't be used. ${detail}.`, EXIT.usage)
}

/**
 * Opens what this machine keeps of a listener. Without a name of its own, a second process gets the next free one.
 *
 * @param name the one that was given, or null
 * @throws Problem if another process listens under the name, or it can't be one
 */
export function openState(folder: string, server: Omit<ListenerName, 'uid'>, name: string | null): KeptState {
  for (let count = 1; ; count++) {
    const tried = name ?? (count === 1 ? defaultName() : `${defaultName()}-${count}`)
    const uid = uidOf(tried)
    try {
      return ListenerState.open(folder, { ...server, uid })
    } catch (error) {
      if (!(error instanceof FileInUse)) return unkeptState(uid)
      if (name === null && count < MAX_UNNAMED) continue
      const what = `Another \`posthorn listen\` on this machine listens as ${tried}`
      throw new Problem(`${what}. Stop it, or choose another name with --name.`, EXIT.refused)
    }
  }
}
