/**
 * The journey of someone who has just started Posthorn: an empty server, an endpoint registered, a test delivered, an
 * event that fails, and the same event retried once the receiver works again.
 */
import { expect } from 'vitest'
import type { Hands } from './hands.ts'
import type { Installation } from './installation.ts'
import type { Visit } from './visit.ts'

/** Short enough to watch a delivery fail for good, in seconds. */
export const SCHEDULE_SECONDS = [0.2]

export async function deliverFirstWebhook(visit: Visit, hands: Hands, installation: Installation): Promise<void> {
  const { page } = visit
  const { activate, choose, fill, open } = hands
  const button = (name: string | RegExp) => page.getByRole('button', { name })
  const link = (name: string | RegExp) => page.getByRole('link', { name })
  let isDown = false
  const receiver = await installation.receiver({
    script: () => (isDown ? { status: 503, body: 'Maintenance' } : { status: 200, body: '{"received":true}' }),
  })

  await visit.open('')
  await page.getByText('No webhooks yet').waitFor()
  await activate(link('Register an endpoint'))
  await choose(page.getByRole('combobox', { name: 'Tenant' }), 'acme')
  await activate(button('Create the tenant “acme”'))
  await fill(page.getByLabel('URL'), `${receiver.url}/erp`)
  await page.getByText('Posthorn can send here.').waitFor()
  await hands.tick(page.getByRole('checkbox', { name: 'COVER_REFERENCE' }))
  await activate(button('Generate'))
  const secret = await page.getByLabel('Secret', { exact: true }).inputValue()
  await activate(button('Register endpoint'))

  await page.getByRole('heading', { name: 'The endpoint is registered' }).waitFor()
  await activate(button('Send a test event'))
  await page.getByText('Delivered at the first attempt').waitFor()
  expect(receiver.requests[0]!.headers).toMatchObject({ authorization: `Bearer ${secret}`, 'x-posthorn-test': 'true' })
  expect(await visit.holds(secret)).toBe(false)

  isDown = true
  await activate(link('Events'))
  await activate(link('Publish a test event'))
  await choose(page.getByRole('combobox', { name: 'Event type' }), 'COVER_REFERENCE')
  await fill(page.getByRole('textbox', { name: 'Key' }), 'order-7')
  await activate(button('Publish to 1 endpoint'))
  await page.getByRole('region', { name: 'Published' }).waitFor()

  await activate(link('Deliveries'))
  await open(page.getByRole('row').filter({ hasText: 'Exhausted' }))
  await page.getByText('Both attempts failed. Nothing more is sent by itself.').waitFor()
  await page.getByText('The receiver responded with 503.').waitFor()
  await page.getByText('Maintenance').waitFor()

  isDown = false
  await activate(page.getByRole('button', { name: 'Resend', exact: true }))
  await page.getByText('Delivered at the first attempt').waitFor()
  expect(receiver.requests.at(-1)!.body.toString()).toBe(receiver.requests.at(-2)!.body.toString())
  await page.getByRole('row').filter({ hasText: 'Delivered' }).nth(1).waitFor()
}
