import { expect, it } from 'vitest'
import { DashboardLink } from '../../src/server/dashboard-link.ts'
import { HandClock } from '../hand-clock.ts'

const settle = () => new Promise(resolve => setImmediate(resolve))

function stage(url: string) {
  const clock = new HandClock()
  let isBuilt = false
  let made = 0
  let said = ''
  const link = new DashboardLink(
    {
      url: () => url,
      pages: { isThere: async () => isBuilt },
      sessions: { makeLink: async key => ({ token: `phl_${++made}_${key}`, expiresAtMs: 1 }) },
    },
    clock,
    { stderr: { write: text => (said += text) } },
  )
  const turn = async () => {
    clock.turn(500)
    await settle()
  }
  return { link, turn, finish: () => (isBuilt = true), said: () => said, waits: () => clock.waits }
}

it('the link is shown once, as soon as the dashboard is built', async () => {
  const { link, turn, finish, said, waits } = stage('http://127.0.0.1:8470/')
  link.start()
  await settle()
  await turn()
  expect(said()).toBe('')
  finish()
  await turn()
  await turn()
  expect(said()).toBe('Dashboard: http://127.0.0.1:8470/sign-in#token=phl_1_null\n')
  expect(waits()).toEqual([])
})

it('the link of a server whose publicUrl is elsewhere has no token', async () => {
  const { link, finish, said } = stage('https://hooks.example.com/posthorn/')
  finish()
  link.start()
  await settle()
  expect(said()).toBe('Dashboard: https://hooks.example.com/posthorn/\n')
  await link.stop()
})
