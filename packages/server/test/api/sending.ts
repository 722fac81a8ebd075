/** The API together with an engine that sends over TLS. */
import { type Authority, createAuthority, type Receiver, type Script, startReceiver } from '@posthorn/testkit'
import { pino } from 'pino'
import { afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { systemClock } from '../../src/base/clock.ts'
import { forwardTrace } from '../../src/engine/attempt/trace.ts'
import { Engine, type EngineOptions } from '../../src/engine/engine.ts'
import { AllPartitions } from '../../src/engine/ownership/partitions.ts'
import { resolvesTo, SECRET } from '../services/setup.ts'
import { ApiBench, type Json } from './setup.ts'

const LOCAL = { dev: true, targetPorts: [{ first: 443, last: 65_535 }], allowTarget: [] }
export const WAIT = { timeout: 10_000, interval: 5 }
export const DELIVERIES = '/v1/tenants/acme/deliveries'
export const ENDPOINTS = '/v1/tenants/acme/endpoints'
export const EVENTS = '/v1/tenants/acme/events'
export const EVENT = { type: 'COVER_REFERENCE', payload: { CoverId: '564200aa-7128-4a26-83a8-cf0201903fcc' } }

export class SendingBench extends ApiBench {
  authority!: Authority
  receiver!: Receiver
  engine!: Engine

  async start(over: Partial<EngineOptions> = {}): Promise<void> {
    const log = pino({ level: 'silent' })
    this.engine = new Engine(this.store, this.keyring, new AllPartitions(this.store), systemClock, log, {
      ...LOCAL,
      proxy: null,
      connectTimeoutMs: 5_000,
      extraCa: [{ pem: this.authority.caPem }],
      apiVersion: '3.0',
      userAgent: 'Posthorn/test',
      retrySchedule: [3_600, 3_600],
      disableAfterDays: 5,
      responseTimeoutMs: 2_000,
      maxInFlight: 100,
      maxInFlightPerHost: 100,
      laneWindow: 10,
      payloadMemoryBytes: 1 << 20,
      random: () => 0,
      beginTrace: forwardTrace,
      ...over,
    })
    await this.engine.start()
  }

  /** As after an upgrade, or with other settings. */
  async restart(over: Partial<EngineOptions>): Promise<void> {
    await this.engine.drain(5_000)
    await this.start(over)
  }

  async openWith(script: Script): Promise<void> {
    await this.openApi()
    this.receiver = await startReceiver({ authority: this.authority, names: ['localhost'], script })
    await this.useServices({ endpoints: this.endpointsWith(LOCAL, resolvesTo('127.0.0.1')) })
    await this.start()
  }

  async closeAll(): Promise<void> {
    await this.engine.drain(5_000)
    await this.receiver.close()
    await this.closeApi()
  }

  /** Registers an endpoint at a path of the receiver, and returns its id. */
  create = async (path: string, more: object = {}, tenant = 'acme'): Promise<string> => {
    const body = { url: `${this.receiver.url}${path}`, clientSecret: SECRET, ...more }
    const made = await this.post(`/v1/tenants/${tenant}/endpoints`, body)
    expect(made.status).toBe(201)
    return made.body.id
  }

  /** Publishes an event, and returns its newest delivery once it has that many attempts. */
  publishAndWait = async (attempts = 1, headers: Record<string, string> = {}, event: object = EVENT): Promise<Json> => {
    const { id } = (await this.post(EVENTS, event, { headers })).body
    const [delivery] = (await this.get(`${DELIVERIES}?event=${id}`)).body.data
    return this.attempted(delivery.id, attempts)
  }

  /** Returns a delivery of `acme` once it has that many attempts. */
  attempted = async (id: string, attempts: number): Promise<Json> => {
    const read = async () => (await this.get(`${DELIVERIES}/${id}`)).body
    await expect.poll(async () => (await read()).attemptCount, WAIT).toBe(attempts)
    return read()
  }

  retryAndWait = async (id: string, attempts: number): Promise<Json> => {
    expect((await this.post(`${DELIVERIES}/${id}/retry`)).status).toBe(200)
    return this.attempted(id, attempts)
  }

  /** Announces a change of an endpoint to the engine, as if another node had made it. */
  announceChange = async (endpoint: string): Promise<void> => {
    const { partition } = (await this.store.read('getEndpoint', { tenant: 'acme', id: endpoint }))!
    this.store.changes.emit({ kind: 'endpoint', tenant: 'acme', endpoint, partition })
  }
}

export function useSending(script: Script): SendingBench {
  const bench = new SendingBench()
  beforeAll(async () => {
    bench.authority = await createAuthority()
  })
  beforeEach(() => bench.openWith(script))
  afterEach(() => bench.closeAll())
  return bench
}
