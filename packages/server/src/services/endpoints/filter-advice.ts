import type { Endpoint, EventType } from '../../base/model.ts'
import { adviseOnFilter } from '../../catalogue/filter/advice.ts'
import type { Schema } from '../../catalogue/schema-parts.ts'
import { SchemaPlace } from '../../catalogue/schema-places.ts'
import { createSelection } from '../../catalogue/type-pattern.ts'
import type { Warning } from '../checks/warnings.ts'

/** What schemas say, found out once for as long as the catalogue is cached. */
const places = new WeakMap<object, SchemaPlace>()

/**
 * Finds, in steps, warnings about conditions that no event of the endpoint's types can satisfy, going by their schemas. There are none if
 * all of its types are archived, or none matches yet: other warnings say so.
 *
 * @param at a JSON Pointer to the filter in a request
 */
export function* adviseOnFilterOf(
  { filter, types }: Pick<Endpoint, 'filter' | 'types'>,
  catalogue: readonly EventType[],
  at = '/filter',
  whose?: string,
): Generator<void, Warning[]> {
  if (filter === null) return []
  const isWanted = createSelection(types)
  const wanted = catalogue.filter(({ name, archivedAtMs }) => archivedAtMs === null && isWanted(name))
  return wanted.length === 0 ? [] : yield* adviseOnFilter(filter, at, wanted.map(placeOf), whose)
}

/**
 * The same for a filter that belongs to no endpoint.
 *
 * @param at a JSON Pointer to the filter, or the name of its parameter
 */
export function adviseOnFreeFilter(
  selection: Pick<Endpoint, 'filter' | 'types'>,
  catalogue: readonly EventType[],
  at: string,
): Generator<void, Warning[]> {
  const whose = selection.types === null ? "No event type's schema" : 'No schema of these event types'
  return adviseOnFilterOf(selection, catalogue, at, whose)
}

function placeOf({ schema }: EventType): SchemaPlace {
  if (typeof schema !== 'object' || schema === null) return SchemaPlace.root(true)
  const known = places.get(schema)
  if (known !== undefined) return known
  const place = SchemaPlace.root(schema as Schema)
  places.set(schema, place)
  return place
}
