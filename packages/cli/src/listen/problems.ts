/** Why listening doesn't work, in a sentence with what to type. */
import { ApiError, VERSION } from '@posthorn/client'
import { EXIT } from '../exit.ts'
import { Problem } from '../problem.ts'
import { NoListener } from './listener.ts'
import { ListenerDeleted, ListenerTakenOver } from './session.ts'
import { onBoth } from './words.ts'

type ListenedTo = { readonly url: string; readonly tenant: string; readonly uid: string }

/** Returns what it doesn't know better than others as it is. */
export function toProblem(error: unknown, { url, tenant, uid }: ListenedTo): unknown {
  const problem = (message: string, code: number) => new Problem(message, code, { cause: error })
  if (error instanceof ListenerDeleted) {
    return problem('The listener was deleted. Run the command again to have a new one.', EXIT.notFound)
  }
  if (error instanceof ListenerTakenOver) {
    const what = `Another machine listens as ${uid} now, with secrets of its own, so this one has ended`
    return problem(`${what}. ${onBoth(uid)}`, EXIT.refused)
  }
  if (error instanceof NoListener) {
    return problem('An endpoint with this uid has a URL. Choose another name with --name.', EXIT.refused)
  }
  if (!(error instanceof ApiError)) return error
  if (error.code === 'not_found') {
    const how = `Create it with: posthorn tenants put ${tenant}, or choose another with --tenant`
    return problem(`There is no tenant ${tenant} at ${url}. ${how}.`, EXIT.notFound)
  }
  if (error.code === 'forbidden') {
    const how = `posthorn keys create --name listen --scope all --tenant ${tenant}`
    return problem(`${error.detail} Create a key that can listen: ${how}`, EXIT.denied)
  }
  // A server that doesn't know the kind of an endpoint, or the parameter of the stream.
  if (error.fields.some(({ field, reason }) => UNKNOWN.includes(field) && reason === 'unknown')) {
    const version = error.serverVersion ?? 'an earlier one'
    return problem(
      `${url} can't be listened to: its version is ${version}, this one is ${VERSION}. Upgrade it.`,
      EXIT.refused,
    )
  }
  return error
}

const UNKNOWN: readonly string[] = ['/kind', 'listen']

/** The client's errors have the method and the path in front, which are for those who call the API by hand. */
export const messageOf = (error: unknown): string =>
  error instanceof ApiError ? error.detail : (error as Error).message.replace(/^[A-Z]+ \S+: /, '')
