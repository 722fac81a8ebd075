import type { Delivery, Endpoint } from '@posthorn/client'
import { expect, test } from 'vitest'
import { progressOf } from '../src/pages/first-steps/progress.ts'

const receiver = { id: 'ep_1', kind: 'url', metadata: {} } as unknown as Endpoint
const laptop = { id: 'ep_2', kind: 'listener', metadata: {} } as unknown as Endpoint
const browser = { id: 'ep_3', kind: 'listener', metadata: { listens: 'browser' } } as unknown as Endpoint
const delivery = (test: boolean) => ({ test }) as Delivery

const done = (endpoints: readonly Endpoint[], newest: readonly Delivery[], toOwn: readonly Delivery[] = []) =>
  Object.values(progressOf(endpoints, { newest, toOwn }).done)

test.each([
  ['nothing', done([], []), [false, false, false, false]],
  ['a listener, which is no URL to send to', done([browser], []), [false, false, false, false]],
  ['what a listener received', done([browser], [delivery(true)]), [false, true, false, false]],
  ['an endpoint with a URL', done([receiver], []), [true, false, false, false]],
  ['a test that it received', done([receiver], [delivery(true)], [delivery(true)]), [true, true, true, false]],
  ['a real event', done([receiver], [delivery(true)], [delivery(true), delivery(false)]), [true, true, true, true]],
])('register, receive, verify and go live are ticked by %s as far as it goes', (_by, found, expected) => {
  expect(found).toEqual(expected)
})

test('only a listener that these pages have made is taken for the browser', () => {
  const nothing = { newest: [], toOwn: [] }
  expect(progressOf([laptop, receiver], nothing).listener).toBeNull()
  expect(progressOf([laptop, browser], nothing).listener).toBe(browser)
})
