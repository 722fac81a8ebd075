import type { Actor, Person } from '../../base/callers.ts'

/**
 * What the audit log calls a person. People choose their names, so issuer and subject follow, by which they can be told
 * apart.
 */
export function nameOfPerson({ name, issuer, subject }: Person): string {
  const sure = `${issuer}: ${subject}`
  return name === null ? sure : `${name} (${sure})`
}

export const actorOfPerson = (person: Person, address: string | null): Actor => ({
  kind: 'person',
  key: null,
  name: nameOfPerson(person),
  address,
})
