import type { EventType } from '@posthorn/client'

export type TypeGroup = { readonly group: string; readonly members: readonly EventType[] }

/** Types by group, in the order of their names; Posthorn's own at the end. */
export function groupsOf(types: readonly EventType[]): readonly TypeGroup[] {
  const groups = new Map<string, EventType[]>()
  const sorted = types.toSorted(
    (a, b) => Number(a.operational) - Number(b.operational) || compare(a.group, b.group) || compare(a.name, b.name),
  )
  for (const type of sorted) {
    const name = `${Number(type.operational)} ${type.group}`
    const members = groups.get(name) ?? []
    groups.set(name, members)
    members.push(type)
  }
  return [...groups.values()].map(members => ({ group: members[0]!.group, members }))
}

/** Whether a name, or a pattern in which `*` stands for any characters, stands for a type. */
export function matches(pattern: string, type: string): boolean {
  const parts = pattern.split('*').map(part => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('[^]*?')}$`, 'u').test(type)
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
