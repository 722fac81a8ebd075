import type { TSchema } from 'typebox'
import type { Routes } from './http/routes.ts'
import type { ApiOptions } from './options.ts'

/**
 * A resource: all that the API has about one noun, in one file (or one folder) of resources/. It is registered by being
 * in the list, resource-list.ts; docs/decisions/0029-api-resources.md says how to add one.
 */
export type Resource<Needs> = {
  /** The heading of its calls in the OpenAPI document. Several resources can share one. */
  readonly tag: string
  /** Schemas with an `$id`, which the document names and `ref` refers to. */
  readonly components: readonly TSchema[]
  /** Whether a node that takes no calls has it too (`--role delivery`). Default: false. */
  readonly isOnEveryNode?: boolean
  /** Adds its routes, once, at the start. What it names of the services is what the server has to pass. */
  readonly add: (routes: Routes, services: Needs, options: ApiOptions) => void
}

/** Infers what the resource needs. */
export function resource<Needs>(definition: Resource<Needs>): Resource<Needs> {
  return definition
}

/** What others see of a class: a test can pass an object instead. */
export type Public<Class> = Pick<Class, keyof Class>
