/**
 * What a provider's id of its customer may be. It passes through a URL's path as it is, and can be an e-mail address, a
 * UUID, or `org:42`. It begins with a letter or digit, so that none is `.` or `..`, which URLs drop.
 */
const TENANT_ID = /^[A-Za-z0-9][A-Za-z0-9._~@:-]{0,127}$/

/** Asked before the store is: a text that can't be an id names nobody, and PostgreSQL takes no NUL in any text. */
export function isTenantId(text: string): boolean {
  return TENANT_ID.test(text)
}
