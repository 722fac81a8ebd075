/** What lists of one tenant and of all tenants have in common. */
import type { List, Page, Warning } from '@posthorn/client'
import { type Command, Option } from 'commander'
import type { ServerRun } from '../command.ts'
import { EXIT } from '../exit.ts'
import { Problem } from '../problem.ts'
import type { Printer } from '../terminal/printer.ts'

export type ScopeFlags = { readonly allTenants?: boolean }

/** Adds `--tenant` and `--all-tenants`, to a command that can be about either. */
export function addScope(command: Command): Command {
  return command
    .option('--tenant <tenant>', "Only this tenant. Default: POSTHORN_TENANT, or the profile's; without one, all.")
    .addOption(new Option('--all-tenants', 'All tenants, whatever the default is.').conflicts('tenant'))
}

/** The tenant that the command is about. Null for all. */
export const scopeOf = ({ tenant }: Pick<ServerRun, 'tenant'>, { allTenants = false }: ScopeFlags): string | null =>
  allTenants ? null : tenant

/** The flag that says the same again. */
export const scopeFlags = (tenant: string | null): readonly string[] =>
  tenant === null ? ['--all-tenants'] : ['--tenant', tenant]

/** What pages of some lists have besides their items. */
type Extras = { readonly warnings?: readonly Warning[]; readonly searchedTo?: string | null }

/**
 * The items of all pages, without the client's own type of a list. What is odd about the call goes to standard error.
 *
 * @throws Problem with the flag to use, if the key is limited to one tenant and none was given
 */
export async function* itemsOf<Item>(
  list: Pick<List<Item, Page<Item> & Extras>, 'pages'>,
  tenant: string | null,
  out: Printer,
): AsyncGenerator<Item, void> {
  let [isFirst, isTold] = [true, false]
  try {
    for await (const { data, warnings = [], searchedTo = null } of list.pages()) {
      if (isFirst) for (const { detail } of warnings) out.note(`Warning: ${detail}`)
      isFirst = false
      yield* data
      if (searchedTo !== null && !isTold) out.note(`Searched back to ${out.show.time(searchedTo)}, and searching on …`)
      isTold ||= searchedTo !== null
    }
  } catch (error) {
    throw tenant === null ? hintAtTenant(error) : error
  }
}

/** A key that is limited to a tenant can't be used for all of them. */
export function hintAtTenant(error: unknown): unknown {
  const { code, detail } = error as { code?: unknown; detail?: unknown }
  if (code !== 'forbidden' || typeof detail !== 'string') return error
  const message = `${detail} If it is limited to one tenant, add --tenant, or set POSTHORN_TENANT.`
  return new Problem(message, EXIT.denied, { cause: error })
}
