/** Finds out which responses contain payloads, or what receivers responded, from their schemas. */

/** Names of members that contain a payload, or a part of a receiver's response, wherever they are. */
const MEMBERS = ['payload', 'responseBody', 'responseHeaders']

type Components = { getSchema(id: string): unknown }

/** Whether a schema, or one that it refers to, has a member that contains a payload or a receiver's response. */
export function showsPayloads(components: Components, schema: unknown): boolean {
  const seen = new Set<string>()
  const visit = (inner: unknown): boolean => {
    if (typeof inner !== 'object' || inner === null) return false
    const { $ref, properties } = inner as { readonly $ref?: unknown; readonly properties?: object }
    if (properties !== undefined && MEMBERS.some(name => Object.hasOwn(properties, name))) return true
    if (typeof $ref === 'string' && !seen.has($ref)) {
      seen.add($ref)
      if (visit(components.getSchema($ref.replace(/#$/, '')))) return true
    }
    return Object.values(inner).some(visit)
  }
  return visit(schema)
}
