import { expect, it } from 'vitest'
import { startMailbox } from '../background/mailbox.ts'
import { inPlace, running, serve } from './process.ts'

it('a served Posthorn asks an address by mail, and its links work without a key', { timeout: 60_000 }, () =>
  inPlace(async place => {
    const mailbox = await startMailbox({ password: 'pass:w@rd' })
    const { port } = mailbox.server
    const env = {
      POSTHORN_SMTP_URL: `smtp://posthorn:${encodeURIComponent('pass:w@rd')}@127.0.0.1:${port}`,
      POSTHORN_MAIL_FROM: 'hooks@provider.example',
    }
    try {
      const server = running(await serve(place, { env }))
      await server.call('PUT', '/tenants/acme', {})
      const path = '/tenants/acme/notifications'
      const body = { kind: 'email', address: 'ada@acme.example' }
      const made = await server.call<{ id: string; state: string }>('POST', path, body)
      expect([made.status, made.body.state]).toEqual([201, 'unconfirmed'])
      await expect.poll(() => mailbox.mails.length, { timeout: 20_000, interval: 50 }).toBe(1)
      const [mail] = mailbox.mails
      const [confirm] = new RegExp(`${server.url}/notification-links/pnc_[\\w-]{43}`).exec(mail!.part('text/plain'))!
      const unsubscribe = mail!.header('list-unsubscribe')!.replace(/[<>]/g, '')
      expect((await fetch(confirm)).status).toBe(200)
      const state = async () => (await server.call<{ state: string }>('GET', `${path}/${made.body.id}`)).body.state
      expect(await state()).toBe('unconfirmed')
      expect((await fetch(confirm, { method: 'POST', body: new URLSearchParams() })).status).toBe(200)
      expect(await state()).toBe('confirmed')
      const oneClick = new URLSearchParams({ 'List-Unsubscribe': 'One-Click' })
      expect((await fetch(unsubscribe, { method: 'POST', body: oneClick })).status).toBe(200)
      expect((await server.call('GET', `${path}/${made.body.id}`)).status).toBe(404)
      expect(server.output()).not.toMatch(/pn[cu]_|w@rd|pass:w/)
    } finally {
      await mailbox.close()
    }
  }),
)
