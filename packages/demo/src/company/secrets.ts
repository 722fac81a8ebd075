/** The secrets that customers give their endpoints. */
import { createHmac, randomBytes } from 'node:crypto'

const DAY_SECONDS = 86_400
/** Six calendar months, nearly: tokens that are valid for less are advised against (C8). */
const ISSUED_DAYS_AGO = 190

/** A random secret, as most customers use. */
export function randomSecret(): string {
  return randomBytes(24).toString('base64url')
}

/** A JWT as a customer's own token server would issue it. Posthorn reads its dates, and sends it as it is. */
export function tokenThatExpiresIn(days: number, subject: string): string {
  const nowSeconds = Math.floor(Date.now() / 1_000)
  const claims = {
    iss: `https://login.${subject}.example`,
    sub: 'webhooks',
    iat: nowSeconds - ISSUED_DAYS_AGO * DAY_SECONDS,
    exp: nowSeconds + days * DAY_SECONDS,
  }
  const parts = [{ alg: 'HS256', typ: 'JWT' }, claims].map(part =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  const signature = createHmac('sha256', randomBytes(32)).update(parts.join('.')).digest('base64url')
  return `${parts.join('.')}.${signature}`
}
