import { codeOfFaults, type FieldError, PosthornError } from '../base/errors.ts'
import type { Endpoint, EventType } from '../base/model.ts'
import type { KnownTypes } from './configuration-cache.ts'
import { operationalType } from './operational-types.ts'
import { isTypeWanted } from './type-pattern.ts'
import { unknownType } from './unknown-type.ts'

/** Chooses the type whose example is sent as a test: the requested one, or the first that the endpoint wants. */
export function chooseTestType(types: KnownTypes, { types: wanted }: Endpoint, name: string | undefined): EventType {
  if (name !== undefined) return requireInUse(types, name)
  const inUse = types.list.filter(({ archivedAtMs }) => archivedAtMs === null)
  // A type that an endpoint names might have been deleted from the catalogue since.
  const named = wanted?.map(each => operationalType(each) ?? inUse.find(type => type.name === each))
  const type =
    named?.find(each => each !== undefined) ?? inUse.find(each => isTypeWanted(wanted, each.name)) ?? inUse[0]
  if (type === undefined)
    throw new PosthornError('conflict', 'The catalogue has no event type to test with. Add one first.')
  return type
}

function requireInUse(types: KnownTypes, name: string): EventType {
  const known = types.byName.get(name)?.type ?? operationalType(name)
  if (known !== undefined && known.archivedAtMs === null) return known
  const fault: FieldError =
    known === undefined
      ? { field: '/type', ...unknownType(name, types.byName.keys()) }
      : { field: '/type', detail: 'The event type is archived. Choose another one.', reason: 'event_type_archived' }
  throw new PosthornError(codeOfFaults([fault]), fault.detail, { fields: [fault] })
}
