/**
 * The form of a provider's id for its customer. It needs no encoding in a URL's path, and can be an e-mail address, a
 * UUID, or `org:42`. It begins with a letter or a digit, so that it can't be `.` or `..`, which URLs drop.
 */
const TENANT_ID = /^[A-Za-z0-9][A-Za-z0-9._~@:-]{0,127}$/

/** Checked before the store is read: an invalid id names no tenant, and PostgreSQL accepts no NUL in a text. */
export function isTenantId(text: string): boolean {
  return TENANT_ID.test(text)
}
