import type { TSchema } from 'typebox'
import type { Examples } from './http/examples.ts'
import type { Routes } from './http/routes.ts'
import type { ApiOptions } from './options.ts'

/**
 * A resource: all routes for one noun, in one file (or one folder) of resources/. Listing it in resource-list.ts
 * registers it; docs/decisions/0029-api-resources.md explains how to add one.
 */
export type Resource<Needs> = {
  /** The tag of its routes in the OpenAPI document. Resources can share a tag. */
  readonly tag: string
  /** Schemas with an `$id`, which become named components of the document and which `ref` refers to. */
  readonly components: readonly TSchema[]
  /** Examples of its calls for the document: the file `….examples.json` next to it, which a test writes. */
  readonly examples: Examples
  /** Whether a node that only sends deliveries (`--role delivery`) has it too. Default: false. */
  readonly isOnEveryNode?: boolean
  /** Adds its routes, once, at startup. The server must pass the services that `Needs` names. */
  readonly add: (routes: Routes, services: Needs, options: ApiOptions) => void
}

/** Infers the services that a resource needs from its definition. */
export function resource<Needs>(definition: Resource<Needs>): Resource<Needs> {
  return definition
}

/** The public members of a class, so that a test can pass a plain object instead. */
export type Public<Class> = Pick<Class, keyof Class>
