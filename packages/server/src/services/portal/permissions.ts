import { PORTAL_PERMISSIONS, type PortalPermission } from '../../base/portal.ts'

/** Permissions in their own order. All of them need `look`. */
export function withLook(may: readonly PortalPermission[]): PortalPermission[] {
  return PORTAL_PERMISSIONS.filter(each => each === 'look' || may.includes(each))
}
